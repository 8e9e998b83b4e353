"""Activation patching beside TransformerLens, same weights, same prompts, same threads, in one go.  Run: cargo xtask bench lens"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

os.environ["HF_HUB_OFFLINE"] = "1"
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--pellucid", required=True, help="the program, built for release")
parser.add_argument("--repeats", type=int, default=3)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("-o", "--out", default=None)
args = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(args.threads)

import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
from transformers import GPT2Config, GPT2LMHeadModel

HERE = os.path.dirname(os.path.abspath(__file__))
for line in open(os.path.join(HERE, "requirements.txt")):
    if not line.startswith("#"):
        package, _, wanted = line.strip().partition("==")
        assert version(package).split("+")[0] == wanted, (package, version(package), wanted)
torch.set_num_threads(args.threads)
torch.set_grad_enabled(False)
TOKENS, ANSWERS = 15, (11, 22)
# Metrics are differences of logits around 1, of sums of 768 numbers of 32 bits over 12 blocks.
TOLERANCE = 2e-4
GOALS = {("resid_pre", 0): 20, ("resid_pre", 9): 60, ("z", 0): 40}
TUNED_GOAL = 8


def made(folder):
    """A GPT-2 of the small one's shape with random weights, and a tokenizer whose tokens are w0, w1, ..."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config()).eval()
    for name, weight in model.named_parameters():
        weight.copy_(torch.randn_like(weight) * (0.05 if weight.ndim > 1 else 0.1) + (1.0 if "ln_" in name and name.endswith("weight") else 0.0))
    model.save_pretrained(folder)
    vocabulary = {f"w{at}": at for at in range(model.config.vocab_size)}
    tokenizer = dict(
        version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=dict(type="WhitespaceSplit"), post_processor=None, decoder=None,
        model=dict(type="WordLevel", vocab=vocabulary, unk_token="w0"),
    )  # fmt: skip
    json.dump(tokenizer, open(os.path.join(folder, "tokenizer.json"), "w"))
    cfg = HookedTransformerConfig(
        n_layers=12, d_model=768, n_heads=12, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new", normalization_type="LN", eps=1e-5,
        positional_embedding_type="standard", default_prepend_bos=False, init_weights=False, original_architecture="GPT2LMHeadModel",
    )  # fmt: skip
    lens = HookedTransformer(cfg).eval()
    lens.load_state_dict(convert_gpt2_weights(model, cfg), strict=False)
    return lens


def metric(logits):
    return (logits[..., -1, ANSWERS[0]] - logits[..., -1, ANSWERS[1]]).tolist()


def by_hooks(lens, site, clean, corrupt, cells):
    """A run for each cell, as TransformerLens's own patching does it."""
    name = {"resid_pre": "blocks.{}.hook_resid_pre", "z": "blocks.{}.attn.hook_z"}[site]
    _, cache = lens.run_with_cache(clean, names_filter=lambda hook: hook.endswith(name.split("{}")[1]))
    found = []
    for layer, position, head in cells:
        where = (slice(None), position) if head is None else (slice(None), position, head)
        at = name.format(layer)

        def put(value, hook):
            value[where] = cache[at][where]
            return value

        found += metric(lens.run_with_hooks(corrupt, fwd_hooks=[(at, put)]))
    return found


def by_hand(lens, clean, corrupt, cells):
    """The best that its users do by hand: all positions of a block in one batch that starts there."""
    pre = lambda hook: hook.endswith("hook_resid_pre")
    _, theirs = lens.run_with_cache(clean, names_filter=pre)
    _, ours = lens.run_with_cache(corrupt, names_filter=pre)
    found = []
    for layer in range(12):
        positions = [position for at, position, _ in cells if at == layer]
        name = f"blocks.{layer}.hook_resid_pre"
        batch = ours[name].repeat(len(positions), 1, 1)
        for row, position in enumerate(positions):
            batch[row, position] = theirs[name][0, position]
        found += metric(lens(batch, start_at_layer=layer))
    return found


def by_pellucid(folder, site, by, clean, corrupt):
    words = [args.pellucid, "lens", "patch", folder, "--json", "--threads", str(args.threads), "--site", site, "--by", by]
    text = lambda tokens: " ".join(f"w{token}" for token in tokens)
    words += ["--clean", text(clean), "--corrupt", text(corrupt), "--answer", f"w{ANSWERS[0]}", "--wrong", f"w{ANSWERS[1]}"]
    told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return told["elapsed_seconds"], told


def timed(work):
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def spread(values):
    return f"{statistics.median(values):.3g} [{min(values):.3g}–{max(values):.3g}]"


def race(lens, folder, site, first):
    """Every engine once a repeat, one after the other."""
    torch.manual_seed(first + 1)
    clean = torch.randint(0, 50257, (1, TOKENS))
    corrupt = clean.clone()
    corrupt[0, first] = (int(clean[0, first]) + 1) % 50257
    by = "layer-position" if site == "resid_pre" else "layer-position-head"
    heads = [None] if site == "resid_pre" else range(12)
    cells = [(layer, position, head) for layer in range(12) for position in range(TOKENS) for head in heads]
    # TransformerLens takes a minute for 360 cells: of more, every 12th is run, and the time multiplied.
    some = cells if len(cells) < 400 else cells[::12] if first == 0 else cells[5::12]
    times, worst = {"pellucid": [], "hooks": [], "hand": []}, 0.0
    for _ in range(args.repeats):
        seconds, told = by_pellucid(folder, site, by, clean[0].tolist(), corrupt[0].tolist())
        times["pellucid"].append(seconds)
        ours = {(cell["layer"], cell["position"], cell["head"]): cell["metric"] for cell in told["grid"]}
        seconds, theirs = timed(lambda: by_hooks(lens, site, clean, corrupt, some))
        times["hooks"].append(seconds * len(cells) / len(some))
        worst = max([worst] + [abs(ours[cell] - other) for cell, other in zip(some, theirs)])
        if site == "resid_pre":
            seconds, theirs = timed(lambda: by_hand(lens, clean, corrupt, cells))
            times["hand"].append(seconds)
            worst = max([worst] + [abs(ours[cell] - other) for cell, other in zip(cells, theirs)])
    assert worst < TOLERANCE, f"{site}: metrics differ by {worst}"
    lines = []
    for engine, name, goal in (("hooks", "TransformerLens 3.9, a run a cell", GOALS.get((site, first))), ("hand", "the same, start_at_layer and batches by hand", TUNED_GOAL)):
        if times[engine]:
            ratios = [theirs / ours for theirs, ours in zip(times[engine], times["pellucid"])]
            verdict = "" if goal is None else f"> {goal}: {'met' if statistics.median(ratios) >= goal else '**missed**'}"
            lines.append(f"| {site}, {by}, prompts differ at token {first} | {len(cells)} | {name} | {spread(times['pellucid'])} | {spread(times[engine])} | {spread(ratios)} | {worst:.0e} | {verdict} |")
    counts = told["multiply_adds"]
    print(lines, counts, flush=True)
    return lines, f"{site}, token {first}: {told['cells'] - told['skipped']} of {told['cells']} cells run, {counts['naive'] / counts['planned']:.1f} times fewer multiply-adds"


def cpu():
    found = {}
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return f"{found.get('model name')}, family {found.get('cpu family')} model {found.get('model')}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        lens = made(folder)
        rows, counts = [], []
        for site, first in (("resid_pre", 0), ("resid_pre", 9), ("z", 0), ("z", 9)):
            lines, count = race(lens, folder, site, first)
            rows += lines
            counts.append(count)
    text = "\n".join(
        ["# Activation patching: pellucid beside its peers", "", f"* cpu: {cpu()}, {os.cpu_count()} CPUs", f"* python: {platform.python_version()}, torch {torch.__version__}, transformer-lens {version('transformer-lens')}",
         f"* threads: {args.threads}", f"* repeats: {args.repeats}", "",
         f"GPT-2 small's shape, random weights, prompts of {TOKENS} tokens; seconds for the whole grid, without reading the model (median, least and most); metrics of all engines are compared.", "",
         "| sweep | cells | against | pellucid, s | it, s | times | max abs difference | goal |", "| --- | --- | --- | --- | --- | --- | --- | --- |"] + rows + [""] + [f"* {count}" for count in counts]
    )  # fmt: skip
    print(text)
    if args.out:
        open(args.out, "w").write(text + "\n")


main()
