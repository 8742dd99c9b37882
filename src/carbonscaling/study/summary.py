"""The flat summary of an answer: its keys in order, what each holds; tables and the schema of answers are made of it."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from carbonscaling.perf.numbers import RecomputeSaid, ScheduleName

__all__ = ["Summary"]


class Summary(TypedDict):
    """One flat row, units in the names; what answers of 0.1.0 do not have is not required.

    Time, device-hours, ``energy_kwh``, ``water_litres``, ``cost_usd``, operational and embodied carbon and
    ``carbon_run_tco2e`` are of the run itself; what has ``total`` in its name is of the run and all that is counted beside it.
    """

    model: str
    device: str
    region: str
    objective: str
    n_devices: int
    duration_days: float
    steady_days: float
    run_overhead: float
    device_hours: float
    n_params: float
    tokens: float
    training_flops: float
    n_steps: float
    mfu: float
    model_tflops_per_device: float
    tokens_per_s_per_device: float
    step_time_s: float
    memory_per_device_gb: float
    memory_limit_gb: float
    energy_kwh: float
    water_litres: float
    carbon_operational_tco2e: float
    carbon_operational_market_tco2e: float
    carbon_embodied_tco2e: float
    carbon_boundary_tco2e: float
    carbon_total_tco2e: float
    carbon_low_tco2e: float
    carbon_high_tco2e: float
    cost_usd: float | None
    carbon_run_tco2e: NotRequired[float]
    energy_total_kwh: NotRequired[float]
    water_total_litres: NotRequired[float]
    cost_total_usd: NotRequired[float | None]
    stack: NotRequired[str]
    practice: NotRequired[Literal["best", "typical"]]
    pace: NotRequired[Literal["steady", "calendar"]]
    tp: int
    pp: int
    dp: int
    ep: int
    etp: int
    cp: int
    vpp: int
    zero_stage: int
    shard: int
    micro_batch: float
    n_micro: float
    global_batch_seqs: float
    seq_len: int
    recompute: RecomputeSaid
    recompute_percent: int
    schedule: ScheduleName
    precision: str
    carbon_mode: str
    loss: float | None
