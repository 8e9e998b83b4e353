"""Data and models that several tests share: real rows from the repository, and models trained on them on the spot."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def adult():
    """The census rows of the tour: numbers and texts."""
    return pd.read_csv(ROOT / "fixtures/tour/adult.csv")


@pytest.fixture(scope="session")
def rows():
    """Numbers with missing values, and two targets."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(400, 6))
    X[rng.random(X.shape) < 0.05] = np.nan
    filled = np.nan_to_num(X)
    y = filled[:, 0] * filled[:, 1] + np.sin(filled[:, 2]) + 0.1 * rng.normal(size=len(X))
    return X, y, (y > 0).astype(int)


@pytest.fixture(scope="session")
def command():
    """Runs the command line that pip installed beside Python; answers what it printed."""
    program = pathlib.Path(sys.executable).with_name("pellucid")

    def run(*words, code=0):
        done = subprocess.run([str(program), *map(str, words)], capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    return run
