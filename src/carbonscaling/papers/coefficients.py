"""The papers' carbon coefficients with the realisation's power, hosts and PUE in place of what is not printed."""

from __future__ import annotations

from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.catalog.factors import factor
from carbonscaling.catalog.hardware import cluster
from carbonscaling.papers.realisation import Realisation

__all__ = ["BASELINE", "OPERATING_POINT", "as_printed"]

OPERATING_POINT = 0.4
"""MFU at which the papers' quotation on power is read (decision note 3)."""
BASELINE = "paper-b100"
"""Device of the papers' own baseline; a power of hosts that is one number for all generations is stated against it."""


def as_printed(n: CarbonNumbers, device: str, tdp: float, version: str, choice: Realisation) -> CarbonNumbers:
    """Return equations 1 to 3 of version 1 (3 to 5 of version 2) as coefficients.

    Parameters
    ----------
    n : CarbonNumbers
        Of the package's own paper mode; areas, CPA, lifetime and intensity are kept.
    device : str
        As the papers call it.
    tdp : float
        W, printed or projected.
    version : str
    choice : Realisation
    """
    rated = tdp * getattr(choice, f"power_{device.lower()}", 1.0)
    static, busy = _line(rated, choice)
    per_host = float(n.devices_per_host)
    ratio = choice.host_ratio_v1 if version == "v1" else choice.host_ratio_v2
    idle, full = _line(cluster(BASELINE).device.tdp.si if choice.same_host else rated, choice)
    host_w = ratio * per_host * (idle + (full - idle) * OPERATING_POINT)
    host_kg = _host_kg(float(n.host_kg), version, choice)
    share = per_host if choice.shared_hosts else 1.0
    return n._replace(idle_w=static, busy_w=busy, checkpoint_w=static, restart_w=static, communication_w=static,
                      best_utilisation=choice.full_power_at, host_w=host_w / share, host_idle_w=host_w / share,
                      host_kg=host_kg / share, devices_per_host=per_host / share, pue=choice.pue)  # fmt: skip


def _line(rated: float, choice: Realisation) -> tuple[float, float]:
    """P_s and P_s + alpha P_d of a device."""
    static = choice.static_share * rated
    return static, static + choice.alpha * (rated - static)


def _host_kg(as_version_1: float, version: str, choice: Realisation) -> float:
    """Embodied carbon of a host without its devices: one CPU, and main memory and storage where they count."""
    dram, ssd = factor("paper.host.dram").si, factor("paper.host.ssd").si
    cpu = as_version_1 - dram * factor("paper.memory.dram").si - ssd * factor("paper.memory.ssd").si
    if version == "v2" and not choice.host_memory_v2:
        return cpu
    return cpu + dram * choice.dram_kg_per_gb / BYTES_PER_GB + ssd * factor("paper.memory.ssd").si


BYTES_PER_GB = 1e9
