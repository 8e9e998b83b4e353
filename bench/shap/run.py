"""Times pellucid's Shapley values beside its peers', interleaved on the same machine. See README.md."""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Callable
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import check_versions, fingerprint, machine, spread  # noqa: E402  (it lies beside this folder)

ALL_ROWS, FEW_ROWS, PAIR_ROWS, CHECKED_ROWS = 30_000, 100, 10_000, 100
# Of large models, and interactions of one; and rows that are explained each by itself.
LARGE_ROWS, FOREST_ROWS, LARGE_PAIR_ROWS, ALONE_ROWS = 2_000, 10_000, 1_000, 200
FEATURES = (14, 100)
MODELS = {"xgb": "XGBoost, {} trees of depth 6", "xgb8": "XGBoost, {} trees of depth 8", "lgb": "LightGBM, {} trees of 31 leaves",
          "large": "LightGBM, {} trees of 255 leaves", "forest": "scikit-learn's random forest, {} trees of depth 12"}
LARGE = ("large", "forest")  # whose rivals are slow, and whose patterns woodelf can't hold
TREES = {False: 100, True: 50}  # by --quick, as are the next two
# What is computed, and how its table is headed.
JOBS = {"path": "", "background 100": "Background of 100 rows: ", "background 1000": "Background of 1,000 rows: ",
        "pairs": "Interactions: ", "alone": "Each row by itself, from scratch: ",
        "ready": "Each row by itself, model made ready: "}  # fmt: skip
NATIVE = {"xgb": "XGBoost pred_contribs", "xgb8": "XGBoost pred_contribs", "lgb": "LightGBM pred_contrib",
          "large": "LightGBM pred_contrib"}
# Seconds that a row by itself should take at most, from scratch and with the model made ready.
ALONE_GOALS = {"alone": 40e-6, "ready": 15e-6}
# How much faster two threads should be than one.
THREADS_GOAL = 1.85
LARGE_TREES = {False: 500, True: 100}  # by --quick
# The same engine with fewer instructions, and by how much it should still be faster than the library itself.
LEVELS = {"avx2": ("pellucid, AVX2 only", 60.0), "portable": ("pellucid, portable", 30.0)}
OURS, SHAP, WOODELF, SHAPIQ = "pellucid auto", "shap C extension", "woodelf", "shapiq"
# The largest difference of any value that is still rounding. XGBoost and woodelf work in float32.
TOLERANCE = {
    NATIVE["xgb"]: {"xgb": 1e-3, "xgb8": 1e-3},
    NATIVE["lgb"]: {"lgb": 1e-9, "large": 1e-9},
    WOODELF: {"xgb": 1e-4, "xgb8": 1e-4, "lgb": 1e-4, "large": 1e-4},
    SHAP: {"xgb": 1e-4, "xgb8": 1e-4, "lgb": 1e-8, "large": 1e-8, "forest": 1e-8},
    SHAPIQ: {"large": 1e-8, "forest": 1e-4},
} | {name: {"xgb": 1e-11} for name, _ in LEVELS.values()}
# Its interventional code compares and sums in float32, whatever the model's library does (shap#5116).
SHAP_BACKGROUND_TOLERANCE = 1e-4
# The most rows that a rival gets (rates are scaled). woodelf always gets all: its cost per call is large and fixed.
MOST_ROWS = {False: {SHAP: 1_000}, True: {SHAP: 200, NATIVE["xgb"]: 1_000, NATIVE["lgb"]: 500}}
# Of a large model, where a row takes the library up to 100 ms and shapiq needs many to repay its preparations.
LARGE_CHECKED, MOST_LARGE_ROWS = 20, {NATIVE["large"]: 20, SHAPIQ: 500, SHAP: 50}
# Of games beside the path-dependent one, where a row takes a rival up to 15 ms.
MOST_SLOW_ROWS = {SHAP: 100, NATIVE["xgb"]: 2_000}
# Short jobs are repeated within one measurement until they have taken about this long.
MIN_SECONDS = {False: 0.3, True: 0.1}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", type=pathlib.Path, required=True, help="the built pellucid-bench-runner")
    parser.add_argument("--threads", type=int, default=1, help="1: CPU time is compared; more: wall time")
    parser.add_argument("--repeats", type=int, help="measurements of everything (5; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="a smoke test, not a measurement")
    parser.add_argument("--memory-only", action="store_true", help="only the most memory that the program takes")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="results.md; results.json goes beside it")
    args = parser.parse_args()
    args.repeats = args.repeats or (2 if args.quick else 5)
    return args


def pin_environment(threads: int) -> None:
    """Starts over if the thread pools or the BLAS kernels of the libraries were set otherwise."""
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    wanted = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    wanted |= {pool: str(threads) for pool in pools}
    if wanted != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], wanted)


args = parse()
pin_environment(args.threads)
versions = check_versions(HERE)

import lightgbm  # noqa: E402  (the environment has to be set before numpy is loaded)
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import shap  # noqa: E402
import shapiq  # noqa: E402
import skops.io  # noqa: E402
import threadpoolctl  # noqa: E402
import xgboost  # noqa: E402
from sklearn.ensemble import RandomForestRegressor  # noqa: E402
from woodelf.core.trees.parse_models import load_decision_tree_ensemble_model  # noqa: E402
from woodelf.explainer import WoodelfExplainer  # noqa: E402

clock = time.process_time if args.threads == 1 else time.perf_counter


def make(folder: pathlib.Path, n_features: int) -> np.ndarray:
    """Writes the rows and both models."""
    rng, n_trees = np.random.default_rng(20_261_122 + n_features), TREES[args.quick]
    x = rng.standard_normal((ALL_ROWS, n_features)).astype(np.float32)
    linear = x @ rng.standard_normal(n_features) / math.sqrt(n_features)
    waves = np.sin(3 * x[:, 0]) * x[:, 1] + 2 * (x[:, 2] > 0) * x[:, 3]
    y = (linear + waves + 0.3 * rng.standard_normal(ALL_ROWS)).astype(np.float32)
    x.tofile(folder / f"rows{n_features}")
    for name, depth in (("xgb", 6), ("xgb8", 8)):
        settings: dict[str, Any] = dict(max_depth=depth, eta=0.1, tree_method="hist", nthread=1, seed=0)
        trained = xgboost.train(settings, xgboost.DMatrix(x, y, nthread=1), n_trees)
        trained.save_model(folder / f"{name}-{n_features}.json")
    settings = dict(num_leaves=31, learning_rate=0.1, num_threads=1, seed=0, deterministic=True, verbose=-1)
    lightgbm.train(settings, lightgbm.Dataset(x, y), n_trees).save_model(folder / f"lgb-{n_features}.txt")
    if n_features == FEATURES[0]:
        forest = RandomForestRegressor(TREES[args.quick], max_depth=12, n_jobs=2, random_state=0).fit(x, y)
        forest.set_params(n_jobs=1)
        skops.io.dump(forest, folder / f"forest-{n_features}.skops")
        large = settings | dict(num_leaves=255, learning_rate=0.05)
        lightgbm.train(large, lightgbm.Dataset(x, y), LARGE_TREES[args.quick]).save_model(folder / f"large-{n_features}.txt")
    return x


class Ours:
    """The engine, in a process of its own that is told what to do over a pipe."""

    def __init__(
        self, model: pathlib.Path, rows: pathlib.Path, n_features: int, level: str = "best", threads: int = args.threads
    ) -> None:
        command = [args.runner, model, rows, n_features, threads, "auto", level]
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        answer = self.process.stdout.readline().split()
        if answer != ["ready", str(ALL_ROWS)]:
            sys.exit(f"the runner said {answer}")

    def ask(self, job: str) -> tuple[float, float, float, float]:
        """Seconds of building, wall seconds, CPU seconds of the process, and the worst residual."""
        # Linux: another process's CPU clock. The runner's own count is too low by up to a scheduler tick (4 ms).
        whole_process = (~self.process.pid << 3) | 2
        before = time.clock_gettime(whole_process)
        print(job, file=self.process.stdin)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the runner stopped at `{job}`")
        spent = time.clock_gettime(whole_process) - before
        build, wall, _, residual = map(float, answer.split())
        return build, wall, spent, residual

    def values(self, file: pathlib.Path, job: str, shape: tuple[int, ...]) -> np.ndarray:
        self.ask(f"save {file} {job}")
        return np.fromfile(file, dtype=np.float64).reshape(-1, *shape)

    def close(self) -> None:
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("the runner failed")


@dataclass
class Engine:
    name: str
    n_rows: int
    explain: Callable[[], Any] | None = None  # None: ours
    ours: Any = None  # ours at another level
    calls: int = 1  # in one measurement
    rates: list[float] = field(default_factory=list)
    difference: float = 0.0


def shap_explainer(booster: Any, few: np.ndarray) -> shap.TreeExplainer:
    """shap's own code. By default it calls the booster's, if there is one, and only passes on the answer."""
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    explainer.model.model_type = "internal"

    def delegated(*_: Any, **__: Any) -> None:
        raise AssertionError("shap called the booster instead of its own code")

    explainer._short_circuit_tree_path_dependent_to_external_shap_calculation = delegated
    extension = shap.explainers._tree._cext
    with mock.patch.object(extension, "dense_tree_shap", wraps=extension.dense_tree_shap) as own:
        explainer.shap_values(few)  # with its check that values add up to the margin
    assert own.call_count == 1, "shap did not call its own extension"
    return explainer


class Rivals:
    """The other libraries with one model loaded: whatever they can do without rows is done here, untimed."""

    def __init__(self, kind: str, model: pathlib.Path, x: np.ndarray) -> None:
        self.kind, self.x = kind, x
        self.frame = pd.DataFrame(x)  # columns named 0, 1, ...: woodelf is up to 20 % slower with text
        if kind.startswith("xgb"):
            self.booster = xgboost.Booster({"nthread": args.threads}, model_file=model)
        elif kind == "forest":
            self.booster = skops.io.load(model, trusted=skops.io.get_untrusted_types(file=model))
        else:
            self.booster = lightgbm.Booster(model_file=model)
        self.shap = shap_explainer(self.booster, x[:3])
        if kind in LARGE:  # woodelf's patterns of paths this long do not fit into memory
            self.shapiq = {
                order: shapiq.TreeExplainer(self.booster, max_order=order, index=index)
                for order, index in ((1, "SV"), (2, "SII"))
            }
            return
        trees = load_decision_tree_ensemble_model(self.booster, list(self.frame.columns))
        self.trees = trees
        self.woodelf = WoodelfExplainer(trees, feature_perturbation="tree_path_dependent")

    def check(self, job: str) -> dict[str, tuple[float, np.ndarray]]:
        """Seconds and values of a few rows from every rival; the warm-up, too."""
        checks = {}
        for name, explain in self.jobs(job, LARGE_CHECKED if self.kind in LARGE else CHECKED_ROWS).items():
            start = clock()
            values = explain()
            checks[name] = clock() - start, values
        return checks

    def jobs(self, job: str, n_rows: int) -> dict[str, Callable[[], Any]]:
        rows, frame = self.x[:n_rows], self.frame[:n_rows]
        if job.startswith("background"):
            n = int(job.split()[1])
            masker = shap.maskers.Independent(self.x[-n:], max_samples=n)
            own = shap.TreeExplainer(self.booster, masker, feature_perturbation="interventional")

            def woodelf() -> Any:  # the background is work, as it is for us
                explainer = WoodelfExplainer(self.trees, data=self.frame[-n:], feature_perturbation="interventional")
                return explainer.shap_values(frame, verbose=False)

            return {SHAP: lambda: own.shap_values(rows, check_additivity=False), WOODELF: woodelf}
        if job in ALONE_GOALS:
            return self.alone(rows)
        if job == "pairs" and self.kind in LARGE:
            return {SHAPIQ: lambda: self.pairs_by_shapiq(rows)}
        if self.kind == "forest":
            return {
                SHAP: lambda: self.shap.shap_values(rows, check_additivity=False),
                SHAPIQ: lambda: self.by_shapiq(rows),
            }
        if self.kind == "large":
            contributions = lambda: self.booster.predict(rows, pred_contrib=True, num_threads=args.threads)  # noqa: E731
            return {NATIVE["large"]: contributions, SHAPIQ: lambda: self.by_shapiq(rows)}
        if job == "pairs":
            found = {WOODELF: lambda: self.woodelf.shap_interaction_values(frame, verbose=False)}
            if self.kind.startswith("xgb"):
                matrix = xgboost.DMatrix(rows, nthread=args.threads)
                found[NATIVE["xgb"]] = lambda: self.booster.predict(matrix, pred_interactions=True)
            return found
        options: dict[str, Any] = dict(pred_contrib=True, num_threads=args.threads)
        if self.kind.startswith("xgb"):
            rows, options = xgboost.DMatrix(rows, nthread=args.threads), dict(pred_contribs=True)
        return {
            NATIVE[self.kind]: lambda: self.booster.predict(rows, **options),
            SHAP: lambda: self.shap.shap_values(self.x[:n_rows], check_additivity=False),
            WOODELF: lambda: self.woodelf.shap_values(frame, verbose=False),
        }

    def by_shapiq(self, rows: np.ndarray) -> np.ndarray:
        return np.array([found.get_n_order_values(1) for found in self.shapiq[1].explain_X(rows)])

    def pairs_by_shapiq(self, rows: np.ndarray) -> np.ndarray:
        """Matrices as shap lays them out: half an interaction at either place, and what remains of values between."""
        matrices = []
        for found in self.shapiq[2].explain_X(rows):
            halves = found.get_n_order_values(2) / 2
            np.fill_diagonal(halves, 0.0)
            np.fill_diagonal(halves, found.get_n_order_values(1) - halves.sum(axis=1))
            matrices.append(halves)
        return np.array(matrices)

    def alone(self, rows: np.ndarray) -> dict[str, Callable[[], Any]]:
        """A call for each row."""
        each = [rows[at : at + 1] for at in range(len(rows))]
        options: dict[str, Any] = dict(pred_contrib=True, num_threads=args.threads)
        if self.kind.startswith("xgb"):
            each, options = [xgboost.DMatrix(row, nthread=args.threads) for row in each], dict(pred_contribs=True)
        return {
            NATIVE[self.kind]: lambda: np.concatenate([self.booster.predict(row, **options) for row in each]),
            SHAP: lambda: np.concatenate([self.shap.shap_values(row[None], check_additivity=False) for row in rows]),
        }


def goal_of(job: str, kind: str, n_features: int, n_rows: int, rival: str) -> float | None:
    if kind in LARGE:
        return {"path": 5.0, "pairs": 3.0}[job] if rival == SHAPIQ else None
    if job != "path":
        return 10.0 if rival == WOODELF else None
    if n_rows != ALL_ROWS:
        return None
    if rival == WOODELF and (kind, n_features) == ("xgb", 14):
        return 10.0
    if rival == NATIVE[kind]:
        return {("xgb", 14): 120.0, ("xgb", 100): 70.0, ("xgb8", 14): 90.0, ("lgb", 14): 150.0}.get((kind, n_features))
    return None


def workload(
    job: str, kind: str, n_features: int, n_rows: int, ours: Ours, rivals: Rivals, folder: pathlib.Path,
    lower: dict[str, Ours],
) -> dict:  # fmt: skip
    shape = (n_features, n_features) if job == "pairs" else (n_features,)
    expected = ours.values(folder / "values", f"{job} {CHECKED_ROWS}", shape)
    scale = float(np.abs(expected).max())
    assert scale > 0.1, "the values are all next to nothing"

    def compare(engine: Engine, values: np.ndarray) -> None:
        values = np.asarray(values)[:CHECKED_ROWS, :n_features]  # boosters append the base value
        values = values[:, :, :n_features] if job == "pairs" else values
        difference = float(np.abs(values - expected[: len(values)]).max())
        engine.difference = difference if math.isnan(difference) else max(engine.difference, difference)

    def calls(seconds: float) -> int:
        return max(1, min(20, round(MIN_SECONDS[args.quick] / seconds)))

    engines = [Engine(OURS, n_rows, calls=calls(ours.ask(f"{job} {n_rows}")[1]))]
    for name, (seconds, values) in rivals.check(job).items():
        used = min(n_rows, MOST_ROWS[args.quick].get(name, n_rows))
        used = used if job == "path" or job in ALONE_GOALS else min(used, MOST_SLOW_ROWS.get(name, used))
        used = min(used, MOST_LARGE_ROWS[name]) if kind in LARGE else used
        engines.append(Engine(name, used, rivals.jobs(job, used)[name], calls(seconds * used / (LARGE_CHECKED if kind in LARGE else CHECKED_ROWS))))
        compare(engines[-1], values)

    for level, other in lower.items():
        engines.append(Engine(LEVELS[level][0], n_rows, calls=engines[0].calls, ours=other))
        compare(engines[-1], other.values(folder / "values", f"{job} {CHECKED_ROWS}", shape))

    builds, residuals = [], []
    for repeat in range(args.repeats):
        turn = repeat % len(engines)
        for engine in engines[turn:] + engines[:turn]:
            seconds, values = 0.0, None
            for _ in range(engine.calls):
                if engine.explain is None:
                    build, wall, cpu, residual = (engine.ours or ours).ask(f"{job} {n_rows}")
                    if engine.ours is None:
                        builds.append(build)
                        residuals.append(residual)
                    # Making ready is not counted there, and the clock of the process does count it.
                    seconds += cpu if args.threads == 1 and job != "ready" else wall
                else:
                    start = clock()
                    values = engine.explain()
                    seconds += clock() - start
            rate = engine.calls * engine.n_rows / seconds
            assert math.isfinite(rate), "a clock does not work"
            engine.rates.append(rate)
            if values is not None:
                compare(engine, values)

    entries = []
    for engine in engines:
        entry: dict[str, Any] = dict(
            engine=engine.name, rows_per_call=engine.n_rows, calls=engine.calls, rows_per_second=engine.rates
        )
        if engine is not engines[0]:
            ratios = [a / b for a, b in zip(engines[0].rates, engine.rates)]
            tolerance, goal = TOLERANCE[engine.name][kind], goal_of(job, kind, n_features, n_rows, engine.name)
            if job.startswith("background") and engine.name == SHAP:
                tolerance = SHAP_BACKGROUND_TOLERANCE
            entry |= dict(
                ratios=ratios, median_ratio=statistics.median(ratios), max_abs_difference=engine.difference,
                tolerance=tolerance, agrees=engine.difference <= tolerance, goal=goal,
                met=None if goal is None else statistics.median(ratios) >= goal,
            )  # fmt: skip
        entries.append(entry)
    native = next((engine for engine in engines if engine.name == NATIVE.get(kind)), None)
    lowered = []
    for level in lower:
        name, goal = LEVELS[level]
        own = next(engine for engine in engines if engine.name == name)
        ratios = [a / b for a, b in zip(own.rates, native.rates)]
        lowered.append(dict(name=name, ratios=ratios, goal=goal, met=statistics.median(ratios) >= goal))
    return dict(
        lowered=lowered, job=job, model=kind, n_features=n_features, n_rows=n_rows, largest_value=scale, build_seconds=builds,
        worst_residual=max(residuals), engines=entries,
    )  # fmt: skip


def table(result: dict) -> str:
    unit = "rows per CPU second" if args.threads == 1 else f"rows per wall second, {args.threads} threads"
    builds = [1000 * build for build in result["build_seconds"]]
    made = f"tables built in {spread(builds, '.1f')} ms of wall time (included above)"
    if result["job"] == "ready":
        made = "made ready beforehand and not counted, wall time"
    lines = [
        f"### {JOBS[result['job']]}{MODELS[result['model']].format((LARGE_TREES if result['model'] == 'large' else TREES)[args.quick])}; F = {result['n_features']}; "
        f"{result['n_rows']:,} rows",
        "",
        f"| engine | rows x calls | {unit} | {OURS} / it | max abs difference (allowed) | goal |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for entry in result["engines"]:
        rate = spread(entry["rows_per_second"], ",.0f")
        cells = [entry["engine"], f"{entry['rows_per_call']:,} x {entry['calls']}", rate, "", "", ""]
        if "ratios" in entry:
            wrong = "" if entry["agrees"] else " **DISAGREES**"
            verdict = "met" if entry["met"] else "**missed**"
            cells[3] = spread(entry["ratios"], ".1f")
            cells[4] = f"{entry['max_abs_difference']:.1e} ({entry['tolerance']:.0e}){wrong}"
            cells[5] = "" if entry["goal"] is None else f"> {entry['goal']:g}: {verdict}"
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Ours: {made}, worst residual "
        f"{result['worst_residual']:.0e}. The largest value is {result['largest_value']:.2f}.",
    ]
    if result["job"] in ALONE_GOALS:
        rates, goal = result["engines"][0]["rows_per_second"], ALONE_GOALS[result["job"]]
        taken = [1e6 / rate for rate in rates]
        met = statistics.median(taken) <= goal * 1e6
        lines += [f"A row takes {spread(taken, '.1f')} µs (goal < {goal * 1e6:.0f}: {'met' if met else '**missed**'})."]
    lines += [
        f"{entry['name']}: {spread(entry['ratios'], '.1f')} times {NATIVE[result['model']]} (goal > {entry['goal']:g}: "
        f"{'met' if entry['met'] else '**missed**'})."
        for entry in result["lowered"]
    ]
    return "\n".join(lines) + "\n"


def threads(folder: pathlib.Path) -> dict:
    """Wall time with two threads and with one, in turns."""
    lines, found = ["### Two threads beside one; F = 14; 30,000 rows", "", f"| model | wall ms, one | two | ratio (goal > {THREADS_GOAL}) |", "|---|---:|---:|---|"], {}
    for kind, ending in (("xgb", "json"), ("xgb8", "json"), ("lgb", "txt")):
        files = folder / f"{kind}-{FEATURES[0]}.{ending}", folder / f"rows{FEATURES[0]}"
        each = [Ours(*files, FEATURES[0], threads=n) for n in (1, 2)]
        walls: list[list[float]] = [[], []]
        for _ in range(4 * args.repeats):
            for own, wall in zip(each, walls):
                wall.append(own.ask(f"path {ALL_ROWS}")[1])
        ratios = [one / two for one, two in zip(*walls)]
        met = statistics.median(ratios) >= THREADS_GOAL
        one, two = (spread([1000 * x for x in wall], ".1f") for wall in walls)
        lines.append(f"| {MODELS[kind].format(TREES[args.quick])} | {one} | {two} | {spread(ratios, '.2f')} {'met' if met else '**missed**'} |")
        found[kind] = dict(walls=walls, ratios=ratios, met=met)
        for own in each:
            own.close()
    return dict(text="\n".join(lines), found=found)


def memory(folder: pathlib.Path) -> dict:
    """The most memory that the program itself takes while it streams Parquet files to Parquet."""
    program, n_features = args.runner.with_name("pellucid"), FEATURES[0]
    x = np.fromfile(folder / f"rows{n_features}", dtype=np.float32).reshape(-1, n_features)
    names = [f"f{at}" for at in range(n_features)]
    lines = ["### Peak memory: `pellucid explain MODEL ROWS.parquet -o VALUES.parquet`; XGBoost, depth 6; F = 14", "",
             "| rows | MB of values | peak MB | mapped files beside |", "|---:|---:|---:|---:|"]  # fmt: skip
    found = []
    for times in (1, 10, 40, 100) if not args.quick else (1, 4):
        table = pa.table({name: np.tile(x[:, at], times) for at, name in enumerate(names)})
        pq.write_table(table, folder / "rows.parquet", row_group_size=64 * 1024)
        command = [program, "explain", folder / f"xgb-{n_features}.json", folder / "rows.parquet",
                   "-o", folder / "values.parquet", "--threads", str(args.threads)]  # fmt: skip
        child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # Not `ru_maxrss`, which begins with what this process has. The file that is read is mapped: the kernel may take
        # those pages back at any time.
        status, peak, mapped = pathlib.Path(f"/proc/{child.pid}/status"), 0.0, 0.0
        while child.poll() is None:
            held = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            of = lambda key: float(held.get(key, "0 kB").split()[0]) / 1024  # noqa: E731
            peak, mapped = max(peak, of("RssAnon")), max(mapped, of("RssFile"))
            time.sleep(0.002)
        if child.returncode != 0:
            sys.exit(f"pellucid explain failed: {child.stderr.read().decode()}")
        n = len(x) * times
        found.append(dict(rows=n, peak_megabytes=peak, mapped_megabytes=mapped))
        lines.append(f"| {n:,} | {n * n_features * 8 / 1e6:,.0f} | {peak:,.0f} | {mapped:,.0f} |")
    return dict(text="\n".join(lines), found=found)


def surroundings() -> dict:
    return dict(
        **machine(("avx2", "fma", "avx512f", "avx512vbmi")),
        thread_pools="; ".join(sorted(
            f"{pool['prefix']} {pool['version'] or ''} {pool.get('architecture', '')} x{pool['num_threads']}"
            for pool in threadpoolctl.threadpool_info()
        )),
        runner=fingerprint(args.runner), versions=versions, threads=args.threads, repeats=args.repeats,
        quick=args.quick,
    )  # fmt: skip


def main() -> None:
    about = surroundings()
    text = ["# Shapley values of tree ensembles: pellucid beside its peers", ""]
    if args.quick:
        text += ["**A smoke test (`--quick`): small models, few repeats, not to be quoted.**", ""]
    text += [f"* {key}: {', '.join(f'{k} {v}' for k, v in value.items()) if isinstance(value, dict) else value}"
             for key, value in about.items()]  # fmt: skip
    print("\n".join(text), flush=True)
    about["load_average_before"], results, wrong = os.getloadavg(), [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if args.memory_only:
            make(folder, FEATURES[0])
            print("\n" + memory(folder)["text"])
            return
        for n_features in FEATURES:
            x = make(folder, n_features)
            for kind, ending in (("xgb", "json"), ("xgb8", "json"), ("lgb", "txt"), ("large", "txt"), ("forest", "skops")):
                if kind in ("xgb8", *LARGE) and n_features != FEATURES[0]:
                    continue
                model, rows = folder / f"{kind}-{n_features}.{ending}", folder / f"rows{n_features}"
                ours, rivals = Ours(model, rows, n_features), Rivals(kind, model, x)
                work = [("path", ALL_ROWS), ("path", FEW_ROWS)] if kind != "xgb8" else [("path", ALL_ROWS)]
                work = [("path", LARGE_ROWS), ("pairs", LARGE_PAIR_ROWS)] if kind == "large" else work
                work = [("path", FOREST_ROWS)] if kind == "forest" else work
                if n_features == FEATURES[0] and kind in ("xgb", "lgb"):
                    work += [("alone", ALONE_ROWS), ("ready", ALONE_ROWS)]
                    work += [("background 100", ALL_ROWS), ("background 1000", ALL_ROWS), ("pairs", PAIR_ROWS)]
                for job, n_rows in work:
                    is_first = (job, kind, n_rows, n_features) == ("path", "xgb", ALL_ROWS, FEATURES[0])
                    lower = {level: Ours(model, rows, n_features, level) for level in (LEVELS if is_first else ())}
                    results.append(workload(job, kind, n_features, n_rows, ours, rivals, folder, lower))
                    for other in lower.values():
                        other.close()
                    text += ["", table(results[-1]).rstrip()]
                    print("\n" + text[-1], flush=True)
                    wrong += [f"{e['engine']} ({job}, {kind}, F = {n_features}, {n_rows} rows): {e['max_abs_difference']}"
                              for e in results[-1]["engines"] if not e.get("agrees", True)]  # fmt: skip
                ours.close()
            if n_features == FEATURES[0]:
                rest = [threads(folder), memory(folder)]
                text += [line for each in rest for line in ("", each["text"])]
                print("\n" + "\n\n".join(each["text"] for each in rest), flush=True)
    about["load_average_after"] = os.getloadavg()
    text += ["", f"Load average before {about['load_average_before'][0]:.1f}, after {about['load_average_after'][0]:.1f}."]
    if args.output:
        args.output.write_text("\n".join(text) + "\n")
        args.output.with_suffix(".json").write_text(json.dumps(dict(about=about, results=results, threads=rest[0]["found"], memory=rest[1]["found"]), indent=1) + "\n")
    if wrong:
        sys.exit("values disagree:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
