"""What do calls of a transformer answer? Arrays with the names of their axes, and a picture where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._plot import Picture
from .errors import SiteError


class Token(NamedTuple):
    """A token of a text: its number, its text by itself, and where in the text's UTF-8 bytes it begins and ends."""

    id: int
    text: str
    start: int
    end: int


class Next(NamedTuple):
    """A token that may come next, with its probability."""

    id: int
    text: str
    probability: float


class Window(NamedTuple):
    """A part of a text that has a vector of its own: which text, its UTF-8 bytes there, and how many tokens."""

    text: int
    start: int
    end: int
    n_tokens: int


@dataclass(frozen=True)
class Embeddings:
    """Vectors of texts and of the windows that they were read in.

    Attributes
    ----------
    of_texts : ndarray of shape (n_texts, d_model), float32
    of_windows : ndarray of shape (n_windows, d_model), float32
    windows : list of Window
    """

    of_texts: np.ndarray
    of_windows: np.ndarray
    windows: list


class Run(Mapping):
    """What one run showed: a mapping from names of sites to arrays.

    Attributes
    ----------
    tokens : list of Token
    logits : ndarray of shape (n_tokens, vocabulary), float32
        `None` of encoders, and so are the following.
    log_probabilities : ndarray of shape (n_tokens - 1,)
        Natural logarithms of the probability of each token but the first.
    loss : float
        The mean loss of a token, in nats; `None` of a single token.
    next : list of Next
        The most probable next tokens.

    Notes
    -----
    Sites have the shapes that TransformerLens gives them, without its axis of batches. `run["blocks.3.hook_z"]` understands every
    spelling; `run.blocks("z")` is a list with an array a block.
    """

    @classmethod
    def _of(cls, native, told):
        self = object.__new__(cls)
        self._native, self._sites = native, told["sites"]
        self.tokens = [Token(*token) for token in told["tokens"]]
        self.logits = told.get("logits")
        self.log_probabilities = told.get("log_probabilities")
        self.loss = told.get("loss")
        self.next = [Next(*token) for token in told["next"]] if "next" in told else None
        return self

    def blocks(self, name):
        """The arrays of one site, block by block; of a site outside of blocks the only one."""
        names = self._native.named(name)
        missing = [whole for whole in names if whole not in self._sites]
        if missing:
            raise SiteError(f"`{missing[0]}` was not captured; these were: {', '.join(self._sites) or 'none'}")
        return [self._sites[whole] for whole in names]

    def __getitem__(self, name):
        if name in self._sites:
            return self._sites[name]
        try:
            names = self._native.named(name)
        except SiteError as error:
            raise KeyError(str(error)) from None
        names = [whole for whole in names if whole in self._sites]
        if len(names) > 1:
            raise KeyError(f"`{name}` was captured in {len(names)} blocks; name one, as {names[0]}, or take .blocks({name!r})")
        if not names:
            raise KeyError(f"`{name}` was not captured; these were: {', '.join(self._sites) or 'none'}")
        return self._sites[names[0]]

    def __iter__(self):
        return iter(self._sites)

    def __len__(self):
        return len(self._sites)

    def __repr__(self):
        says = f", next {self.next[0].text!r} ({self.next[0].probability:.3f})" if self.next else ""
        return f"Run({len(self.tokens)} tokens, {len(self)} sites{says})"


@dataclass(frozen=True)
class Plan:
    """What a sweep costs.

    Attributes
    ----------
    cells : int
        Cells of the grid, over all prompts.
    skipped : int
        Those of them that change nothing, or nothing that the answer sees, so that nothing is run.
    batches : int
        How often cells go through the weights together.
    naive, planned : int
        Multiply-adds of a whole run for every cell, and of the plan; the engine counts them as it goes, and comes to the same.
    peak_bytes : int
        About how much memory is held at once, with the weights.
    estimated_seconds : float or None
        By the runs that were needed for the plan; `None` of a sweep that was run.
    """

    cells: int
    skipped: int
    batches: int
    naive: int
    planned: int
    peak_bytes: int
    estimated_seconds: float | None


class Verified(NamedTuple):
    """Cells that were run again, each as one whole run, and by how much a metric was off at most: 0."""

    cells: int
    largest_difference: float


class Pair(NamedTuple):
    """The texts of a prompt's tokens, those of the corrupt one, those that are run, and positions at which the two differ."""

    clean: list
    corrupt: list | None
    run: list
    differ: list


class _Drawn:
    """What has a picture."""

    def plot(self, width=860):
        """Draws it, as many pixels wide.

        Returns
        -------
        Picture
        """
        return Picture(self._drawing.svg(float(width)), self._drawing.sentence)

    def _repr_html_(self):
        return self.plot()._repr_html_()


class PatchGrid(_Drawn):
    """What each place carries of the answer.

    `plot()` draws: the grid.

    Attributes
    ----------
    effects : ndarray of shape (n_layers[, n_positions][, n_heads])
        Normalized: 0 where the answer stays that of the prompt that is run, 1 where it becomes the other prompt's (`is_share`). With zeros,
        means or drawn values: by how much the metric grows. Of several prompts the mean growth over the mean difference.
    metrics : ndarray of that shape, of several prompts (n_prompts, ...)
        Raw: the metric with each cell's values put in, in logits or nats.
    prompt_effects : ndarray of shape (n_prompts, ...)
        Each prompt's own effects.
    intervals : ndarray of shape (..., 2) or None
        From three prompts on: 95 % percentiles of 2,000 draws of the prompts with replacement, by a fixed seed.
    axes : tuple of str
        Names of the axes of `effects`.
    labels : dict of list of str
        Names along each axis; where prompts have different tokens a position is `#3`.
    clean, corrupt : float or list of float
        The metric of the clean prompt, and of the corrupt one (`None` where that is not run); of several prompts one each.
    is_share : bool
        Whether effects are normalized.
    site, by, metric : str
        What was asked.
    prompts : list of Pair
    plan : Plan
        What was computed.
    multiply_adds : int
        Those that were carried out: the plan's.
    verified : Verified
    sweep : Sweep
    """

    @classmethod
    def _of(cls, sweep, told, drawing):
        self = object.__new__(cls)
        self.sweep, self._drawing = sweep, drawing
        for name in ("site", "by", "metric", "is_share", "effects", "prompt_effects", "intervals", "multiply_adds"):
            setattr(self, name, told[name])
        self.prompts = [Pair(*prompt) for prompt in told["prompts"]]
        self.plan, self.verified = Plan(**told["plan"]), Verified(*told["verified"])
        one = len(self.prompts) == 1
        self.metrics = told["metrics"][0] if one else told["metrics"]
        self.clean = told["clean"][0] if one else told["clean"]
        corrupt = told["corrupt"]
        self.corrupt = corrupt[0] if one and corrupt else corrupt
        self.axes = tuple(self.by.split("-"))
        self.labels = {axis: self._labels(axis, n) for axis, n in zip(self.axes, self.effects.shape, strict=True)}
        return self

    def _labels(self, axis, n):
        if axis != "position":
            return [f"{'L' if axis == 'layer' else 'H'}{at}" for at in range(n)]
        runs = [prompt.run for prompt in self.prompts]
        return [runs[0][at] if len({run[at] for run in runs}) == 1 else f"#{at}" for at in range(n)]

    def __repr__(self):
        shape = " x ".join(f"{n} {axis}s" for n, axis in zip(self.effects.shape, self.axes, strict=True))
        return f"PatchGrid({self.site} of {shape}; {self._drawing.sentence})"


class Attribution(_Drawn):
    """Which parts write a logit: what each adds, as the last norm and the unembedding see it.

    `plot()` draws: the largest parts as bars.

    Attributes
    ----------
    answer, wrong : str
        The token, and the one whose logit is taken away or `None`.
    position : int
        The token of the text after which it is.
    value : float
        The logit, or the difference of two.
    parts : list of str
        `embed`, `a3.h5` (a head), `a3.bias`, `m3` (an MLP), `bias`, in the order of the forward pass.
    shares : ndarray of shape (n_parts,)
        What each adds, in logits; they sum up to `value` but for `residual`.
    residual : float
        What no part accounts for: the rounding of the pass.
    neurons : list of tuple
        Block, neuron, and what it adds, as part of its MLP.
    """

    def __init__(self, told, drawing):
        for name in ("answer", "wrong", "position", "value", "parts", "shares", "residual", "neurons"):
            setattr(self, name, told[name])
        self._drawing = drawing

    def __repr__(self):
        return f"Attribution({self._drawing.sentence})"


class LogitLens(_Drawn):
    """What the model would say if it stopped after each block.

    `plot()` draws: blocks down, tokens across, in each cell what would come next.

    Attributes
    ----------
    tokens : list of Token
    layers : list of str
        `embedding`, then the blocks; the last one's reading is the model's own answer.
    ids : ndarray of shape (n_layers + 1, n_tokens, top), uint32
        The most probable next tokens.
    texts : ndarray of that shape, object
        Their texts.
    probabilities : ndarray of that shape
    followed : ndarray of shape (n_layers + 1, n_tokens) or None
        The probability of the token that is followed.
    ranks : ndarray of that shape or None
        Its rank, from 1.
    residual : float
        By how much logits of the last reading differ from the model's: 0.
    attribution : Attribution
    """

    @classmethod
    def _of(cls, n_layers, told, lens, parts):
        self = object.__new__(cls)
        self.tokens = [Token(*token) for token in told["tokens"]]
        self.layers = ["embedding", *(f"L{layer}" for layer in range(n_layers))]
        self.ids, self.probabilities = told["ids"], told["probabilities"]
        self.texts = np.empty(self.ids.shape, dtype=object)
        self.texts.reshape(-1)[:] = told["texts"]
        self.followed, self.ranks = told.get("followed"), told.get("ranks")
        self.residual = told["lens_residual"]
        self.attribution = Attribution(told, parts)
        self._drawing = lens
        return self

    def __repr__(self):
        return f"LogitLens({len(self.layers)} readings of {len(self.tokens)} tokens; {self._drawing.sentence})"


class Heads(_Drawn):
    """What heads attend to.

    `plot()` draws: a square a head.

    Attributes
    ----------
    tokens : list of Token
    kinds : list of str
        `previous_token`, `duplicate_token`, `induction`.
    scores : ndarray of shape (n_layers, n_heads, 3)
        The share of a head's attention that goes where such a head looks, 0 to 1, over the positions from which it looks anywhere; NaN where there are
        none.
    patterns : ndarray of shape (n_layers, n_heads, n_tokens, n_tokens), float32
        From the token that attends to those it attends to.
    """

    @classmethod
    def _of(cls, told, drawing):
        self = object.__new__(cls)
        self.tokens = [Token(*token) for token in told["tokens"]]
        self.kinds, self.scores, self.patterns = list(told["kinds"]), told["scores"], told["patterns"]
        self._drawing = drawing
        return self

    def __repr__(self):
        n_layers, n_heads, _ = self.scores.shape
        return f"Heads({n_layers} x {n_heads} on {len(self.tokens)} tokens)"
