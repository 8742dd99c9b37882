"""What a port of vLLM to another vendor's devices did until its kernels were upstream: what its multiplications reached."""

from __future__ import annotations

from typing import Literal

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula
from carbonscaling.serving.age import HOME, era
from carbonscaling.serving.build import serving
from carbonscaling.serving.numbers import Placed
from carbonscaling.serving.question import Question

__all__ = ["placed", "port", "untuned"]


UPSTREAM = (0, 6)
"""Release of vLLM from which the kernels of AMD's own build are upstream, or on their way (vllm_rocm_2024)."""
DEFAULT = 110e12
"""FLOP/s that AMD's libraries reached in 2024 where nobody tuned them: 108 to 111 on MI300X in 8 bit (`pytorch_143465`; prompts
took as long in 16 bit, 100 on MI300X and 106 on a die of MI250, decision 446). Tuning alone made vLLM up to 7.2 times as fast
(`nscale_gemm_2024`)."""


def port(q: Question) -> Literal["new", "mid"]:
    """Return the age of an engine's port to another vendor: that of 2024, where nobody says or before its kernels, or new.

    A build of AMD's own ("+rocm") had them from June 2024 (rocm_vllm_fork_2024).
    """
    return "new" if era(q) == "new" or q.engine.ported or (q.engine.release or (0, 0)) >= UPSTREAM else "mid"


@formula(
    "min(efficiency, 110e12/peak)",
    unit="1",
    source="pytorch_143465",
    place="description: five shapes, 108 to 111 TFLOP/s",
)
def untuned(efficiency: Number, peak: Number) -> Number:
    """Share of peak that multiplications reach by kernels that nobody chose for their shapes.

    >>> round(float(untuned(0.5, 1307.4e12)), 3), float(untuned(0.5, 181e12))
    (0.084, 0.5)
    """
    return np.minimum(efficiency, DEFAULT / peak)


def placed(q: Question) -> Placed:
    """Return a serving as numbers, its multiplications as fast as its port makes them.

    Raises
    ------
    InputError
        The device has no unit for the format, or the time of the architecture is not modelled.
    """
    s = serving(q.spec, q.cluster, q.weights, q.kv, q.layout)
    if q.cluster.device.vendor == HOME or q.engine.family != "vllm" or port(q) == "new":
        return s
    f = s.formats
    slower = {name: untuned(getattr(f, name), f.peak) for name in ("gemm_efficiency", "grouped_efficiency")}
    return s._replace(formats=f._replace(**slower))
