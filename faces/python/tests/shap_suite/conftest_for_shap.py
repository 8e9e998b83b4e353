"""Lies as `conftest.py` above shap's own tests: its explainers are ours, and its data sets, which it would download, are made here.

The rows are drawn, with the names, types and shapes of the real ones; no test of shap's depends on what is in them.
"""

import signal
import socket
import warnings

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
import shap
import shap.datasets
import sklearn.datasets
from sklearn.utils import Bunch

import pellucid.compat as compat

shap.TreeExplainer = shap.explainers.TreeExplainer = shap.explainers.Tree = compat.TreeExplainer
shap.LinearExplainer = shap.explainers.LinearExplainer = shap.explainers.Linear = compat.LinearExplainer
matplotlib.use("Agg")

#: Seconds for one test.
MOST_SECONDS = 120


@pytest.fixture
def random_seed():
    """Drawn anew for each run by shap; here every run is the same."""
    return 7


@pytest.fixture(autouse=True)
def _drawn_alike():
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    matplotlib.pyplot.close("all")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    def late(*_):
        raise TimeoutError(f"took longer than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_configure(config):
    config.addinivalue_line("markers", "xslow: not run unless asked for, by shap's own settings")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("xslow"):
            item.add_marker(pytest.mark.skip(reason="xslow"))


def _refused(*_, **__):
    raise OSError("tests do not go out")


# What would fetch texts or tables shall fail at once.
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
    return X, np.array(X["MedInc"] * 0.4 + np.log1p(X["AveOccup"]) * X["AveRooms"] * 0.1 + rng.normal(size=len(X)) * 0.1)


def adult(display=False, n_points=None):
    names = ["Age", "Workclass", "Education-Num", "Marital Status", "Occupation", "Relationship", "Race", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"]
    code = lambda most: lambda rng, n: rng.integers(0, most, n).astype(np.int32)
    kinds = {"Workclass": code(8), "Marital Status": code(6), "Occupation": code(14), "Relationship": code(6), "Race": code(5), "Sex": code(2), "Country": code(41)}
    kinds["Age"] = lambda rng, n: rng.integers(17, 90, n).astype(np.float32)
    X, rng = _drawn(names, 2000, n_points, kinds)
    for name in ("Education-Num", "Capital Gain", "Capital Loss", "Hours per week"):
        X[name] = X[name].astype(np.float32)
    return X, np.array(X["Age"] / 20 + X["Sex"] + rng.normal(size=len(X)) > 3.5)


def iris(display=False, n_points=None):
    data = sklearn.datasets.load_iris()
    X = pd.DataFrame(data.data, columns=data.feature_names).iloc[:n_points]
    return X, data.target[: len(X)].copy()


def diabetes(n_points=None):
    data = sklearn.datasets.load_diabetes()
    X = pd.DataFrame(data.data, columns=data.feature_names).iloc[:n_points]
    return X, data.target[: len(X)].copy()


def rank():
    rng = np.random.default_rng(3)
    part = lambda n: (rng.normal(size=(n, 300)), rng.integers(0, 5, n), np.full(n // 20, 20))
    train, test = part(2000), part(500)
    return train[0], train[1], test[0], test[1], train[2], test[2]


def newsgroups(subset="train", **_):
    rng = np.random.default_rng(len(subset))
    words = np.array([f"word{at}" for at in range(2000)])
    target = rng.integers(0, 2, 200)
    texts = [" ".join(words[rng.integers(0, 1000, 60) + 300 * kind]) for kind in target]
    return Bunch(data=texts, target=target)


for _name, _function in (("california", california), ("adult", adult), ("iris", iris), ("diabetes", diabetes), ("rank", rank)):
    setattr(shap.datasets, _name, _function)
sklearn.datasets.fetch_20newsgroups = newsgroups
