"""All rule sets that are nearly as good as the best: counted, drawn, listed and studied. What is not exact never looks so."""

import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from . import _asked
from ._native import RashomonSet
from .errors import LimitError, PellucidWarning, UsageError

__all__ = ["Count", "Rashomon", "RuleSet", "RuleSets", "Study", "rashomon"]

#: Sets that a list shows unless more are asked for.
_SHOWN = 20


@dataclass(frozen=True)
class Count:
    """How many rule sets are within the bound.

    Attributes
    ----------
    value : int or None
        The number where it is `exact`, an estimate of it where `method` is `ApproxMC`, and `None` where the search was stopped.
    lo, hi : int
        Between which it is: certainly, but for an estimate, for which `guarantee` says how certain that is.
    exact : bool
        Whether `value` is the number.
    method : {'search', 'stopped search', 'ApproxMC'}
    guarantee : str
        What is certain, in words.
    by_size : dict of int to int, or None
        Sets by their number of rules; `None` where that is not certain.
    best : fractions.Fraction or None
        The best objective, where the set is empty also above the bound; of a stopped search the best so far.
    theta : fractions.Fraction
        The bound.

    Notes
    -----
    `int(count)` is the number where that is known exactly, and an error where not. `to_dict()` is what the command line writes.
    """

    value: int | None
    lo: int
    hi: int
    exact: bool
    method: str
    guarantee: str
    by_size: dict | None
    best: Fraction | None
    theta: Fraction
    _json: str

    @classmethod
    def _searched(cls, text):
        read = json.loads(text)
        lo, hi = (int(end) for end in read.get("interval", [read["count"]] * 2))
        exact = read["exact"]
        sizes = {int(size): int(sets) for size, sets in read["by_size"].items()}
        sizes = dict(sorted(sizes.items())) if exact or sizes else None
        return cls(
            lo if exact else None,
            lo,
            hi,
            exact,
            "search" if exact else "stopped search",
            "exact: all were counted" if exact else "the search was stopped: the number is certainly between lo and hi",
            sizes if exact else None,
            _asked.exact(read["best"]),
            Fraction(read["theta"]),
            text,
        )

    @classmethod
    def _estimated(cls, text):
        read = json.loads(text)
        value, factor = int(read["count"]), 1 + Fraction(repr(read["epsilon"]))
        lo, hi = (value, value) if read["exact"] else (math.ceil(value / factor), math.floor(value * factor))
        return cls(value, lo, hi, read["exact"], read["method"], read["guarantee"], None, None, Fraction(read["theta"]), text)

    def to_dict(self):
        """dict: Everything, as the command line writes it; counts are texts of digits."""
        return json.loads(self._json)

    def _uses(self, name):
        return {one["name"]: int(one["sets"]) for one in self.to_dict().get(name, [])} if self.exact else None

    @property
    def by_feature(self):
        """dict of str to int, or None: Sets that use each feature in some rule, the most used first."""
        return self._uses("by_feature")

    @property
    def by_rule(self):
        """dict of str to int, or None: Sets that each rule is in, the most used first."""
        return self._uses("by_rule")

    @property
    def by_objective(self):
        """dict of Fraction to int, or None: Sets by objective, rising; `None` also past 10,000 of them."""
        levels = self.to_dict().get("by_objective") if self.exact else None
        return None if levels is None else {Fraction(value): int(sets) for value, sets in levels}

    def __int__(self):
        if not self.exact:
            raise LimitError(f"the count is not exact: {self!r}")
        return self.value

    def __repr__(self):
        if self.exact:
            return f"Count({self.value}, exact)"
        if self.value is None:
            return f"Count(between {self.lo} and {self.hi}; the search was stopped)"
        return f"Count(about {self.value}; {self.guarantee})"


@dataclass(frozen=True)
class RuleSet:
    """One rule set.

    Attributes
    ----------
    rules : tuple of str
        It predicts its class where any of them holds.
    ids : tuple of int
        The same by number, see `Rashomon.rules`.
    objective : fractions.Fraction or None
        `None` where the set was drawn in a way that does not compute it; so for `errors`.
    errors : int or None
        What its errors cost.
    """

    rules: tuple
    ids: tuple
    objective: Fraction | None = None
    errors: int | None = None

    def __len__(self):
        return len(self.ids)

    def __str__(self):
        said = "  or  ".join(self.rules) or "no rule"
        return said if self.objective is None else f"{float(self.objective):.5f}  {said}"


class RuleSets(Sequence):
    """Rule sets, in the order in which they were listed or drawn.

    Attributes
    ----------
    complete : bool or None
        Of a list, whether these are all there are.
    of : int or None
        Of a sample, how many there are to draw from, where that was counted.
    method, guarantee : str
        How they came, and what is certain of that.
    weights : list of float or None
        Of ways down the search tree: what each set counts for. A way that ended without a set has the weight 0 and is `None`.
    """

    def __init__(self, sets, *, method, guarantee, complete=None, of=None, weights=None, estimate=None, standard_error=None):
        self._sets = list(sets)
        self.method, self.guarantee, self.complete, self.of = method, guarantee, complete, of
        self.weights, self.count_estimate, self.standard_error = weights, estimate, standard_error

    def __getitem__(self, at):
        return self._sets[at]

    def __len__(self):
        return len(self._sets)

    def __repr__(self):
        lines = [str(one) if one is not None else "a way that ended without a set" for one in self._sets[:_SHOWN]]
        rest = [f"... {len(self) - _SHOWN} more"] if len(self) > _SHOWN else []
        return "\n".join([f"{len(self)} rule sets: {self.method}; {self.guarantee}", *lines, *rest])


class Study(dict):
    """What the sets have in common and where they differ, as the command line writes it.

    `study["exact"]` says whether every set was looked at; otherwise `study["members"]` were drawn uniformly, and ranges over all sets
    may be wider. Fractions and counts are texts.
    """

    @property
    def exact(self):
        """bool: Whether every set was looked at."""
        return self["exact"]

    def __repr__(self):
        looked = f"all {self['count']} rule sets" if self.exact else f"{self['members']} rule sets drawn uniformly from {self['count']}; ranges may be wider"
        needed = [one["feature"] for one in self["reliance"] if one["low"] > 0]
        least = "" if self.exact else "at least "
        lines = [
            f"Study of {looked}",
            f"every one of them relies on: {', '.join(needed) or 'no feature'}",
            f"rows on which some set differs from the best: {least}{self['ambiguity']}; most that one set flips: {least}{self['discrepancy']}",
        ]
        for one in self["fairness"]:
            ends = [one[end]["value"] for end in ("low", "high") if one[end] is not None]
            lines.append(f"{one['compared']}: " + (f"{least}from {ends[0]} to {ends[1]}" if ends else "defined for no set"))
        return "\n".join(lines)


class Rashomon:
    """A Rashomon set that is ready for questions; `pellucid.rashomon` makes it.

    Attributes
    ----------
    theta, lam : fractions.Fraction
        The bound on the objective, and what a rule costs.
    identity : str
        When two sets are one.
    rules : list of str
        All candidate rules; sets name them by number.
    notes : list of str
        What one should know of the data.
    """

    def __init__(self, *_, **__):
        raise TypeError("a Rashomon set comes from pellucid.rashomon(X, y, theta=...)")

    @classmethod
    def _of(cls, found, notes):
        self = object.__new__(cls)
        self._set, self.notes = found, list(notes)
        theta, lam, self.identity, self._empty, self._positive = found.terms
        self.theta, self.lam = Fraction(theta), Fraction(lam)
        self.rules = found.rules
        return self

    def count(self, *, approximate=False, epsilon=0.8, delta=0.2, seed=0):
        """How many sets are there?

        Parameters
        ----------
        approximate : bool, default False
            Estimate the number by random parities, where it is too large to be counted.
        epsilon, delta : float
            The estimate is within a factor of 1 + epsilon, except with a probability of delta.
        seed : int, default 0

        Returns
        -------
        Count
            Exact, unless `time_limit` or another limit stopped the search (then an interval), or `approximate`.

        Raises
        ------
        LimitError
            When a limit came before there was an estimate.

        References
        ----------
        Chakraborty, Meel & Vardi, "Algorithmic improvements in approximate counting for probabilistic inference", IJCAI 2016.
        """
        if approximate:
            return Count._estimated(self._set.estimate(float(epsilon), float(delta), _seed(seed)))
        return Count._searched(self._set.count())

    def list(self, n=_SHOWN, *, order="objective"):
        """Tells the sets one by one.

        Parameters
        ----------
        n : int or None, default 20
            At most so many; `None` for all of them, which memory must hold.
        order : {'objective', 'lex'}, default 'objective'
            The best first, or by rules.

        Returns
        -------
        RuleSets
            `complete` says whether these are all.
        """
        sets, ended = self._set.list(None if n is None else _number("n", n), order)
        guarantee = {"all": "all there are", "enough": "there are more", "stopped": "stopped by a limit: there may be more"}[ended]
        method = "the best first" if order == "objective" else "by rules"
        return RuleSets(map(self._set_of, sets), method=method, guarantee=guarantee, complete=ended == "all")

    def sample(self, n=10, seed=0, *, beta=0.0, method="exact", epsilon=8.0):
        """Draws sets, with replacement.

        Parameters
        ----------
        n : int, default 10
        seed : int, default 0
        beta : float, default 0.0
            Above 0, sets are drawn proportionally to exp(-beta·objective).
        method : {'exact', 'parity', 'tree'}, default 'exact'
            By rank, exactly uniform; by random parities (UniGen), almost uniform; or random ways down the search tree, whose weights
            make sums unbiased, without a guarantee for any number of draws.
        epsilon : float, default 8.0
            Of parities: every set is drawn with a probability within a factor of 1 + epsilon of the others'; above 1.71.

        Returns
        -------
        RuleSets

        Raises
        ------
        EmptySetError
            When there is no set.
        LimitError
            When a limit came before the sample was drawn: what was seen first is no fair sample.
        """
        n, seed = _number("n", n), _seed(seed)
        if method == "exact":
            sets, of = self._set.sample(n, seed, float(beta))
            guarantee = "exact, uniform" if beta == 0 else f"exact, proportional to exp(-{beta}·objective)"
            return RuleSets(map(self._set_of, sets), method="drawn", guarantee=guarantee, of=int(of))
        if beta:
            raise UsageError("beta goes with method='exact'")
        if method == "parity":
            sets, exact, failures, trials = self._set.sample_parity(n, seed, float(epsilon))
            guarantee = (
                "uniform: the set is small enough to be drawn from directly"
                if exact
                else f"almost uniform: each set's probability is within a factor of {1 + epsilon} of an equal share; {failures} of {trials} trials failed"
            )
            return RuleSets(map(self._bare, sets), method="drawn by parities (UniGen)", guarantee=guarantee)
        if method == "tree":
            draws, estimate, error, guarantee = self._set.sample_tree(n, seed)
            sets = [None if ids is None else self._bare(ids) for ids, _ in draws]
            weights = [weight for _, weight in draws]
            return RuleSets(
                sets, method="weighted ways down the search tree", guarantee=guarantee, weights=weights, estimate=estimate, standard_error=error
            )
        raise UsageError(f"method {method!r}: it is one of exact, parity, tree")

    def study(self, groups=None, *, most_members=200_000, certify=False, models=5, bootstrap=0, seed=0):
        """What do the sets have in common, and where do they differ?

        Parameters
        ----------
        groups : str or array_like of shape (n_rows,), optional
            A column, or values, by which rows are compared: shares predicted, true positive rates, precisions.
        most_members : int, default 200_000
            Every set is looked at up to so many; above, so many are drawn uniformly, which makes ranges estimates.
        certify : bool, default False
            Look at every set however many there are.
        models : int, default 5
            Models of the short list.
        bootstrap : int, default 0
            Drawings for the distribution of reliances.
        seed : int, default 0

        Returns
        -------
        Study
            A dict: `reliance`, `ambiguity`, `discrepancy`, `fairness`, `short_list` and others.

        References
        ----------
        Fisher, Rudin & Dominici 2019 (reliance); Marx, Calmon & Ustun 2020 (multiplicity); Donnelly et al. 2023 (bootstrap).
        """
        column, by_row = (groups, None) if groups is None or isinstance(groups, str) else (None, _groups(groups))
        text = self._set.study(
            column=column,
            groups=by_row,
            most_members=_number("most_members", most_members),
            certify=bool(certify),
            models=_number("models", models),
            bootstrap=_number("bootstrap", bootstrap, least=0),
            seed=_seed(seed),
        )
        return Study(json.loads(text))

    def _set_of(self, found):
        objective, errors, ids = found
        return RuleSet(tuple(self.rules[at] for at in ids), tuple(ids), Fraction(objective), errors)

    def _bare(self, ids):
        return RuleSet(tuple(self.rules[at] for at in ids), tuple(ids))

    def __repr__(self):
        empty = "" if self._empty else ", without the empty set"
        return f"Rashomon(objective ≤ {self.theta}, λ = {self.lam}, {len(self.rules)} candidate rules for {self._positive!r}, identity {self.identity}{empty})"


def rashomon(
    X,
    y,
    *,
    theta=None,
    within=None,
    times=None,
    lam="1/100",
    identity="subset",
    exclude_empty=False,
    max_size=None,
    max_rules=None,
    max_conditions=2,
    min_support=0.01,
    literals="positive",
    cost="1:1",
    sample_weight=None,
    positive=None,
    cuts="quantile",
    bins=5,
    groups=0,
    missing_literal="own",
    candidates="all",
    rank="gain",
    drop=(),
    monotone=None,
    weights=None,
    target=None,
    feature_names=None,
    missing=(),
    time_limit=None,
    n_jobs=None,
    node_limit=None,
    memory_limit=None,
):
    """All rule sets whose objective is at most a bound.

    Parameters
    ----------
    X : array_like, data frame or path
        Rows x columns: a matrix of numbers (NaN is missing), a frame with numbers, texts and categories, or a file.
    y : array_like of shape (n_rows,), or str
        Two classes: whole numbers, booleans or texts; or the name of a column of `X`.
    theta : str, Fraction or float, optional
        θ: the objective is at most this. One of `theta`, `within` and `times` is given.
    within : str, Fraction or float, optional
        The objective is at most this above the best.
    times : str, Fraction or float, optional
        The objective is at most so many times the best.
    identity : {'subset', 'columns', 'predictions', 'irredundant'}, default 'subset'
        When two sets are one: the same rules; of rules with equal rows the first; equal predictions; and `irredundant`, where every
        rule covers a row that no other does.
    exclude_empty : bool, default False
        Whether the empty set, which predicts the default everywhere, does not count.
    max_size : int, optional
        Most rules of a set.
    sample_weight : array_like of shape (n_rows,), optional
        Whole numbers from 0 on: how many rows a row stands for.
    feature_names : sequence of str, optional
        Names of the columns of a matrix; `f0`, `f1`, ... without.
    time_limit : float, optional
        Seconds for each question.
    lam, max_rules, max_conditions, min_support, literals, cost, positive, cuts, bins, groups, missing_literal, candidates, rank, drop, \
monotone, weights, target, missing, n_jobs, node_limit, memory_limit
        As in `RuleSetClassifier`.

    Returns
    -------
    Rashomon

    Raises
    ------
    UsageError
        When an argument is wrong.
    DataError, OneClassError, MissingValueError, MissingColumnsError
        When nothing can be learned from such data.
    LimitError
        When the best objective, on which the bound depends, was not proven in time.

    References
    ----------
    Ciaperoni, Xiao & Gionis, "Efficient exploration of the Rashomon set of rule-set models", KDD 2024.

    Examples
    --------
    >>> import numpy as np, pellucid as pel
    >>> X = np.array([[0, 1], [0, 0], [1, 1], [1, 0]] * 25)
    >>> y = X[:, 0] & X[:, 1]
    >>> y[:2] = 1
    >>> sets = pel.rashomon(X, y, theta="3/10")
    >>> sets.count()
    Count(6, exact)
    >>> sets.list()[0].rules
    ('f0 and f1',)
    """
    of = SimpleNamespace(
        lam=lam,
        max_rules=max_rules,
        max_conditions=max_conditions,
        min_support=min_support,
        literals=literals,
        cost=cost,
        positive=positive,
        cuts=cuts,
        bins=bins,
        groups=groups,
        missing_literal=missing_literal,
        candidates=candidates,
        rank=rank,
        drop=drop,
        monotone=monotone,
        time_limit=time_limit,
        n_jobs=n_jobs,
        node_limit=node_limit,
        memory_limit=memory_limit,
    )
    wished = {
        "theta": _asked.fraction("theta", theta),
        "within": _asked.fraction("within", within),
        "times": _asked.fraction("times", times),
        "identity": identity,
        "exclude_empty": bool(exclude_empty),
        "max_size": max_size,
    }
    data, beside, target, weights, _ = _asked.rows_with_target(X, y, sample_weight, target, feature_names, missing, weights)
    found, notes = RashomonSet.of(data, beside, _asked.asked(of, target, weights), wished, _asked.limits(of))
    for note in notes:
        warnings.warn(note, PellucidWarning, stacklevel=2)
    return Rashomon._of(found, notes)


def _number(name, value, least=1):
    if isinstance(value, (bool, np.bool_)) or int(value) != value or value < least:
        raise UsageError(f"{name} is {value!r}; it is a whole number from {least} on")
    return int(value)


def _seed(seed):
    return 0 if seed is None else _number("seed", seed, least=0)


def _groups(values):
    """Names of the groups and the place of each row's, -1 for none."""
    values = np.asarray(values)
    missing = np.array([_asked.is_missing(value) for value in values.tolist()], dtype=bool)
    names, places = np.unique(np.array([str(value) for value in values[~missing].tolist()]), return_inverse=True)
    of_row = np.full(len(values), -1, dtype=np.int64)
    of_row[~missing] = places
    return [str(name) for name in names], of_row
