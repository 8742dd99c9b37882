"""What a launch file says of a run, in the words of a scenario, with what it says beside that."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carbonscaling.catalog.models import model, model_spec
from carbonscaling.exchange.release import Release
from carbonscaling.model.spec import ModelSpec
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import counted

__all__ = ["Launch", "Reading", "again_percent", "some_of"]

SHOWN = 6
"""Names of settings left aside that a sentence lists."""


@dataclass(frozen=True)
class Launch:
    """A launch file, read.

    Attributes
    ----------
    where : str
        The file.
    release : Release
        The software that it is for.
    settings : dict
        Fields of a `Scenario` that it sets; those of the layout and the software under those names.
    taken : dict of str to str
        Settings of the file by their names there, and what they became.
    aside : tuple of str
        Settings that this software knows and that say nothing of memory, speed, energy or money.
    not_understood : dict of str to str
        Settings that may matter and were not taken over, and why.
    notes : tuple of str
        What was assumed where the file is silent.
    again : int
        Layers of a chunk that are recomputed, where the share that they are follows from a model that the file does not name.
    ends : int
        Layers that stay in 16 bit, where their share follows from such a model.
    steps, sequences : int
        Steps or sequences of the training, where their tokens follow from a batch or a length that the file does not tell.
    """

    where: str
    release: Release
    settings: dict[str, Any]
    taken: dict[str, str]
    aside: tuple[str, ...]
    not_understood: dict[str, str]
    notes: tuple[str, ...]
    again: int = 0
    ends: int = 0
    steps: int = 0
    sequences: int = 0

    def scenario(self, base: Scenario | None = None) -> Scenario:
        """Return a scenario with what the file says laid over it, and what follows from both.

        Raises
        ------
        InputError
            A value of the file is out of range, or it contradicts itself.
        """
        return self.settled(self.over(base))

    def over(self, base: Scenario | None = None) -> Scenario:
        """Return a scenario with what the file says laid over it; what `settled` settles is left open.

        Raises
        ------
        InputError
            As `scenario`.
        """
        own, base = dict(self.settings), Scenario() if base is None else base
        nested = {
            name: dataclasses.replace(getattr(base, name), **own.pop(name))
            for name in ("layout", "software")
            if name in own
        }
        if base.stack is None and "stack" not in own:
            own["stack"] = self.release.stack
        return dataclasses.replace(base, **own, **nested)

    def settled(self, question: Scenario) -> Scenario:
        """Return a question with what follows from the file and what else is known of the run.

        Those are the shares of layers that are recomputed and that stay in 16 bit, from the model, and the tokens, from the
        batch and the length of a sequence: the model's own where nobody states one.
        """
        spec = question.model if isinstance(question.model, ModelSpec | None) else model_spec(question.model)
        if spec is None:
            return question
        degrees = question.layout
        if self.again and degrees.recompute_percent is None:
            share = again_percent(spec.n_layers + spec.n_predicted, degrees.pp or 1, degrees.vpp or 1, self.again)
            question = dataclasses.replace(question, layout=dataclasses.replace(degrees, recompute_percent=share))
        if self.ends and question.software.bf16_share is None:
            software = dataclasses.replace(question.software, bf16_share=min(1.0, self.ends / spec.n_layers))
            question = dataclasses.replace(question, software=software)
        sequences = self.sequences or self.steps * (question.batch or 0)
        if sequences and question.tokens is None:
            question = dataclasses.replace(question, tokens=float(sequences * (question.seq_len or spec.seq_len)))
        return question

    @property
    def words(self) -> tuple[str, ...]:
        """What was read and what was not, a line each."""
        name = Path(self.where).name
        found = [f"{counted(len(self.taken), 'setting')} read from {name}, as {self.release.title}"]
        found += [f"not understood in {name}: {key} ({why})" for key, why in self.not_understood.items()]
        if self.aside:
            aside = f"{counted(len(self.aside), 'setting')} ({some_of(self.aside)})"
            found.append(f"left aside in {name}, which say nothing of time or memory: {aside}")
        return (*found, *self.notes)


def some_of(names: Sequence[str]) -> str:
    """Return the first names of several, in words."""
    return ", ".join(names[:SHOWN]) + (" and others" if len(names) > SHOWN else "")


@dataclass
class Reading:
    """Collects what a launch file says while it is read; attributes as of `Launch`."""

    where: str
    release: Release
    scenario: dict[str, Any] = field(default_factory=dict)
    layout: dict[str, Any] = field(default_factory=dict)
    software: dict[str, Any] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    not_understood: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    again: int = 0
    ends: int = 0
    steps: int = 0
    sequences: int = 0

    def take(self, key: str, became: str, **settings: Any) -> None:
        """Take a setting over: fields of a scenario by name, those of its layout with ``layout_`` before them.

        Those of its software with ``software_``.
        """
        for name, value in settings.items():
            group, _, inner = name.partition("_")
            if group in ("layout", "software"):
                getattr(self, group)[inner] = value
            else:
                self.scenario[name] = value
        self.taken[key] = became

    def mark(self, said: Mapping[str, Any], became: str, *keys: str) -> None:
        """Note what settings became: those of them that the file has and that were understood."""
        self.taken |= {key: became for key in keys if key in said and key not in self.not_understood}

    def leave(self, said: Iterable[str], why_not: Callable[[str], str | None]) -> None:
        """Put aside what nothing took over, or, where there is a reason, among what was not understood."""
        for key in said:
            if key in self.taken or key in self.not_understood:
                continue
            if reason := why_not(key):
                self.not_understood[key] = reason
            else:
                self.aside.append(key)

    @property
    def spec(self) -> ModelSpec | None:
        """The model, as far as the file names one."""
        named = self.scenario.get("model")
        return model(named) if isinstance(named, str) else named

    def lasts(self, key: str, *, steps: int = 0, sequences: int = 0) -> None:
        """Take over how long a run trains: its tokens where batch and length are told, else what they follow from."""
        batch, seq_len = self.scenario.get("batch"), self.scenario.get("seq_len")
        sequences = sequences or steps * (batch or 0)
        if sequences and seq_len:
            self.take(key, f"{sequences * seq_len:.6g} tokens", tokens=float(sequences * seq_len))
        elif sequences:
            self.sequences = sequences
            self.take(key, counted(sequences, "sequence"))
            self.notes.append(
                f"{key}: {counted(sequences, 'sequence')}, of the model's own length unless --seq-len says another"
            )
        else:
            self.steps = steps
            self.take(key, counted(steps, "step"))
            self.notes.append(f"{key}: {counted(steps, 'step')}, whose tokens follow from the batch: --batch says it")

    def done(self) -> Launch:
        """Return the launch file as read."""
        settings = {**self.scenario, "layout": self.layout, "software": self.software}
        return Launch(
            self.where, self.release, {k: v for k, v in settings.items() if v not in ({}, None)}, self.taken,
            tuple(dict.fromkeys(self.aside)), self.not_understood, tuple(dict.fromkeys(self.notes)), self.again, self.ends,
            self.steps, self.sequences,
        )  # fmt: skip


def again_percent(n_layers: int, pp: int, vpp: int, a_chunk: int) -> int:
    """Return the share of a stage's layers that so many of each chunk are, in whole percent."""
    per_stage = math.ceil(n_layers / (pp * vpp)) * vpp
    return max(1, min(100, int(100 * a_chunk * vpp / per_stage)))
