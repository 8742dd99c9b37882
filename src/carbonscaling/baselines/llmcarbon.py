"""LLMCarbon before the fact: throughput from polynomials through A100 runs, whatever the device."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from carbonscaling.catalog.read import build, packaged
from carbonscaling.formula import formula
from carbonscaling.hardware.device import Device
from carbonscaling.perf.numbers import Number
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.units import GIB, TERA

__all__ = ["Coefficients", "a100_tflops", "coefficients", "llmcarbon_speed"]

A100_PEAK = 312.0
"""TFLOP/s that LLMCarbon divides by when it turns an A100's throughput into a V100's."""


@dataclass(frozen=True)
class Coefficients:
    """Published coefficients; polynomials give TFLOP/s for a parameter count."""

    tensor_square: Datum
    tensor_linear: Datum
    tensor_constant: Datum
    pipeline_square: Datum
    pipeline_linear: Datum
    pipeline_constant: Datum
    params_per_gb: Datum
    node_size: Datum
    other_penalty: Datum
    other_peak: Datum
    tpu_v2: Datum
    tpu_v3: Datum
    tpu_v4: Datum


@lru_cache(maxsize=1)
def coefficients() -> Coefficients:
    """Return the published coefficients."""
    return build(Coefficients, packaged("carbonscaling.baselines", "llmcarbon.toml"), "llmcarbon.toml")


@formula(
    "tensor polynomial where the model fits a node, pipeline polynomial beyond",
    unit="TFLOP/s",
    source="faiz_2024",
    place="public sources, gpu_training.py",
)
def a100_tflops(total_params: Number, memory_gb: Number) -> Number:
    """Throughput of an 80 GB A100 in TFLOP/s.

    Parameters
    ----------
    total_params : all parameters, experts included.
    memory_gb : of one device, for the question whether a node holds the model.

    >>> round(float(a100_tflops(175e9, 80.0)), 1)
    147.6
    """
    c = coefficients()
    tensor = (
        c.tensor_square.value * total_params * total_params
        + c.tensor_linear.value * total_params
        + c.tensor_constant.value
    )
    pipeline = (
        c.pipeline_square.value * total_params * total_params
        + c.pipeline_linear.value * total_params
        + c.pipeline_constant.value
    )
    return np.where(total_params < c.node_size.value * memory_gb * c.params_per_gb.value, tensor, pipeline)


def llmcarbon_speed(active_params: float, total_params: float, device: Device) -> float:
    """Return tokens per second and device as LLMCarbon predicts them without any measurement of the run.

    Its rules: 6·N·D FLOPs with active parameters; an 80 GB part is an A100, every other GPU a V100; a TPU reaches a fixed
    share of its peak. The polynomials turn negative for models beyond about 2.5e12 parameters; the result is then zero.
    """
    c = coefficients()
    memory_gb = device.memory_capacity.si / GIB
    if device.kind == "tpu":
        share = {"tpu-v2": c.tpu_v2, "tpu-v3": c.tpu_v3}.get(device.id, c.tpu_v4)
        return share.value * device.peak_flops("bf16") / (6.0 * active_params)
    tflops = float(a100_tflops(total_params, memory_gb))
    if round(memory_gb) != 80:
        tflops *= (1.0 - c.other_penalty.value) * c.other_peak.si / (A100_PEAK * TERA)
    return max(tflops, 0.0) * TERA / (6.0 * active_params)
