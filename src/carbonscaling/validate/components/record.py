"""One line of the component table."""

from __future__ import annotations

from dataclasses import dataclass

from carbonscaling.validate.score import Score

__all__ = ["Component"]


@dataclass(frozen=True)
class Component:
    """How one part of the model does on one group of measurements.

    Attributes
    ----------
    part : str
        ``gemm``, ``collectives``, ``memory``, ``oom``, ``pipeline``, ``megatron``.
    group : str
        Device, kernel, stack or schedule.
    n : int
        Measurements.
    score : Score, optional
        Errors of predicted against measured values.
    utilisation_r2 : float, optional
        Coefficient of determination of the utilisation reached, where the rows give one.
    share : float, optional
        Share of `n` judged rightly, where the measurement is a yes or no.
    target : str
        What the project asks of this line, in words; empty where it asks nothing.
    met : bool, optional
        Whether it does.
    remark : str
    """

    part: str
    group: str
    n: int
    score: Score | None = None
    utilisation_r2: float | None = None
    share: float | None = None
    target: str = ""
    met: bool | None = None
    remark: str = ""
