"""What of a scenario's model is trained, and what runs beside it: its workload, and what to say of it."""

from __future__ import annotations

from functools import lru_cache

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.model.flops import forward_flops
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.model.tower import tower_flops, tower_kept, tower_params
from carbonscaling.perf import training
from carbonscaling.perf.build import workload
from carbonscaling.perf.context import context_split
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import Recipe
from carbonscaling.record import Same
from carbonscaling.software.stack import Stack
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import count

__all__ = [
    "TRAINED_FIELDS",
    "Trained",
    "holds_8_bit",
    "scores_biased",
    "trained_as",
    "training_notes",
    "training_sources",
    "training_work",
]

TRAINED_FIELDS = (
    "sample_len", "train", "lora_rank", "lora_on", "frozen_layers", "teacher", "towers", "tower_tokens", "tower_patches",
    "software",
)  # fmt: skip
"""Fields that say which weights are trained, and what runs beside them."""
RANK = 16
"""Rank of adapters where nobody says (decision 0124)."""


@lru_cache(maxsize=16)
def _teacher(name: str) -> ModelSpec:
    try:
        found = models.model_spec(name)
    except InputError as error:
        error.key = error.key or "teacher"
        raise
    if found.encoder is not None:
        raise InputError(
            "an encoder-decoder as a teacher is not modelled", key="teacher", value=name, remedy="name a decoder"
        )
    return found


@lru_cache(maxsize=64)
def _whole(spec: Same, seq_len: int) -> Workload:
    """Return the workload of a model trained whole."""
    return workload(spec.it, seq_len)


def holds_8_bit(s: Scenario, recipe: Recipe, own: Stack) -> bool:
    """Whether frozen weights beside adapters are held in 8 bit alone: where the stack keeps no other copy of its weights."""
    return s.train == "lora" and recipe.name == "fp8" and recipe.name in own.weights


def scores_biased(spec: ModelSpec) -> bool:
    """Whether scores of attention have a learned bias, which fused kernels do not take (T5)."""
    return spec.encoder is not None and spec.encoder.score_bias


def _check_stacks(s: Scenario) -> None:
    """Refuse of an encoder-decoder what is modelled of one stack of layers alone."""
    known = s.train not in ("frozen-layers", "frozen-language")
    asked = {"train": None if known else s.train, "teacher": s.teacher, "sample_len": s.sample_len}
    for key, value in asked.items():
        if value is not None:
            raise InputError(
                "an encoder-decoder is trained whole or with adapters, on sequences of one sample, without a teacher", key=key,
                value=value, allowed="train full, continued, sft, lora, qlora or frozen-embeddings", remedy=f"leave {key} out",
            )  # fmt: skip


def training_work(s: Scenario, spec: ModelSpec, seq_len: int, frozen_8_bit: bool = False) -> Workload:
    """Return the workload of a model at a sequence length, as a scenario trains it.

    Parameters
    ----------
    frozen_8_bit : bool
        Whether weights that are not trained are held in 8 bit, as `holds_8_bit` says.

    Raises
    ------
    InputError
        As `perf.build.workload`; a sample is longer than a sequence; more layers are frozen than there are; the teacher is
        unknown.
    """
    if spec.encoder is not None:
        _check_stacks(s)
    work, attended = _apart(s, spec, seq_len)
    if s.train == "lora":
        work = training.adapted(work, s.lora_rank or RANK, s.lora_on == "attention")
        work = training.held_in_8_bit(work) if frozen_8_bit else work
    elif s.train == "qlora":
        work = training.packed(work, s.lora_rank or RANK, s.lora_on == "attention")
    elif s.train == "frozen-language":
        work = training.language_frozen(work)
    elif s.train == "frozen-embeddings":
        work = training.embeddings_frozen(work, spec.tied_embeddings)
    elif s.train == "frozen-layers":
        if (s.frozen_layers or 0) >= spec.n_layers:
            raise InputError(
                "no layer is left to train", key="frozen_layers", value=s.frozen_layers,
                allowed=f"1 to {spec.n_layers - 1}, of {spec.n_layers} layers", remedy="freeze fewer layers",
            )  # fmt: skip
        work = training.layers_frozen(work, s.frozen_layers or 0, spec.tied_embeddings)
    if s.teacher is not None:
        teacher = _teacher(s.teacher)
        work = training.taught(work, forward_flops(teacher, attended).total, float(total_params(teacher)))
    if s.towers != "none":
        work = _towers(s, spec, work, seq_len)
    whole = attended == seq_len  # pieces of a sequence of samples are as even as samples are short
    return context_split(work, spec, s.software.context_exchange, s.software.context_split if whole else None)


def _apart(s: Scenario, spec: ModelSpec, seq_len: int) -> tuple[Workload, int]:
    """Return a model trained whole, and the tokens that attend to each other: those of a sample, or of a sequence."""
    work, attended = _whole(Same(spec), seq_len), s.sample_len or seq_len
    if attended > seq_len:
        raise InputError(
            "a sample is longer than a sequence", key="sample_len", value=s.sample_len, allowed=f"1 to {seq_len:,}",
            remedy="lower it, or lengthen the sequence",
        )  # fmt: skip
    if attended == seq_len:
        return work, seq_len
    one = _whole(Same(spec), attended)
    return work._replace(span=one.span, model_flops=one.model_flops), attended


def _towers(s: Scenario, spec: ModelSpec, work: Workload, seq_len: int) -> Workload:
    """Return a workload with the model's towers beside it; the first of them makes the tokens that come from towers."""
    if not spec.towers:
        raise InputError(
            "no tower of this model can be counted", key="towers", value=s.towers, allowed="none",
            remedy="leave towers out, or give a config.json of a model whose towers model show lists",
        )  # fmt: skip
    tokens = s.tower_tokens or 0
    if tokens > seq_len:
        raise InputError(
            "more tokens of a tower than a sequence has", key="tower_tokens", value=tokens, allowed=f"1 to {seq_len:,}",
            remedy="lower it, or lengthen the sequence",
        )  # fmt: skip
    first = next(iter(spec.towers.values()))
    patches = s.tower_patches or first.n_patches
    each = first.merge * tokens / seq_len  # patches behind a token of the language model
    flops, params = each * tower_flops(first, patches) / patches, float(sum(map(tower_params, spec.towers.values())))
    return training.towered(work, flops, params, each * tower_kept(first), s.towers == "trained")


class Trained(NamedTuple):
    """What a run trains, for who reports it.

    Attributes
    ----------
    train : str
        As `Scenario.train`.
    teacher : str, optional
        Model that is distilled.
    forward_flops_per_token : float
        Of the model's own forward pass at the length of the training's sequences, as inference runs it: without adapters,
        which merge into the weights, without teacher and towers, and without modules that predict further tokens.
    """

    train: str
    teacher: str | None
    forward_flops_per_token: float


def trained_as(s: Scenario, spec: ModelSpec, seq_len: int) -> Trained:
    """Return what a scenario trains, with the FLOPs of a token's forward pass through it (`model.flops.forward_flops`)."""
    return Trained(s.train, s.teacher, _forward(Same(spec), seq_len))


@lru_cache(maxsize=64)
def _forward(spec: Same, seq_len: int) -> float:
    forward = forward_flops(spec.it, seq_len)
    return float(forward.total - forward.mtp)


def training_notes(s: Scenario, spec: ModelSpec) -> list[str]:
    """Return in words what is not trained, and what runs beside."""
    on = " on attention alone" if s.lora_on == "attention" else ""
    notes = {
        "lora": f"adapters of rank {s.lora_rank or RANK}{on} beside frozen weights: no gradients and no states of these",
        "qlora": f"adapters of rank {s.lora_rank or RANK}{on} beside frozen weights of {8 * training.NF4.si:.3f} bits with "
        "their scales, unpacked for every pass at the speed of memory (published runs unpacked more slowly: 1.2 times as long "
        "at 8,192 tokens, 1.5 at 2,048): no gradients and no states of these",
        "frozen-language": "the language model is frozen, gradients flow through it to the towers",
        "frozen-embeddings": "the embedding is frozen" + (", and the head with it" if spec.tied_embeddings else ""),
        "frozen-layers": f"the embedding and the first {s.frozen_layers} of {spec.n_layers} layers are frozen: no gradient "
        "flows through them",
    }
    found = [notes[s.train]] if s.train in notes else []
    if spec.encoder is not None:
        found.append("tokens are those of the encoder; each sequence has its share of the decoder's beside them")
    if scores_biased(spec) and s.flash is None and s.software.attention_kernel is None:
        found.append("explicit attention: fused kernels take no learned bias on scores")
    if s.sample_len is not None:
        found.append(f"attention within samples of {s.sample_len:,} tokens")
    if s.towers != "none":
        named = [f"the {name} tower ({count(tower_params(t))} parameters)" for name, t in spec.towers.items()]
        found.append(f"{' and '.join(named)} {s.towers}, {s.tower_tokens:,} tokens of a sequence from it")
    if s.teacher is not None:
        teacher = _teacher(s.teacher)
        found.append(
            f"distilled from {teacher.name}: the forward pass of its {count(total_params(teacher))} parameters runs beside "
            "every micro-batch, its weights and logits are held"
        )
        if teacher.vocab_size != spec.vocab_size:
            found.append(
                f"the teacher has a vocabulary of {teacher.vocab_size:,}, the student of {spec.vocab_size:,}: logits match "
                "only where these are one vocabulary padded differently"
            )
    return found


def training_sources(s: Scenario) -> set[str]:
    """Return the reference keys behind what is trained and what runs beside it."""
    keys = {"lora": {"hu_2021", training.FROZEN_8_BIT.source}, "qlora": {"hu_2021", training.NF4.source}}.get(
        s.train, set()
    )
    return keys | ({"hinton_2015"} if s.teacher is not None else set())
