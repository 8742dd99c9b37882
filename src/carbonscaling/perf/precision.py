"""Number-format recipes: what each tensor of a training step is stored and sent in."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.meaning import choice_meant
from carbonscaling.record import dataclass

__all__ = ["PRECISIONS", "Recipe", "precision"]


@dataclass(frozen=True)
class Recipe:
    """Bytes per element of a mixed-precision training recipe.

    Attributes
    ----------
    name : str
    format : str
        Matrix-unit format (a key of `Device.peak`).
    activations, weights, gradients, optimizer : float
        Bytes kept per element. `optimizer` holds a float32 master copy and two float32 Adam moments (12 bytes) unless
        the recipe shrinks them.
    traffic : float
        Bytes per element of tensor-, context- and pipeline-parallel messages.
    gradient_traffic : float
        Bytes per element of reduced gradients.
    dispatch, combine : float
        Bytes per element of expert all-to-alls, out and back.
    cast_passes : float
        Extra element-wise passes over activations for scaling and casting.
    head : str
        Format of the output head: wider than `format` where the recipe keeps the logits out of it (DeepSeek-V3, section 3.3.1;
        so do Megatron-Core and MaxText unless told otherwise).
    source : str
    """

    name: str
    format: str
    activations: float
    weights: float
    gradients: float
    optimizer: float
    traffic: float
    gradient_traffic: float
    dispatch: float
    combine: float
    cast_passes: float
    source: str
    head: str

    @property
    def narrow(self) -> bool:
        """Whether products take numbers of 8 or 4 bit, of which some may stay in 16."""
        return self.format in ("fp8", "int8", "fp4")


def _recipe(name: str, fmt: str, source: str, head: str = "", **changes: float) -> Recipe:
    base: dict[str, float] = dict(
        activations=2.0, weights=2.0, gradients=4.0, optimizer=12.0, traffic=2.0, gradient_traffic=2.0,
        dispatch=2.0, combine=2.0, cast_passes=0.0,
    )  # fmt: skip
    return Recipe(name=name, format=fmt, source=source, head=head or fmt, **(base | changes))


PRECISIONS: dict[str, Recipe] = {
    p.name: p
    for p in (
        _recipe("bf16", "bf16", "micikevicius_2018"),
        _recipe("fp16", "fp16", "micikevicius_2018", gradients=2.0),
        _recipe("fp32", "fp32", "micikevicius_2018", activations=4.0, weights=4.0, optimizer=8.0, traffic=4.0,
                gradient_traffic=4.0, dispatch=4.0, combine=4.0),
        _recipe("tf32", "tf32", "micikevicius_2018", activations=4.0, weights=4.0, optimizer=8.0, traffic=4.0,
                gradient_traffic=4.0, dispatch=4.0, combine=4.0),
        _recipe("fp8", "fp8", "micikevicius_2022", head="bf16", weights=3.0, activations=1.75, cast_passes=4.0),
        _recipe("fp8-deepseek", "fp8", "deepseek_v3", head="bf16", activations=1.1, optimizer=8.0, dispatch=1.0,
                cast_passes=4.0),
        _recipe("mxfp8", "fp8", "rouhani_2023", head="bf16", weights=4.0, activations=1.75, cast_passes=4.0),
        _recipe("nvfp4", "fp4", "nvidia_nvfp4_2025", head="bf16", weights=3.0, activations=1.5, cast_passes=6.0),
        _recipe("int8", "int8", "aqt_2023", head="bf16", weights=3.0, activations=1.75, cast_passes=4.0),
        # The papers' quantisation-aware training: compute, memory and traffic all in 8 bit (v2, section 5.4).
        _recipe("qat-fp8", "fp8", "carbonscaling_v2", activations=1.0, weights=1.0, gradients=1.0, optimizer=12.0,
                traffic=1.0, gradient_traffic=1.0, dispatch=1.0, combine=1.0),
        _recipe("qat-int8", "int8", "carbonscaling_v2", activations=1.0, weights=1.0, gradients=1.0, optimizer=12.0,
                traffic=1.0, gradient_traffic=1.0, dispatch=1.0, combine=1.0),
    )
}  # fmt: skip
"""Recipes by name: mixed precision after Micikevicius, with what each recipe's own paper changes."""


def precision(name: str) -> Recipe:
    """Return a recipe by name.

    Raises
    ------
    InputError
        No such recipe.
    """
    if name not in PRECISIONS:
        raise InputError(
            "unknown precision recipe",
            key="precision",
            value=name,
            allowed=", ".join(PRECISIONS),
            suggestion=choice_meant("precision", name, PRECISIONS),
            remedy="choose one of these",
        )
    return PRECISIONS[name]
