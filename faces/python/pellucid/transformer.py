"""What happens inside a transformer? A model that is run, looked at and changed, place by place.

    model = pel.load_model("SmolLM2-135M.gguf")
    grid = model.patch(clean="The capital of France is", corrupt="The capital of Italy is", answer=" Paris", wrong=" Rome")

Activations are NumPy arrays in the memory that was filled while the model ran. `torch.from_dlpack(array)` and
`jax.dlpack.from_dlpack(array)` share it, and so does whatever else reads DLPack: it begins at a multiple of 64 bytes, without which JAX
copies.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches

from ._inside import Embeddings, Heads, LogitLens, PatchGrid, Plan, Run, Token, Window
from ._native import Transformer as _Native
from .errors import UsageError

__all__ = ["Sweep", "Transformer", "load_model"]

#: What `sentence-transformers` reads of a text with all-MiniLM-L6-v2.
_USUAL_WINDOW = 256


def load_model(path, tokenizer=None, *, process=(), threads=None):
    """Reads a transformer with its tokenizer.

    Parameters
    ----------
    path : path
        A folder as Hugging Face keeps it (`config.json`, `model.safetensors` or its shards, `tokenizer.json`), or a GGUF file. GPT-2, Llama,
        Mistral, Qwen2 and BERT, and what TransformerLens saves.
    tokenizer : path, optional
        A `tokenizer.json`, where it does not stand beside the model.
    process : str or sequence of str, optional
        What is done to the weights before they are used, as TransformerLens's `process_weights` does it: `fold-ln`,
        `center-writing-weights`, `center-unembed`, `fold-value-biases`, or `all`. Nothing without.
    threads : int, optional
        Threads of every call; `PELLUCID_NUM_THREADS`, `RAYON_NUM_THREADS` or all cores without. No number depends on it.

    Returns
    -------
    Transformer

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ModelError
        When it is no transformer, or none that is read.
    """
    return Transformer(path, tokenizer, process=process, threads=threads)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What a sweep of activation patching asks: plain data, the same for any model and prompt.

    Attributes
    ----------
    site : str, default 'resid_pre'
        Where values are put in, of every block: `resid_pre`, `attn_out`, `mlp_out`, `z`, `q`, `k`, `v`, `pattern`, ...
    by : {'layer', 'layer-position', 'layer-head', 'layer-position-head'}, optional
        What a cell of the grid stands for; without it `layer-position`, and of patterns and scores `layer-head`.
    donor : {'other', 'zero', 'mean', 'resample'}, default 'other'
        What is put in: the other prompt's values, zeros, means over all prompts, or values of a prompt that is drawn.
    metric : {'logit-difference', 'logit', 'log-probability', 'kl-divergence'}, optional
        What is measured; without it `logit-difference` where there is a wrong token, else `logit`. A divergence is in nats, from the clean
        prompt's answer.
    position : int, default -1
        The token after which it is measured, from the end where negative. Later tokens have no say and are left out.
    noising : bool, default False
        Puts corrupt values into the clean run instead of clean ones into the corrupt run.
    seed : int, default 0
        Of drawn prompts.
    """

    site: str = "resid_pre"
    by: str | None = None
    donor: str = "other"
    metric: str | None = None
    position: int = -1
    noising: bool = False
    seed: int = 0


class Transformer:
    """A transformer with its tokenizer; `pellucid.load_model` makes one, and a pickle holds its paths.

    Attributes
    ----------
    info : dict
        Layers, widths, heads, vocabulary, format and so on, under the names of `pellucid lens info --json`.
    sites : list of str
        Every place that can be looked at, in the order of the forward pass, by the names of TransformerLens's `HookedTransformer`.
    """

    def __init__(self, path, tokenizer=None, *, process=(), threads=None):
        steps = [process] if isinstance(process, str) else list(process)
        self.path = os.fspath(path)
        tokenizer = None if tokenizer is None else os.fspath(tokenizer)
        self._given = os.path.abspath(self.path), tokenizer and os.path.abspath(tokenizer), steps, threads
        self._threads = threads
        self._native = _Native.load(self.path, tokenizer, steps)

    @property
    def info(self):
        return self._native.info

    @property
    def sites(self):
        return self._native.sites

    def tokens(self, text):
        """The tokens of a text, with those that the tokenizer puts around every text.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of Token
            Number, text, and where in the UTF-8 bytes of `text` it begins and ends.
        """
        return [Token(*token) for token in self._native.tokens(text)]

    def run(self, text, capture=(), *, positions=None, top=5, threads=None):
        """Runs a text, and keeps what was asked for.

        Parameters
        ----------
        text : str
        capture : str or sequence of str, optional
            Names of sites: short ones (`resid_post`, `z`) mean every block, whole ones (`blocks.3.attn.hook_z`, or `blocks.3.z`) one. A
            string may hold several with commas, as on the command line.
        positions : sequence of int, optional
            Tokens whose rows are kept, from the end where negative; all without. Sites without a row a token (patterns, scores) stay whole.
        top : int, default 5
            How many next tokens are told.
        threads : int, optional

        Returns
        -------
        Run
            A mapping from names of sites to arrays of float32, with logits and the next tokens beside it.

        Raises
        ------
        SiteError
            When the model has no such site; the text says which may be meant.
        PromptError
            When the text can't be run, for instance because it is too long.
        LimitError
            When what is asked for would not fit into memory.

        Notes
        -----
        Arrays are never copied; where `positions` are given only their rows are kept in the first place.

        Examples
        --------
        >>> seen = model.run("The capital of France is", capture=["resid_post", "blocks.3.hook_z"])  # doctest: +SKIP
        >>> torch.from_dlpack(seen["blocks.3.attn.hook_z"])  # the same memory  # doctest: +SKIP
        """
        names = capture.split(",") if isinstance(capture, str) else list(capture)
        names = [name.strip() for name in names]
        positions = None if positions is None else [int(at) for at in positions]
        told = self._native.run(text, capture=names, positions=positions, top=top, threads=self._count(threads))
        return Run._of(self._native, told)

    def patch(
        self,
        sweep=None,
        *,
        clean=None,
        corrupt=None,
        answer=None,
        wrong=None,
        prompts=None,
        verify=0.0,
        threads=None,
        **asked,
    ):
        """Puts other activations into a prompt's run, place by place, and measures the answer.

        Parameters
        ----------
        sweep : Sweep, optional
            What is asked. Its fields may be given as keywords instead (`site="z", by="layer-head"`), and overrule it.
        clean, corrupt : str
            The prompt that has the answer and the one that has it not, of equally many tokens.
        answer, wrong : str
            The tokens that should come next after either; each has to be one token.
        prompts : sequence of mappings, optional
            Several prompts instead, with the keys `clean`, `corrupt`, `answer` and `wrong`.
        verify : float, default 0.0
            The share of cells that are run again, each as one whole run, and compared.
        threads : int, optional

        Returns
        -------
        PatchGrid

        Raises
        ------
        SiteError
            When there is no such site, or it has not such axes.
        PromptError
            When prompts do not align, or an answer is not one token.
        UsageError
            When arguments do not go together.

        References
        ----------
        Meng et al., "Locating and editing factual associations in GPT", 2022; Heimersheim and Nanda, "How to use and interpret activation
        patching", 2024.

        Examples
        --------
        >>> heads = pel.Sweep(site="z", by="layer-head")  # doctest: +SKIP
        >>> grid = model.patch(heads, clean=..., corrupt=..., answer=" Paris", wrong=" Rome", verify=0.05)  # doctest: +SKIP
        """
        if not 0.0 <= verify <= 1.0:
            raise UsageError(f"verify {verify}: a share is a number from 0 to 1")
        texts, alone = _prompts(prompts, clean, corrupt, answer, wrong)
        sweep = _sweep(sweep, asked)
        told, drawing = self._native.patch(texts, alone=alone, sweep=sweep, verify=verify, threads=self._count(threads))
        return PatchGrid._of(sweep, told, drawing)

    def plan(self, sweep=None, *, clean=None, corrupt=None, answer=None, wrong=None, prompts=None, threads=None, **asked):
        """What `patch` would compute, and what that costs: only the runs are made that any plan needs.

        Parameters
        ----------
        sweep, clean, corrupt, answer, wrong, prompts, threads, **asked
            As of `patch`.

        Returns
        -------
        Plan
        """
        texts, alone = _prompts(prompts, clean, corrupt, answer, wrong)
        told = self._native.plan(texts, alone=alone, sweep=_sweep(sweep, asked), threads=self._count(threads))
        return Plan(**told)

    def logits(self, text, *, answer=None, wrong=None, position=-1, top=5, neurons=0, threads=None):
        """What the model would say after every block (the logit lens), and which parts write the answer's logit.

        Parameters
        ----------
        text : str
        answer : str, optional
            The token that is followed, and whose logit is taken apart; without it what the model says.
        wrong : str, optional
            Another token, whose logit is taken away.
        position : int, default -1
            The token after which the logit is taken apart.
        top : int, default 5
            Tokens of each reading.
        neurons : int, default 0
            How many neurons are named, those that add most.
        threads : int, optional

        Returns
        -------
        LogitLens

        References
        ----------
        nostalgebraist, "interpreting GPT: the logit lens", 2020; Elhage et al., "A mathematical framework for transformer circuits", 2021.
        """
        told, lens, parts = self._native.logits(
            text, answer=answer, wrong=wrong, position=position, top=top, neurons=neurons, threads=self._count(threads)
        )
        return LogitLens._of(self.info["layers"], told, lens, parts)

    def heads(self, text, *, threads=None):
        """What heads attend to: the share of their attention that goes where heads that have names look.

        Parameters
        ----------
        text : str
            Duplicate-token and induction heads need one in which tokens come twice.
        threads : int, optional

        Returns
        -------
        Heads

        References
        ----------
        Olsson et al., "In-context learning and induction heads", 2022; the patterns are those of TransformerLens's `detect_head`.
        """
        return Heads._of(*self._native.heads(text, threads=self._count(threads)))

    def embed(self, texts, *, pool="mean", normalize=True, windows="texts", window_tokens=None, threads=None):
        """Vectors of texts, by an encoder: the mean over tokens of what its last block answers, of length 1.

        Parameters
        ----------
        texts : sequence of str
            One string is one text.
        pool : {'mean'}, default 'mean'
        normalize : bool, default True
            Other lengths than 1 are not computed.
        windows : {'texts', 'clauses'}, default 'texts'
            Whether a text is one window (one that is too long is split, never cut off) or every clause.
        window_tokens : int, optional
            Most tokens of a window; 256 or what the model reads.
        threads : int, optional

        Returns
        -------
        ndarray of shape (n_texts, d_model), float32
            For all-MiniLM-L6-v2 what `sentence-transformers` computes, but that nothing is cut off.

        Raises
        ------
        UsageError
            When the model is a decoder.

        References
        ----------
        Reimers and Gurevych, "Sentence-BERT", 2019.
        """
        return self.embed_windows(
            texts, pool=pool, normalize=normalize, windows=windows, window_tokens=window_tokens, threads=threads
        ).of_texts

    def embed_windows(self, texts, *, pool="mean", normalize=True, windows="texts", window_tokens=None, threads=None):
        """The same with the vectors of windows, and which bytes of the texts these are.

        Parameters
        ----------
        texts, pool, normalize, windows, window_tokens, threads
            As of `embed`.

        Returns
        -------
        Embeddings
        """
        if pool != "mean":
            raise UsageError(f"pool {pool!r}: vectors of texts are means over tokens: 'mean'")
        if not normalize:
            raise UsageError("vectors of texts have length 1; for others take the mean of what `run(text, capture=...)` keeps")
        if windows not in ("texts", "clauses"):
            raise UsageError(f"windows {windows!r}: it is one of texts, clauses")
        texts = [texts] if isinstance(texts, str) else list(texts)
        if window_tokens is None:
            window_tokens = min(_USUAL_WINDOW, self.info["context"])
        of_texts, of_windows, found = self._native.embed(
            texts, clauses=windows == "clauses", window_tokens=window_tokens, threads=self._count(threads)
        )
        return Embeddings(of_texts, of_windows, [Window(*window) for window in found])

    def _count(self, threads):
        return self._threads if threads is None else threads

    def __reduce__(self):
        return _restored, self._given

    def __repr__(self):
        info = self.info
        name = info["name"] or os.path.basename(self.path.rstrip(os.sep))
        return f"Transformer({name!r}, {info['family']}: {info['layers']} layers of width {info['d_model']}, {info['heads']} heads, {info['vocabulary']} tokens)"


def _restored(path, tokenizer, process, threads):
    return Transformer(path, tokenizer, process=process, threads=threads)


def _sweep(sweep, asked):
    """A sweep with what keywords say of it."""
    known = [field.name for field in fields(Sweep)]
    for name in asked:
        if name not in known:
            raise TypeError(f"`{name}` is no argument{_near(name, known)}")
    if sweep is not None and not isinstance(sweep, Sweep):
        raise UsageError(f"a sweep is a pellucid.Sweep, not {type(sweep).__name__}; a site goes by its name: site=...")
    return replace(sweep or Sweep(), **asked)


def _prompts(prompts, *texts):
    """Prompts as the native part takes them, and whether it is one that stands in the call by itself."""
    keys = "clean", "corrupt", "answer", "wrong"
    if prompts is None:
        if texts[0] is None:
            raise UsageError("there is no prompt; give clean=, or prompts=[...]")
        return [texts], True
    if any(text is not None for text in texts):
        raise UsageError("prompts=[...] stands for clean, corrupt, answer and wrong; leave these out")
    if isinstance(prompts, (str, Mapping)) or not isinstance(prompts, Sequence):
        raise UsageError(f"prompts is a list of mappings with the keys {', '.join(keys)}")
    found = []
    for at, prompt in enumerate(prompts, 1):
        if not isinstance(prompt, Mapping):
            raise UsageError(f"prompt {at} is no mapping with the keys {', '.join(keys)}")
        for key in prompt:
            if key not in keys:
                raise UsageError(f"prompt {at}: `{key}` is not known here{_near(str(key), keys)}")
        if prompt.get("clean") is None:
            raise UsageError(f"prompt {at}: `clean` is not there")
        found.append(tuple(prompt.get(key) for key in keys))
    return found, False


def _near(name, known):
    near = get_close_matches(name, known, 1)
    return f"; did you mean `{near[0]}`?" if near else ""
