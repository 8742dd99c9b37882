"""What a model is: its architecture, parameters, FLOPs and activations, and where an architecture comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carbonscaling.model.card import ModelCard, model_card
from carbonscaling.model.flops import (
    Convention,
    ForwardFlops,
    attention_span,
    forward_flops,
    hardware_flops_per_token,
    training_flops_per_token,
)
from carbonscaling.model.from_law import paper_family_spec, spec_for_params
from carbonscaling.model.params import ParameterCount, active_params, mtp_params, parameter_count, total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = [
    "Attention",
    "Convention",
    "Experts",
    "FeedForward",
    "ForwardFlops",
    "ModelCard",
    "ModelSpec",
    "ParameterCount",
    "active_params",
    "attention_span",
    "forward_flops",
    "from_config",
    "hardware_flops_per_token",
    "model_card",
    "model_types",
    "mtp_params",
    "paper_family_spec",
    "parameter_count",
    "spec_for_params",
    "total_params",
    "training_flops_per_token",
]

if TYPE_CHECKING:
    from carbonscaling.model.huggingface import from_config, model_types


def __getattr__(name: str) -> Any:
    """Import what reads a ``config.json`` when it is first used: models of the catalogue need none of it."""
    if name not in ("from_config", "model_types"):
        raise AttributeError(f"module 'carbonscaling.model' has no attribute {name!r}")
    from carbonscaling.model import huggingface

    return getattr(huggingface, name)


def __dir__() -> list[str]:
    return sorted(__all__)
