"""Mixture-of-experts traffic: who sends how many bytes where."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["dispatch_bytes", "remote_dispatch_bytes"]


@formula("tokens·top_k·d_model·element_bytes·(ep−1)/ep", unit="B", source="deepseek_v3", place="section 3.2.2")
def dispatch_bytes(tokens: Number, top_k: Number, d_model: Number, element_bytes: Number, ep: Number) -> Number:
    """Bytes a rank sends when its `tokens` go to their experts (or come back)."""
    return tokens * top_k * d_model * element_bytes * (ep - 1.0) / np.maximum(ep, 1.0)


@formula(
    "tokens·min(node_limit, N)·(N−1)/N·d_model·element_bytes, N = ep/inner",
    unit="B",
    source="deepseek_v3",
    place="section 3.2.2: a token crosses the network once per node",
)
def remote_dispatch_bytes(
    tokens: Number, node_limit: Number, d_model: Number, element_bytes: Number, ep: Number, inner: Number
) -> Number:
    """Bytes of `dispatch_bytes` that leave the scale-up domain; each token once per remote domain.

    Parameters
    ----------
    node_limit : most domains a token's experts lie in (top_k without such routing).
    inner : ranks of the expert group in one domain.
    """
    domains = ep / inner
    return tokens * np.minimum(node_limit, domains) * (domains - 1.0) / domains * d_model * element_bytes
