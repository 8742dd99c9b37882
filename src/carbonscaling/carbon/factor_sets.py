"""Which factors each mode uses for a cluster: named sets of data, before any arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from carbonscaling.carbon.coefficients import Values, device_kg_bottom_up, host_kg_bottom_up
from carbonscaling.carbon.embodied import murphy_yield
from carbonscaling.carbon.host_power import TOGETHER
from carbonscaling.carbon.uncertainty import draw, interval
from carbonscaling.catalog.factors import device_row, factor, factor_ids, node_row, pue
from carbonscaling.catalog.grids import Basis
from carbonscaling.catalog.regions import Place, place
from carbonscaling.errors import InputError
from carbonscaling.fields import finite
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.device import Device, Host
from carbonscaling.sources import Datum

__all__ = [
    "Factors",
    "device_parts",
    "host_parts",
    "measured",
    "operation",
    "paper_power_set",
    "sampled_range",
    "si",
    "site",
]

Factors = dict[str, Datum]


def si(factors: Factors) -> Values:
    """Return the central values in SI."""
    return {name: datum.si for name, datum in factors.items()}


def site(
    mode: str,
    version: str,
    region: str | None,
    intensity_g_per_kwh: float | None,
    usage_effectiveness: float | str | None,
    lifetime_years: float | None,
    amortisation: str,
    basis: Basis | None = None,
) -> Factors:
    """Return grid, data centre, water, lifetime and amortisation; the user's values take the catalogue's place.

    Raises
    ------
    InputError
        A negative intensity, a PUE below 1, a lifetime of zero or less, no region in physical mode, a basis that is not
        published for the region.
    """
    paper = mode == "paper"
    there = None if region is None else place(region)
    if intensity_g_per_kwh is not None:
        intensity = _given("carbon_intensity_g_per_kwh", intensity_g_per_kwh, "g/kWh", 0.0, "0 or more")
    elif there is not None:
        intensity = there.intensity(basis)
    elif paper:
        intensity = factor(f"paper.carbon_intensity.{version}")
    else:
        raise InputError("no region given", key="region", remedy="name a region, or give the carbon intensity in g/kWh")
    if isinstance(usage_effectiveness, str):
        effectiveness = pue(usage_effectiveness)
    elif usage_effectiveness is not None:
        effectiveness = _given("pue", usage_effectiveness, "1", 1.0, "1 or more")
    else:
        effectiveness = pue("paper") if paper else _of_provider("facility.pue", there)
    if lifetime_years is not None:
        lifetime = _given("lifetime_years", lifetime_years, "y", math.nextafter(0.0, 1.0), "more than 0")
    else:
        lifetime = factor(f"facility.lifetime.{'paper_' + version if paper else 'default'}")
    nothing = Datum(0.0, "1", "carbonscaling_v1", basis="papers", remark="v1 counts chips only")
    uncounted = paper and version == "v1"
    return {
        "carbon_intensity": intensity,
        "pue": effectiveness,
        "lifetime": lifetime,
        "busy_share": factor(f"facility.busy_share.{amortisation}"),
        **{
            name: nothing if uncounted else factor(f"embodied.bottom_up.{name}")
            for name in ("building", "transport", "end_of_life")
        },
        "water_on_site": (there and there.water_on_site) or _of_provider("facility.water", there, "on_site"),
        "water_off_site": factor("facility.water.off_site") if there is None else there.water,
    }


def _of_provider(table: str, there: Place | None, default: str = "default") -> Datum:
    """Return the row of the provider of a place, else that of data centres at large."""
    if there is None:
        return factor(f"{table}.{default}")
    own = f"{table}.{there.provider or 'anywhere'}"
    return factor(own if own in factor_ids() else f"{table}.anywhere")


def operation(cluster: Cluster, best_utilisation: float | None) -> Factors:
    """Return the physical mode's power factors of a cluster.

    Raises
    ------
    InputError
        `best_utilisation` outside (0, 1].
    """
    device, host = cluster.device, cluster.host
    best = _row("power.best_utilisation", device)
    if best_utilisation is not None:
        best = _given(
            "best_utilisation", best_utilisation, "1", math.nextafter(0.0, 1.0), "more than 0, at most 1", 1.0
        )
    busy, network = _row("power.busy_ratio", device), factor("power.network_share.default")
    if device.clock is not None:
        best = _scaled(best, device.clock.si)
    if device.power_limit is not None:
        whole, most = busy.si, device.power_limit.si / device.tdp.si
        low, high = (min(end, most) for end in busy.si_range)
        busy = replace(busy, value=min(whole, most), low=low, high=high, remark="under a power limit")
        network = _scaled(network, whole / busy.si)
    together: Factors = {}
    if host.host_power.basis == TOGETHER:  # chip and host were read as one
        rest = busy.si * device.tdp.si * (1.0 + network.si)
        value, low, high = (
            rest + end / host.devices_per_host for end in (host.host_power.si, *host.host_power.si_range)
        )
        together = {"system_power": Datum(value, "W", host.host_power.source, low, high, basis=TOGETHER)}
    return {
        **together,
        "tdp": _point(device.tdp) if busy.basis.startswith("measured") else device.tdp,
        "idle_power": device.idle_power,
        "busy_ratio": busy,
        "exponent": factor("power.exponent.default"),
        "best_utilisation": best,
        "host_power": host.host_power,
        "host_idle_power": host.host_idle_power,
        "network_share": network,
        "communication_ratio": _row("power.communication_ratio", device),
        "switches": factor("embodied.bottom_up.switches"),
        "devices_per_host": Datum(host.devices_per_host, "1", host.host_power.source),
    }


def paper_power_set(device: Device, version: str) -> Factors:
    """Return the paper mode's power factors: TDP, the split behind P_s and P_d, the ratio behind P_sys."""
    return {
        "tdp": _point(device.tdp),
        "alpha": factor("paper.power.alpha"),
        "throughput_drop": factor("power.fernandez.throughput_drop"),
        "power_drop": factor("power.fernandez.power_drop"),
        "operating_utilisation": factor("power.fernandez.operating_utilisation"),
        "host_ratio": factor(f"paper.host.power_ratio_{version}"),
        "devices_per_host": factor("paper.host.devices"),
    }


def device_parts(device: Device, mode: str) -> Factors:
    """Return what the bottom-up route needs of a device.

    Raises
    ------
    InputError
        A memory kind the papers' Table 4 does not know (paper mode).
    """
    parts = {
        "die_area": device.die_area,
        "memory_capacity": device.memory_capacity,
        "cpa_factor": Datum(
            device.cpa_factor, "1", device.die_area.source, remark="growth of CPA in a technology projection"
        ),
    }
    if mode == "paper":
        own = {
            "logic_cpa": node_row("paper.cpa", device.process_node),
            "good_share": Datum(1.0, "1", "carbonscaling_v1", remark="Table 3 includes the yield"),
            "memory_kg": factor(f"paper.memory.{device.memory_kind.lower()}"),
            "board": Datum(0.0, "kg", "carbonscaling_v1", remark="not counted"),
        }
    else:
        own = {
            "logic_cpa": node_row("embodied.bottom_up.wafer", device.process_node),
            "good_share": _good_share(device),
            "memory_kg": factor("embodied.bottom_up.hbm"),
            "board": factor("embodied.bottom_up.board"),
        }
    return parts | own


def host_parts(host: Host, mode: str) -> Factors:
    """Return what the bottom-up route needs of a host; the papers fix one CPU, 256 GB and 32 TB."""
    if mode == "paper":
        return {
            "n_cpus": Datum(1.0, "1", "carbonscaling_v1"),
            "cpu_area": factor("paper.host.cpu_area"),
            "cpu_memory": factor("paper.host.dram"),
            "dram_kg": factor("paper.memory.dram"),
            "storage": factor("paper.host.ssd"),
            "ssd_kg": factor("paper.memory.ssd"),
            "chassis": Datum(0.0, "kg", "carbonscaling_v1", remark="not counted"),
        }
    return {
        "n_cpus": Datum(float(host.n_cpus), "1", host.cpu_memory.source),
        "cpu_area": factor("embodied.bottom_up.cpu_area"),
        "cpu_cpa": factor("embodied.bottom_up.wafer.7nm"),
        "cpu_memory": host.cpu_memory,
        "dram_kg": factor("embodied.bottom_up.dram"),
        "storage": host.storage,
        "ssd_kg": factor("embodied.bottom_up.ssd"),
        "chassis": factor("embodied.bottom_up.chassis"),
    }


def measured(cluster: Cluster, device: Factors, host: Factors) -> Factors:
    """Return what was measured: of a device and its host, of servers of such devices alone, or nothing.

    The two routes disagree by more than either's own range, so each interval spans both. A server without its devices is
    one figure for all of them, so that two devices differ by themselves and not by the route of their hosts.
    """
    if "+" in cluster.device.id:  # a technology projection: nobody measured it
        return {}
    n = cluster.host.devices_per_host
    with_host = device_row("embodied.measured.device_with_host", cluster.device.id)
    own = device_row("embodied.measured.device", cluster.device.id)
    per_device = factor("embodied.measured.host_per_device.server")
    if with_host is not None:
        both = _spanned(with_host, _with_host(n), device | host)
        nothing = Datum(0.0, "kg", with_host.source, basis=with_host.basis, remark="inside the device's figure")
        inside = dict.fromkeys(("building", "transport", "end_of_life"), replace(nothing, unit="1"))
        return {"embodied_device": both, "embodied_host": nothing, "switches": nothing, **inside}
    if cluster.device.kind == "tpu":
        return {}
    scaled = replace(
        per_device, value=per_device.value * n, low=(per_device.low or 0.0) * n, high=(per_device.high or 0.0) * n
    )
    found = {"embodied_host": _spanned(scaled, host_kg_bottom_up, device | host)}
    return found if own is None else found | {"embodied_device": _spanned(own, device_kg_bottom_up, device)}


@cache
def _with_host(n: int) -> Callable[[Values], Any]:
    """Return what a device of a host of `n` embodies, with its share of the host."""
    return lambda v: device_kg_bottom_up(v) + host_kg_bottom_up(v) / n


def sampled_range(formula: Callable[[Values], Any], factors: Factors) -> tuple[float, float]:
    """Return the 5th and 95th percentiles of a formula over the ranges of its factors, in SI."""
    return _sampled_range(formula, tuple(factors.items()))


@lru_cache(maxsize=64)
def _sampled_range(formula: Callable[[Values], Any], rows: tuple[tuple[str, Datum], ...]) -> tuple[float, float]:
    values = {name: datum.si if datum.low is None else draw(name, datum) for name, datum in rows}
    return interval(formula(values), float(formula(si(dict(rows)))))


def _good_share(device: Device) -> Datum:
    """Return the share of good dies, down to what Murphy's formula gives for each of the device's dies."""
    good, defects = factor("embodied.bottom_up.yield"), factor("embodied.bottom_up.defects")
    least = float(murphy_yield(device.die_area.si / device.n_dies, defects.si))
    return replace(good, low=min(least, good.value))


def _spanned(datum: Datum, formula: Callable[[Values], Any], factors: Factors) -> Datum:
    """Widen a measured figure in kg so that its range holds the bottom-up route's."""
    low, high = datum.si_range
    least, most = sampled_range(formula, factors)
    remark = f"{datum.remark}; the range spans the bottom-up route".lstrip("; ")
    return replace(datum, low=min(low, least), high=max(high, most), remark=remark)


def _row(table: str, device: Device) -> Datum:
    row = device_row(table, device.id)
    return factor(f"{table}.default") if row is None else row


def _scaled(datum: Datum, by: float) -> Datum:
    low, high = (end if end is None else end * by for end in (datum.low, datum.high))
    return replace(datum, value=datum.value * by, low=low, high=high)


def _point(datum: Datum) -> Datum:
    """Drop the range: where the share of this rating was measured, the watts are known better than the rating."""
    return replace(datum, low=None, high=None)


def _given(key: str, value: float, unit: str, least: float, allowed: str, most: float = math.inf) -> Datum:
    if not (least <= value <= most and finite(value)):
        raise InputError(f"{key} is out of range", key=key, value=value, allowed=allowed, remedy="correct the value")
    return Datum(value, unit, "user", basis="given by the user")
