"""Errors that are ours and, where shap is loaded, shap's: code that catches shap's classes goes on working."""

import sys
from functools import cache

from ..errors import ModelError, PellucidError, UsageError


class AdditivityError(PellucidError):
    """Values and base do not add up to the model's answer."""


def model_error(text):
    """`ModelError`, also as shap's `InvalidModelError`."""
    return _both(ModelError, "InvalidModelError")(text)


def perturbation_error(text):
    """`UsageError`, also as shap's `InvalidFeaturePerturbationError`."""
    return _both(UsageError, "InvalidFeaturePerturbationError")(text)


def additivity_error(text):
    """`AdditivityError`, also as shap's `ExplainerError`."""
    return _both(AdditivityError, "ExplainerError")(text)


def masker_error(text):
    """`UsageError`, also as `NotImplementedError`, which shap raises."""
    return _joined(UsageError, NotImplementedError)(text)


def _both(own, name):
    # Who names shap's class has loaded it.
    shaps = getattr(sys.modules.get("shap.utils._exceptions"), name, None)
    return own if shaps is None else _joined(own, shaps)


@cache
def _joined(own, other):
    # A pickle, as of a worker process, comes back as our class alone.
    return type(own.__name__, (own, other), {"__module__": own.__module__, "__doc__": own.__doc__, "__reduce__": lambda self: (own, self.args)})
