"""Which bytes stand for a live model? Those that its own library writes; the native part reads them as it reads files."""

import os
import tempfile

from ._native import TreeModel
from .errors import MissingDependencyError, ModelError


def load(model):
    """The native model of a file, of bytes, or of an object of XGBoost, LightGBM, CatBoost or scikit-learn."""
    if isinstance(model, TreeModel):
        return model
    if isinstance(model, (str, os.PathLike)):
        return TreeModel.from_path(os.fspath(model))
    if isinstance(model, (bytes, bytearray, memoryview)):
        return TreeModel.from_bytes(bytes(model), "the model")
    name = _called(model)
    for libraries, saved in _LIBRARIES:
        if _is_of(model, libraries):
            return TreeModel.from_bytes(saved(model), name)
    raise ModelError(
        f"{name} is no model that Pellucid knows; it takes models of XGBoost, LightGBM, CatBoost and scikit-learn, and the files and bytes "
        "that these libraries, skops and ONNX write"
    )


def is_of_known_library(model):
    """Whether a model is one of the libraries that are read, or a file or bytes."""
    return isinstance(model, (TreeModel, str, os.PathLike, bytes, bytearray, memoryview)) or any(_is_of(model, libraries) for libraries, _ in _LIBRARIES)


def _called(model):
    kind = type(model)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def _is_of(model, libraries):
    return any(kind.__module__.partition(".")[0] in libraries for kind in type(model).__mro__)


def _xgboost(model):
    import xgboost

    if not isinstance(model, xgboost.Booster):
        if not hasattr(model, "get_booster"):
            raise ModelError(f"{_called(model)} holds no booster")
        try:
            booster = model.get_booster()
        except Exception as error:  # NotFittedError of scikit-learn, where that is installed
            raise ModelError(f"{_called(model)}: {error}") from error
        missing = getattr(model, "missing", None)
        if missing is not None and missing == missing:
            raise ModelError(
                f"{_called(model)} reads {missing} as missing, which its booster does not know: put NaN where {missing} stands in the data, and give "
                "`model.get_booster()`"
            )
        best = getattr(model, "best_iteration", None) if model.get_booster().attr("best_iteration") else None
        # What the wrapper predicts with, where training stopped early.
        model = booster if best is None else booster[: best + 1]
    return bytes(model.save_raw("ubj"))


def _lightgbm(model):
    booster = model
    if not hasattr(booster, "model_to_string"):
        if getattr(model, "fitted_", True) is False or not hasattr(model, "booster_"):
            raise ModelError(f"{_called(model)} is not fitted, or holds no booster")
        booster = model.booster_
    return booster.model_to_string().encode()


def _catboost(model):
    if not hasattr(model, "is_fitted"):
        raise ModelError(f"{_called(model)} is no model")
    if not model.is_fitted():
        raise ModelError(f"{_called(model)} is not fitted")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        model.save_model(path, format="json")
        with open(path, "rb") as file:
            return file.read()


def _sklearn(model):
    try:
        import skops.io
    except ImportError as error:
        raise MissingDependencyError(
            "models of scikit-learn are read in the form of skops, which holds no code: pip install 'pellucid[sklearn]'"
        ) from error
    return skops.io.dumps(model)


#: XGBoost's and LightGBM's own classes inherit from scikit-learn's, which therefore comes last.
_LIBRARIES = [({"xgboost"}, _xgboost), ({"lightgbm"}, _lightgbm), ({"catboost"}, _catboost), ({"sklearn"}, _sklearn)]
