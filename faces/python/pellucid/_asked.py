"""What was asked of rule learners? Arguments as Python has them become what the native part reads: fractions, words, columns."""

import os
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Rational, Real

import numpy as np

from ._frames import frame
from .errors import DataError, MissingValueError, OneClassError, UsageError

#: Whole numbers up to here are exact as doubles.
_MOST_EXACT = 2**53

#: The name of the column that `sample_weight` becomes.
WEIGHTS = "sample_weight"


def fraction(name, value):
    """The text of an exact fraction: `"1/100"`, `"0.01"`, a `Fraction`, or a number, read as it is spelled (0.01 is 1/100)."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Rational) and not isinstance(value, (bool, np.bool_)):
        return f"{int(value.numerator)}/{int(value.denominator)}"
    if isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and np.isfinite(value):
        return format(Decimal(repr(float(value))), "f")
    raise UsageError(f"{name} is {value!r}; write a fraction as '1/100', a decimal as 0.01, or give a Fraction")


def support(value):
    """A count of rows where it is a whole number, a share where it is a fraction."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)):
        return str(int(value))
    text = fraction("min_support", value)
    return text if "." in text or "/" in text else text + ".0"


def costs(value):
    """What a false positive and a false negative cost: `"1:5"`, or a pair of whole numbers."""
    pair = value.split(":") if isinstance(value, str) else value
    try:
        false_positive, false_negative = (int(cost) for cost in pair)
        is_same = isinstance(value, str) or [false_positive, false_negative] == list(pair)
    except (TypeError, ValueError):
        is_same = False
    if not is_same or not 0 < false_positive < 2**32 or not 0 < false_negative < 2**32:
        raise UsageError(f"cost is {value!r}; write two whole numbers from 1 on, as '1:5' or (1, 5)")
    return false_positive, false_negative


def directions(monotone):
    """`{"age": "+"}` as pairs."""
    pairs = dict(monotone or {}).items()
    wrong = [f"{column}: {way!r}" for column, way in pairs if way not in ("+", "-")]
    if wrong:
        raise UsageError(f"monotone: {', '.join(wrong)}; a direction is '+' or '-'")
    return [(str(column), way == "+") for column, way in pairs]


def asked(of, target, weights):
    """The options of a task, from an object or a mapping's attributes."""
    return {
        "target": target,
        "positive": None if of.positive is None else _spelled(of.positive),
        "weights": weights,
        "drop": [str(name) for name in of.drop],
        "monotone": directions(of.monotone),
        "lam": _given("lam", of.lam),
        "cost": costs(of.cost),
        "literals": of.literals,
        "cuts": of.cuts,
        "bins": of.bins,
        "groups": of.groups,
        "missing_literal": of.missing_literal,
        "min_support": support(of.min_support),
        "max_conditions": of.max_conditions,
        "max_rules": of.max_rules,
        "candidates": of.candidates,
        "rank": of.rank,
    }


def _given(name, value):
    text = fraction(name, value)
    if text is None:
        raise UsageError(f"{name} is None; write a fraction as '1/100', a decimal as 0.01, or give a Fraction")
    return text


def limits(of, time_limit=None):
    """How long and on how many cores."""
    jobs = of.n_jobs
    if jobs is not None and jobs != -1 and (not isinstance(jobs, Integral) or jobs < 1):
        raise UsageError(f"n_jobs is {jobs!r}; it is a number of threads from 1 on, or -1 (or None) for all")
    seconds = of.time_limit if time_limit is None else time_limit
    return {
        "threads": None if jobs in (None, -1) else int(jobs),
        "time_limit": None if seconds is None else float(seconds),
        "node_limit": of.node_limit,
        "memory_limit": of.memory_limit,
    }


def labels(y, name):
    """The column of a target, and its classes.

    Parameters
    ----------
    y : array_like of shape (n,)
        Whole numbers, booleans or texts.
    name : str
        What the column is called.

    Returns
    -------
    column : tuple
        `(name, numbers)` or `(name, codes, levels)`.
    classes : ndarray
        The distinct values, rising.
    """
    all_present(y)
    y = np.asarray(y)
    if y.ndim != 1:
        raise DataError(f"y has {y.ndim} dimensions; one value a row is wanted")
    if y.dtype == object:
        y = _from_objects(y)
    if y.dtype.kind == "f":
        if np.isinf(y).any():
            raise DataError("Input y contains infinity or a value too large; classes are whole numbers or texts")
        if (y != np.floor(y)).any():
            raise DataError("Unknown label type: continuous. Rules predict classes: whole numbers, booleans or texts; cut the target first")
    elif y.dtype.kind not in "biuUO":
        raise DataError(f"Unknown label type: y is of type {y.dtype}; classes are whole numbers, booleans or texts")
    classes, codes = np.unique(y, return_inverse=True)
    if y.dtype.kind in "biuf" and all(abs(value) <= _MOST_EXACT for value in (classes.tolist() or [0])):
        return (name, y.astype(np.float64)), classes
    return (name, codes.astype(np.uint32), [_spelled(value) for value in classes]), classes


def _from_objects(y):
    """Objects as texts or numbers; a class has one of both kinds."""
    if all(isinstance(value, str) for value in y):
        return y
    if all(isinstance(value, (bool, np.bool_)) for value in y):
        return y.astype(bool)
    if all(isinstance(value, (Real, np.bool_)) for value in y):
        return np.array([float(value) for value in y]) if not all(isinstance(value, Integral) for value in y) else y.astype(np.int64)
    raise DataError("Unknown label type: y holds texts beside numbers, or objects; classes are whole numbers, booleans or texts")


def all_present(y):
    """Refuses a target in which a class is missing."""
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "fO":
        return
    missing = np.flatnonzero(np.isnan(y) if y.dtype.kind == "f" else [is_missing(value) for value in y])
    if len(missing):
        raise MissingValueError(f"Input y contains NaN: {len(missing)} rows have no class (row {missing[0]} is the first); leave them out")


def is_missing(value):
    """Whether a value stands for none: `None`, NaN, or pandas's `NA`, which answers no question with yes or no."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def at_least_two(column, weights):
    """Refuses a target of one class; rows of no weight do not count."""
    rows = np.ones(len(column[1]), dtype=bool) if weights is None else weights > 0
    if not rows.any():
        raise DataError("all weights are zero: nothing can be learned from rows that do not count")
    found = np.unique(column[1][rows])
    if len(found) < 2:
        only = _spelled(found[0]) if len(column) == 2 else column[2][found[0]]
        raise OneClassError(f"target `{column[0]}` has only one class, `{only}`, in {int(rows.sum())} rows with a weight: there is nothing to tell apart")


def row_weights(sample_weight, n):
    """One number a row; whether it is a whole one is for the native part to say."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.shape != (n,):
        raise DataError(f"sample_weight has the shape {weights.shape}; one weight for each of {n} rows is wanted")
    return weights


def rows_with_target(X, y, sample_weight, target, names=None, missing=(), weights=None):
    """Data with its target and weights, as the native part reads them.

    Returns
    -------
    data : tuple
        Of `_frames.frame`.
    beside : list of tuple
        Columns beside it.
    target, weights : str
        Their names; `weights` is `None` where every row counts once.
    classes : ndarray or None
        `None` where the target stands in a file.
    """
    if sample_weight is not None and weights is not None:
        raise UsageError("sample_weight and the column `weights` both say how much a row counts; give one of them")
    data = frame(X, names, missing)
    if isinstance(y, str):
        if target is not None and target != y:
            raise UsageError(f"y names the column `{y}`, and target `{target}`; give one of them")
        if sample_weight is not None:
            raise UsageError("sample_weight goes with y as an array; where y names a column, name that of the weights: weights=")
        return data, [], y, weights, None
    known = names_of(data)
    target = target or getattr(y, "name", None) or "y"
    column, classes = labels(y, str(target))
    own = row_weights(sample_weight, len(column[1]))
    at_least_two(column, own)
    beside = [column]
    if own is not None:
        if WEIGHTS in known:
            raise UsageError(f"the data has a column `{WEIGHTS}` already; drop it, or name it: weights='{WEIGHTS}'")
        beside.append((WEIGHTS, own))
        weights = WEIGHTS
    return data, beside, str(target), weights, classes


def names_of(data):
    """The names of columns where they are known without reading."""
    if data[0] in ("matrix", "columns"):
        return list(data[1])
    return names_of_frame(data[1]) if data[0] == "stream" else []


def names_of_frame(X):
    """The names of a frame's or a mapping's columns, as far as it tells them."""
    if isinstance(X, dict):
        return [str(name) for name in X]
    names = getattr(X, "column_names", None)
    names = getattr(X, "columns", None) if names is None else names
    return [str(name) for name in names if isinstance(name, (str, Integral))] if names is not None else []


def is_pandas(X):
    """Whether it is a frame of pandas."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def is_path(X):
    """Whether it is a file's name."""
    return isinstance(X, (str, os.PathLike))


def has_names(X):
    """Whether its columns have names of their own."""
    # scipy has sparse matrices that are dicts.
    return isinstance(X, dict) and not hasattr(X, "nnz") or hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__") or hasattr(X, "column_names") or is_pandas(X)


def same(spelled, value):
    """Whether a class of the native part is this one of Python's."""
    if isinstance(value, str):
        return spelled == value
    try:
        return float(spelled) == float(value)
    except ValueError:
        return spelled == str(value)


def label_of(spelled, classes):
    """The class that is spelled so."""
    return next((value for value in classes if same(spelled, value)), spelled)


def exact(text):
    """A fraction of the native part's."""
    return None if text is None else Fraction(text)


def _spelled(value):
    """A class as the native part spells it."""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)
