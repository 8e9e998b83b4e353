"""Lies as `conftest.py` beside shap's own tests: its explainers are ours, and its data sets, which it would download, are made here.

The rows are drawn, with the names, types and shapes of the real ones; no test of shap's depends on what is in them.
"""

import socket
import warnings

import numpy as np
import pandas as pd
import shap
import shap.datasets

import pellucid.compat as compat

shap.TreeExplainer = shap.explainers.TreeExplainer = compat.TreeExplainer
warnings.simplefilter("ignore")


def _refused(*_, **__):
    raise OSError("tests do not go out")


# Some tests would fetch texts or tables; they shall fail at once.
socket.create_connection = socket.socket.connect = _refused


def _drawn(names, n, n_points, kinds=None):
    rng = np.random.default_rng(len(names))
    X = pd.DataFrame(rng.gamma(2.0, 2.0, size=(n if n_points is None else min(n, n_points), len(names))), columns=names)
    for name, kind in (kinds or {}).items():
        X[name] = kind(rng, len(X))
    return X, rng


def california(n_points=None):
    names = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    X, rng = _drawn(names, 2000, n_points, {"HouseAge": lambda rng, n: rng.integers(1, 52, n).astype(float)})
    return X, (X["MedInc"] * 0.4 + np.log1p(X["AveOccup"]) * X["AveRooms"] * 0.1 + rng.normal(size=len(X)) * 0.1).to_numpy()


def adult(display=False, n_points=None):
    names = ["Age", "Workclass", "Education-Num", "Marital Status", "Occupation", "Relationship", "Race", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"]
    code = lambda most: lambda rng, n: rng.integers(0, most, n).astype(np.int32)
    kinds = {"Workclass": code(8), "Marital Status": code(6), "Occupation": code(14), "Relationship": code(6), "Race": code(5), "Sex": code(2), "Country": code(41)}
    kinds["Age"] = lambda rng, n: rng.integers(17, 90, n).astype(np.float32)
    X, rng = _drawn(names, 2000, n_points, kinds)
    for name in ("Education-Num", "Capital Gain", "Capital Loss", "Hours per week"):
        X[name] = X[name].astype(np.float32)
    return X, (X["Age"] / 20 + X["Sex"] + rng.normal(size=len(X)) > 3.5).to_numpy()


def iris(display=False, n_points=None):
    import sklearn.datasets

    data = sklearn.datasets.load_iris()
    X = pd.DataFrame(data.data, columns=data.feature_names).iloc[:n_points]
    return X, data.target[: len(X)].copy()


def diabetes(n_points=None):
    import sklearn.datasets

    data = sklearn.datasets.load_diabetes()
    X = pd.DataFrame(data.data, columns=data.feature_names).iloc[:n_points]
    return X, data.target[: len(X)].copy()


def rank():
    rng = np.random.default_rng(3)
    part = lambda n: (rng.normal(size=(n, 300)), rng.integers(0, 5, n), np.full(n // 20, 20))
    train, test = part(2000), part(500)
    return train[0], train[1], test[0], test[1], train[2], test[2]


for _name, _function in (("california", california), ("adult", adult), ("iris", iris), ("diabetes", diabetes), ("rank", rank)):
    setattr(shap.datasets, _name, _function)
