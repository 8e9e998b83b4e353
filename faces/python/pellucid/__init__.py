"""Makes models see-through: exact Shapley values of tree ensembles, with the residual of every number.

    import pellucid as pel

    explanation = pel.TreeExplainer(model)(X)
    explanation.plot.beeswarm()
"""

from ._explain import Explanation, TreeExplainer
from ._native import __version__
from ._plot import Picture
from . import errors

#: In which module a name is that is imported when somebody asks for it, so that `import pellucid` stays quick; a module's own name is
#: the module.
_LATER = {
    "Rashomon": "_rashomon",
    "RuleSetClassifier": "rules",
    "Sweep": "transformer",
    "Transformer": "transformer",
    "load_model": "transformer",
    "position": "position",
    "rashomon": "_rashomon",
    "scale": "scale",
}

__all__ = ["Explanation", "Picture", "TreeExplainer", "__version__", "errors", *_LATER]


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_LATER[name]}", __name__)
    found = module if _LATER[name] == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *_LATER})
