"""One peer in a process of its own: `engine.py NAME MODEL THREADS`, then one job a line on standard input, one JSON object a line as answer.

What is timed is the work alone, in a warm process. The names: `hooked` (TransformerLens 3.9), `bridge` (TransformerLens 4), `nnsight`, `eager` (transformers)
and `encoder` (transformers, pooled as sentence-transformers does it). With the name `make` it writes the model that all of them read into the folder.
"""

import json
import os
import sys
import time

NAME, MODEL, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# Libraries may write there; answers go to the real one.
answers, sys.stdout = sys.stdout, sys.stderr

import torch  # noqa: E402

torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)


def make(folder):
    """A GPT-2 of the small one's shape with random weights, and a tokenizer whose tokens are w0, w1, ..."""
    from transformers import GPT2Config, GPT2LMHeadModel

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


def timed(work):
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


class Engine:
    """`forward(tokens)`, `cached(tokens)` -> logits and how much was kept, `sweep(job)` -> a metric a cell."""

    def forward_job(self, job):
        tokens = torch.tensor([job["tokens"]])
        if job.get("cache"):
            seconds, (logits, kept) = timed(lambda: self.cached(tokens))
        else:
            seconds, logits = timed(lambda: self.forward(tokens))
            kept = 0
        return dict(seconds=seconds, logits=logits[0, -1, :8].tolist(), kept=kept)

    def sweep_job(self, job):
        clean, corrupt = torch.tensor([job["clean"]]), torch.tensor([job["corrupt"]])
        work = self.by_hand if job.get("by_hand") else self.sweep
        seconds, metrics = timed(lambda: work(job["site"], clean, corrupt, job["cells"], job["answers"]))
        return dict(seconds=seconds, metrics=metrics)


def metric(logits, answers):
    return (logits[..., -1, answers[0]] - logits[..., -1, answers[1]]).tolist()


class Hooked(Engine):
    """HookedTransformer of TransformerLens 3.9, and the bridge of 4: the same methods."""

    def __init__(self, folder, bridge):
        from transformers import GPT2LMHeadModel

        theirs = GPT2LMHeadModel.from_pretrained(folder).eval()
        self.bridge = bridge
        if bridge:
            from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

            self.lens = build_bridge_from_module(theirs, "GPT2LMHeadModel", hf_config=theirs.config)
            return
        from transformer_lens import HookedTransformer, HookedTransformerConfig
        from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights

        cfg = HookedTransformerConfig(
            n_layers=12, d_model=768, n_heads=12, d_head=64, d_mlp=3072, n_ctx=1024, d_vocab=50257, act_fn="gelu_new", normalization_type="LN", eps=1e-5,
            positional_embedding_type="standard", default_prepend_bos=False, init_weights=False, original_architecture="GPT2LMHeadModel",
        )  # fmt: skip
        self.lens = HookedTransformer(cfg).eval()
        self.lens.load_state_dict(convert_gpt2_weights(theirs, cfg), strict=False)

    def forward(self, tokens):
        return self.lens(tokens)

    def cached(self, tokens):
        logits, cache = self.lens.run_with_cache(tokens)
        return logits, len(cache)

    def sweep(self, site, clean, corrupt, cells, answers):
        """A run for each cell, as TransformerLens's own patching does it."""
        name = {"resid_pre": "blocks.{}.hook_resid_pre", "z": "blocks.{}.attn.hook_z"}[site]
        wanted = [name.format(layer) for layer in range(12)]
        _, cache = self.lens.run_with_cache(clean, names_filter=wanted)
        found = []
        for layer, position, head in cells:
            where = (slice(None), position) if head is None else (slice(None), position, head)
            at = name.format(layer)

            def put(value, hook):
                theirs = cache[at]
                if head is not None and value.ndim == 3:  # the bridge keeps heads side by side
                    value.view(*value.shape[:2], 12, -1)[where] = theirs.view(*theirs.shape[:2], 12, -1)[where]
                else:
                    value[where] = theirs[where]
                return value

            found += metric(self.lens.run_with_hooks(corrupt, fwd_hooks=[(at, put)]), answers)
        return found

    def by_hand(self, site, clean, corrupt, cells, answers):
        """The best that its users do by hand: all positions of a block in one batch that starts there."""
        pre = lambda hook: hook.endswith("hook_resid_pre")  # noqa: E731
        _, theirs = self.lens.run_with_cache(clean, names_filter=pre)
        _, ours = self.lens.run_with_cache(corrupt, names_filter=pre)
        found = []
        for layer in range(12):
            positions = [position for at, position, _ in cells if at == layer]
            name = f"blocks.{layer}.hook_resid_pre"
            batch = ours[name].repeat(len(positions), 1, 1)
            for row, position in enumerate(positions):
                batch[row, position] = theirs[name][0, position]
            found += metric(self.lens(batch, start_at_layer=layer), answers)
        return found


class NnSight(Engine):
    def __init__(self, folder):
        from nnsight import NNsight
        from transformers import GPT2LMHeadModel

        self.model = NNsight(GPT2LMHeadModel.from_pretrained(folder).eval())

    def forward(self, tokens):
        with self.model.trace(tokens):
            logits = self.model.lm_head.output.save()
        return logits

    def sweep(self, site, clean, corrupt, cells, answers):
        assert site == "resid_pre"
        model = self.model
        first = lambda out: out[0] if isinstance(out, tuple) else out  # noqa: E731
        # What a block reads is what the one before it writes.
        source = lambda layer: model.transformer.h[layer - 1] if layer else model.transformer.drop  # noqa: E731
        with model.trace(clean):
            kept = list().save()
            for layer in range(12):
                kept.append(first(source(layer).output).clone())
        found = []
        for layer, position, _ in cells:
            with model.trace(corrupt):
                first(source(layer).output)[:, position] = kept[layer][:, position]
                logits = model.lm_head.output.save()
            found += metric(logits, answers)
        return found


class Eager(Engine):
    """transformers as it is."""

    def __init__(self, path):
        from transformers import AutoModelForCausalLM

        if os.path.isdir(path):
            self.model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        else:
            folder, file = os.path.split(path)
            self.model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval()

    def forward(self, tokens):
        return self.model(tokens, use_cache=False).logits


class Encoder(Engine):
    """Sentence embeddings: tokens, the encoder, means over tokens, length 1."""

    def __init__(self, folder):
        from transformers import AutoModel, AutoTokenizer

        self.model, self.tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def embed_job(self, job):
        def work():
            inputs = self.tokenizer(job["texts"], return_tensors="pt", padding=True, truncation=True, max_length=512)
            rows, mask = self.model(**inputs).last_hidden_state, inputs["attention_mask"].unsqueeze(-1)
            means = (rows * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(means, dim=1)

        seconds, vectors = timed(work)
        return dict(seconds=seconds, vectors=vectors.tolist())


if NAME == "make":
    make(MODEL)
    sys.exit()
ENGINES = dict(hooked=lambda: Hooked(MODEL, False), bridge=lambda: Hooked(MODEL, True), nnsight=lambda: NnSight(MODEL), eager=lambda: Eager(MODEL), encoder=lambda: Encoder(MODEL))
engine = ENGINES[NAME]()
print(json.dumps(dict(ready=True)), file=answers, flush=True)
for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps(getattr(engine, job["do"] + "_job")(job)), file=answers, flush=True)
