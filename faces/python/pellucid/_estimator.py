"""What does an estimator need of scikit-learn where that is not installed? Its parameters by name, and a score."""

import inspect

import numpy as np

from .errors import UsageError


class BaseEstimator:
    """Parameters are the arguments of `__init__`, as in scikit-learn."""

    def get_params(self, deep=True):
        """dict: All parameters by name."""
        return {name: getattr(self, name) for name in self._names_of_params()}

    def set_params(self, **params):
        """Sets parameters by name."""
        known = self._names_of_params()
        for name, value in params.items():
            if name not in known:
                raise UsageError(f"Invalid parameter {name!r} for estimator {type(self).__name__}; it is one of {', '.join(known)}")
            setattr(self, name, value)
        return self

    @classmethod
    def _names_of_params(cls):
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def __repr__(self):
        defaults = {name: one.default for name, one in inspect.signature(type(self).__init__).parameters.items()}
        changed = (f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name] and value != defaults[name])
        return f"{type(self).__name__}({', '.join(changed)})"


class ClassifierMixin:
    """A classifier's score."""

    def score(self, X, y, sample_weight=None):
        """float: The share of rows whose class is predicted."""
        return float(np.average(np.asarray(y) == self.predict(X), weights=sample_weight))


def check_is_fitted(estimator, attribute):
    """Refuses what was not fitted."""
    if attribute not in vars(estimator):
        raise AttributeError(f"this {type(estimator).__name__} instance is not fitted yet; call fit first")
