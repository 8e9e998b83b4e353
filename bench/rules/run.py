"""Times pellucid's counting and listing of rule sets beside its peers', interleaved on one machine. See README.md."""

import argparse
import collections
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Callable

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import check_versions, fingerprint, machine, spread  # noqa: E402  (it lies beside this folder)

INSTANCES = HERE.parent.parent.parent / "shared/data/rule-instances"
TINY = 1e-4  # CPU seconds; below that a search is timer and warm-up, and a ratio is quoted as "more than"
TABLES = {
    "counts": "Counts of every known instance",
    "race": "Counting beside CP-SAT",
    "large": "Counting 94,985,875 rule sets",
    "published": "Beside the published algorithm",
    "tictactoe": "Long rule sets: tic-tac-toe",
    "enumerate": "Listing every rule set",
    "sample": f"Drawing {10_000:,} rule sets",
    "threads": "Two threads",
    "learn": "An optimal rule set of adult",
}
SEARCH_GOAL, WHOLE_GOAL = 1_000, 100  # times CP-SAT
CP_SAT_LIMIT = 1_800  # wall seconds a solve; more is a failure of the bench
# What CP-SAT is spared where only counts are compared: ten seconds to hours each. Two of them are in the race.
TOO_LONG = {("compas_train_k100", theta) for theta in ("21/50", "4/5", "1/2")} | {("compas_test_104", "1/4")}
SEARCHES = 20  # of ours in one process, where one takes milliseconds
SAMPLES = 10_000
LEARN_SECONDS = {False: 60, True: 5}  # by --quick
# The authors' own figure: notebook "[BB]efficacy-of-optimization", mean of 10, their machine.
PUBLISHED_SECONDS, PUBLISHED_EVALUATIONS = 19.17, (2_661_203, 1_187_712)
PUBLISHED_SLACK = 1e-6  # theirs, too: with theta = 0.25 in floats, sums that should tie come out above
ADULT = ("age workclass fnlwgt education education_num marital_status occupation relationship race sex "
         "capital_gain capital_loss hours_per_week native_country income").split()  # fmt: skip


def place(text: str) -> pathlib.Path:
    return pathlib.Path(text).absolute()  # links stay: a virtual environment's Python is one


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", type=place, required=True, help="the built pellucid-bench-rules")
    parser.add_argument("--pellucid", type=place, required=True, help="the built pellucid")
    parser.add_argument("--data", type=place, default=INSTANCES, help=f"the rule instances ({INSTANCES})")
    parser.add_argument("--published", type=place, help="a checkout of the published implementation")
    parser.add_argument("--published-python", type=place, help="the Python 3.8 that has its packages")
    parser.add_argument("--tables", type=lambda text: text.split(","), help="only these: " + ",".join(TABLES))
    parser.add_argument("--repeats", type=int, help="measurements of everything (5; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="a smoke test, not a measurement")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="results.md; results.json goes beside it")
    args = parser.parse_args()
    args.repeats = args.repeats or (1 if args.quick else 5)
    args.tables = args.tables or list(TABLES)
    if unknown := [name for name in args.tables if name not in TABLES]:
        parser.error(f"there is no table `{unknown[0]}`; there are {', '.join(TABLES)}")
    if (args.published is None) != (args.published_python is None):
        parser.error("--published and --published-python go together")
    if not (args.data / "README.md").is_file():
        parser.error(f"no rule instances in `{args.data}`; name their folder with --data")
    return args


args = parse()
versions = check_versions(HERE)

from ortools.sat.python import cp_model  # noqa: E402  (not before its version is known)

wrong: list[str] = []  # counts that are not the known ones
gates: list[dict] = []


# Instances.


@dataclass(frozen=True)
class Instance:
    """A file of 0/1 columns, the label last; a price a rule; a bound; and how many rule sets are within it."""

    name: str
    file: pathlib.Path
    lam: Fraction
    theta: Fraction
    count: int

    def __str__(self) -> str:
        return f"{self.name}, λ {self.lam}, θ {self.theta}"


def known(name: str, lam: str, theta: str) -> Instance:
    """One of the files in `--data`, with the count that its README tells."""
    wanted = Fraction(lam), Fraction(theta)
    return next(it for it in listed() if it.name == name and (it.lam, it.theta) == wanted)


def listed() -> list[Instance]:
    lines = [line for line in (args.data / "README.md").read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert len(cells) >= 23, "the README of the instances has lost its table"
    return [
        Instance(name, args.data / f"{name}.csv", Fraction(lam), Fraction(theta), int(count))
        for name, lam, theta, count in cells
    ]


def bits(cells: list[str]) -> int:
    """A column of 0/1 texts as the bits of an integer."""
    return int("".join(reversed(cells)), 2)


def conjunctions(columns: list[int], least: int, most_conditions: int) -> list[tuple[tuple[int, ...], int]]:
    """Which columns are joined, and the rows that have them all: every conjunction that so many rows have."""
    found, open_ends = [], [((j,), column) for j, column in enumerate(columns)]
    while open_ends:
        items, rows = open_ends.pop()
        if rows.bit_count() >= least:
            found.append((items, rows))
            if len(items) < most_conditions:
                open_ends += [(items + (j,), rows & columns[j]) for j in range(items[-1] + 1, len(columns))]
    return sorted(found, key=lambda rule: (-rule[1].bit_count(), len(rule[0]), rule[0]))


def write(file: pathlib.Path, rules: list[int], y: int, n_rows: int) -> None:
    columns = [format(column, f"0{n_rows}b")[::-1] for column in (*rules, y)]
    header = ",".join([*(f"r{j + 1}" for j in range(len(rules))), "y"])
    file.write_text("\n".join([header, *map(",".join, zip(*columns))]) + "\n")


def compas_161(folder: pathlib.Path) -> Instance:
    """All frequent conjunctions of COMPAS, of which the instances in `--data` are the first K."""
    lines = (args.data.parent / "compas/train-binary.csv").read_text().splitlines()[1:]
    *features, y = map(bits, map(list, zip(*(line.split(",") for line in lines))))
    rules = [rows for _, rows in conjunctions(features, 70, len(features))]
    # The two orders differ in how they break ties of the support, so equal as columns, not one by one.
    fewer = zip(*(line.split(",") for line in (args.data / "compas_train_k100.csv").read_text().splitlines()[1:]))
    *fewer, same_y = map(bits, map(list, fewer))
    assert len(rules) == 161 and y == same_y and sorted(fewer) == sorted(rules[:100]), "these are other rules"
    file = folder / "compas_train_k161.csv"
    write(file, rules, y, len(lines))
    return Instance("compas_train_k161", file, Fraction(1, 50), Fraction(1, 2), 5_195_539_817)


def tic_tac_toe(folder: pathlib.Path) -> Instance:
    """All conjunctions of exactly three of the 27 columns that 60 boards or more have."""
    source = args.data.parent / "tic-tac-toe"
    rows = [line.split() for line in (source / "X.txt").read_text().splitlines()[1:]]
    y = (source / "y.txt").read_text().split()
    columns = [bits(list(column)) for column in zip(*rows)]
    rules = [board for items, board in conjunctions(columns, 60, 3) if len(items) == 3]
    assert (len(rows), len(y), len(columns), len(rules)) == (958, 958, 27, 286), "this is another tic-tac-toe"
    file = folder / "tic_tac_toe_286.csv"
    write(file, rules, bits(y), len(rows))
    return Instance("tic_tac_toe_286", file, Fraction(1, 100), Fraction(3, 20), 105_505)


def adult(folder: pathlib.Path) -> pathlib.Path:
    """adult.data with a header and without the blanks; `?` stays a value."""
    lines = (args.data.parent / "adult/adult.data").read_text().splitlines()
    rows = [",".join(cell.strip() for cell in line.split(",")) for line in lines if line.strip()]
    assert len(rows) == 32_561, "this is another adult"
    file = folder / "adult.csv"
    file.write_text("\n".join([",".join(ADULT), *rows]) + "\n")
    return file


# The engines.


def agree(who: str, instance: Instance, count: Any) -> None:
    if int(count) != instance.count:
        wrong.append(f"{who} counts {int(count):,} rule sets instead of {instance.count:,} ({instance})")


class Broken(Exception):
    """A program that is not there, failed, or answered something else."""


def answer(program: pathlib.Path, words: list[Any], keys: tuple[str, ...], fine: tuple[int, ...] = (0,)) -> dict:
    """The JSON object that a program prints, and what its process took in all."""
    shown = " ".join([program.name, *(str(word) for word in words if word != DRIVER)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    except OSError as error:
        raise Broken(f"`{program}` can't be run: {error.strerror}") from error
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in fine:
        said = "\n".join(done.stderr.strip().splitlines()[-3:]) or "nothing"
        raise Broken(f"`{shown}` failed with exit code {done.returncode} and said {said}")
    try:
        got = json.loads(done.stdout)
    except ValueError as error:
        raise Broken(f"`{shown}` answered no JSON object but `{done.stdout[:200]}`") from error
    missing = [key for key in keys if not isinstance(got, dict) or key not in got]
    if missing:
        raise Broken(f"`{shown}` answered without `{'`, `'.join(missing)}`")
    got["process_cpu_s"] = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return got


VERBS = {
    "count": (),
    "plain": ("lb_evaluations", "objective_evaluations"),
    "enumerate": ("bytes", "sets_per_s"),
    "sample": ("sample_cpu_s",),
}


def ours(verb: str, instance: Instance, *words: Any, repeats: int = 1) -> dict:
    """One process of the runner. Its count must be the known one."""
    keys = ("count", "search_cpu_s", "prepare_cpu_s", "read_cpu_s", "nodes", "wall_s", *VERBS[verb])
    options = ["--lambda", instance.lam, "--theta", instance.theta, "--repeats", repeats]
    got = answer(args.runner, [verb, instance.file, *options, *words], keys)
    for key in ("search_cpu_s", "prepare_cpu_s", "wall_s"):
        if len(got[key]) != repeats:
            raise Broken(f"`{args.runner.name} {verb} --repeats {repeats}` answered {len(got[key])} times in `{key}`")
    agree(f"{args.runner.name} {verb}", instance, got["count"])
    return got


def whole(instance: Instance) -> float:
    """CPU seconds of the command that a user types, from its start to its end."""
    words = ["rashomon", "count", instance.file, "--target", "y", "--max-conditions", 1, "--min-support", 1]
    words += ["--literals", "positive", "--exclude-empty", "--json"]
    words += ["--lambda", instance.lam, "--theta", instance.theta]
    got = answer(args.pellucid, words, ("count",))
    agree(f"{args.pellucid.name} rashomon count", instance, got["count"])
    return got["process_cpu_s"]


def learn(file: pathlib.Path, seconds: float, *words: Any) -> dict:
    options = ["--time-limit", f"{seconds}s", "--json"]
    got = answer(args.pellucid, ["rules", "learn", file, *words, *options], ("certificate",), fine=(0, 4))
    if not {"objective", "lower_bound"} <= got["certificate"].keys():
        raise Broken(f"`{args.pellucid.name} rules learn` gives no objective and lower bound in its certificate")
    return got


class Tally(cp_model.CpSolverSolutionCallback):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_solution_callback(self) -> None:
        self.count += 1


def cp_sat(instance: Instance) -> dict:
    """All solutions of a model in which rule sets and solutions are one to one. See README.md, "The model"."""
    start = time.process_time()
    _, *lines = instance.file.read_text().split()
    groups: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])  # negatives and positives of a pattern
    for line, times in collections.Counter(lines).items():
        pattern, label = line.rsplit(",", 1)
        groups[pattern][int(label)] += times
    n_rows, n_rules = len(lines), lines[0].count(",")
    unit = math.lcm(instance.lam.denominator, instance.theta.denominator)

    def scaled(number: Fraction) -> int:
        product = number * unit * n_rows
        assert product.denominator == 1
        return product.numerator

    model, tally, solver = cp_model.CpModel(), Tally(), cp_model.CpSolver()
    chosen = [model.new_bool_var(f"x{j}") for j in range(n_rules)]
    model.add_bool_or(chosen)
    terms = [scaled(instance.lam) * x for x in chosen]
    uncovered = sum(positives for _, positives in groups.values())  # the errors of no rule at all
    for pattern, (negatives, positives) in groups.items():
        covering = [x for x, bit in zip(chosen, pattern.split(",")) if bit == "1"]
        if positives == negatives or not covering:
            continue  # the same number of errors whether covered or not
        covered = model.new_bool_var("")
        model.add_bool_or([*covering, ~covered])
        for x in covering:
            model.add_implication(x, covered)
        terms.append(unit * (negatives - positives) * covered)
    model.add(sum(terms) <= scaled(instance.theta) - unit * uncovered)
    solver.parameters.num_workers = 1
    solver.parameters.enumerate_all_solutions = True
    solver.parameters.max_time_in_seconds = CP_SAT_LIMIT

    built = time.process_time()
    status = solver.solve(model, tally)
    end = time.process_time()
    if status != cp_model.OPTIMAL:
        raise Broken(f"CP-SAT stopped at {instance} with `{solver.status_name(status)}` and {tally.count:,} solutions")
    agree("CP-SAT", instance, tally.count)
    return dict(count=str(tally.count), solve_cpu_s=end - built, build_cpu_s=built - start, whole_cpu_s=end - start)


# Ours alone; nothing of the authors' is copied, only called.
DRIVER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from bds.bb import BranchAndBoundNaive
from bds.rule import Rule
from bds.utils import np2mpz

table = np.array([line.split(",") for line in open(sys.argv[2]).read().split()[1:]]) == "1"
rules = [Rule(j, str(j), 1, np2mpz(table[:, j])) for j in range(table.shape[1] - 1)]
start = time.process_time()
search = BranchAndBoundNaive(rules, float(sys.argv[4]), table[:, -1], float(sys.argv[3]))
count = len(list(search.run()))
print(json.dumps(dict(count=str(count), cpu_s=time.process_time() - start,
    lb_evaluations=search.num_lb_evaluations, objective_evaluations=search.num_obj_evaluations)))
"""


def published(instance: Instance) -> dict:
    """The authors' own code on one instance, in its own Python."""
    words = ["-B", "-c", DRIVER, args.published, instance.file, float(instance.lam)]
    words += [float(instance.theta) + PUBLISHED_SLACK]
    got = answer(args.published_python, words, ("count", "cpu_s", "lb_evaluations", "objective_evaluations"))
    agree("the published code", instance, got["count"])
    return got


# The tables. Each prints as Markdown and leaves what it measured.


def ms(seconds: list[float]) -> str:
    return spread([1000 * second for second in seconds], ",.3f")


def ratio(slow: list[float], fast: list[float]) -> tuple[float, str]:
    """Of the medians, and in words: nothing to the digit where ours is hardly measurable."""
    times = statistics.median(slow) / max(statistics.median(fast), 1e-9)
    vague = statistics.median(fast) < TINY and times > 1_000
    return times, "more than 1,000x" if vague else f"{times:,.3g}x" if times < 1_000 else f"{times:,.0f}x"


def gate(what: str, value: float, goal: float, at_least: bool, judged: bool = True) -> str:
    met = (value >= goal if at_least else value <= goal) if judged else None
    gates.append(dict(what=what, value=value, goal=goal, at_least=at_least, met=met))
    verdict = {True: "met", False: "**missed**", None: "not judged"}[met]
    return f"{'≥' if at_least else '≤'} {goal:,g}: {verdict}"


def markdown(header: str, rows: list[list[Any]]) -> list[str]:
    """A `>` before a column's name sets it to the right."""
    names = [name.strip() for name in header.split("|")]
    lines = [[name.removeprefix(">") for name in names], ["---:" if name.startswith(">") else "---" for name in names]]
    return ["| " + " | ".join(map(str, line)) + " |" for line in [*lines, *rows]]


def taking_turns(*jobs: Callable[[], Any]) -> list[list[Any]]:
    """What each job answered in each repeat; every repeat begins with another job."""
    answers: list[list[Any]] = [[] for _ in jobs]
    for repeat in range(args.repeats):
        for turn in range(len(jobs)):
            at = (repeat + turn) % len(jobs)
            answers[at].append(jobs[at]())
    return answers


def joined(answers: list[dict], key: str) -> list[float]:
    """The numbers of all processes in one list, whether a process gave one or several."""
    return [n for got in answers for n in (got[key] if isinstance(got[key], list) else [got[key]])]


Table = tuple[list[str], list[dict]]


def counts(folder: pathlib.Path) -> Table:
    rows, raw = [], []
    for instance in listed():
        first, n_rules = len(wrong), instance.file.open().readline().count(",")
        entry: dict[str, Any] = dict(instance=str(instance), ours=ours("count", instance))
        if n_rules <= 30 or not args.quick and (instance.name, str(instance.theta)) not in TOO_LONG:
            entry["cp_sat"] = cp_sat(instance)
        rival = f"{entry['cp_sat']['solve_cpu_s']:.3f}" if "cp_sat" in entry else ""
        search = ms(entry["ours"]["search_cpu_s"])
        verdict = "**DISAGREES**" if len(wrong) > first else "agree" if rival else "ours agrees"
        rows.append([instance, f"{instance.count:,}", verdict, search, rival])
        raw.append(entry)
    return markdown("instance | >rule sets | counts | >ours, search CPU ms | >CP-SAT, solve CPU s", rows), raw


def race(folder: pathlib.Path) -> Table:
    instances = [("compas_train_k50", "1/10", "4/5"), ("compas_train_k50", "1/50", "1/2"),
                 ("compas_train_k100", "1/50", "21/50"), ("compas_train_k100", "1/10", "4/5")]  # fmt: skip
    rows, raw = [], []
    for name, lam, theta in instances[:1] if args.quick else instances:
        it = known(name, lam, theta)
        rival, runner, command = taking_turns(
            lambda: cp_sat(it), lambda: ours("count", it, repeats=SEARCHES), lambda: whole(it)
        )
        solve, search = joined(rival, "solve_cpu_s"), joined(runner, "search_cpu_s")
        times, shown = ratio(solve, search)
        first = gate(f"search, {it}: times CP-SAT", times, SEARCH_GOAL, at_least=True)
        all_of_it = joined(rival, "whole_cpu_s")
        whole_times, whole_shown = ratio(all_of_it, command)
        second = gate(f"end to end, {it}: times CP-SAT", whole_times, WHOLE_GOAL, at_least=True)
        rows.append([it, f"{it.count:,}", "search", spread(solve, ".3f"), ms(search), shown, first])
        rows.append(["", "", "end to end", spread(all_of_it, ".3f"), ms(command), whole_shown, second])
        raw.append(dict(instance=str(it), cp_sat=rival, ours=runner, whole_cpu_s=command, search_ratio=times,
                        whole_ratio=whole_times))  # fmt: skip
    header = "instance | >rule sets | what | >CP-SAT, CPU s | >ours, CPU ms | >CP-SAT / ours | goal"
    return markdown(header, rows), raw


def timed_count(instance: Instance, goal: float) -> Table:
    """Our search against a number of seconds."""
    per_process = 1 if args.quick else 3
    totals, full = taking_turns(
        lambda: ours("count", instance, "--tally", "totals", repeats=per_process),
        lambda: ours("count", instance, "--tally", "full", repeats=per_process),
    )
    rows = []
    for name, answers in (("totals", totals), ("full", full)):
        search = joined(answers, "search_cpu_s")
        verdict = ""
        if name == "totals":
            verdict = gate(f"search, {instance}: CPU s", statistics.median(search), goal, at_least=False)
        rate, nodes = f"{instance.count / statistics.median(search):.2g}", f"{answers[0]['nodes']:,}"
        rows.append([instance, f"{instance.count:,}", name, spread(search, ".3f"), rate, nodes, verdict])
    header = "instance | >rule sets | tally | >search CPU s | >rule sets counted / s | >nodes | goal"
    return markdown(header, rows), [dict(instance=str(instance), totals=totals, full=full)]


def large(folder: pathlib.Path) -> Table:
    return timed_count(known("compas_train_k100", "1/50", "1/2"), 0.3)


def tictactoe(folder: pathlib.Path) -> Table:
    return timed_count(tic_tac_toe(folder), 1.0)


def beside_published(folder: pathlib.Path) -> Table:
    it = known("compas_test_104", "1/20", "1/4")
    fast, plain = taking_turns(lambda: ours("count", it, repeats=SEARCHES), lambda: ours("plain", it))
    search, plain_search = joined(fast, "search_cpu_s"), joined(plain, "search_cpu_s")

    def evaluations(got: dict, who: str) -> tuple[int, int]:
        both = int(got["lb_evaluations"]), int(got["objective_evaluations"])
        if both != PUBLISHED_EVALUATIONS:
            wrong.append(f"{who} evaluates {both} bounds and objectives instead of {PUBLISHED_EVALUATIONS} ({it})")
        return both

    def beside(seconds: float) -> list[str]:
        return [ratio([seconds], to)[1] for to in (search, plain_search)]

    n_evaluations = evaluations(plain[0], "plain")
    rows = [
        ["ours", spread(search, ".6f"), "", "", "", ""],
        ["ours, plain: the published algorithm", spread(plain_search, ".3f"), *n_evaluations, "", ""],
    ]
    raw: dict[str, Any] = dict(instance=str(it), ours=fast, plain=plain, quoted_seconds=PUBLISHED_SECONDS)
    if args.published:
        got = raw["published"] = published(it)
        seconds, n_evaluations = got["cpu_s"], evaluations(got, "the published code")
        rows.append(["published code, here, 1 run", f"{seconds:.2f}", *n_evaluations, *beside(seconds)])
    quoted = beside(PUBLISHED_SECONDS)
    name = "published code, its authors' figure (another machine)"
    rows.append([name, PUBLISHED_SECONDS, *PUBLISHED_EVALUATIONS, *quoted])
    rows = [[f"{cell:,}" if isinstance(cell, int) else cell for cell in row] for row in rows]
    header = "engine | >CPU s | >bounds evaluated | >objectives evaluated | >it / ours | >it / ours, plain"
    return [f"{it}: {it.count:,} rule sets.", "", *markdown(header, rows)], [raw]


def enumerated(folder: pathlib.Path) -> Table:
    it = known("compas_train_k100", *(("1/10", "4/5") if args.quick else ("1/50", "1/2")))
    file = folder / "sets"

    def job() -> dict:
        got = ours("enumerate", it, "-o", file)
        if not file.is_file() or file.stat().st_size != int(got["bytes"]):
            raise Broken(f"`{args.runner.name} enumerate` says it wrote {got['bytes']} bytes, and did not")
        file.unlink()
        return got

    (answers,) = taking_turns(job)
    rates = joined(answers, "sets_per_s")
    over_all = [it.count / got["process_cpu_s"] for got in answers]
    size = int(answers[0]["bytes"])
    rate = statistics.median(rates)
    verdict = gate(f"listing, {it}: rule sets / s", rate, 1e7, at_least=True, judged=not args.quick)
    row = [it, f"{it.count:,}", spread(rates, ".2e"), spread(over_all, ".2e"), f"{size:,}", f"{size / it.count:.2f}"]
    row.append(verdict)
    header = "instance | >rule sets | >rule sets / s | >/ CPU s of the process | >bytes | >bytes / rule set | goal"
    return markdown(header, [row]), [dict(instance=str(it), ours=answers)]


def sampled(folder: pathlib.Path) -> Table:
    goals = [(known("compas_train_k100", "1/10", "4/5"), 1.0), (known("compas_train_k100", "1/50", "1/2"), 10.0)]
    job = lambda it: lambda: ours("sample", it, "-n", SAMPLES, "--seed", 1)  # noqa: E731
    rows, raw = [], []
    for (it, goal), answers in zip(goals, taking_turns(*(job(it) for it, _ in goals))):
        process = joined(answers, "process_cpu_s")
        verdict = gate(f"{SAMPLES:,} draws, {it}: CPU s", statistics.median(process), goal, at_least=False)
        cells = [ms(joined(answers, key)) for key in ("search_cpu_s", "sample_cpu_s")]
        rows.append([it, f"{it.count:,}", *cells, spread(process, ".3f"), verdict])
        raw.append(dict(instance=str(it), ours=answers))
    header = "instance | >rule sets | >search CPU ms | >drawing CPU ms | >whole process CPU s | goal (process)"
    return markdown(header, rows), raw


def threaded(folder: pathlib.Path) -> Table:
    it = compas_161(folder)
    per_process = 1 if args.quick else 3
    one, two = taking_turns(
        *(lambda n=n: ours("count", it, "--threads", n, repeats=per_process) for n in (1, 2))
    )
    walls = [joined(answers, "wall_s") for answers in (one, two)]
    times, shown = ratio(*walls)
    long_enough = statistics.median(walls[0]) > 1.0
    verdict = gate(f"2 threads, {it}: times 1", times, 1.8, at_least=True, judged=long_enough)
    text = markdown(
        "instance | >rule sets | >1 thread, wall s | >2 threads, wall s | >speed-up | goal",
        [[it, f"{it.count:,}", *(spread(wall, ".3f") for wall in walls), shown, verdict]],
    )
    if not long_enough:
        text += ["", "The goal is for searches of more than 1 s."]
    return text, [dict(instance=str(it), one=one, two=two, ratio=times)]


def learned(folder: pathlib.Path) -> Table:
    limit = LEARN_SECONDS[args.quick]
    got = learn(adult(folder), limit, "--target", "income", "--positive", ">50K", "--lambda", "1/100")
    certificate = got["certificate"]
    objective, bound = Fraction(certificate["objective"]), Fraction(certificate["lower_bound"])
    if not 0 <= bound <= objective:
        wrong.append(f"rules learn: a lower bound of {bound} under an objective of {objective}")
    gap = objective - bound
    numbers = [f"{number} = {float(number):.5f}" for number in (objective, bound, gap)]
    row = [*numbers, f"{100 * float(gap / objective):.2f} %" if objective else "0 %", f"{got['process_cpu_s']:.1f}"]
    header = ">objective | >lower bound | >gap | >gap / objective | >CPU s of the process"
    return [f"λ 1/100, time limit {limit} s, all else by default.", "", *markdown(header, [row])], [got]


MAKERS = dict(
    counts=counts, race=race, large=large, published=beside_published, tictactoe=tictactoe, enumerate=enumerated,
    sample=sampled, threads=threaded, learn=learned,
)  # fmt: skip


def rehearse(folder: pathlib.Path) -> None:
    """Everything that the tables will call, on ten rules, so that what is missing is told now and in one go."""
    it = known("compas_train_k10", "1/10", "3/5")
    jobs: list[tuple[list[str], Callable[[], Any]]] = [
        (["counts", "race", "published"], lambda: ours("count", it, repeats=2)),
        (["large", "tictactoe"], lambda: ours("count", it, "--tally", "totals")),
        (["large", "tictactoe"], lambda: ours("count", it, "--tally", "full")),
        (["threads"], lambda: ours("count", it, "--threads", 2)),
        (["published"], lambda: ours("plain", it)),
        (["enumerate"], lambda: ours("enumerate", it, "-o", folder / "few")),
        (["sample"], lambda: ours("sample", it, "-n", 10, "--seed", 1)),
        (["race"], lambda: whole(it)),
        (["learn"], lambda: learn(it.file, 5, "--target", "y", "--lambda", "1/10")),
        (["published"] if args.published else [], lambda: published(it)),
        (["counts", "race"], lambda: cp_sat(it)),
    ]
    broken = []
    for tables, job in jobs:
        if set(tables) & set(args.tables):
            try:
                job()
            except Broken as error:
                broken.append(str(error))
    if broken or wrong:
        sys.exit("\n".join(["not everything that is raced is there:", *broken, *wrong]))


def surroundings() -> dict:
    programs = {file.name: fingerprint(file) for file in (args.runner, args.pellucid)}
    return dict(
        **machine(("avx2", "avx512f", "avx512bw", "avx512_vpopcntdq")), programs=programs, versions=versions,
        published=str(args.published or "not run here"), repeats=args.repeats, quick=args.quick,
    )  # fmt: skip


def main() -> None:
    for program in (args.runner, args.pellucid):
        if not program.is_file():
            sys.exit(f"`{program}` is no file; build it first")
    about, results = surroundings(), {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            rehearse(folder)
            text = ["# Rule sets: pellucid beside its peers", ""]
            if args.quick:
                text += ["**A smoke test (`--quick`): fewer instances, one repeat, not to be quoted.**", ""]
            text += [f"* {key}: {', '.join(f'{k} {v}' for k, v in value.items()) if isinstance(value, dict) else value}"
                     for key, value in about.items()]  # fmt: skip
            print("\n".join(text), flush=True)
            about["load_average_before"] = os.getloadavg()
            for key, title in TABLES.items():
                if key in args.tables:
                    lines, results[key] = MAKERS[key](folder)
                    text += ["", f"### {title}", "", *lines]
                    print("\n".join(["", f"### {title}", "", *lines]), flush=True)
        except Broken as error:
            sys.exit(str(error))
    about["load_average_after"] = os.getloadavg()
    missed = [gate["what"] for gate in gates if gate["met"] is False]
    n_met = sum(gate["met"] is True for gate in gates)
    before, after = about["load_average_before"][0], about["load_average_after"][0]
    end = ["", f"Goals: {n_met} met, {len(missed)} missed{': ' if missed else ''}{'; '.join(missed)}.", "",
           f"Load average before {before:.1f}, after {after:.1f}."]  # fmt: skip
    print("\n".join(end))
    if args.output:
        args.output.write_text("\n".join(text + end) + "\n")
        raw = dict(about=about, gates=gates, results=results)
        args.output.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")
    if wrong:
        sys.exit("numbers disagree:\n" + "\n".join(dict.fromkeys(wrong)))


if __name__ == "__main__":
    main()
