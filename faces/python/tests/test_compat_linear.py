"""Shap's `LinearExplainer` over our engine: same shapes, same numbers, and clear words for what is not there."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

from pellucid import compat, errors

shap = pytest.importorskip("shap")
sparse = pytest.importorskip("scipy.sparse")


@pytest.fixture
def told():
    """Rows of features that depend on each other, and targets."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 4)) @ np.array([[1, 0.6, 0, 0.2], [0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 2.0]]) + [1, 2, 0, -1]
    y = X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=80)
    return X, y


def models(told):
    from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
    from sklearn.svm import LinearSVC

    X, y = told
    yield LinearRegression().fit(X, y)
    yield Ridge(fit_intercept=False).fit(X, y[:, None])
    yield Lasso(0.1).fit(X, np.stack([y, -y], axis=1))
    yield LogisticRegression().fit(X, y > 0)
    yield LogisticRegression().fit(X, np.digitize(y, [-2, 0]))
    yield PoissonRegressor().fit(X, np.abs(y))
    yield LinearSVC().fit(X, y > 0)
    yield np.array([1.0, 0.0, -2.0, 3.0]), 0.5
    yield np.array([[1.0, 0.0, -2.0, 3.0], [0.0, 1.0, 1.0, 1.0]]), np.array([0.5, 1.0])


def both(*arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compat.LinearExplainer(*arguments, **named), shap.LinearExplainer(*arguments, **named)


@pytest.mark.parametrize("at", range(9))
def test_without_correlations_all_is_shaps(told, at):
    X, _ = told
    model = list(models(told))[at]
    backgrounds = [X, pd.DataFrame(X, columns=list("abcd")), (X.mean(axis=0), np.cov(X.T)), shap.maskers.Independent(X), X[:1]]
    for background in backgrounds:
        ours, theirs = both(model, background)
        expected, found = theirs.shap_values(X), ours.shap_values(X)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-12)
        np.testing.assert_allclose(ours.expected_value, theirs.expected_value, atol=1e-12)
        assert np.shape(ours.expected_value) == np.shape(theirs.expected_value)
        answer, called = theirs(X), ours(X)
        assert type(called) is shap.Explanation and called.values.shape == answer.values.shape
        np.testing.assert_allclose(called.values, answer.values, atol=1e-12)
        np.testing.assert_allclose(called.base_values, answer.base_values, atol=1e-12)
        np.testing.assert_array_equal(called.data, X)
        assert type(ours.masker) is type(theirs.masker) and ours.feature_perturbation == theirs.feature_perturbation
        np.testing.assert_array_equal(ours.coef, theirs.coef)


@pytest.mark.parametrize("at", [0, 1, 3, 5, 6, 7])
def test_with_correlations_shaps_average_comes_near(told, at):
    X, _ = told
    model = list(models(told))[at]
    moments = {"mean": X.mean(axis=0), "cov": np.cov(X.T)}
    values = []
    for background in (shap.maskers.Impute(X), shap.maskers.Impute(moments)):
        np.random.seed(0)
        ours, theirs = both(model, background, nsamples=2000)
        expected, found = theirs.shap_values(X), ours.shap_values(X)
        assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
        np.testing.assert_allclose(ours.expected_value, theirs.expected_value, atol=1e-12)
        np.testing.assert_allclose(found.sum(axis=1), (X - X.mean(axis=0)) @ ours.coef, atol=1e-10)
        values.append(found)
    np.testing.assert_allclose(values[0], values[1], atol=1e-9)
    with pytest.warns(FutureWarning, match="masker"):
        ours = compat.LinearExplainer(model, (moments["mean"], moments["cov"]), feature_perturbation="correlation_dependent")
    np.testing.assert_array_equal(ours.shap_values(X), values[1])
    assert type(ours.masker) is shap.maskers.Impute
    # Without correlations the unused feature gets nothing; with them it does, for what it says of others.
    if at == 7:
        assert np.abs(values[0][:, 1]).max() > 0.1 and np.all(compat.LinearExplainer(model, X).shap_values(X)[:, 1] == 0)


def test_several_outputs_with_correlations_are_each_alone(told):
    X, _ = told
    coef, intercept = list(models(told))[8]
    together = compat.LinearExplainer((coef, intercept), shap.maskers.Impute(X)).shap_values(X)
    for output in range(2):
        alone = compat.LinearExplainer((coef[output], intercept[output]), shap.maskers.Impute(X)).shap_values(X)
        np.testing.assert_allclose(together[:, :, output], alone, atol=1e-12)


def test_sparse_matrices_frames_and_single_rows(told):
    X, _ = told
    X = np.where(X < 0, 0, X)
    matrix, frame = sparse.csr_matrix(X), pd.DataFrame(X, columns=list("abcd"))
    model = list(models(told))[0]
    ours = compat.LinearExplainer(model, matrix)
    values = compat.LinearExplainer(model, X).shap_values(X)
    np.testing.assert_allclose(ours.shap_values(matrix), values, atol=1e-12)
    np.testing.assert_allclose(ours.shap_values(X[3]), values[3], atol=1e-12)
    np.testing.assert_allclose(ours.shap_values(frame.iloc[3]), values[3], atol=1e-12)
    assert list(compat.LinearExplainer(model, frame)(frame).feature_names) == list("abcd")
    alone = ours(X[3])
    assert alone.values.shape == (4,)
    # The values of a masker of shap are those of its own 100 rows.
    many = np.concatenate([X, X + 1])
    held = shap.maskers.Independent(many)
    np.testing.assert_allclose(compat.LinearExplainer(model, held).expected_value, model.predict(held.data).mean(), atol=1e-12)
    np.testing.assert_allclose(compat.LinearExplainer(model, many).expected_value, model.predict(many).mean(), atol=1e-12)


def test_features_that_say_the_same_share_and_constants_get_nothing():
    ours = compat.LinearExplainer((np.array([1.0, 0.0, 2.0]), 0.0), shap.maskers.Impute({"mean": np.zeros(3), "cov": np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]])}))
    np.testing.assert_allclose(ours.shap_values(np.ones((1, 3))), [[0.5, 0.5, 2.0]], atol=1e-6)


def test_native_models_with_moments_are_pickled():
    native = compat.LinearExplainer((np.array([1.0, -2.0]), 0.0), shap.maskers.Impute({"mean": np.ones(2), "cov": np.eye(2)}))._explainer._model
    asked = {"method": "auto", "output": "margin", "game": "correlation-dependent"}
    assert pickle.loads(pickle.dumps(native)).expected(**asked) == native.expected(**asked) == [-1.0]


def test_what_is_not_there_is_said(told):
    from shap.utils._exceptions import InvalidFeaturePerturbationError, InvalidModelError

    X, _ = told
    pair = np.ones(4), 0.0
    with pytest.raises(InvalidModelError, match="no coef_") as found:
        compat.LinearExplainer(object(), X)
    assert isinstance(found.value, errors.ModelError)
    with pytest.raises(InvalidFeaturePerturbationError, match="must be one of interventional"):
        compat.LinearExplainer(pair, X, feature_perturbation="magic")
    with pytest.raises(NotImplementedError, match="Independent, Partition and Impute") as found:
        compat.LinearExplainer(pair, shap.maskers.Fixed())
    assert isinstance(found.value, errors.UsageError)
    with pytest.raises(errors.UsageError, match="a background is wanted"):
        compat.LinearExplainer(pair, None)
    with pytest.raises(errors.UsageError, match="means only"):
        compat.LinearExplainer(pair, shap.maskers.Impute({"mean": np.zeros(4), "cov": None}))
    with pytest.raises(errors.DataError, match="no rows have such covariances"):
        compat.LinearExplainer(pair, shap.maskers.Impute({"mean": np.zeros(4), "cov": 2 * np.ones((4, 4)) - 3 * np.eye(4)}))
    with pytest.raises(InvalidFeaturePerturbationError, match="sparse"):
        compat.LinearExplainer(pair, shap.maskers.Impute(sparse.csr_matrix(X)))
    with pytest.raises(InvalidFeaturePerturbationError, match="sparse"):
        compat.LinearExplainer(pair, shap.maskers.Impute(X)).shap_values(sparse.csr_matrix(X))
    rng = np.random.default_rng(0)
    with pytest.raises(errors.PellucidError, match="subsets"):
        compat.LinearExplainer((np.ones(25), 0.0), shap.maskers.Impute(rng.normal(size=(60, 25))))
    with pytest.warns(errors.PellucidWarning, match="singular covariance"):
        compat.LinearExplainer((np.ones(6), 0.0), shap.maskers.Impute(rng.normal(size=(4, 6))))
