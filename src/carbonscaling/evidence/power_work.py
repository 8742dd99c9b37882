"""What measured workloads do per second, from what their rows state: the inputs of the power model by work.

Throughput, batch, layout and number format come from the row; FLOPs, weights and layers from the published architecture
(``power_work.toml``). Decoding: every iteration reads the weights it touches once, and the cache of half the mean answer for
every sequence in flight; prompts are not in the rows and not counted. Rows whose workload does not say its FLOPs are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.catalog.read import packaged
from carbonscaling.evidence.power_rows import trainings
from carbonscaling.hints import NamedTuple

__all__ = ["DEVICES", "Work", "workloads"]

DEVICES: Mapping[str, str] = {"V100-32": "v100-pcie-32", "H100-80": "h100-sxm", "B200-180": "b200"}
"""Catalogue devices by the name that rows use. The V100 is limited to 100 to 250 W: the range of a PCIe board."""

TRAINING_PASSES = 3.0


class Work(NamedTuple):
    """One measured row.

    Attributes
    ----------
    device, workload, kind : str
        Kind is ``train``, ``decode`` or ``generate``.
    flop_share, memory_share : float
        FLOP/s over the peak of the number format, bytes/s over the bandwidth of the memory.
    layers_per_s : float
        Layers that a device goes through.
    limit_w, watts : float
        The limit is the rating where none was set.
    """

    device: str
    workload: str
    kind: str
    flop_share: float
    memory_share: float
    layers_per_s: float
    limit_w: float
    watts: float


@cache
def _published() -> dict[str, dict[str, dict[str, Any]]]:
    """Return architectures by kind and name; a name under ``also`` shares its entry."""
    return {
        kind: {name: row for key, row in table.items() for name in (key, *row.get("also", ()))}
        for kind, table in packaged("carbonscaling.evidence", "power_work.toml").items()
    }


def generation_flops(row: Mapping[str, Any]) -> float:
    """FLOPs of one denoising step of one image or video, all passes.

    Per layer: projections of self-attention (4·width²) and of cross-attention (2·width² a token, 2·width² a text token), the
    feed-forward matrices, products of queries with keys and of weights with values.
    """
    d, n, text = float(row["width"]), float(row["tokens"]), float(row.get("text", 0))
    crossing = 2.0 * d * d if text else 0.0
    matrices = 4.0 * d * d + crossing + row.get("matrices", 2) * d * row["feed_forward"]
    layer = 2.0 * matrices * n + 4.0 * n * text * d + 4.0 * d * d * text
    layer += 4.0 * n * n * d if row.get("quadratic", True) else 0.0
    return float(row["passes"] * (row["layers"] * layer + row.get("skip", 0) * 4.0 * d * d * n))


def decoding_bytes(row: Mapping[str, Any], in_flight: float, answer: float, weight_bytes: float) -> float:
    """Bytes of one iteration over all devices: weights touched, and the cache of half the mean answer per sequence."""
    read = row["stored"]
    if "experts" in row:
        # stored = shared + routed and active = shared + routed·k/E give the routed part; routing is even
        missed = 1.0 - row["per_token"] / row["experts"]
        read -= (row["stored"] - row["active"]) / missed * missed**in_flight
    seen = answer / 2.0
    values = row["kv"] * seen + row.get("window_kv", 0.0) * min(seen, row.get("window", 0.0))
    return float(read * weight_bytes + 2.0 * values * in_flight)


def _decoding(row: Mapping[str, str], known: Mapping[str, Any]) -> tuple[float, float, float]:
    n, in_flight = float(row["n_devices"]), float(row["in_flight"])
    iterations = float(row["tokens_per_s"]) / in_flight
    weight_bytes = 1.0 if row["weights"] == "fp8" else 2.0
    moved = decoding_bytes(known, in_flight, float(row["mean_output_tokens"]), weight_bytes)
    return 2.0 * known["active"] * float(row["tokens_per_s"]) / n, moved * iterations / n, known["layers"] * iterations


def _generation(row: Mapping[str, str], known: Mapping[str, Any]) -> tuple[float, float, float]:
    steps = float(row["items_per_s"]) * float(row["steps"])
    return generation_flops(known) * steps / float(row["n_devices"]), 0.0, known["layers"] * steps / float(row["batch"])


def _inference() -> Iterable[Work]:
    for row in evidence.rows("power_work"):
        device = DEVICES[row["device"]]
        kind = "decode" if row["tokens_per_s"] else "generate"
        known = _published()[kind][row["model"].removesuffix("-FP8")]
        flops, moved, layers = (_decoding if kind == "decode" else _generation)(row, known)
        chip = hardware.device(device)
        peak = chip.peak["fp8" if row["weights"] == "fp8" else "bf16"].si
        # quantised and not, a model is one workload: neither may help to predict the other
        name = f"{row['model'].removesuffix('-FP8')} {row['task']}"
        moved_share, watts = moved / chip.memory_bandwidth.si, float(row["watts"])
        yield Work(device, name, kind, flops / peak, moved_share, layers, chip.tdp.si, watts)


def _training() -> Iterable[Work]:
    for row in trainings():
        name, device = row.name.removeprefix("training "), DEVICES[row.device]
        known = _published()["train"].get(name)
        if known is not None:
            rate = known["samples"] / row.epoch_s
            share = TRAINING_PASSES * known["forward"] * rate / hardware.device(device).peak["fp32"].si
            layers = TRAINING_PASSES * known["layers"] * rate / float(row.batch.partition(",")[0])
            yield Work(device, name, "train", share, 0.0, layers, row.limit_w, row.watts)


def workloads() -> tuple[Work, ...]:
    """Return every row whose work follows from what it states: trainings on V100, inference on H100 and B200."""
    return (*_training(), *_inference())
