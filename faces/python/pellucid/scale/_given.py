"""What was given to a mapper: a model, names, numbers, batches? What is wrong is told here, before anything is sent to a worker."""

import os

import numpy as np

from .._models import load
from .._native import TreeModel
from ..errors import MissingDependencyError, ModelError, PellucidError, UsageError


def pyarrow_module():
    try:
        import pyarrow
    except ImportError as error:
        raise MissingDependencyError("mappers answer tables of pyarrow: pip install pyarrow") from error
    return pyarrow


def table_of(batch):
    """A batch with names as a table of pyarrow; `None` of a matrix."""
    pa = pyarrow_module()
    if isinstance(batch, pa.Table):
        return batch
    if isinstance(batch, pa.RecordBatch):
        return pa.Table.from_batches([batch])
    if isinstance(batch, dict):
        return pa.table(batch)
    kind = type(batch)
    if kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(batch, preserve_index=False)
    if hasattr(batch, "__arrow_c_stream__") or hasattr(batch, "__arrow_c_array__"):
        return pa.table(batch)
    return None


def read(model):
    """The path, if it is one, and the native model."""
    if isinstance(model, (str, os.PathLike)):
        path = os.path.abspath(os.fspath(model))
        with open(path, "rb") as file:
            return path, TreeModel.from_bytes(file.read(), path)
    try:
        return None, load(model)
    except PellucidError:
        raise
    except Exception as error:  # whatever the model's own library says when it saves
        kind = type(model)
        raise ModelError(
            f"{kind.__module__.partition('.')[0]}.{kind.__qualname__} can't be turned into bytes, which go to the workers: {error}. Save it by its own "
            "library (or as skops or ONNX) and give the path or the bytes of that file"
        ) from error


def named(native, names):
    known = native.feature_names
    if native.named:
        if names is not None and names != known:
            raise UsageError("feature_names are for models that store none; this one says how its columns are called")
        return known
    if names is None:
        raise UsageError(
            f"the model stores no names of its {len(known)} features, and columns of a large table are not matched by position: say "
            "feature_names=[...] in the order of training"
        )
    if len(names) != len(known) or len(set(names)) != len(names):
        raise UsageError(f"feature_names: {len(names)} names ({len(set(names))} different ones) for {len(known)} features")
    return names


def names_of(names, what):
    if isinstance(names, str):
        raise UsageError(f"{what} is a list of names: {what}=[{names!r}]")
    names = [str(name) for name in names]
    if len(set(names)) != len(names):
        raise UsageError(f"{what} names a column twice: {', '.join(names)}")
    return names


def positive(number, what):
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
        raise UsageError(f"{what}={number!r}: it is a whole number from 1 on")
    return int(number)


def listed(names):
    return ", ".join(f"`{name}`" for name in names)
