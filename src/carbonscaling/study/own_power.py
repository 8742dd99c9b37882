"""Power that the user's own devices were seen to draw, in the place of the shipped busy power."""

from __future__ import annotations

from carbonscaling.calibration.power import MeasuredPower
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.sources import Datum
from carbonscaling.study.scenario import Scenario

__all__ = ["own_factors", "own_note"]


def _applies(power: MeasuredPower, s: Scenario, cluster: Cluster) -> bool:
    return power.device == cluster.device.id and not s.years_ahead and s.carbon_mode == "physical"


def own_factors(power: MeasuredPower | None, s: Scenario, cluster: Cluster) -> dict[str, Datum]:
    """Return the carbon factors that a measured power sets; none where it is of another device.

    The reading is a mean over whole runs whose speed nobody knows, so it holds at any speed: busy power is the reading,
    and the exponent by which power falls with speed is 0.
    """
    if power is None or not _applies(power, s, cluster):
        return {}
    watts, rating = power.watts, cluster.device.tdp
    low, high = watts.si_range
    remark = f"{watts.si:.0f} W over {power.n_runs} runs of the user's ({power.files})"
    value, least, most = (end / rating.si for end in (watts.si, low, high))
    return {
        "tdp": Datum(
            rating.value, rating.unit, rating.source, basis=rating.basis
        ),  # only turns the share into watts again
        "busy_ratio": Datum(value, "1", "user", least, most, basis="measured, accelerator only", remark=remark),
        "exponent": Datum(0.0, "1", "user", remark="the reading holds at any speed"),
    }


def own_note(power: MeasuredPower | None, s: Scenario, cluster: Cluster) -> list[str]:
    """Say what power an answer rests on, where the calibration file holds a measured one."""
    if power is None or s.carbon_mode != "physical":
        return []
    if not _applies(power, s, cluster):
        return [f"power of {cluster.device.name} as shipped: the calibration file measured {power.device}"]
    low, high = power.watts.si_range
    runs = f"{power.n_runs} run{'s' if power.n_runs > 1 else ''}"
    return [
        f"{power.watts.si:.0f} W a device ({low:.0f} to {high:.0f}) at any speed while it trains, measured over {runs} of "
        "yours; hosts and network as shipped"
    ]
