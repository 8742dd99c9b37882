"""What is asked of a serving: a model on devices, how it is stored and laid out, what arrives, and what software runs it."""

from __future__ import annotations

from typing import Literal

from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.serving.engine import Engine
from carbonscaling.serving.formats import FORMATS, Format
from carbonscaling.serving.numbers import Layout

__all__ = ["Mode", "Question", "Speculation", "kept_in"]

Mode = Literal["continuous", "static", "saturated", "disaggregated"]
"""How requests come: from outside into a running batch, as one batch, all at once, or to devices apart for prompts."""


@dataclass(frozen=True)
class Speculation:
    """Tokens that are proposed before the model checks them.

    Attributes
    ----------
    tokens : float
        Proposed a step.
    acceptance : float
        Chance that one is kept, 0 to 1.
    draft : ModelSpec, optional
        What proposes; None where it takes no time of the devices (earlier text), or none that is counted (heads of the model).
    """

    tokens: float
    acceptance: float
    draft: ModelSpec | None = None


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
    worked_out : bool
        Whether nobody states that number, and it follows from what else was said.
    drawn : bool
        Whether tokens are drawn from the most probable ones (top-p), as chats are; the most probable one alone if not.
    reused : float
        Share of a prompt's tokens whose keys and values are kept from earlier requests.
    prompt_spread, output_spread : float
        Standard deviation of the lengths over their mean.
    speculation : Speculation, optional
    like : str
        Source of measured servings whose clients, hosts and settings this one has; "" for none of them.
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
    drawn: bool = True
    reused: float = 0.0
    prompt_spread: float = 0.0
    output_spread: float = 0.0
    speculation: Speculation | None = None
    like: str = ""
    worked_out: bool = False


def kept_in(weights: Format, engine: Engine) -> Format:
    """Return the format of keys and values where nobody says: TensorRT-LLM's quantised checkpoints keep 8 bit, others 16."""
    return FORMATS["fp8" if engine.family == "trtllm" and weights.bytes < FORMATS["bf16"].bytes else "bf16"]
