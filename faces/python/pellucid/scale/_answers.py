"""Which columns has an answer, and what stands in them? The names, types and numbers that the command line writes."""

import numpy as np

from ._given import pyarrow_module


def fields(names, n_outputs, top_k, aggregate):
    """Names of columns with what they hold: a `number`, a `word` or a `count`."""
    if aggregate:
        return [("rows", "count"), ("aggregate", "word")]
    found = []
    for output in range(n_outputs):
        if top_k is None:
            own = [(name, "number") for name in names]
        else:
            ranks = range(1, min(top_k, len(names)) + 1)
            own = [pair for rank in ranks for pair in ((f"feature_{rank}", "word"), (f"value_{rank}", "number"))]
            own.append(("rest", "number"))
        end = "" if n_outputs == 1 else f"@{output}"
        found += [(name + end, kind) for name, kind in [*own, ("base_value", "number"), ("residual", "number")]]
    return found


def columns(found, names, top_k):
    """The arrays of these columns, of what the native part answered."""
    values, _, residuals = found.take()
    values = values.reshape(found.n_rows, found.n_outputs, len(names))
    residuals = residuals.reshape(found.n_rows, found.n_outputs)
    answer = []
    for output, base in enumerate(found.base):
        own = values[:, output]
        answer += [np.ascontiguousarray(column) for column in own.T] if top_k is None else _largest(own, names, top_k)
        answer += [np.full(found.n_rows, base), np.ascontiguousarray(residuals[:, output])]
    return [pyarrow_module().array(column) for column in answer]


def _largest(values, names, k):
    """The features with the largest values, largest first and equal ones in the model's order, and the sum of the other values."""
    pa = pyarrow_module()
    k = min(k, len(names))
    # As whole numbers, absolute values stand in the same order, and what is no number stands above all.
    order = np.argsort(-np.abs(values).view(np.int64), axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    words = pa.array(names)
    answer = []
    for rank in range(k):
        answer += [words.take(pa.array(order[:, rank])), np.ascontiguousarray(ordered[:, rank])]
    rest = np.zeros(len(values))
    # One after the other: `sum` adds in another order.
    for column in ordered[:, k:].T:
        rest += column
    return [*answer, rest]


def game_of(game, output, method):
    """What the command line calls the values in what it writes."""
    if game == "correlation-dependent":
        return "correlation-dependent Shapley values"
    if output == "probability-rescaled":
        return "background (interventional) Shapley values of the margin, rescaled to the probability"
    if method == "approximate":
        return "Saabas values (path-dependent)"
    return "background (interventional) Shapley values" if game == "background" else "path-dependent Shapley values"
