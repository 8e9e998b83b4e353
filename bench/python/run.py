"""Pellucid from Python beside its own command line, in one go; and what a large frame costs in memory.  Run: cargo xtask bench python"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import check_versions, machine, spread  # noqa: E402  (it lies beside this folder)

ROWS, FEATURES, TREES, DEPTH = 1_000_000, 50, 100, 6
INSTANCES = HERE.parent.parent.parent / "shared/data/rule-instances"


def short(numbers):
    return spread(numbers, ".3g")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pellucid", required=True, help="the program, built for release")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("-o", "--out", default=None)
    return parser.parse_args()


def make(folder, n_rows):
    """A model and rows as files."""
    import numpy as np
    import pandas as pd
    import xgboost

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, FEATURES)).astype("float32")
    names = [f"c{at}" for at in range(FEATURES)]
    train = X[:20_000]
    y = train[:, 0] * train[:, 1] + train[:, 2:12].sum(axis=1)
    booster = xgboost.train({"max_depth": DEPTH, "nthread": 2}, xgboost.DMatrix(train, label=y, feature_names=names), TREES)
    booster.save_model(folder / "model.ubj")
    pd.DataFrame(X, columns=names).to_parquet(folder / "rows.parquet")


#: What one process does: with how much data it holds before, what it holds after, and the seconds of the call.
ALONE = """
import json, sys, time
import pellucid as pel
kind, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
model, rows = folder + "/model.ubj", folder + "/rows.parquet"
def peak():
    # Of this program alone: what getrusage says begins with what its parent had.
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"): return int(line.split()[1]) * 1024
explainer = pel.TreeExplainer(model, threads=threads)
if kind == "pandas":
    import pandas as pd; X = pd.read_parquet(rows)
elif kind == "numpy":
    import pandas as pd; X = pd.read_parquet(rows).to_numpy()
elif kind == "polars":
    import polars as pl; X = pl.read_parquet(rows)
else:
    X = rows
before, start = peak(), time.perf_counter()
found = explainer(X)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "before": before, "after": peak(), "rows": len(found), "answer": found.values.nbytes + 3 * found.residual.nbytes}))
"""


def alone(kind, folder, threads):
    """One process of Python; its seconds as a whole, and what it says."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", ALONE, kind, str(folder), str(threads)], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, json.loads(done.stdout)


def command(program, folder, threads):
    """The command line on the same files, which draws a picture of them and writes nothing."""
    words = [program, "explain", folder / "model.ubj", folder / "rows.parquet", "--threads", threads, "-q", "--json"]
    start = time.perf_counter()
    subprocess.run([str(word) for word in words], capture_output=True, check=True)
    return time.perf_counter() - start


def explaining(args, folder):
    kinds = ["file", "numpy", "pandas", "polars"]
    ours, times, said = [], {kind: [] for kind in kinds}, {kind: [] for kind in kinds}
    for _ in range(args.repeats):
        ours.append(command(args.pellucid, folder, args.threads))
        for kind in kinds:
            seconds, answer = alone(kind, folder, args.threads)
            times[kind].append(seconds)
            said[kind].append(answer)
    lines = [
        "## Explaining",
        "",
        f"{args.rows:,} rows x {FEATURES} features of 32 bits, XGBoost, {TREES} trees of depth {DEPTH}. Whole processes from their start: the command line reads Parquet, "
        "explains, and holds a sample for its pictures; Python reads, explains, and holds all values. The call is what `explainer(X)` takes of that. "
        "Memory is the peak of the process, in MB: before the call, after it, and how large the answer is; what is left over is what the call itself needed.",
        "",
        "| data | command line, s | Python, s | times | the call, s | rows/s of it | before | after | answer | left over |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind in kinds:
        ratio = [one / other for one, other in zip(times[kind], ours, strict=True)]
        calls = [answer["seconds"] for answer in said[kind]]
        mb = lambda name: statistics.median(answer[name] for answer in said[kind]) / 1e6
        left = mb("after") - mb("before") - mb("answer")
        lines.append(
            f"| {kind} | {short(ours)} | {short(times[kind])} | {short(ratio)} | {short(calls)} | {args.rows / statistics.median(calls):,.0f} | {mb('before'):.0f} | "
            f"{mb('after'):.0f} | {mb('answer'):.0f} | {left:.0f} |"
        )
    return lines


def cp_sat(rules, label, lam, theta):
    """Every rule set at most `theta` bad, by CP-SAT: seconds and how many."""
    import numpy as np
    from ortools.sat.python import cp_model

    n = len(label)
    model = cp_model.CpModel()
    use = [model.new_bool_var(f"r{at}") for at in range(rules.shape[1])]
    # Points that the same rules cover are one.
    patterns, where = np.unique(rules, axis=0, return_inverse=True)
    where = where.ravel()
    errors = []
    for at, pattern in enumerate(patterns):
        mine = where == at
        ones, zeros = int(label[mine].sum()), int((~label[mine]).sum())
        covers = [use[rule] for rule in np.flatnonzero(pattern)]
        if not covers:
            errors.append(ones)
            continue
        caught = model.new_bool_var(f"p{at}")
        model.add_max_equality(caught, covers)
        errors.append(zeros * caught + ones * (1 - caught))
    # (errors + lam * n * size) * denominators stay whole numbers.
    scale = lam.denominator * theta.denominator
    model.add(scale * sum(errors) + int(lam * n * scale) * sum(use) <= int(theta * n * scale))

    class Counter(cp_model.CpSolverSolutionCallback):
        found = 0

        def on_solution_callback(self):
            self.found += 1

    solver, counter = cp_model.CpSolver(), Counter()
    solver.parameters.enumerate_all_solutions = True
    solver.parameters.num_workers = 1
    start = time.perf_counter()
    solver.solve(model, counter)
    return time.perf_counter() - start, counter.found


def counting(args):
    """`pel.rashomon(...).count()` end to end beside CP-SAT's search alone."""
    from fractions import Fraction

    import numpy as np
    import pandas as pd

    import pellucid as pel

    lines = [
        "## Counting rule sets",
        "",
        "`pel.rashomon(X, y, ...).count()` from frame to number, beside CP-SAT's search alone (its model is made before), of candidates that are the columns themselves.",
        "",
        "| instance | rule sets | pellucid, s | CP-SAT, s | times | goal |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, lam, theta in (("compas_train_k50", "1/10", "4/5"), ("compas_train_k50", "1/50", "1/2")):
        frame = pd.read_csv(INSTANCES / f"{name}.csv")
        X, y = frame.iloc[:, :-1], frame.iloc[:, -1]
        ours, theirs = [], []
        for _ in range(args.repeats):
            start = time.perf_counter()
            near = pel.rashomon(X, y, theta=theta, lam=lam, literals="positive", max_conditions=1, min_support=1, n_jobs=args.threads)
            count = int(near.count())
            ours.append(time.perf_counter() - start)
            if len(theirs) < 3:
                seconds, found = cp_sat(X.to_numpy().astype(bool), y.to_numpy().astype(bool), Fraction(lam), Fraction(theta))
                theirs.append(seconds)
                if found != count:
                    sys.exit(f"{name}: CP-SAT counts {found} rule sets, pellucid {count}")
        ratio = statistics.median(theirs) / statistics.median(ours)
        met = "met" if ratio >= 100 else "**missed**"
        lines.append(f"| {name}, λ {lam}, θ {theta} | {count:,} | {short(ours)} | {short(theirs)} | {ratio:.0f} | ≥ 100: {met} |")
    return lines


def main():
    args = parse()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        make(folder, args.rows)
        about = machine(["avx2", "fma", "avx512f", "avx512bw"])
        about["packages"] = ", ".join(f"{name}=={version}" for name, version in check_versions(HERE).items())
        about["threads"] = f"{args.threads}, repeats: {args.repeats}"
        lines = ["# From Python: pellucid beside its command line", "", *(f"* {name}: {value}" for name, value in about.items()), ""]
        lines += [*explaining(args, folder), "", *counting(args)]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.out:
        pathlib.Path(args.out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
