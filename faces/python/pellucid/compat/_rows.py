"""Rows as shap takes them, turned into rows as our explainers take them; nothing is computed here."""

import warnings

import numpy as np

from ..errors import DataError, PellucidWarning


def rows_of(X, absent=0.0):
    """Rows x columns, and whether one row came alone; `absent` is what a sparse matrix does not hold."""
    if hasattr(X, "get_data") and hasattr(X, "num_row"):
        # A DMatrix of XGBoost: it keeps no value apart from 0 where none was given.
        return dense(X.get_data(), np.nan), False
    if hasattr(X, "toarray"):
        return dense(X.tocsr(), absent), False
    if hasattr(X, "to_frame") and getattr(X, "ndim", 2) == 1:
        return np.asarray(X)[None, :], True
    if not hasattr(X, "columns") and np.ndim(X) == 1:
        return np.asarray(X)[None, :], True
    return X, False


def dense(sparse, absent):
    """A compressed matrix as rows x columns."""
    if not sparse.has_canonical_format:
        # What stands several times is summed, and not the caller's own matrix.
        sparse = sparse.copy()
        sparse.sum_duplicates()
    full = np.full(sparse.shape, absent, dtype=sparse.dtype if absent == 0 else np.result_type(sparse.dtype, np.float32))
    rows = np.repeat(np.arange(sparse.shape[0]), np.diff(sparse.indptr))
    full[rows, sparse.indices] = sparse.data
    return full


def without(X, missing):
    """Rows with NaN where `missing` stands, compared as XGBoost does: in 32 bits."""
    missing = np.float32(missing)
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        return np.where(X.astype(np.float32) == missing, np.nan, X)
    if not hasattr(X, "iloc"):
        raise DataError(f"a value that means missing is looked for in arrays and frames of pandas, not in {type(X).__name__}")
    is_number = lambda column: getattr(column.dtype, "kind", "O") in "iuf"
    return X.apply(lambda column: column.mask(column.astype(np.float32) == missing) if is_number(column) else column)


def placed(X, names):
    """A frame whose columns all have other names than the model's features gets those in its order, as shap takes it; where some names are the
    same, columns are found by them."""
    if not hasattr(X, "set_axis") or not hasattr(X, "columns") or len(X.columns) != len(names) or {str(name) for name in X.columns} & set(names):
        return X
    warnings.warn("none of the data's columns is called like a feature of the model: they are matched by position", PellucidWarning, stacklevel=4)
    return X.set_axis(names, axis=1)


def background_of(data):
    """A background as rows: shap's maskers and summaries hold theirs."""
    if data is None or not hasattr(data, "data") or hasattr(data, "dtype") or hasattr(data, "columns"):
        return data
    if not isinstance(data.data, np.ndarray):
        raise DataError(f"a background of type {type(data).__name__} is not read; give its rows")
    return data.data


def as_seen(X, rows):
    """What `shap.Explanation.data` holds."""
    return X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(rows)
