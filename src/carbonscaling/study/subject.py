"""What is trained: a model that a scenario names, or the one that a scaling law asks for."""

from __future__ import annotations

from carbonscaling.catalog import laws, models
from carbonscaling.errors import InputError
from carbonscaling.laws import PaperFamily, ScalingLaw
from carbonscaling.model.from_law import paper_family_spec, spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import count

__all__ = ["Subject", "subject"]


@dataclass(frozen=True)
class Subject:
    """A model with what its law says of it.

    Attributes
    ----------
    spec : ModelSpec
    tokens : float, optional
        The law's training tokens; None where no law sets them.
    loss : float, optional
        The law's loss.
    notes : tuple of str
        What was chosen on the way.
    """

    spec: ModelSpec
    tokens: float | None = None
    loss: float | None = None
    notes: tuple[str, ...] = ()


def _family_member(s: Scenario, family: PaperFamily) -> Subject:
    given = [key for key in ("d_model", "target_loss", "compute") if getattr(s, key) is not None]
    if len(given) != 1 or s.model:
        raise InputError(
            "the papers' family is set by exactly one of a width, a loss and a compute budget",
            key="law",
            value=s.law,
            allowed="d_model, target_loss or compute, and no model",
            remedy="give one of them, for instance --d-model 12288",
        )
    notes = []
    d_model = s.d_model
    if d_model is None:
        if s.compute is not None:
            width = float(family.width_for_compute(s.compute))
        else:
            width = float(family.width_for_loss(s.target_loss or 0.0))
        d_model = max(128, round(width / 128) * 128)
        notes.append(f"width {width:.0f} rounded to {d_model}")
    m = family.integer(d_model)
    spec = paper_family_spec(d_model, m.d_ff, m.n_layers, m.n_experts, s.seq_len or m.seq_len)
    return Subject(spec, float(m.n_tokens), float(m.loss), tuple(notes))


def _optimal(s: Scenario, law: ScalingLaw) -> Subject:
    if s.model is not None:
        raise InputError(
            "a model and a law's target contradict each other",
            key="model",
            value=s.model,
            remedy="leave out the model, or leave out target_loss and compute",
        )
    if s.compute is not None and s.target_loss is not None:
        raise InputError(
            "a compute budget and a target loss contradict each other",
            key="target_loss",
            remedy="leave out one of them",
        )
    if s.compute is not None:
        best = law.optimum_for_compute(s.compute)
    else:
        best = law.optimum_for_loss(s.target_loss or 0.0)
    n, d = float(best.n_params), float(best.n_tokens)
    note = f"{s.law}: {count(n)} parameters on {count(d)} tokens are compute-optimal"
    return Subject(spec_for_params(n), d, float(best.loss), (note,))


def subject(s: Scenario) -> Subject:
    """Return what a scenario trains.

    Raises
    ------
    InputError
        Nothing, or more than one thing, says what to train; or a name or file is unusable.
    """
    law = laws.law(s.law) if s.law else None
    if isinstance(law, PaperFamily):
        return _family_member(s, law)
    if s.d_model is not None:
        raise InputError(
            "a width alone sets a model only in the papers' family",
            key="d_model",
            value=s.d_model,
            remedy="add --law paper_v2, or give a model",
        )
    if s.target_loss is not None or s.compute is not None:
        if law is None:
            raise InputError(
                "a target needs a scaling law",
                key="law",
                allowed=", ".join(laws.law_names()),
                remedy="for instance --law besiroglu_2024",
            )
        return _optimal(s, law)
    if s.model is None:
        raise InputError(
            "no model given",
            key="model",
            allowed="a catalogue name, a config.json, a TOML file, or a law with a target",
            remedy="for instance --model llama-3.1-405b",
        )
    spec = s.model if isinstance(s.model, ModelSpec) else models.model_spec(s.model)
    if law is not None and spec.encoder is not None:
        raise InputError(
            "scaling laws say the loss of decoders, not of an encoder-decoder", key="law", value=s.law,
            remedy="leave the law out, or choose a model without an encoder",
        )  # fmt: skip
    if law is None or s.tokens is None:
        return Subject(spec)
    return Subject(spec, loss=float(law.loss(float(total_params(spec)), s.tokens)))
