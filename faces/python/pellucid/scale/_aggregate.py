"""What do the values of all rows say together, when nobody has seen all rows? Parts are joined to what one run over all of them gives, bit for bit.

A part is the text that `pellucid explain --aggregate` writes: sums are exact and quantiles are counts, so that it matters neither how rows
were cut into parts nor in which order these are joined.
"""

import json
import math
from collections.abc import Mapping

import numpy as np

from .._native import Totals
from ..errors import DataError

SCHEMA = "pellucid.aggregate/1"
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Aggregate:
    """Values of many rows, summed up.

    Attributes
    ----------
    n_rows : int
    feature_names : list of str
    worst_residual : float
        The largest of all rows.
    base_values : ndarray of shape (n_outputs,)
    mean_absolute, mean, standard_deviation, least, most : ndarray of shape (n_features,) or (n_features, n_outputs)
    quantiles : dict of float to ndarray
        At 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99, good to half a percent.
    about : dict
        Of which values, as files of the command line say.
    """

    def __init__(self, written):
        self._written = written
        self.n_rows, self.about = written["rows"], dict(written["about"])
        self.worst_residual = _number(written["worst_residual"])
        outputs = written["outputs"]
        self.base_values = np.array([_number(output["base_value"]) for output in outputs])
        self.feature_names = [feature["feature"] for feature in outputs[0]["features"]]
        for name in ("mean_absolute", "mean", "standard_deviation", "least", "most"):
            setattr(self, name, self._all(lambda feature, name=name: feature[name]))
        self.quantiles = {share: self._all(lambda feature, share=share: feature["quantiles"][str(share)]) for share in SHARES}

    def _all(self, of):
        numbers = np.array([[_number(of(feature)) for feature in output["features"]] for output in self._written["outputs"]])
        return numbers[0] if len(numbers) == 1 else numbers.T

    def to_dict(self):
        """dict: The object that `pellucid explain --aggregate` and `pellucid merge` write as JSON."""
        return self._written

    def save(self, path):
        """Writes it as JSON.

        Parameters
        ----------
        path : path
        """
        with open(path, "w", encoding="utf-8") as file:
            file.write(to_json(self._written) + "\n")

    def __repr__(self):
        largest = np.argsort(-self.mean_absolute.reshape(len(self.feature_names), -1).max(axis=1), kind="stable")[:3]
        said = ", ".join(self.feature_names[at] for at in largest)
        return f"Aggregate({self.n_rows} rows, {len(self.feature_names)} features; {self.about['game']}; most moved by {said})"


def merge(parts):
    """Joins the parts of one job.

    Parameters
    ----------
    parts : iterable, table or dataset
        What mappers with `aggregate=True` answered: tables, frames, a Ray dataset, a Spark frame, texts, or several of them. They are taken
        one by one, so that not all of them need to be in memory.

    Returns
    -------
    Aggregate

    Raises
    ------
    DataError
        When there is no part, or they are of different models, games or outputs, or one is damaged.
    """
    all_rows, first = None, None
    for at, part in enumerate(_each(parts), 1):
        totals, names = _restored(part, at)
        if first is None:
            first, all_rows, first_names = part, totals, names
            continue
        for key in {**first["about"], **part["about"]}:
            if first["about"].get(key) != part["about"].get(key):
                raise DataError(f"part 1 and part {at} are of different jobs: their `{key}` differs")
        if names != first_names:
            raise DataError(f"part {at} has other features than part 1")
        all_rows.merge(totals)
    if first is None:
        raise DataError("there is no part to join: every batch was empty, or none was given")
    return Aggregate(to_dict(all_rows, first["about"], first_names))


def to_dict(totals, about, names):
    """What the command line writes of an aggregate."""
    outputs = []
    for base, states, numbers in zip(totals.base, totals.states(), totals.numbers(list(SHARES)), strict=True):
        features = [_feature(*each) for each in zip(names, states, numbers, strict=True)]
        outputs.append({"base_value": _said(base), "features": features})
    return {
        "schema": SCHEMA,
        "about": dict(about),
        "rows": totals.n_rows,
        "complete": True,
        "worst_residual": _said(totals.worst_residual),
        "quantile_accuracy": Totals.ACCURACY,
        "outputs": outputs,
    }


def _feature(name, state, numbers):
    (absolute, total, squares), (least, most), (below, zeros, above) = state
    mean_absolute, mean, deviation, quantiles = numbers
    sums = {"absolute": absolute, "sum": total, "squares": squares}
    return {
        "feature": name,
        "mean_absolute": _said(mean_absolute),
        "mean": _said(mean),
        "standard_deviation": _said(deviation),
        "least": _said(least),
        "most": _said(most),
        "quantiles": {str(share): _said(x) for share, x in zip(SHARES, quantiles, strict=True)},
        "state": {
            **{key: {"digits": [list(digit) for digit in digits], "not_finite": n} for key, (digits, n) in sums.items()},
            "below": [list(bucket) for bucket in below],
            "zeros": zeros,
            "above": [list(bucket) for bucket in above],
        },
    }


def to_json(written):
    """As text, with numbers that read back as the same ones."""
    return json.dumps(written, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _restored(part, at):
    """Totals of what was written, and the names of its features."""
    try:
        if part["schema"] != SCHEMA or not part["complete"]:
            raise DataError(f"part {at} is not whole, or no aggregate: its schema is `{part['schema']}`")
        outputs = part["outputs"]
        names = [feature["feature"] for feature in outputs[0]["features"]]
        if any([feature["feature"] for feature in output["features"]] != names for output in outputs):
            raise DataError(f"part {at} is damaged: its outputs have different features")
        states = [[_state(feature) for feature in output["features"]] for output in outputs]
        bases = [_number(output["base_value"]) for output in outputs]
        return Totals.restored(part["rows"], _number(part["worst_residual"]), bases, states), names
    except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
        if isinstance(error, DataError) and str(error).startswith("part "):
            raise
        raise DataError(f"part {at} is damaged, or no part of an aggregate: {error}") from error


def _state(feature):
    state = feature["state"]
    digits = lambda name: ([tuple(digit) for digit in state[name]["digits"]], state[name]["not_finite"])
    counts = lambda name: [tuple(bucket) for bucket in state[name]]
    # Infinite where no value was finite, which JSON can't say.
    least = math.inf if feature["least"] is None else feature["least"]
    most = -math.inf if feature["most"] is None else feature["most"]
    sums = digits("absolute"), digits("sum"), digits("squares")
    return sums, (least, most), (counts("below"), state["zeros"], counts("above"))


def _each(parts):
    """What was written, part by part, of whatever holds it."""
    if isinstance(parts, Aggregate):
        yield parts.to_dict()
    elif isinstance(parts, (str, bytes)):
        try:
            yield json.loads(parts)
        except ValueError as error:
            raise DataError(f"a part is no JSON: {error}") from error
    elif isinstance(parts, Mapping):
        if "aggregate" in parts:
            yield from _each(parts["aggregate"])
        else:
            yield dict(parts)
    elif hasattr(parts, "toLocalIterator"):
        for row in parts.toLocalIterator():
            yield from _each(row["aggregate"])
    elif hasattr(parts, "__arrow_c_stream__") or hasattr(parts, "__arrow_c_array__"):
        yield from _of_table(parts)
    elif hasattr(parts, "iter_rows"):
        for row in parts.iter_rows():
            yield from _each(row)
    else:
        try:
            each = iter(parts)
        except TypeError as error:
            raise DataError(f"{type(parts).__name__} holds no parts; give what mappers with aggregate=True answered") from error
        for part in each:
            yield from _each(part)


def _of_table(table):
    import pyarrow

    table = pyarrow.table(table)
    if "aggregate" not in table.column_names:
        raise DataError(f"a table without the column `aggregate` holds no parts; it has {', '.join(table.column_names)}")
    for text in table.column("aggregate"):
        yield from _each(text.as_py())


def _said(x):
    return x if math.isfinite(x) else None


def _number(x):
    return math.nan if x is None else float(x)
