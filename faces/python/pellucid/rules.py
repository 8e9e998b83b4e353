"""Optimal rule sets with the interface of scikit-learn, which need not be installed."""

import html
import json
import warnings
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import _asked
from ._frames import frame
from ._native import Rules
from .errors import DataError, PellucidWarning, UsageError

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

    _HAS_SKLEARN = True
except ImportError:  # none, or one before 1.6
    from ._estimator import BaseEstimator, ClassifierMixin, check_is_fitted

    _HAS_SKLEARN = False

__all__ = ["Certificate", "Rule", "RuleSetClassifier", "Verification"]


@dataclass(frozen=True)
class Rule:
    """One rule of a set.

    Attributes
    ----------
    text : str
        Its conditions, all of which must hold: `sex = Male and age ≤ 25`.
    predicts : object
        The class that it predicts.
    covers : int
        The weight of the training rows in which it holds.
    right : int
        The weight of those of them that are of its class.
    """

    text: str
    predicts: object
    covers: int
    right: int

    def __str__(self):
        return self.text


@dataclass(frozen=True)
class Certificate:
    """What is proven of the rules of one class.

    Attributes
    ----------
    objective, lower_bound : fractions.Fraction
        (c_FP·FP + c_FN·FN) / W + λ·rules of the set, and what no allowed set over the candidates is below.
    status : {'optimal', 'bounded'}
        `optimal` where both are equal.
    n_optimal : int or None
        How many sets are as good; known where it is proven.
    nodes : int
        Nodes of the search, which are no result: they depend on threads.
    """

    objective: Fraction
    lower_bound: Fraction
    n_optimal: int | None
    nodes: int
    _json: str

    @classmethod
    def _of(cls, text):
        read = json.loads(text)
        n_optimal = None if read["n_optimal"] is None else int(read["n_optimal"])
        return cls(Fraction(read["objective"]), Fraction(read["lower_bound"]), n_optimal, read["nodes"], text)

    @property
    def proven(self):
        """bool: Whether no set is better."""
        return self.lower_bound >= self.objective

    @property
    def status(self):
        """str: `optimal` or `bounded`."""
        return "optimal" if self.proven else "bounded"

    @property
    def gap(self):
        """fractions.Fraction: By how much the objective could at most be lowered."""
        return self.objective - min(self.lower_bound, self.objective)

    def to_dict(self):
        """dict: All of it, as it stands in the rules file: candidates, supports, the hash of the data."""
        return json.loads(self._json)

    def __repr__(self):
        said = f"lower bound {self.lower_bound}, gap {self.gap}" if not self.proven else f"reached by {self.n_optimal} set{'s' * (self.n_optimal != 1)}"
        return f"Certificate({self.status}: objective {self.objective}, {said})"


@dataclass(frozen=True)
class Verification:
    """What came of checking certificates against data; true where all is proven.

    Attributes
    ----------
    verdicts : list of (str, str)
        `proven`, `refuted` or `unproven` (time was up), and why, for each class.
    """

    verdicts: list

    @property
    def proven(self):
        """bool: Whether everything that is claimed was found to be so."""
        return bool(self.verdicts) and all(word == "proven" for word, _ in self.verdicts)

    @property
    def refuted(self):
        """bool: Whether something is not as it is claimed."""
        return any(word == "refuted" for word, _ in self.verdicts)

    def __bool__(self):
        return self.proven


class _RuleList(list):
    """Rules that show themselves as a table."""

    def __repr__(self):
        return "\n".join(f"{rule.text}  ->  {rule.predicts}  ({rule.right} of {rule.covers} right)" for rule in self) or "no rule"

    def _repr_html_(self):
        head = "<tr><th style='text-align:left'>rule</th><th style='padding:0 1em'>predicts</th><th style='padding:0 1em'>rows</th><th style='padding:0 1em'>right</th></tr>"
        row = "<tr><td style='text-align:left'>{}</td><td style='padding:0 1em'>{}</td><td style='padding:0 1em'>{}</td><td style='padding:0 1em'>{}</td></tr>"
        cells = lambda rule: (html.escape(rule.text), html.escape(str(rule.predicts)), rule.covers, rule.right)
        return f"<table>{head}{''.join(row.format(*cells(rule)) for rule in self)}</table>"


class RuleSetClassifier(ClassifierMixin, BaseEstimator):
    """The best set of rules for a table, with a proof.

    A set predicts its class where any of its rules holds, and the default elsewhere. Its objective is
    (c_FP·FP + c_FN·FN) / W + λ·|S|: the share of errors, and λ for each rule. No other set over the same candidate rules has a
    smaller one, which `certificate_` says and `verify` checks. More than two classes are learned one against the rest, from the
    rarest to the most frequent but one; the first class whose rules hold is predicted.

    Parameters
    ----------
    lam : str, Fraction or float, default '1/100'
        λ, above 0. A decimal is read as it is spelled: 0.01 is 1/100.
    max_rules : int, optional
        Most candidate rules; 500 without, and a warning where there were more.
    max_size : int, optional
        Most rules of the set.
    max_conditions : int, default 2
        Most conditions of a rule.
    max_total_conditions : int, optional
        Most conditions of all rules together.
    min_support : int, float or str, default 0.01
        In how many rows a rule holds, at least: a count where it is a whole number, a share where it is a fraction.
    literals : {'positive', 'both'}, default 'positive'
        Whether conditions are also negated.
    cost : str or pair of int, default '1:1'
        What a false positive and a false negative cost.
    time_limit : float, optional
        Seconds. The best set until then comes with its lower bound, and with a warning.
    n_jobs : int, optional
        Threads; `PELLUCID_NUM_THREADS`, `RAYON_NUM_THREADS` or all cores without. No result depends on it.
    positive : object, optional
        Of two classes the one that rules predict; without, 1, true or yes, or the rarer one.
    cuts : {'quantile', 'supervised'}, default 'quantile'
        Where numbers are cut: into parts of equal weight, or where the target changes most.
    bins : int, default 5
        Into how many parts, at most.
    groups : int, default 0
        Groups of a column's categories by their share of positives, beside the single ones.
    missing_literal : {'own', 'never'}, default 'own'
        Whether a missing value is a condition of its own, or makes no condition hold.
    candidates : {'all', 'closed'}, default 'all'
        All conjunctions, or of those with the same rows only the shortest.
    rank : {'gain', 'support'}, default 'gain'
        Which candidates stay where there are more than `max_rules`.
    drop : sequence of str, default ()
        Columns that no rule uses.
    require : sequence of str, default ()
        Columns of which each must be used by some rule.
    monotone : dict, optional
        `{'age': '+'}`: a larger (`'+'`) or smaller (`'-'`) value may only lead towards the prediction.
    exclude_empty : bool, default False
        Whether the set must have a rule.
    weights : str, optional
        A column of `X` with the number of rows that a row stands for; `sample_weight` does the same.
    target : str, optional
        What the target is called in rules files; the name of `y`, or `y`, without.
    missing : sequence of str, default ()
        More spellings of a missing value in text files.
    node_limit, memory_limit : int, optional
        Steps of the search, and bytes that it may hold.

    Attributes
    ----------
    rules_ : list of Rule
        The rules, by class in the order of decision.
    certificate_ : Certificate, or dict of Certificate by class where there are more than two
    classes_ : ndarray of shape (n_classes,)
    default_ : object
        The class of rows in which no rule holds.
    notes_ : list of str
        What one should know of the data; also told as `PellucidWarning`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where `X` has names.

    References
    ----------
    Ciaperoni, Xiao & Gionis, "Efficient exploration of the Rashomon set of rule-set models", KDD 2024.

    Examples
    --------
    >>> import numpy as np, pellucid as pel
    >>> X = np.array([[0, 1], [0, 0], [1, 1], [1, 0]] * 25)
    >>> y = X[:, 0] & X[:, 1]
    >>> y[:2] = 1
    >>> model = pel.RuleSetClassifier().fit(X, y)
    >>> [rule.text for rule in model.rules_]
    ['f0 and f1']
    >>> model.certificate_
    Certificate(optimal: objective 3/100, reached by 1 set)
    >>> bool(model.verify(X, y))
    True
    """

    def __init__(
        self,
        lam="1/100",
        *,
        max_rules=None,
        max_size=None,
        max_conditions=2,
        max_total_conditions=None,
        min_support=0.01,
        literals="positive",
        cost="1:1",
        time_limit=None,
        n_jobs=None,
        positive=None,
        cuts="quantile",
        bins=5,
        groups=0,
        missing_literal="own",
        candidates="all",
        rank="gain",
        drop=(),
        require=(),
        monotone=None,
        exclude_empty=False,
        weights=None,
        target=None,
        missing=(),
        node_limit=None,
        memory_limit=None,
    ):
        self.lam = lam
        self.max_rules = max_rules
        self.max_size = max_size
        self.max_conditions = max_conditions
        self.max_total_conditions = max_total_conditions
        self.min_support = min_support
        self.literals = literals
        self.cost = cost
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.positive = positive
        self.cuts = cuts
        self.bins = bins
        self.groups = groups
        self.missing_literal = missing_literal
        self.candidates = candidates
        self.rank = rank
        self.drop = drop
        self.require = require
        self.monotone = monotone
        self.exclude_empty = exclude_empty
        self.weights = weights
        self.target = target
        self.missing = missing
        self.node_limit = node_limit
        self.memory_limit = memory_limit

    def fit(self, X, y, sample_weight=None):
        """Searches the best set.

        Parameters
        ----------
        X : array_like, data frame or path
            Rows x columns: a matrix of numbers (NaN is missing), a frame with numbers, texts and categories, or a file.
        y : array_like of shape (n_rows,), or str
            Classes: whole numbers, booleans or texts; or the name of a column of `X`.
        sample_weight : array_like of shape (n_rows,), optional
            Whole numbers from 0 on: how many rows a row stands for.

        Returns
        -------
        self

        Raises
        ------
        UsageError, ConstraintError
            When parameters are wrong or contradict each other.
        DataError, OneClassError, MissingValueError, MissingColumnsError
            When nothing can be learned from such data.
        LimitError
            When a limit came before there was any set.
        """
        self._by_place = not (_asked.is_path(X) or _asked.has_names(X))
        target = self._free_name(X, y)
        X, y = self._checked(X, y)
        data, beside, target, weights, classes = _asked.rows_with_target(
            X, y, sample_weight, target, missing=self.missing, weights=self.weights
        )
        if classes is not None and len(classes) > 2 and self.positive is not None:
            raise UsageError(f"positive names one of two classes, and y has {len(classes)}; pass y == {self.positive!r} for one against the rest")
        wished = {
            "require": [str(name) for name in self.require],
            "max_size": self.max_size,
            "max_total_conditions": self.max_total_conditions,
            "exclude_empty": self.exclude_empty,
        }
        asked, limits = _asked.asked(self, target, weights), _asked.limits(self)
        self._rules, notes, decided, names, is_number = Rules.learn(data, beside, asked, wished, limits)
        self._names = [name for name in names if name not in (target, weights)]
        if not hasattr(self, "n_features_in_"):
            self.n_features_in_ = len(self._names)
            if not self._by_place:
                self.feature_names_in_ = np.array(self._names, dtype=object)
        spelled = [positive for positive, _ in self._rules.classes] + [self._rules.default]
        self.classes_ = _read_classes(spelled, is_number) if classes is None else classes
        self._order = np.array([int(np.flatnonzero(self.classes_ == _asked.label_of(one, self.classes_))[0]) for one in spelled])
        self._shares = self._shares_of(np.array(decided, dtype=np.float64))
        self.notes_ = list(notes)
        self._warn()
        return self

    def _checked(self, X, y):
        """X and y by the rules of scikit-learn, where that is there; frames stay frames."""
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if isinstance(y, str) or _asked.is_path(X):
            return X, y
        if y is None:
            raise DataError("RuleSetClassifier requires y to be passed, but the target y is None")
        _asked.all_present(y)
        if not _HAS_SKLEARN:
            return X, y
        if not self._by_place:
            # Of other frames not every scikit-learn knows the names.
            if _asked.is_pandas(X):
                validate_data(self, X, skip_check_array=True)
            return X, y if np.ndim(y) == 1 else column_or_1d(y, warn=True)
        return validate_data(self, X, y, dtype="numeric", ensure_all_finite="allow-nan")

    def _free_name(self, X, y):
        """The target's name: as it was asked for, else one that no column has."""
        if self.target is not None or isinstance(y, str):
            return self.target
        names = [] if self._by_place or _asked.is_path(X) else _asked.names_of_frame(X)
        name = str(getattr(y, "name", None) or "y")
        while name in names:
            name += "_"
        return name

    def _shares_of(self, decided):
        """Shares of classes by decision, in the order of `classes_`; those of all rows where a decision met none."""
        sums = decided.sum(axis=1, keepdims=True)
        overall = decided.sum(axis=0) / max(decided.sum(), 1.0)
        shares = np.where(sums > 0, decided / np.maximum(sums, 1.0), overall)
        by_class = np.empty((len(shares), len(self.classes_)))
        by_class[:, self._order] = shares
        return by_class

    def _warn(self):
        for note in self.notes_:
            warnings.warn(note, PellucidWarning, stacklevel=3)
        for name, certificate in self._certificates().items():
            if not certificate.proven:
                said = f"not proven optimal: the objective for {name!r} is {certificate.objective}, and no set is below {certificate.lower_bound}"
                warnings.warn(said, PellucidWarning, stacklevel=3)

    def _certificates(self):
        names = (_asked.label_of(positive, self.classes_) for positive, _ in self._rules.classes)
        return dict(zip(names, map(Certificate._of, self._rules.certificates), strict=True))

    @property
    def certificate_(self):
        self._must_be_fitted()
        certificates = self._certificates()
        return next(iter(certificates.values())) if len(certificates) == 1 else certificates

    @property
    def rules_(self):
        self._must_be_fitted()
        rules = _RuleList()
        for (positive, texts), certificate in zip(self._rules.classes, self._rules.certificates, strict=True):
            read = json.loads(certificate)
            candidates = [read["universe"]["candidates"][chosen] for chosen in read["chosen"]]
            label = _asked.label_of(positive, self.classes_)
            rules.extend(Rule(text, label, one["covers"], one["positives"]) for text, one in zip(texts, candidates, strict=True))
        return rules

    @property
    def default_(self):
        self._must_be_fitted()
        return self.classes_[self._order[-1]]

    def _must_be_fitted(self):
        if "_rules" not in self.__dict__:
            raise AttributeError("this RuleSetClassifier is not fitted; call fit first")

    def _decisions(self, X):
        """For each row the place of its class in the order of decision."""
        return self._rules.predict(self._rows(X))

    def _rows(self, X):
        if _asked.is_path(X):
            return frame(X, None, self.missing)
        if self._by_place or not _asked.has_names(X):
            if _HAS_SKLEARN:
                X = validate_data(self, X, dtype="numeric", ensure_all_finite="allow-nan", reset=False)
            elif _asked.has_names(X):
                X = np.asarray(X)
            return frame(X, self._names)
        if _HAS_SKLEARN and _asked.is_pandas(X):
            self._same_names(X)
        return frame(X)

    def _same_names(self, X):
        """Scikit-learn's check of names and their order."""
        names = [str(name) for name in X.columns]
        if set(names) - set(self._names) and not set(self._names) - set(names):
            # More columns than were learned from, as the target: matched by name.
            return
        validate_data(self, X, skip_check_array=True, reset=False)

    def predict(self, X):
        """The class of each row.

        Parameters
        ----------
        X : array_like, data frame or path
            As in `fit`; columns of frames and files are matched by name.

        Returns
        -------
        ndarray of shape (n_rows,)

        Raises
        ------
        MissingColumnsError
            When rules ask about a column that is not there.
        DataError
            When a column holds something else than was learned from.
        """
        check_is_fitted(self, "classes_")
        return self.classes_[self._order[self._decisions(X)]]

    def predict_proba(self, X):
        """The shares of classes among the training rows that were decided in the same way.

        A rule set knows nothing finer than whether rules hold: all rows that the same class's rules decide (or none) get the same
        shares. They are those of the training rows, on which the rules were chosen, so they are too sure of new rows. With costs
        other than 1:1 the largest share need not be the class that `predict` answers.

        Parameters
        ----------
        X : array_like, data frame or path
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Columns in the order of `classes_`; rows sum up to 1.
        """
        check_is_fitted(self, "classes_")
        return self._shares[self._decisions(X)]

    def verify(self, X, y, sample_weight=None, *, time_limit=None):
        """Checks the certificates against the data by an independent path, which uses nothing of the search.

        Parameters
        ----------
        X, y, sample_weight
            What the rules were learned from.
        time_limit : float, optional
            Seconds; where they are over, the claim is neither proven nor refuted.

        Returns
        -------
        Verification
            True where everything was found to be as it is claimed.
        """
        check_is_fitted(self, "classes_")
        names = None if _asked.is_path(X) or _asked.has_names(X) else self._names
        weights = self.weights
        data, beside, *_ = _asked.rows_with_target(X, y, sample_weight, self._rules.target, names, self.missing, weights)
        return Verification(self._rules.verify(data, beside, _asked.limits(self, time_limit)))

    def export(self, language="json"):
        """The rules as code.

        Parameters
        ----------
        language : {'python', 'sql', 'json'}, default 'json'
            A Python function of one row, a CASE expression, or the rules file that `pellucid rules` reads.

        Returns
        -------
        str
        """
        check_is_fitted(self, "classes_")
        return self._rules.export(language)

    def text(self):
        """str: The rules and what is proven of them, as the command line says it."""
        check_is_fitted(self, "classes_")
        return self._rules.text()

    def _repr_html_(self):
        if "_rules" not in self.__dict__:
            return f"<pre>{html.escape(repr(self))}</pre>"
        otherwise = f"otherwise {html.escape(self._rules.target)} = {html.escape(str(self.default_))}"
        said = "<br>".join(html.escape(repr(one)) for one in self._certificates().values())
        return f"{self.rules_._repr_html_()}<p>{otherwise}</p><p>{said}</p>"

    def _repr_mimebundle_(self, **_):
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _read_classes(spelled, is_number):
    """Classes that came from a column: numbers where that holds numbers, else texts, however they look."""
    try:
        numbers = [float(one) for one in spelled] if is_number else None
    except ValueError:  # `not 1`, where rules predict one of several values
        numbers = None
    if numbers is None:
        return np.array(sorted(spelled), dtype=object)
    return np.unique([int(one) if one.is_integer() else one for one in numbers])
