"""What a tracker's files say of power, for people."""

from __future__ import annotations

from rich.text import Text

from carbonscaling.calibration.power import MeasuredPower

__all__ = ["power_page"]


def power_page(power: MeasuredPower) -> Text:
    """Return what was measured, and what was not."""
    low, high = power.watts.si_range
    runs = f"{power.n_runs} run{'s' if power.n_runs > 1 else ''}"
    host = (
        f" Processors and memory of a machine: {power.host_watts:.0f} W as the tracker puts them, mostly estimated; recorded, "
        "not applied (supplies, fans, cards and disks are not in it)."
    )
    return Text(
        f"{power.device}: {power.watts.si:.0f} W a device ({low:.0f} to {high:.0f}), over {runs} and "
        f"{power.device_hours:,.4g} device-hours ({power.files}).\n"
        "It takes the place of the shipped busy power. No speed follows from it: speeds stay as fitted."
        + (host if power.host_watts else "")
    )
