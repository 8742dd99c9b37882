"""What an answer to a serving says beside its figures: what was cut, assumed or shared, and what was not searched."""

from __future__ import annotations

import math

from carbonscaling.errors import InputError
from carbonscaling.model.spec import ModelSpec
from carbonscaling.serving.question import Question
from carbonscaling.serving.scenario import Serving

__all__ = ["check_degrees", "check_positions", "cut_notes", "notes_of", "reach"]


def reach(spec: ModelSpec) -> int:
    """Return the tokens of the longest sequence that is known of a model: of its pre-training, or what its file serves."""
    return max(spec.seq_len, *spec.seq_len_range, 0)


def check_positions(spec: ModelSpec, prompt: float, output: float) -> None:
    """Refuse requests that are longer than a table of learned positions.

    Raises
    ------
    InputError
        They are.
    """
    if spec.n_positions and prompt + output > spec.n_positions:
        raise InputError(
            f"{spec.name} has no position for such requests", key="prompt" if prompt > output else "output",
            value=max(prompt, output), allowed=f"prompt and output up to {spec.n_positions:,} tokens together",
            remedy="shorten them, or choose a model of longer sequences",
        )  # fmt: skip


def check_degrees(s: Serving, spec: ModelSpec) -> None:
    """Refuse stated degrees that no software starts: ranks that cut a head, stages without a layer, ranks without an expert.

    Raises
    ------
    InputError
        One is stated.
    """
    heads = math.gcd(*(a.n_heads for a, _ in spec.attentions))
    experts = 1 if spec.experts is None else spec.experts.n_routed
    allowed = {
        "tp": (s.tp and heads % s.tp, f"degrees that divide {heads:,} attention heads"),
        "pp": ((s.pp or 1) > spec.n_layers, f"up to {spec.n_layers:,} layers"),
        "ep": ((s.ep or 1) > experts, "1: it has no experts" if spec.experts is None else f"up to {experts:,} experts"),
    }
    for key, (cannot, could) in allowed.items():
        if cannot:
            raise InputError(
                f"{spec.name} cannot be split so", key=key, value=getattr(s, key), allowed=could,
                remedy=f"choose such a degree, or leave {key} out to have it searched",
            )  # fmt: skip


def cut_notes(s: Serving, q: Question) -> tuple[str, ...]:
    """Return where a serving as answered has fewer requests in flight than were asked for, or longer ones than are known.

    Parameters
    ----------
    q : Question
        With the layout and the requests in flight that were chosen.
    """
    said: list[str] = []
    if s.in_flight is not None and q.in_flight is not None and q.in_flight < s.in_flight:
        said.append(f"of {s.in_flight:,.10g} requests in flight a copy's memory holds {q.in_flight:,.10g}: others wait")
    if (longest := s.prompt + s.output) > reach(q.spec):
        said.append(
            f"prompt and answer have {longest:,.10g} tokens: of {q.spec.name} sequences of {reach(q.spec):,} are known, "
            "from its pre-training or its file, and whether its weights go further is not checked"
        )
    return tuple(said)


def notes_of(s: Serving, q: Question, n_devices: int) -> tuple[str, ...]:
    """Return what was cut, assumed or shared of a serving as answered.

    Parameters
    ----------
    q : Question
        As of `cut_notes`.
    n_devices : int
        Of all copies.
    """
    said, each = list(cut_notes(s, q)), q.cluster.host.devices_per_host
    if rest := n_devices % each:
        said.append(
            f"{rest} of a host's {each} devices are in use: others share that host, and energy, embodied carbon and money "
            "count the part in use"
        )
    return tuple(said)
