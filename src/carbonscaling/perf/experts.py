"""Mixture-of-experts traffic: who sends how many bytes where."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["copies_in_turn", "copies_per_token", "dispatch_bytes", "remote_dispatch_bytes"]


@formula("tokens·top_k·d_model·element_bytes", unit="B", source="deepseek_v3", place="section 3.2.2")
def dispatch_bytes(tokens: Number, top_k: Number, d_model: Number, element_bytes: Number) -> Number:
    """Full message of a rank whose `tokens` go to their experts (or come back), its own experts' share included."""
    return tokens * top_k * d_model * element_bytes


@formula(
    "relay·M·(1−(1−1/M)^top_k) + (1−relay)·top_k, M = min(node_limit, domains)",
    unit="1",
    source="deepep",
    place="a token crosses the network once per node; mean number of different nodes among top_k uniform choices",
)
def copies_per_token(top_k: Number, node_limit: Number, domains: Number, relay: Number) -> Number:
    """Count the copies of a token in a dispatch, its own domain included.

    A dispatcher that relays sends a token once to each domain that holds one of its experts, which passes it on; a plain
    all-to-all sends a copy for every expert.

    Parameters
    ----------
    node_limit : most domains a token's experts lie in (top_k without such routing).
    domains : scale-up domains that the expert group spans.
    relay : 1 for one copy a domain, 0 for one an expert.
    """
    reached = np.maximum(1.0, np.minimum(node_limit, domains))
    return relay * reached * (1.0 - np.power(1.0 - 1.0 / reached, top_k)) + (1.0 - relay) * top_k


@formula(
    "relay·min(M, 1+(top_k−1)·M/experts) + (1−relay)·top_k, M = domains",
    unit="1",
    source="automodel",
    place="FakeBalancedGate, components/moe/layers.py: a token takes the experts after those of the token before it",
)
def copies_in_turn(top_k: Number, experts: Number, domains: Number, relay: Number) -> Number:
    """Count the copies of a token, as `copies_per_token`, where its experts are neighbours, which few domains hold."""
    near = np.minimum(domains, 1.0 + (top_k - 1.0) * domains / np.maximum(experts, 1.0))
    return relay * near + (1.0 - relay) * top_k


@formula(
    "tokens·copies·(N−1)/N·d_model·element_bytes, N = ep/inner",
    unit="B",
    source="deepseek_v3",
    place="section 3.2.2: bytes that leave the domain",
)
def remote_dispatch_bytes(
    tokens: Number, copies: Number, d_model: Number, element_bytes: Number, ep: Number, inner: Number
) -> Number:
    """Bytes of `dispatch_bytes` that leave the scale-up domain.

    Parameters
    ----------
    copies : as `copies_per_token` counts them.
    inner : ranks of the expert group in one domain.
    """
    domains = ep / inner
    return tokens * copies * (domains - 1.0) / domains * d_model * element_bytes
