"""A model, devices and number formats as the plain numbers of serving."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.machine import Formats, Silicon
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.serving.formats import Format, unit_of
from carbonscaling.serving.numbers import Cache, Layout, Placed, Stored

__all__ = ["cache_of", "serving"]

HALF = 2.0
"""Bytes of what stays in 16 bit: embedding, head, and matrices outside the experts of a model in 4 bit."""


@lru_cache(maxsize=512)
def cache_of(spec: ModelSpec) -> Cache:
    """Return what a sequence of a model keeps, in elements over all layers."""
    full = windowed = picked = 0.0
    window, picks, heads = 1.0, 1.0, 1.0
    for a, n in spec.attentions:
        own = n - a.n_without_kv
        width = float(a.kv_cache_width) / (2.0 if a.one_kv else 1.0)
        short = min(a.n_window_layers, own)
        windowed += short * width
        full += (own - short) * width
        if a.window is not None:
            window = float(a.window)
        if a.indexer is not None:
            picked += (own - short) * width
            picks = float(a.indexer.top_k)
            full += own * a.indexer.head_dim
        heads = max(heads, 1.0 if a.kv_lora_rank is not None else float(a.n_kv_heads))
    state = 0.0 if spec.mixer is None else float(spec.mixer.n_layers * spec.mixer.state_size)
    return Cache(full, windowed, window, picked, picks, state, heads)


def stored_of(spec: ModelSpec, weights: Format, kv: Format) -> Stored:
    """Return bytes an element; of a model with experts, 4 bit means the experts (gpt-oss, Kimi K2, DeepSeek NVFP4)."""
    matrix = HALF if spec.experts is not None and weights.bytes < 1.0 else weights.bytes
    return Stored(matrix, weights.bytes, HALF, kv.bytes)


@lru_cache(maxsize=512)
def _machine(cluster: Cluster, unit: str) -> tuple[Silicon, Formats, float]:
    constants = efficiency(cluster.device, None)
    name = unit if unit in PRECISIONS else next(r.name for r in PRECISIONS.values() if r.format == unit)
    recipe = replace(precision(name), head=unit)
    return (
        build.silicon(cluster, constants),
        build.formats(cluster.device, recipe, constants),
        constants.attention_forward.si,
    )


@lru_cache(maxsize=512)
def _work(spec: ModelSpec) -> Workload:
    return build.workload(replace(spec, n_positions=0, n_mtp=0), spec.seq_len)


def serving(spec: ModelSpec, cluster: Cluster, weights: Format, kv: Format, layout: Layout) -> Placed:
    """Return a model on devices as numbers.

    Raises
    ------
    InputError
        The device has no unit for the format, or the time of the architecture is not modelled.
    """
    silicon, formats, attention = _machine(cluster, unit_of(weights, cluster.device))
    return Placed(_work(spec), cache_of(spec), stored_of(spec, weights, kv), layout, silicon, formats, attention)
