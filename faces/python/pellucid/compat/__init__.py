"""Shap's signatures over our engine: change one import, keep the rest.

    from pellucid.compat import LinearExplainer, TreeExplainer     # instead of: from shap import LinearExplainer, TreeExplainer

What is the same: arguments, shapes of the answers, `expected_value`, and `shap.Explanation` as the answer of a call. Errors are also of shap's
classes where shap is loaded. What differs: all values are of 64 bits, `TreeExplainer` always checks that they add up, all rows of a background count
(shap takes 100 of them), columns with names are matched by name where any is known, correlations are summed over all subsets (shap draws
orders of features), and what is not there is an error with a reason. What shap's explainers hold inside, as `explainer.model`, is not there.

shap's own tests of its two explainers (0.54.1, `tests/explainers/test_tree.py` and `test_linear.py`, 136 of them) with these in their place:

=======  =====  =========================================================================================================
outcome  tests  why
=======  =====  =========================================================================================================
passed   114    two of them are about shap's own reading of models, and touch no explainer
failed   7      look into shap's own copy of the trees (`explainer.model`), or call its inner checks
failed   1      `tree_limit`, which is not offered: it explains another model than the one given
failed   2      want a warning that large backgrounds are slow, and that a model is refused; here they are fast, and it is read
skipped  10     are about libraries that are not installed there, and whose models are not read
skipped  2      shap itself does not run one, and expects the other to fail
=======  =====  =========================================================================================================
"""

from ._errors import AdditivityError
from ._linear import LinearExplainer
from ._tree import TreeExplainer

__all__ = ["AdditivityError", "LinearExplainer", "TreeExplainer"]
