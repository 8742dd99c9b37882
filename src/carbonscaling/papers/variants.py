"""The engine's variants by name, and what the catalogue says of a device and a member of the family, as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, get_args

from carbonscaling.catalog import laws
from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.laws.paper import PaperModel
from carbonscaling.papers.engine import Chip, Training, Variant
from carbonscaling.perf.precision import precision
from carbonscaling.sources import Datum

__all__ = ["ENGINES", "Engine", "chip", "constants", "training", "variant"]

Engine = Literal["F", "E", "S", "physical"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
"""Fabric that reduces, published latencies, serial; and this project's own kernels in the papers' strict search."""


@lru_cache(maxsize=1)
def constants() -> Mapping[str, Any]:
    """Return what the engine assumes (``catalog/paper_engine.toml``); `efficiency` by the beginning of an architecture."""
    table = packaged("carbonscaling.catalog", "paper_engine.toml")
    efficiency = {name: shipped(Datum, row) for name, row in table.pop("efficiency").items()}
    return {name: shipped(Datum, row) for name, row in table.items()} | {"efficiency": efficiency}


def variant(engine: Engine) -> Variant:
    """Return how an engine times messages.

    F: the fabric reduces, products and messages run side by side, no latencies. E: rings, hidden gradients, published
    latencies. S: rings, everything on the critical path, no latencies, as the analytical mode of SimAI has it.
    """
    if engine == "E":
        kernel, network = constants()["kernel_latency"].si, constants()["network_latency"].si
        return Variant(ring=True, hidden_gradients=True, kernel_latency=kernel, network_latency=network)
    return Variant(ring=engine == "S", serial=engine == "S")


def chip(present: Cluster, future: Cluster, number_format: str, *, efficiency: float = 1.0, network: float = 1.0,
         cache: float = 1.0) -> Chip:  # fmt: skip
    """Return a device as the engine sees it.

    Parameters
    ----------
    present, future : Cluster
        Today's, whose network is kept because version 1's table of growth has none; and projected.
    number_format : str
    efficiency, network, cache : float
        Factors on what the papers do not print.
    """
    device, host = future.device, present.host
    name = "TPU" if device.kind == "tpu" else device.architecture
    known = constants()["efficiency"]
    reached = next((datum for start, datum in known.items() if name.startswith(start)), known["default"])
    return Chip(
        peak=device.peak_flops(number_format), efficiency=min(1.0, reached.value * efficiency),
        memory_bandwidth=device.memory_bandwidth.si, link=device.link_bandwidth.si / 2.0,
        network=host.nic_bandwidth.si * network, cached=constants()["cached_share"].value * device.sram.si * cache,
        capacity=device.memory_capacity.si, node=float(host.domain_size),
    )  # fmt: skip


def training(model: PaperModel, recipe: str, *, aggressive: bool = False, batch: float | None = None) -> Training:
    """Return a whole member of the family with its critical batch as the law gives it, or with another in sequences."""
    law = laws.critical_batch_law("aggressive" if aggressive else "chinchilla")
    sequences = law.sequences(model.compute, model.n_experts, model.seq_len) if batch is None else batch
    return Training(
        d_model=float(model.d_model), n_layers=int(model.n_layers), n_experts=int(model.n_experts),
        n_params=float(model.n_params), n_tokens=float(model.n_tokens), batch_tokens=float(sequences) * model.seq_len,
        value_bytes=precision(recipe).activations, state_bytes=constants()["state_bytes"].value,
    )  # fmt: skip
