"""Devices under a power limit: what remains of their clock, and what they draw."""

from __future__ import annotations

from dataclasses import replace

from carbonscaling.carbon.power import capped_throughput
from carbonscaling.catalog.factors import device_row, factor
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device
from carbonscaling.sources import Datum

__all__ = ["LEAST", "cap_exponent", "limit_note", "limited"]

LEAST = 0.5
"""Least limit, over what a device draws without one: below, boards differ and nobody measured those of today."""


def limited(device: Device, watts: float | None) -> Device:
    """Return a device under a power limit of so many W, or under its own rating where that holds its silicon back.

    Raises
    ------
    InputError
        A limit above the rating or below what was measured, or a device whose speed under one nobody published.
    """
    if watts is None and device.full_power is None:
        return device
    demand = device.full_power or replace(device.tdp, value=device.tdp.value * _busy_ratio(device).si)
    if watts is not None:
        _check(device, watts, demand)
    limit = device.tdp.si if watts is None else watts
    exponent, idle = cap_exponent(device.id), device.idle_power.si

    def share(at: float) -> float:
        return float(capped_throughput(demand.si, limit, idle, at))

    least, most = exponent.si_range
    clock = Datum(share(exponent.si), "1", exponent.source, share(most), share(least), basis=exponent.basis)
    return replace(device, clock=clock, power_limit=None if watts is None else Datum(watts, "W", "user"))


def limit_note(device: Device) -> str:
    """Return what a limit does to a device that has one."""
    limit, clock = device.power_limit or device.tdp, device.clock
    assert clock is not None
    return f"at {limit.si:,.0f} W a device multiplies at {clock.si:.0%} of its full clock"


def cap_exponent(device_id: str) -> Datum:
    """Return the exponent of speed over dynamic power under a limit, of a device or of boards at large."""
    return device_row("power.cap_exponent", device_id) or factor("power.cap_exponent.default")


def _busy_ratio(device: Device) -> Datum:
    return device_row("power.busy_ratio", device.id) or factor("power.busy_ratio.default")


def _check(device: Device, watts: float, demand: Datum) -> None:
    if device.vendor != "NVIDIA":
        raise InputError(
            "nobody published this device's speed under a power limit", key="power_limit", value=watts,
            allowed="GPUs of NVIDIA", remedy="leave the limit out",
        )  # fmt: skip
    least = max(LEAST * demand.si, device.idle_power.si)
    if not least <= watts <= device.tdp.si:
        raise InputError(
            f"a power limit out of range for {device.name}", key="power_limit", value=watts,
            allowed=f"{least:,.0f} to {device.tdp.si:,.0f} W (half of what it draws at work, to its rating)",
            remedy="correct the limit",
        )  # fmt: skip
