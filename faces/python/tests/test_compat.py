"""Shap's `TreeExplainer` over our engine: same shapes, same numbers, and clear words for what is not there."""

import pickle
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
        ({"feature_perturbation": "magic"}, "one of auto"),
        ({"model_output": "log_loss"}, "explains a loss"),
        ({"model_output": "probability"}, 'only model_output="raw"'),
        ({"model_output": "transform"}, "'raw' or 'probability'"),
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


def test_covers_are_counted_from_data(rows):
    X, y, labels = rows
    X = np.nan_to_num(X)
    for model in (xgboost.XGBRegressor(n_estimators=9, max_depth=3).fit(X, y), xgboost.XGBClassifier(n_estimators=9, max_depth=3).fit(X, labels)):
        # Rows that reach every leaf: where none comes, shares of two children add up to 2 in shap.
        data = shap.maskers.Independent(np.concatenate([X, *[X[:90]] * 5]), max_samples=10_000)
        ours, theirs = both(model, data, feature_perturbation="tree_path_dependent")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs.shap_values(X)
        np.testing.assert_allclose(ours.shap_values(X), expected, atol=2e-5)
        np.testing.assert_allclose(ours.expected_value, theirs.expected_value, atol=2e-5)
        # It is another game than that of the training rows, and stays it in another process.
        assert np.abs(ours.shap_values(X) - compat.TreeExplainer(model).shap_values(X)).max() > 1e-3
        again = pickle.loads(pickle.dumps(ours._explainer._model))
        counted = compat.TreeExplainer(again).shap_values(X)
        np.testing.assert_array_equal(counted, ours.shap_values(X))


def test_frames_with_other_names_are_matched_by_position(rows):
    X, y, _ = rows
    model = xgboost.XGBRegressor(n_estimators=9).fit(pd.DataFrame(X, columns=list("abcdef")), y)
    ours = compat.TreeExplainer(model)
    with pytest.warns(errors.PellucidWarning, match="none of the data's columns"):
        values = ours.shap_values(pd.DataFrame(X, columns=list("uvwxyz")))
    np.testing.assert_array_equal(values, ours.shap_values(X))
    # Where one name is known, names count.
    with pytest.raises(errors.MissingColumnsError):
        ours.shap_values(pd.DataFrame(X, columns=list("avwxyz")))
    turned = pd.DataFrame(X, columns=list("abcdef"))[list("fedcba")]
    with pytest.warns(errors.PellucidWarning, match="matched by name"):
        np.testing.assert_array_equal(ours.shap_values(turned), ours.shap_values(X))


def test_a_number_that_means_missing_is_taken_for_missing(rows):
    X, y, _ = rows
    X = np.where(np.isnan(X), -7.0, X)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = xgboost.XGBRegressor(n_estimators=9, missing=-7.0).fit(frame, y)
    ours = compat.TreeExplainer(model)
    values = ours.shap_values(X)
    np.testing.assert_allclose(values.sum(1) + ours.expected_value, model.predict(frame), atol=1e-5)
    np.testing.assert_array_equal(ours.shap_values(frame), values)
    assert model.missing == -7.0


def test_errors_are_shaps_too(rows):
    from shap.utils._exceptions import InvalidFeaturePerturbationError, InvalidModelError

    with pytest.raises(InvalidModelError, match="not yet supported by TreeExplainer") as found:
        compat.TreeExplainer(object())
    assert isinstance(found.value, errors.ModelError)
    # Another process may not have shap: there it is our error.
    assert type(pickle.loads(pickle.dumps(found.value))) is errors.ModelError
    model = xgboost.XGBRegressor(n_estimators=2).fit(rows[0], rows[1])
    with pytest.raises(InvalidFeaturePerturbationError, match="must be one of auto") as found:
        compat.TreeExplainer(model, feature_perturbation="magic")
    assert isinstance(found.value, errors.UsageError)
    with pytest.warns(FutureWarning, match="without data="):
        ours = compat.TreeExplainer(model, feature_perturbation="interventional")
    assert ours.feature_perturbation == "tree_path_dependent"


def test_boosting_that_starts_from_zero_adds_up(rows):
    from sklearn.ensemble import GradientBoostingClassifier

    X = np.nan_to_num(rows[0])
    model = GradientBoostingClassifier(n_estimators=9, init="zero").fit(X, rows[2])
    ours = compat.TreeExplainer(model)
    np.testing.assert_allclose(ours.shap_values(X).sum(1) + ours.expected_value, model.decision_function(X), atol=1e-12)


def test_values_are_numbers_where_no_row_of_the_data_comes(rows):
    X, y, _ = rows
    X = np.nan_to_num(X)
    model = xgboost.XGBRegressor(n_estimators=9).fit(X, y)
    ours = compat.TreeExplainer(model, X[:5], feature_perturbation="tree_path_dependent")
    np.testing.assert_allclose(ours.shap_values(X).sum(1) + ours.expected_value, model.predict(X), atol=1e-5)
