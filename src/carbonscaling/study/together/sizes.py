"""The sizes of a decision: each with the training tokens that reach the loss."""

from __future__ import annotations

import math
import sys

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.catalog import laws
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.laws.chinchilla import ChinchillaLaw
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.serving.lifetime import tokens_for
from carbonscaling.study.together.decision import Decision
from carbonscaling.words import count

__all__ = ["Sizes", "sizes_of"]


MOST_TOKENS = 1e18
"""Tokens that a scenario may train at most; a size that needs more does not reach the loss."""


class Sizes(NamedTuple):
    """Sizes that reach a loss; the last is the one that others are compared with, where that reaches it.

    Attributes
    ----------
    loss : float
    n_params, n_tokens : array
        Parameters of every size, and the training tokens with which it reaches the loss.
    specs : tuple of ModelSpec
        Architectures; none where FLOPs alone count.
    compared : bool
        Whether the last size is the one to compare with.
    unreached : tuple of float
        Candidates that no training takes to the loss, or that no architecture has.
    """

    loss: float
    n_params: Array
    n_tokens: Array
    specs: tuple[ModelSpec, ...]
    compared: bool
    unreached: tuple[float, ...] = ()


def law_of(name: str) -> ChinchillaLaw:
    """Return a law that can be solved for the tokens of a size.

    Raises
    ------
    InputError
        It is of another form.
    """
    law = laws.law(name)
    if not isinstance(law, ChinchillaLaw):
        raise InputError(
            "tokens for a size and a loss need a law of the Chinchilla form", key="law", value=name,
            allowed=", ".join(n for n in laws.law_names() if isinstance(laws.law(n), ChinchillaLaw)),
            remedy="choose one of these",
        )  # fmt: skip
    return law


def sizes_of(d: Decision) -> Sizes:
    """Return the sizes of the grid that reach the loss, and after them the one to compare with.

    A size is the parameters of its architecture where machines count, within 3 % of the grid's.

    Raises
    ------
    InputError
        None does, or the law is of another form.
    """
    law = law_of(d.law)
    loss = float(law.loss(d.params, d.tokens)) if d.loss is None else d.loss
    grid = np.array(d.candidates) if d.candidates else np.geomspace(d.params / 10.0, 3.0 * d.params, d.n_sizes)
    asked, wanted = grid.tolist(), [*grid.tolist(), d.params]
    specs: list[ModelSpec] = []
    if d.objective != "flops":
        made = [(size, spec) for size, spec in ((size, _spec(size)) for size in grid.tolist()) if spec is not None]
        specs = [spec for _, spec in made] + [spec_for_params(d.params)]
        asked, wanted = [size for size, _ in made], [float(total_params(spec)) for spec in specs]
    n_params = np.array(wanted)
    n_tokens = np.asarray(tokens_for(loss, n_params, law.irreducible, law.a, law.alpha, law.b, law.beta), dtype=float)
    if d.loss is None:
        n_tokens[-1] = d.tokens
    reach = n_tokens <= (math.inf if d.objective == "flops" else MOST_TOKENS)
    reach &= np.isfinite(n_tokens)
    if not reach[:-1].any():
        most = sys.float_info.max if d.objective == "flops" else MOST_TOKENS
        least, largest = float(np.min(law.loss(n_params[:-1], most))), float(n_params[:-1].max())
        raise InputError(
            "no size that is tried reaches this loss", key="loss", value=loss,
            allowed=f"more than {least:.4g}, where {count(largest)} parameters end on "
            f"{'any' if d.objective == 'flops' else count(most)} tokens",
            remedy=f"ask for a higher loss, or larger {'candidates' if d.candidates else 'params'}",
        )  # fmt: skip
    kept = tuple(spec for spec, reaches in zip(specs, reach, strict=False) if reaches)
    reached = {size for size, reaches in zip(asked, reach, strict=False) if reaches}
    unreached = tuple(size for size in d.candidates if size not in reached)
    return Sizes(loss, n_params[reach], n_tokens[reach], kept, bool(reach[-1]), unreached)


def _spec(n_params: float) -> ModelSpec | None:
    """Return the architecture of a size; None where embeddings leave no room for one."""
    try:
        return spec_for_params(n_params)
    except InputError:
        return None
