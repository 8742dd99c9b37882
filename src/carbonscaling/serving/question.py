"""What is asked of a serving: a model on devices, how it is stored and laid out, what arrives, and what software runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.serving.engine import Engine
from carbonscaling.serving.formats import FORMATS, Format
from carbonscaling.serving.numbers import Layout

__all__ = ["Mode", "Question", "kept_in"]

Mode = Literal["continuous", "static", "saturated", "disaggregated"]
"""How requests come: from outside into a running batch, as one batch, all at once, or to devices apart for prompts."""


@dataclass(frozen=True)
class Question:
    """One serving.

    Attributes
    ----------
    spec : ModelSpec
    cluster : Cluster
    weights, kv : Format
    layout : Layout
    engine : Engine
    mode : Mode
    output : float
        Mean tokens that a request gets.
    prompt : float, optional
        Mean tokens that it brings; None where nobody says.
    in_flight : float, optional
        Requests at a time over all devices; None for as many as memory holds.
    """

    spec: ModelSpec
    cluster: Cluster
    weights: Format
    kv: Format
    layout: Layout
    engine: Engine
    mode: Mode
    output: float
    prompt: float | None = None
    in_flight: float | None = None


def kept_in(weights: Format, engine: Engine) -> Format:
    """Return the format of keys and values where nobody says: TensorRT-LLM's quantised checkpoints keep 8 bit, others 16."""
    return FORMATS["fp8" if engine.family == "trtllm" and weights.bytes < FORMATS["bf16"].bytes else "bf16"]
