"""The page on Python does what it says: its code runs, block after block, and docstrings' examples answer what stands there."""

import doctest
import importlib
import os
import pathlib
import re
import warnings

import pytest

import pellucid as pel


@pytest.fixture()
def place(root, tmp_path, monkeypatch):
    """A folder with the files that the page names."""
    for file in (root / "fixtures/position/twin").iterdir():
        (tmp_path / file.name).symlink_to(file)
    weights = pathlib.Path(os.environ.get("PELLUCID_WEIGHTS", pathlib.Path.home() / ".cache/pellucid/weights"))
    (gguf,) = weights.glob("**/SmolLM2-135M-Instruct.Q4_1.gguf")
    (tmp_path / gguf.name).symlink_to(gguf)
    encoder = next(weights.glob("**/model.safetensors")).parent
    (tmp_path / "all-MiniLM-L6-v2").symlink_to(encoder)
    monkeypatch.chdir(tmp_path)


def test_the_page_runs(root, adult, place):
    xgboost = pytest.importorskip("xgboost")
    pytest.importorskip("shap")
    X = adult[["age", "sex", "hours-per-week"]].head(300).copy()
    for name in X.select_dtypes(exclude="number"):
        X[name] = X[name].astype("category")
    y = (adult["income"].head(300) == adult["income"].iloc[0]).astype(int)
    known = {"X": X, "y": y, "model": xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(X, y)}
    blocks = re.findall(r"```python\n(.*?)```", (root / "book/python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(block, "book/python.md", "exec"), known)


@pytest.mark.parametrize("name", ["_explain", "_rashomon", "compat._linear", "rules", "position"])
def test_examples_of_docstrings(name):
    pytest.importorskip("sklearn")
    module = importlib.import_module(f"pellucid.{name}")
    ran = doctest.testmod(module)
    assert ran.failed == 0 and ran.attempted > 0


def test_all_that_is_offered_is_there():
    for name in pel.__all__:
        assert getattr(pel, name).__doc__ or isinstance(getattr(pel, name), str), name
