"""What a project says beside its figures: how much was counted, and what nothing stated and was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from carbonscaling.serving.answer import Served
from carbonscaling.serving.said import cut_notes
from carbonscaling.study.answer import host_note
from carbonscaling.study.project.file import Entry
from carbonscaling.study.project.pieces import Piece
from carbonscaling.study.project.stages import (
    Deployment,
    Generation,
    Hours,
    Preference,
    Reinforcement,
    Share,
    Stage,
    Storage,
    Training,
)
from carbonscaling.study.project.work import answers, rollouts
from carbonscaling.study.setup import cluster_of
from carbonscaling.words import count, percent

__all__ = ["assumed", "counted"]

FEW = 3
"""Stages of one note that are named."""


def counted(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return how many answers and tokens stages generate, a sentence each."""
    said = []
    for entry in entries:
        stage = entry.stage
        if isinstance(stage, Generation):
            n, each = answers(stage, entry.serving.output), entry.serving.output
            kept = "" if stage.kept == 1.0 else f", to keep the {count(n * stage.kept)} stated ({percent(stage.kept)})"
            said.append(f"{stage.name}: {count(n)} answers are generated, {_tokens(n, each)}{kept}{_times(stage)}")
        elif isinstance(stage, Reinforcement):
            n = rollouts(stage)
            said.append(f"{stage.name}: {count(n)} rollouts, {_tokens(n, stage.given('output'))}{_times(stage)}")
    return tuple(said)


def _tokens(n: float, each: float) -> str:
    return f"{count(n * each)} tokens"


def _times(stage: Stage) -> str:
    return "" if stage.count == 1.0 else f", {stage.count:,.10g} times"


def assumed(entries: Sequence[Entry], made: Mapping[str, Sequence[Piece]]) -> tuple[str, ...]:
    """Return what was assumed or cut, with the stages that it holds for."""
    by_note: dict[str, list[str]] = {}
    for entry in entries:
        for note in dict.fromkeys(_of_stage(entry, made[entry.stage.name])):
            by_note.setdefault(note, []).append(entry.stage.name)
    return tuple(f"{_named(names, len(entries))}: {note}" for note, names in by_note.items())


def _named(names: Sequence[str], n_stages: int) -> str:
    if len(names) == n_stages > 1:
        return "all stages"
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def _of_stage(entry: Entry, made: Sequence[Piece]) -> Iterator[str]:
    if silent := [words for key, words in _fields(entry) if key not in entry.stated]:
        yield ", ".join(silent)
    yield from _cut(entry)
    for piece in made:
        if piece.assessment.model.covered:
            yield f"{piece.assessment.model.market.basis}; the contract's price is not in the cost"
        if isinstance(piece.answer, Served):
            yield from cut_notes(piece.answer.scenario, piece.answer.question)
        elif not isinstance(entry.stage, Storage):
            found = piece.answer
            cluster = cluster_of(entry.training) if found is None else found.resolved.cluster
            if note := host_note(entry.training, cluster, piece.assessment.n_devices):
                yield note


def _fields(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the fields that a stage is answered by and that people leave out, each in words."""
    stage, s, asked = entry.stage, entry.training, entry.serving
    if isinstance(stage, Share):
        return
    if isinstance(stage, Generation | Deployment):
        yield "device", f"device {asked.device}"
        yield "region", f"region {asked.region}"
    else:
        if not isinstance(stage, Storage):
            yield "device", f"device {s.device}"
        yield "region", f"region {s.region}"
    if isinstance(stage, Hours):
        yield "utilisation", f"an MFU of {percent(stage.utilisation)}"
    if isinstance(stage, Generation | Deployment | Reinforcement) or (isinstance(stage, Preference) and stage.cached):
        yield "engine", f"engine {asked.engine}"
        yield "weights", f"weights in {asked.weights}"
    if isinstance(stage, Generation | Deployment):
        yield "prompt", f"prompts of {asked.prompt:,.10g} tokens"
        yield "output", f"answers of {asked.output:,.10g} tokens"


def _cut(entry: Entry) -> Iterator[str]:
    """Yield what becomes of examples whose mean length is beyond a sequence's."""
    stage, limit = entry.stage, entry.training.seq_len
    if not isinstance(stage, Training | Preference) or stage.length is None or limit is None or stage.length <= limit:
        return
    became = f"are spread over sequences of {limit:,}" if stage.packed else f"are cut at the {limit:,} of a sequence"
    lost = "" if stage.packed else ", and what is beyond is not learnt"
    yield f"examples of {stage.length:,.10g} tokens {became} (seq_len){lost}"
