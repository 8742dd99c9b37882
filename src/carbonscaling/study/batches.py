"""Which batches a run may have, and how many tokens each of them needs for the same loss."""

from __future__ import annotations

from carbonscaling.arrays import Number
from carbonscaling.catalog import laws
from carbonscaling.laws import round_batch
from carbonscaling.model.params import active_params, total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.search.divisors import divisors
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import count, counted

__all__ = ["TUNED", "Batches", "batches", "law_batch"]

PAPERS = "carbonscaling"
"""Law of the papers' family."""
MOST = 8192
"""Batches that are searched at most: beyond, multiples of a power of two."""
TUNED = ("sft", "lora", "qlora")
"""Trainings on the tokens that there are, whatever the batch."""


@dataclass(frozen=True)
class Batches:
    """The batches of a run, in sequences.

    Attributes
    ----------
    every : range
        Those that may be; a single one where it is given.
    reference : float
        The batch that the scenario's tokens are meant for.
    overhead : float
        Where 20 % more tokens are needed than with a small batch.
    note : str
        How they were chosen; empty where the scenario says.
    by_loss : bool
        Whether tokens follow the batch: not in fine-tuning, whose tokens are those that there are.
    """

    every: range
    reference: float
    overhead: float
    note: str = ""
    by_loss: bool = True

    @property
    def is_open(self) -> bool:
        """Whether the batch is searched."""
        return len(self.every) > 1

    @classmethod
    def one(cls, batch: float, overhead: float, note: str = "") -> Batches:
        """Return a batch that is given."""
        return cls(range(int(batch), int(batch) + 1), batch, overhead, note)

    def tokens(self, tokens: float, batch: Number) -> Number:
        """Return the tokens that a batch needs for the loss that `tokens` reach at the reference."""
        if not self.by_loss:
            return tokens + 0.0 * batch
        return laws.batch_overhead().tokens(tokens, batch, self.reference, self.overhead)


def _barred(batch: int, n_layers: int) -> str:
    """Say which pipelines a batch cannot interleave where stages have to divide the layers."""
    barred = [pp for pp in divisors(n_layers) if batch % pp]
    if not barred:
        return ""
    stages = ", ".join(map(str, barred[:3])) + (", …" if len(barred) > 3 else "")
    return f"; with it no pipeline of {stages} stages interleaves, with a multiple of {n_layers} every one may"


def law_batch(name: str, spec: ModelSpec, tokens: float) -> float:
    """Return the batch in tokens that a law gives a training; the loss is Kaplan's own.

    Raises
    ------
    InputError
        No such law.
    """
    n, active = float(total_params(spec)), float(active_params(spec))
    experts = spec.experts.n_routed / spec.experts.top_k if spec.experts else 1.0
    loss = laws.law("kaplan_2020").loss(n, tokens)
    return float(laws.batch_law(name).batch(tokens, 6.0 * active * tokens, n, loss, experts))


def batches(s: Scenario, spec: ModelSpec, tokens: float, seq_len: int) -> Batches:
    """Return the batches that a scenario leaves open.

    Unstated, they are a range about the batch at which 20 % more tokens are needed: of a continued training, by all tokens
    that the model has seen. The papers' family has the papers' law, as has whoever names a law.
    """
    law = laws.batch_overhead()
    active = float(active_params(spec))
    before = law.before * active if s.train == "continued" else 0.0
    overhead = float(law.batch(before + tokens, float(total_params(spec)), active)) / seq_len
    if s.batch is not None:
        return Batches.one(s.batch, overhead)
    of_papers = s.space == "paper" or s.carbon_mode == "paper" or (s.law or "").startswith("paper")
    name = s.batch_law or (PAPERS if of_papers or s.practice == "typical" else None)
    if name is not None:
        one = round_batch(law_batch(name, spec, tokens) / seq_len)
        note = f"batch of {counted(one, 'sequence')}: {laws.batch_law(name).title}"
        return Batches.one(one, overhead, note + (_barred(one, spec.n_layers) if s.space == "paper" else ""))
    given = (s.layout.dp or 1) * (s.layout.micro_batch or 1)
    low, high = max(1, round(law.low * overhead)), max(1, round(law.high * overhead), given)
    step = 1
    while (high - low) // step >= MOST:
        step *= 2
    first, last = -(-low // step) * step, high // step * step
    note = f"batch searched from {first:,} to {counted(last, 'sequence')}"
    by_loss = s.train not in TUNED
    note += f"; {overhead:,.0f} need 20 % more tokens than few do" if by_loss else ", on the tokens that there are"
    note += f", after {count(before)} tokens, {law.before:g} a parameter" if before else ""
    return Batches(range(first, last + 1, step), law.usual * overhead, overhead, note, by_loss)
