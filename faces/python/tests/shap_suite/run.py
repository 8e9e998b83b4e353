"""Runs shap's own tests of its explainers with ours in their place. Run: python run.py FOLDER; answers the outcomes as JSON.

The source distribution of the installed shap comes from the registry; nothing of it is kept in the repository. By hand for now: it takes
several minutes, and what fails is not yet explained in a table.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree

import shap

HERE = pathlib.Path(__file__).resolve().parent
FILES = ["tests/explainers/test_tree.py"]


def sources(folder):
    """The unpacked source distribution."""
    version = shap.__version__
    archive = folder / f"shap-{version}.tar.gz"
    if not archive.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "shap", f"shap=={version}"]
        subprocess.run([*pip, "--dest", str(folder)], check=True)
    place = folder / f"shap-{version}"
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return place


def outcomes(folder):
    """What became of each test: `passed`, `skipped`, or the first line of the failure."""
    place = sources(folder)
    # Only the tests: what is imported as shap is the installed library.
    tests = folder / "suite"
    shutil.rmtree(tests, ignore_errors=True)
    shutil.copytree(place / "tests", tests / "tests")
    (tests / "tests/conftest.py").unlink(missing_ok=True)
    shutil.copy(HERE / "conftest_for_shap.py", tests / "conftest.py")
    report = tests / "report.xml"
    pytest = [sys.executable, "-m", "pytest", "-q", "-x", "--maxfail=1000", "-p", "no:cacheprovider", f"--junitxml={report}", *FILES]
    done = subprocess.run(pytest, cwd=tests, capture_output=True, text=True, env=None)
    if not report.exists():
        raise SystemExit(done.stdout + done.stderr)
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = case.get("name")
        bad = [part for part in case if part.tag in ("failure", "error")]
        skipped = [part for part in case if part.tag == "skipped"]
        found[name] = bad[0].get("message", "").splitlines()[0] if bad else f"skipped: {skipped[0].get('message')}" if skipped else "passed"
    return found


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    json.dump(outcomes(folder), sys.stdout, indent=1)
