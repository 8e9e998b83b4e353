"""What kind of data is it? Answers the tagged tuple that the native part reads; nothing is copied that can be looked at."""

import os

import numpy as np

from .errors import DataError

#: Kinds of NumPy types that are read as they lie.
_NUMBERS = "biuf"


def frame(data, names=None, missing=()):
    """Turns data into what the native part reads.

    Parameters
    ----------
    data : array_like, data frame or path
        A matrix of numbers (rows x columns), anything with `__arrow_c_stream__` (pandas, polars, pyarrow, duckdb), a
        mapping from names to columns, or the path of a CSV, JSON lines, Parquet or Arrow file.
    names : sequence of str, optional
        Names of the columns of a matrix; `f0`, `f1`, ... without.
    missing : sequence of str, optional
        More spellings of a missing value in text files.
    """
    if isinstance(data, (str, os.PathLike)):
        return "file", os.fspath(data), list(missing)
    if _is_pandas(data):
        plain = _plain_columns(data)
        return ("columns", *plain) if plain is not None else ("stream", _through_pyarrow(data))
    if hasattr(data, "__arrow_c_stream__"):
        return "stream", data
    if isinstance(data, dict):
        columns = [_numbers(_unmasked(column), f"column `{name}`") for name, column in data.items()]
        return "columns", [str(name) for name in data], columns
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise DataError(
            "the data is a sparse matrix, in which libraries disagree on what an absent entry means; pass `.toarray()` "
            "(absent is 0), or a frame with missing values"
        )
    return _matrix(data, names)


def _matrix(data, names):
    if not isinstance(data, np.ndarray) and hasattr(data, "__dlpack__"):
        data = np.from_dlpack(data)
    matrix = _unmasked(data)
    if matrix.ndim == 1 and matrix.dtype != object:
        raise DataError(f"the data has one dimension ({matrix.shape[0]} numbers); pass rows x columns, one row as `x[None, :]`")
    if matrix.ndim != 2:
        raise DataError(f"the data has {matrix.ndim} dimensions; pass rows x columns")
    if names is None:
        names = [f"f{at}" for at in range(matrix.shape[1])]
    names = [str(name) for name in names]
    if len(names) != matrix.shape[1]:
        known = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        raise DataError(f"the data has {matrix.shape[1]} columns and the model {len(names)} features: {known}")
    if matrix.dtype in (np.float32, np.float64) and matrix.dtype.isnative:
        return "matrix", names, _lying_well(matrix)
    if matrix.dtype == object:
        matrix = _from_objects(matrix, names)
        return "matrix", names, matrix
    return "columns", names, [_numbers(matrix[:, at], f"column `{name}`") for at, name in enumerate(names)]


def _from_objects(matrix, names):
    """Numbers that Python holds one by one; `None` is missing."""
    out = np.empty(matrix.shape, dtype=np.float64)
    for at, name in enumerate(names):
        for row, value in enumerate(matrix[:, at]):
            if value is None:
                out[row, at] = np.nan
            elif isinstance(value, (int, float, np.number, np.bool_)):
                out[row, at] = value
            else:
                raise DataError(
                    f"column `{name}`, row {row}: `{value}` is no number, and an array of objects has no categories; pass a data frame whose "
                    "columns have types"
                )
    return out


def _numbers(column, what):
    """A column as the native part looks at it."""
    if column.dtype.kind not in _NUMBERS:
        if column.dtype == object:
            return _from_objects(column[:, None], [what.removeprefix("column ").strip("`")])[:, 0]
        raise DataError(f"{what} is of type {column.dtype}, and numbers are wanted; a date, for instance, has to be made one first")
    if column.ndim != 1:
        raise DataError(f"{what} has {column.ndim} dimensions")
    if column.dtype.kind == "f" and column.dtype.itemsize not in (4, 8):
        return column.astype(np.float64)
    return _lying_well(column if column.dtype.isnative else column.astype(column.dtype.newbyteorder("=")))


def _lying_well(array):
    """The array itself where its numbers lie whole numbers of themselves apart; else, as of a field of records, a copy."""
    size = array.dtype.itemsize
    return array if array.flags.aligned and all(stride % size == 0 for stride in array.strides) else array.copy()


def _unmasked(data):
    """An array, in which what NumPy masks is missing."""
    if np.ma.isMaskedArray(data):
        return data.astype(np.float64).filled(np.nan)
    return np.asarray(data)


def listed(names):
    """A list of names; one text is one name."""
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _is_pandas(data):
    kind = type(data)
    return kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"


def _plain_columns(data):
    """The columns of a pandas frame that holds nothing but NumPy's numbers, where they lie; else `None`."""
    names = [str(name) for name in data.columns]
    for name, dtype in zip(names, data.dtypes, strict=True):
        if isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS:
            continue
        if _has_pyarrow():
            return None
        if isinstance(dtype, np.dtype):
            raise DataError(f"column `{name}` is of type {dtype}; numbers are wanted, or `pip install pyarrow` for texts and categories")
        raise DataError(f"column `{name}` is of type {dtype}, which pandas hands over with pyarrow only: `pip install pyarrow`")
    return names, [_numbers(data.iloc[:, at].to_numpy(), f"column `{name}`") for at, name in enumerate(names)]


def _through_pyarrow(data):
    """A frame with texts or categories as pyarrow has it, without the index, which is no column."""
    import pyarrow

    try:
        return pyarrow.Table.from_pandas(data, preserve_index=False)
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"the data: {'; '.join(str(part) for part in error.args)}") from error


def _has_pyarrow():
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None
