"""What can go wrong? One class a cause; the texts are those of the command line.

All of them are `PellucidError`; those about what was given are `ValueError`, too, so that code which catches that goes on working.
"""

__all__ = [
    "BugError",
    "ConstraintError",
    "DataError",
    "EmptySetError",
    "LimitError",
    "MissingColumnsError",
    "MissingDependencyError",
    "MissingValueError",
    "ModelError",
    "OneClassError",
    "PellucidError",
    "PellucidWarning",
    "PromptError",
    "SiteError",
    "UnknownCategoryError",
    "UsageError",
]


class PellucidError(Exception):
    """Whatever Pellucid raises on purpose."""


class UsageError(PellucidError, ValueError):
    """An argument that is wrong, or does not go with another."""


class ModelError(PellucidError, ValueError):
    """What was given is no model, or none that can be read."""


class DataError(PellucidError, ValueError):
    """Data that can't be read, or does not fit the model."""


class MissingColumnsError(DataError):
    """Columns that are not there.

    Attributes
    ----------
    columns : list of str
        Their names.
    """

    def __init__(self, text, columns=()):
        super().__init__(text)
        self.columns = list(columns)

    def __reduce__(self):
        return type(self), (str(self), self.columns)


class UnknownCategoryError(DataError):
    """A category that the model never saw, where its library refuses such rows."""


class MissingValueError(DataError):
    """A missing or infinite value, where the model has no rule for it."""


class PromptError(DataError):
    """A prompt that can't be run, or prompts that do not align; an answer that is no single token."""


class SiteError(UsageError):
    """A place inside a transformer that there is not; the text says which may be meant."""


class OneClassError(DataError):
    """A target that is the same in every row: there is nothing to tell apart."""


class ConstraintError(UsageError):
    """What was asked of a rule set contradicts itself, or no set satisfies it."""


class EmptySetError(PellucidError, ValueError):
    """A Rashomon set without members: the bound is below the best objective."""


class LimitError(PellucidError, RuntimeError):
    """A limit of time or memory was reached before there was a result."""


class MissingDependencyError(PellucidError, ImportError):
    """A package that a function needs and that is not installed; the text says how to install it."""


class BugError(PellucidError, RuntimeError):
    """A bug in Pellucid; please report it."""


class PellucidWarning(UserWarning):
    """Something that changed no number silently, but that one should know."""
