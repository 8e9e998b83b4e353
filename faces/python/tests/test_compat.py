"""Shap's signatures over our engine: same shapes, same numbers, and clear words for what is not there."""

import warnings

import numpy as np
import pandas as pd
import pytest

from pellucid import compat, errors

shap = pytest.importorskip("shap")
xgboost = pytest.importorskip("xgboost")


def both(model, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compat.TreeExplainer(model, *arguments, **named), shap.TreeExplainer(model, *arguments, **named)


def models(rows):
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    X, y, labels = rows
    X = np.nan_to_num(X)
    classes = np.digitize(y, [-0.5, 0.5])
    yield xgboost.XGBRegressor(n_estimators=9).fit(X, y)
    yield xgboost.XGBClassifier(n_estimators=9).fit(X, labels)
    yield xgboost.XGBClassifier(n_estimators=5).fit(X, classes)
    yield LGBMClassifier(n_estimators=9, verbose=-1).fit(X, labels)
    yield ExtraTreesRegressor(n_estimators=9, random_state=0).fit(X, y)
    yield RandomForestClassifier(n_estimators=9, random_state=0).fit(X, labels)
    yield RandomForestClassifier(n_estimators=9, random_state=0).fit(X, classes)
    yield GradientBoostingClassifier(n_estimators=9).fit(X, labels)
    yield DecisionTreeClassifier(max_depth=4).fit(X, labels)


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("background", [False, True])
def test_shapes_and_values_are_shaps(rows, at, background):
    X = np.nan_to_num(rows[0])[:30]
    model = list(models(rows))[at]
    ours, theirs = both(model, *[X[:12]] * background)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs.shap_values(X)
        answer = theirs(X)
    found = ours.shap_values(X)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(ours.expected_value, theirs.expected_value, atol=2e-5)
    assert np.shape(ours.expected_value) == np.shape(theirs.expected_value)
    called = ours(X)
    assert type(called) is shap.Explanation and called.values.shape == answer.values.shape
    np.testing.assert_allclose(called.base_values, answer.base_values, atol=2e-5)


def test_interactions_are_shaps(rows):
    X = np.nan_to_num(rows[0])[:20]
    ours, theirs = both(xgboost.XGBRegressor(n_estimators=9, max_depth=3).fit(X, rows[1][:20]))
    np.testing.assert_allclose(ours.shap_interaction_values(X), theirs.shap_interaction_values(X), atol=2e-5)
    assert ours(X, interactions=True).values.shape == (20, 6, 6)
    alone = ours(X[0], interactions=True)
    assert alone.values.shape == (6, 6)
    np.testing.assert_allclose(alone.values.sum() + alone.base_values[0], ours(X[0]).values.sum() + alone.base_values[0], atol=1e-12)


def test_probabilities_are_what_shap_calls_so(rows):
    X = np.nan_to_num(rows[0])[:20]
    model = xgboost.XGBClassifier(n_estimators=9, max_depth=3).fit(X, rows[2][:20])
    for name in ("probability", "predict_proba"):
        ours, theirs = both(model, X[:9], model_output=name)
        np.testing.assert_allclose(ours.shap_values(X), theirs.shap_values(X), atol=2e-5)
        np.testing.assert_allclose(ours.expected_value, theirs.expected_value, atol=2e-5)


def test_one_row_and_frames_and_matrices_of_xgboost(rows):
    X = np.nan_to_num(rows[0])
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = xgboost.XGBRegressor(n_estimators=9).fit(frame, rows[1])
    ours = compat.TreeExplainer(model)
    all_rows = ours.shap_values(frame)
    np.testing.assert_allclose(ours.shap_values(X[3]), all_rows[3], atol=1e-13)
    np.testing.assert_allclose(ours.shap_values(frame.iloc[3]), all_rows[3], atol=1e-13)
    np.testing.assert_allclose(ours.shap_values(xgboost.DMatrix(frame)), all_rows, atol=1e-13)
    assert list(ours(frame).feature_names) == list("abcdef")
    for draw in (shap.plots.beeswarm, shap.plots.bar):
        draw(ours(frame), show=False)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"feature_perturbation": "interventional"}, "give data="),
        ({"feature_perturbation": "magic"}, "one of auto"),
        ({"model_output": "log_loss"}, "explains a loss"),
        ({"model_output": "probability"}, 'only model_output="raw"'),
        ({"model_output": "transform"}, "'raw' or 'probability'"),
        ({"data": np.zeros((2, 6)), "feature_perturbation": "tree_path_dependent"}, "count the rows"),
    ],
)
def test_what_is_not_there_is_said(rows, named, says):
    model = xgboost.XGBClassifier(n_estimators=2).fit(rows[0], rows[2])
    with pytest.raises(errors.UsageError, match=says):
        compat.TreeExplainer(model, **named)


def test_limits_of_trees_are_refused(rows):
    model = xgboost.XGBClassifier(n_estimators=2).fit(rows[0], rows[2])
    with pytest.raises(errors.UsageError, match=r"booster\[:1\]"):
        compat.TreeExplainer(model).shap_values(rows[0], tree_limit=1)
