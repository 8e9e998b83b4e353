"""Shap's own tests of its tree and linear explainers, with ours in their place: what does not pass stands in `shap_suite/failures.toml`, with whose
it is and why.

They run with the shap of `requirements.txt`, whose source distribution is fetched once (`shap_suite/run.py`). The requirements of Python 3.11
(`requirements-oldest.txt`) have no shap: newer ones want Python 3.12, and the tests of an older one would need a table of their own. There these
tests are left out.
"""

import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

if sys.version_info < (3, 12):
    pytest.skip("the shap that the table is about wants Python 3.12", allow_module_level=True)
shap = pytest.importorskip("shap")

SUITE = Path(__file__).resolve().parent / "shap_suite"
#: What the table is about.
VERSION = "0.54.1"
WHOSE = {"ours", "theirs", "private", "outside"}


@pytest.fixture(scope="module")
def table():
    return tomllib.loads((SUITE / "failures.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    from shap_suite import run

    return run.outcomes(tmp_path_factory.mktemp("shap"))


def test_the_table_is_about_this_shap():
    assert shap.__version__ == VERSION, "another shap has other tests: run shap_suite/run.py, write the table anew, and this version"


def test_every_entry_is_whole(table):
    for entry in table["entry"]:
        assert set(entry) == {"whose", "outcome", "why", "tests"}, entry
        assert entry["whose"] in WHOSE and entry["outcome"] in ("failed", "skipped") and entry["why"].endswith(".") and entry["tests"], entry
    twice = [name for name, times in Counter(name for entry in table["entry"] for name in entry["tests"]).items() if times > 1]
    assert not twice


def test_outcomes_are_those_of_the_table(table, outcomes):
    expected = {name: entry["outcome"] for entry in table["entry"] for name in entry["tests"]}
    unexplained = {name: said for name, said in outcomes.items() if said != "passed" and expected.get(name) != said.partition(":")[0]}
    assert not unexplained, "neither passed nor as in shap_suite/failures.toml"
    assert not {name for name in expected if outcomes.get(name, "is not there") in ("passed", "is not there")}, "in shap_suite/failures.toml, and passed or not there"
    assert sum(said == "passed" for said in outcomes.values()) >= table["passed"]
