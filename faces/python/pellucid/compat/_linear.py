"""`shap.LinearExplainer`: its arguments and shapes; the answers are those of the engine's games of linear models."""

import time
import warnings

import numpy as np

from .._explain import TreeExplainer as _Explainer
from .._explain import _warn
from .._frames import frame
from .._models import load
from ..errors import MissingDependencyError, PellucidWarning, UsageError
from ._errors import masker_error, model_error, perturbation_error
from ._rows import as_seen, placed, rows_of

_PERTURBATIONS = ("interventional", "correlation_dependent")


class LinearExplainer:
    """`shap.LinearExplainer`, computed by Pellucid.

    Parameters
    ----------
    model : object or tuple of (coef, intercept)
        A model with `coef_` and `intercept_`, as scikit-learn's linear models. What is explained is `X @ coef.T + intercept`: of classifiers
        the decision function.
    masker : array_like, data frame, sparse matrix, tuple of (mean, cov), or masker of shap
        The background. Only its means count, and its covariances where values depend on correlations. `Independent` and `Partition` explain
        features one by one (`interventional`); `Impute` lets known features say what the unknown ones are (`correlation_dependent`). All
        rows of a matrix count; a masker of shap holds 100 of them unless it was told otherwise.
    link : ignored
        As shap does.
    nsamples : ignored
        shap averages over so many orders of features; here all subsets are summed, and values differ from shap's by the error of that average.
    feature_perturbation : {'interventional', 'correlation_dependent'}, optional
        What a matrix or tuple is made of: `Independent` (also without this), or `Impute`.
    feature_names : sequence of str, optional
        Names of the columns; without, those of the model or of the background.

    Attributes
    ----------
    coef : ndarray of shape (n_features,) or (n_outputs, n_features)
    intercept : float or ndarray of shape (n_outputs,)
    feature_perturbation : str

    Raises
    ------
    UsageError
        For what shap has and Pellucid has not; the text says what to do instead. More than 20 features that vary have too many subsets.
    ModelError
        For a model without coefficients.

    References
    ----------
    Lundberg & Lee, "A unified approach to interpreting model predictions", 2017; Aas, Jullum & Løland, "Explaining individual predictions when
    features are dependent", 2021, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.compat import LinearExplainer
    >>> explainer = LinearExplainer((np.array([2.0, -1.0]), 0.5), np.array([[1.0, 0.0], [3.0, 2.0]]))
    >>> explainer.expected_value
    3.5
    >>> explainer.shap_values(np.array([[3.0, 1.0]]))
    array([[2., 0.]])
    """

    def __init__(self, model, masker, link=None, nsamples=1000, feature_perturbation=None, feature_names=None):
        if feature_perturbation is not None:
            if feature_perturbation not in _PERTURBATIONS:
                raise perturbation_error(f"feature_perturbation must be one of {', '.join(_PERTURBATIONS)}, not {feature_perturbation!r}")
            warnings.warn(
                "feature_perturbation is deprecated in shap; give a masker instead: maskers.Independent or maskers.Impute", FutureWarning, stacklevel=2
            )
        self.model, self.coef, self.intercept = model, *_parameters(model)
        self.nsamples, self._given = nsamples, masker
        data, moments, names, of_masker = _background(masker)
        self.feature_perturbation = of_masker or feature_perturbation or "interventional"
        self._is_correlated = self.feature_perturbation == "correlation_dependent"
        n_features = self.coef.shape[-1]
        named = getattr(model, "feature_names_in_", None)
        names = next((list(map(str, found)) for found in (feature_names, named, names) if found is not None), None)
        native = load(_plain(self.coef, self.intercept, names))
        self._features = [] if names is None else names
        game = "correlation-dependent" if self._is_correlated else "background"
        if moments is not None:
            mean, cov = moments
            if not self._is_correlated:
                data = mean[None, :]
            elif cov is None:
                raise UsageError("correlations are asked for, and the background has means only: give (mean, cov)")
            else:
                native = native.with_moments(mean.tolist(), np.ravel(cov).tolist())
        elif hasattr(data, "toarray"):
            if self._is_correlated:
                raise perturbation_error("correlations of a sparse background are not there: give a dense one, or leave correlations out")
            # Of a linear model's background only the means count, and that of many columns may be too large to be filled with zeros.
            data = np.asarray(data.mean(axis=0)).reshape(1, -1)
        if data is not None:
            if self._is_correlated and data.shape[0] <= n_features:
                warnings.warn(
                    f"the background has {data.shape[0]} rows and {n_features} features: a singular covariance matrix, in which features say all of others; "
                    "give more rows",
                    PellucidWarning,
                    stacklevel=2,
                )
            native, notes = native.with_background(frame(placed(data, self._features), names or native.feature_names), None, [])
            _warn(f"background: {note}" for note in notes if not note.endswith("matched by position"))
        self._explainer = _Explainer._made(native, game)
        # What can't be explained is told here and not by the first call.
        self._expected = self._explainer.expected_value

    @property
    def expected_value(self):
        """float or ndarray of shape (n_outputs,): The answer with no feature known."""
        return self._expected

    @property
    def masker(self):
        """shap.maskers.Masker: What was given, as a masker of shap.

        Raises
        ------
        MissingDependencyError
            When shap is not installed.
        """
        if type(self._given).__module__.partition(".")[0] == "shap":
            return self._given
        try:
            from shap import maskers
        except ImportError as error:
            raise MissingDependencyError("a masker is an object of shap: pip install 'pellucid[shap]'") from error
        given = self._given
        if isinstance(given, tuple):
            given = {"mean": given[0], "cov": given[1]}
        return (maskers.Impute if self._is_correlated else maskers.Independent)(given)

    def shap_values(self, X):
        """Shapley values of rows.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix
            Rows x columns, or one row; what a sparse matrix does not hold is 0.

        Returns
        -------
        ndarray of shape (n_rows, n_features) or (n_rows, n_features, n_outputs)
            Without the first axis for one row.
        """
        rows, is_one = self._rows(X)
        values = self._explainer(rows).values
        return values[0] if is_one else values

    def __call__(self, X):
        """The same as `shap.Explanation`.

        Returns
        -------
        shap.Explanation

        Raises
        ------
        MissingDependencyError
            When shap is not installed; `shap_values` needs none.
        """
        start = time.perf_counter()
        rows, is_one = self._rows(X)
        found = self._explainer(rows).to_shap()
        if is_one:
            found.values = found.values[0]
        found.data = as_seen(X, rows)
        found.compute_time = time.perf_counter() - start
        return found

    def _rows(self, X):
        if self._is_correlated and hasattr(X, "toarray"):
            raise perturbation_error("sparse rows have no values that depend on correlations: give dense ones")
        rows, is_one = rows_of(X)
        return placed(rows, self._features), is_one


def _parameters(model):
    """Coefficients and intercept, as shap reads them: of one output without an axis of outputs."""
    if isinstance(model, tuple) and len(model) == 2:
        coef, intercept = model
    elif hasattr(model, "coef_") and hasattr(model, "intercept_"):
        coef, intercept = model.coef_, model.intercept_
    else:
        raise model_error(f"An unknown model type was passed: {type(model).__qualname__} has no coef_ and intercept_, and is no (coef, intercept)")
    coef = np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef, dtype=np.float64)
    intercept = np.asarray(intercept, dtype=np.float64)
    if coef.ndim == 2 and len(coef) == 1:
        coef = coef[0]
    return coef, float(intercept.reshape(())) if intercept.size == 1 else intercept


def _plain(coef, intercept, names):
    """A linear model of scikit-learn with these numbers: a form that is read."""
    try:
        from sklearn.linear_model import LinearRegression
    except ImportError as error:
        raise MissingDependencyError("linear models are read as scikit-learn's: pip install 'pellucid[sklearn]'") from error
    if coef.ndim not in (1, 2):
        raise UsageError(f"the coefficients have {coef.ndim} dimensions: give one number a feature, or a row of them for each output")
    model = LinearRegression()
    model.coef_, model.intercept_, model.n_features_in_ = coef, intercept, coef.shape[-1]
    if names is not None:
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _background(masker):
    """What a masker holds: rows, or means and covariances; names of columns; and which game it stands for."""
    kind = next((kind for kind in type(masker).__mro__ if kind.__module__.startswith("shap.")), None)
    game = None
    if kind is not None:
        game = {"Independent": "interventional", "Partition": "interventional", "Impute": "correlation_dependent"}.get(kind.__name__)
        if game is None:
            raise masker_error(f"the masker {kind.__name__} is not read; give one of Independent, Partition and Impute, or rows")
        names = getattr(masker, "feature_names", None)
        if getattr(masker, "mean", None) is not None:
            return None, _moments(masker.mean, masker.cov), names, game
        masker = masker.data
        if names is not None:
            return masker, None, names, game
    if isinstance(masker, tuple) and len(masker) == 2:
        return None, _moments(*masker), None, game
    if isinstance(masker, dict) and "mean" in masker:
        return None, _moments(masker["mean"], masker.get("cov")), None, game
    if hasattr(masker, "toarray"):
        return masker, None, None, game
    if masker is None or isinstance(masker, (dict, str)):
        raise UsageError("a background is wanted: rows, (mean, cov), or a masker of shap")
    return (masker if hasattr(masker, "columns") else np.asarray(masker)), None, getattr(masker, "columns", None), game


def _moments(mean, cov):
    names_away = lambda numbers: None if numbers is None else np.asarray(numbers, dtype=np.float64)
    return names_away(mean).reshape(-1), names_away(cov)
