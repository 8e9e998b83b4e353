"""`shap.TreeExplainer`: its arguments and shapes; the answers are those of `pellucid.TreeExplainer`."""

import copy
import time
import warnings

import numpy as np

from .._explain import TreeExplainer as _TreeExplainer
from .._explain import _warn
from .._frames import frame
from .._models import is_of_known_library, load
from ..errors import ModelError, UsageError
from ._errors import additivity_error, model_error, perturbation_error
from ._rows import as_seen, background_of, placed, rows_of, without

_PERTURBATIONS = ("auto", "interventional", "tree_path_dependent")


class TreeExplainer:
    """`shap.TreeExplainer`, computed by Pellucid.

    Parameters
    ----------
    model : object, path or bytes
        As for `pellucid.TreeExplainer`.
    data : array_like or data frame, optional
        The background; with `tree_path_dependent` the rows that the trees' covers are counted from, instead of those of training.
    model_output : {'raw', 'probability'} or name of a method, default 'raw'
        `probability` is what shap calls so: values of the margin, rescaled for each row of the background. `predict_proba` and `predict`
        are taken where they say the same as one of these. `log_loss` is not there.
    feature_perturbation : {'auto', 'interventional', 'tree_path_dependent'}, default 'auto'
        Which game; 'interventional' without data is 'tree_path_dependent' with a `FutureWarning`, as in shap.
    feature_names : sequence of str, optional
    approximate, link, linearize_link
        Ignored, as shap does; `approximate` is an argument of the calls.

    Raises
    ------
    UsageError
        For what shap has and Pellucid has not; the text says what to do instead.
    ModelError
        When the model can't be read.
    """

    def __init__(
        self,
        model,
        data=None,
        model_output="raw",
        feature_perturbation="auto",
        feature_names=None,
        approximate=None,
        link=None,
        linearize_link=None,
    ):
        if feature_perturbation not in _PERTURBATIONS:
            raise perturbation_error(f"feature_perturbation must be one of {', '.join(_PERTURBATIONS)}, not {feature_perturbation!r}")
        if feature_perturbation == "interventional" and data is None:
            warnings.warn(
                "In the future, passing feature_perturbation='interventional' without data= is an error, as shap says; 'tree_path_dependent' is taken",
                FutureWarning,
                stacklevel=2,
            )
            feature_perturbation = "auto"
        if feature_perturbation == "auto":
            feature_perturbation = "tree_path_dependent" if data is None else "interventional"
        self.model, self.data, self.model_output = model, data, model_output
        self.feature_perturbation = feature_perturbation
        output = _output(model, model_output)
        is_by_path = feature_perturbation == "tree_path_dependent"
        if output == "probability-rescaled" and is_by_path:
            raise UsageError('only model_output="raw" goes with feature_perturbation="tree_path_dependent"')
        self._is_doubled = model_output == "predict_proba" and output == "probability-rescaled"
        self._names = None if feature_names is None else list(feature_names)
        plain, self._missing = _without_missing(model)
        # What is absent is missing for XGBoost, and 0 for the others.
        self._absent = np.nan if type(model).__module__.partition(".")[0] == "xgboost" else 0.0
        try:
            native = load(plain)
        except ModelError as error:
            new = "" if is_of_known_library(model) else "Model type not yet supported by TreeExplainer: "
            raise model_error(f"{new}{error}") from error
        self._features = native.feature_names if native.named else []
        background = None if data is None else self._rows(background_of(data))[0]
        if is_by_path and background is not None:
            native, notes = native.recounted(frame(background, self._names or native.feature_names), [])
            _warn(note for note in notes if not note.endswith("matched by position"))
            background = None
        make = lambda method: _TreeExplainer(native, background, output, method=method, feature_names=self._names)
        self._explainer, self._make, self._approximate = make("auto"), make, None

    @property
    def expected_value(self):
        """float or ndarray of shape (n_outputs,): The answer with no feature known."""
        base = self._explainer.expected_value
        if self._is_doubled:
            return np.array([1 - base, base])
        # As shap: one number in an array for scikit-learn's own models without a background.
        is_own = type(self.model).__module__.partition(".")[0] == "sklearn"
        return np.array([base]) if is_own and self.data is None and np.ndim(base) == 0 else base

    def shap_values(self, X, y=None, tree_limit=None, approximate=False, check_additivity=True, from_call=False):
        """Shapley values of rows.

        Parameters
        ----------
        X : array_like, data frame or DMatrix
            Rows x columns, or one row.
        y : ignored
            It belongs to `log_loss`.
        tree_limit : None or -1
            All trees; others are an error: save the first trees as a model of their own.
        approximate : bool, default False
            Saabas values instead.
        check_additivity : bool, default True
            Whether values that do not add up are an error.

        Returns
        -------
        ndarray of shape (n_rows, n_features) or (n_rows, n_features, n_outputs)
            Without the first axis for one row.
        """
        rows, is_one = self._rows(X)
        found = self._explain(rows, tree_limit, approximate, check_additivity)
        values = self._doubled(found.values)
        return values[0] if is_one else values

    def shap_interaction_values(self, X, y=None, tree_limit=None):
        """Interaction values of rows.

        Returns
        -------
        ndarray of shape (n_rows, n_features, n_features) or (n_rows, n_features, n_features, n_outputs)
        """
        _all_trees(tree_limit)
        rows, is_one = self._rows(X)
        values = self._explainer.interactions(rows)
        return values[0] if is_one else values

    def __call__(self, X, y=None, interactions=False, check_additivity=True, approximate=False):
        """The same as `shap.Explanation`.

        Returns
        -------
        shap.Explanation

        Raises
        ------
        MissingDependencyError
            When shap is not installed; `pellucid.TreeExplainer` needs none.
        """
        start = time.perf_counter()
        rows, is_one = self._rows(X)
        found = self._explain(rows, None, approximate, check_additivity).to_shap()
        if interactions:
            found.values = self._explainer.interactions(rows)
        found.values = self._doubled(found.values)
        if self._is_doubled:
            found.base_values = np.stack([1 - found.base_values, found.base_values], axis=-1)
        if is_one:
            # As shap: a row that comes alone has no axis of rows; its base value keeps one.
            found.values = found.values[0]
        found.data = as_seen(X, rows)
        found.compute_time = time.perf_counter() - start
        return found

    def _rows(self, X):
        rows, is_one = rows_of(X, self._absent)
        rows = placed(rows, self._features)
        return (rows if self._missing is None else without(rows, self._missing)), is_one

    def _explain(self, rows, tree_limit, approximate, check_additivity):
        _all_trees(tree_limit)
        explainer = self._explainer
        if approximate:
            self._approximate = self._approximate or self._make("approximate")
            explainer = self._approximate
        found = explainer(rows)
        if check_additivity and not approximate:
            size = np.abs(found.margins) + np.abs(found.base_values) + 1.0
            if not np.all(found.residual <= 1e-6 * size):
                row = int(np.argmax(np.nan_to_num(np.reshape(found.residual, (len(found), -1)), nan=np.inf).max(axis=1)))
                raise additivity_error(
                    f"row {row}: base and values miss the answer by {np.max(found.residual[row]):.3g}; what the model adds up differs so much in size that "
                    "64 bits can't hold the sum, or is no number. check_additivity=False answers all the same"
                )
        return found

    def _doubled(self, values):
        """Both classes, where shap has both."""
        return np.stack([-values, values], axis=-1) if self._is_doubled else values


def _output(model, name):
    """What shap means by a `model_output`, in our words."""
    is_probability = hasattr(model, "predict_proba")
    # Forests and trees of scikit-learn add up probabilities: they are the margin.
    is_forest = hasattr(model, "tree_") or hasattr(model, "estimators_") and not hasattr(model, "learning_rate")
    if name == "raw":
        return "margin"
    if name == "predict" and is_forest and not is_probability and hasattr(model, "criterion"):
        return "margin"
    if name == "probability" or name == "predict_proba" and is_probability:
        if is_forest and not is_probability:
            raise UsageError(f"model_output {name!r}: the model has no probabilities")
        return "margin" if is_forest else "probability-rescaled"
    if name == "log_loss":
        raise UsageError("model_output='log_loss' explains a loss and not the model; it is not there: take 'raw' or 'probability'")
    raise UsageError(f"model_output {name!r}: it is 'raw' or 'probability' (or 'predict_proba', 'predict' where these say the same)")


def _all_trees(limit):
    if limit not in (None, -1):
        raise UsageError(f"tree_limit {limit}: all trees are explained; make a model of the first ones (XGBoost: booster[:{limit}]) and explain that")


def _without_missing(model):
    """The model without the number that its wrapper reads as missing, and that number: its booster knows NaN only."""
    missing = getattr(model, "missing", None) if hasattr(model, "get_booster") else None
    if missing is None or missing != missing:
        return model, None
    plain = copy.copy(model)
    plain.missing = np.nan
    return plain, missing
