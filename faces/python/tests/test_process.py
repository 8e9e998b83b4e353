"""How the package behaves as a guest in a process: quick to import, no threads, safe after a fork, obedient to Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import pellucid as pel


def python(code, *, timeout=120):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout)


def test_import_needs_numpy_only_and_starts_no_thread():
    done = python(
        """
        import sys, threading
        import pellucid
        extra = {"pandas", "polars", "pyarrow", "sklearn", "shap", "xgboost", "scipy", "matplotlib"} & set(sys.modules)
        assert not extra, extra
        print(len(__import__("os").listdir("/proc/self/task")))
        """
    )
    assert done.returncode == 0, done.stderr
    alone = python("import numpy, os; print(len(os.listdir('/proc/self/task')))")
    assert done.stdout == alone.stdout


def test_import_is_quick():
    # The fastest of several: the machine has other things to do.
    def seconds(code):
        start = time.perf_counter()
        assert python(code).returncode == 0
        return time.perf_counter() - start

    own = min(seconds("import pellucid") for _ in range(5)) - min(seconds("pass") for _ in range(5))
    assert own < 0.5, f"{own:.3f} s"


MODEL = """
import numpy as np, pellucid as pel
from sklearn.ensemble import RandomForestRegressor
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 8))
model = RandomForestRegressor(n_estimators=20, random_state=0).fit(X, X[:, 0] * X[:, 1])
"""


def test_ctrl_c_stops_a_long_call():
    code = MODEL + textwrap.dedent(
        """
        import os, signal, threading, time
        big = np.repeat(X, 20_000, axis=0)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.perf_counter()
        try:
            pel.TreeExplainer(model, method="definition")(big)
        except KeyboardInterrupt:
            print("stopped after", time.perf_counter() - start)
        else:
            print("never stopped")
        # And everything goes on.
        assert pel.TreeExplainer(model)(X).values.shape == (300, 8)
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("stopped after"), done.stdout
    assert float(done.stdout.split()[-1]) < 5.0


def test_other_threads_run_meanwhile():
    code = MODEL + textwrap.dedent(
        """
        import threading, time
        big = np.repeat(X, 2_000, axis=0)
        ticks, running = 0, True
        def tick():
            global ticks
            while running:
                ticks += 1
                time.sleep(0.005)
        other = threading.Thread(target=tick); other.start()
        start = time.perf_counter()
        pel.TreeExplainer(model, threads=1)(big)
        took = time.perf_counter() - start
        running = False; other.join()
        print(ticks * 0.005 / took, took)
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    share, took = map(float, done.stdout.split())
    assert share > 0.2, f"the other thread ran {share:.0%} of {took:.2f} s"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_after_a_call_goes_on():
    code = MODEL + textwrap.dedent(
        """
        import multiprocessing, sys
        explainer = pel.TreeExplainer(model)
        expected = [explainer(X[part::3]).values for part in range(3)]
        def ask(part):
            return explainer(X[part::3]).values
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                parts = pool.map(ask, range(3))
            for part in range(3):
                assert parts[part].tobytes() == expected[part].tobytes()
            print("equal")
        """
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "equal\n", done.stderr


def test_many_threads_may_ask_at_once(rows):
    import xgboost

    X, y, _ = rows
    explainer = pel.TreeExplainer(xgboost.XGBRegressor(n_estimators=5).fit(X, y))
    expected, found = explainer(X).values, [None] * 8

    def ask(at):
        found[at] = explainer(X).values

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(values.tobytes() == expected.tobytes() for values in found)


def test_the_command_came_along(command, root, tmp_path):
    assert command("version").startswith(f"pellucid {pel.__version__}")
    assert "usage" in command("explain", code=2).lower()
    module = subprocess.run([sys.executable, "-m", "pellucid", "version"], capture_output=True, text=True)
    assert module.stdout == command("version")


def test_the_command_obeys_ctrl_c(root):
    program = os.path.join(os.path.dirname(sys.executable), "pellucid")
    fixture = root / "fixtures/tour"
    running = subprocess.Popen(
        [program, "explain", fixture / "adult-xgboost.ubj", "-", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    header, *body = (fixture / "adult.csv").read_bytes().splitlines(keepends=True)
    running.stdin.write(header + b"".join(body))
    running.stdin.flush()
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.stdin.close()
    assert running.wait(timeout=20) == 130, running.stderr.read()
