"""Runs shap's own tests of its explainers with ours in their place. Run: python run.py; answers the outcomes as JSON.

The source distribution of the installed shap comes from the registry and is kept in the cache folder; nothing of it is in the repository.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree

import shap

HERE = pathlib.Path(__file__).resolve().parent
FILES = ["tests/explainers/test_tree.py", "tests/explainers/test_linear.py"]
#: Seconds for all tests; each has a limit of its own in the conftest.
MOST_SECONDS = 900


def cache():
    """Where the archive is kept: beside what xtask keeps (`xtask/src/places.rs`)."""
    named = lambda variable: pathlib.Path(os.environ[variable]) if os.environ.get(variable) else None
    user = named("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return (named("PELLUCID_CACHE") or user / "pellucid") / "shap-src"


def archive():
    """The source distribution of the installed shap, fetched once."""
    name = f"shap-{shap.__version__}.tar.gz"
    place = cache() / name
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        # Fetched beside its place and moved there: no half of an archive is ever found.
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "shap"]
            subprocess.run([*pip, f"shap=={shap.__version__}", "--dest", folder], check=True)
            os.replace(pathlib.Path(folder) / name, place)
    return place


def unpack(folder):
    """Lays shap's tests, and nothing else of it, into a folder: what is imported as shap is the installed library."""
    with tarfile.open(archive()) as packed:
        top = packed.next().name.partition("/")[0]
        packed.extractall(folder, [member for member in packed if member.name.startswith(f"{top}/tests/")], filter="data")
    (folder / top / "tests").rename(folder / "tests")
    (folder / "tests/conftest.py").unlink()
    shutil.copy(HERE / "conftest_for_shap.py", folder / "conftest.py")


def outcomes(folder, wanted=(), said=subprocess.DEVNULL):
    """What became of each test: `passed`, `failed: ` and the first line of why, or `skipped: ` and why.

    Parameters
    ----------
    folder : Path
        An empty one.
    wanted : sequence of str, optional
        Arguments of pytest that choose tests.
    said : file, optional
        Where pytest's own report goes.
    """
    unpack(folder)
    report = folder / "report.xml"
    pytest = [sys.executable, "-m", "pytest", "-v", "--durations=15", "--tb=short", "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "junit_family=xunit2"]
    # Two threads that sleep while they wait, whatever a test asks for; and no Java, so that tests of Spark's models are skipped everywhere.
    quiet = {"OMP_THREAD_LIMIT": "2", "OMP_WAIT_POLICY": "passive", "JAVA_HOME": "/nonexistent", "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*pytest, *FILES, *wanted], cwd=folder, stdout=said, stderr=said, timeout=MOST_SECONDS, env={**os.environ, **quiet})
    if not report.exists():
        raise RuntimeError("pytest wrote no report; run run.py by hand to see what it says")
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        file, *inner = re.search(r"test_\w+(\.\w+)*$", case.get("classname")).group().split(".")
        name = "::".join([f"{file}.py", *inner, case.get("name")])
        bad = [part.get("message", "") for part in case if part.tag in ("failure", "error")]
        skipped = [part.get("message", "") for part in case if part.tag == "skipped"]
        found[name] = f"failed: {bad[0].partition(chr(10))[0]}" if bad else f"skipped: {skipped[0]}" if skipped else "passed"
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        json.dump(outcomes(pathlib.Path(place), sys.argv[1:], sys.stderr), sys.stdout, indent=1)
