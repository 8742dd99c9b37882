"""How context-parallel ranks share sequences: what they exchange, and how even the causal mask leaves their work."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.model.flops import attention_span, mean_keys
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.numbers import Number, Workload

__all__ = ["context_split", "growing_share", "last_piece"]


@formula(
    "1 + uneven·(1 − 1/cp)",
    unit="1",
    source="brandon_2023",
    place="section 2: of a causal ring with contiguous pieces the last rank computes every block, the mean rank half of them",
)
def last_piece(uneven: Number, cp: Number) -> Number:
    """Scores of the last of `cp` contiguous pieces of a sequence over the mean piece's."""
    return 1.0 + uneven * (1.0 - 1.0 / cp)


def growing_share(spec: ModelSpec, seq_len: int) -> float:
    """Return the share of a model's scores that grows along the sequence: those of causal layers without a window."""
    total = float(attention_span(spec, seq_len))
    kinds = [(a, n) for a, n in spec.attentions if a.causal and a.indexer is None and n]
    every = sum(n * a.n_heads * (a.d_query_key + a.d_value) for a, n in spec.attentions)
    growing = sum((n - a.n_window_layers) * a.n_heads * (a.d_query_key + a.d_value) for a, n in kinds)
    whole = float(mean_keys(seq_len, float("inf"), True))
    return growing / every * whole / total if every and total else 0.0


def context_split(work: Workload, spec: ModelSpec, exchange: str | None, split: str | None) -> Workload:
    """Return a workload whose context ranks share sequences as a run asks for.

    Parameters
    ----------
    work : Workload
    spec : ModelSpec
    exchange : {"ring", "all-to-all"}, optional
    split : {"balanced", "contiguous"}, optional

    Raises
    ------
    InputError
        Both an exchange of heads and contiguous pieces: each rank sees whole sequences then.
    """
    if exchange == "all-to-all" and split == "contiguous":
        raise InputError(
            "heads that are dealt out see whole sequences, however these were cut", key="software.context_split",
            value=split, allowed="with context_exchange = ring", remedy="leave context_split out",
        )  # fmt: skip
    if exchange == "all-to-all":
        return work._replace(dealt=1.0)
    return work._replace(uneven=growing_share(spec, int(work.seq_len))) if split == "contiguous" else work
