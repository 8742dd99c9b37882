"""Energy and emissions of a training run, part by part, for one run or for blocks of settings at once.

Both modes are one formula: what tells them apart (power law or straight line, route of the embodied carbon,
amortisation) is settled in the coefficients of `CarbonNumbers`, so nothing here branches on a value.
"""

from __future__ import annotations

from carbonscaling.arrays import Number
from carbonscaling.carbon.embodied import amortised
from carbonscaling.carbon.operational import energy, host_count, operational_carbon, overhead_energy, water_use
from carbonscaling.carbon.power import run_average_power, saturating_power
from carbonscaling.hints import NamedTuple

__all__ = ["CarbonNumbers", "FootprintParts", "footprint", "low_static", "without_embodied", "without_static"]


class CarbonNumbers(NamedTuple):
    """Everything the footprint of a cluster in a region depends on, in SI; floats or arrays alike.

    Attributes
    ----------
    idle_w, busy_w : float
        Power of one device without work and at `best_utilisation` (paper mode: P_s and P_s + alpha * P_d).
    exponent : float
        g of `saturating_power` (paper mode: 1).
    best_utilisation : float
        MFU at which a device draws `busy_w`: the best-tuned one (paper mode: 1).
    checkpoint_w, restart_w, communication_w : float
        Power of one device while a checkpoint is written, while the job starts again, and while it waits for the
        network alone.
    host_w, host_idle_w : float
        Power of one host without its devices, at work and idle.
    network_w : float
        Switches and optics, per device.
    devices_per_host : float
    pue : float
    carbon_intensity : float
        kg/J.
    device_kg, host_kg, network_kg : float
        Embodied carbon of one device, of one host without its devices, and of switches and optics per device.
    other_share : float
        Building, transport and end of life, as a share of those.
    lifetime_s, busy_share : float
        Amortisation, see `amortised`.
    water_on_site, water_off_site : float
        L/J.
    checkpoint_share, restart_share, communication_share, idle_share : float
        Shares of the run's time. Exposed communication inside a step is already in the utilisation: its share here
        is for waiting that the utilisation leaves out.
    shared_hosts : float
        1 where others use the rest of a part-filled host, 0 where nobody does.
    """

    idle_w: Number
    busy_w: Number
    exponent: Number
    best_utilisation: Number
    checkpoint_w: Number
    restart_w: Number
    communication_w: Number
    host_w: Number
    host_idle_w: Number
    network_w: Number
    devices_per_host: Number
    pue: Number
    carbon_intensity: Number
    device_kg: Number
    host_kg: Number
    network_kg: Number
    other_share: Number
    lifetime_s: Number
    busy_share: Number
    water_on_site: Number
    water_off_site: Number
    checkpoint_share: Number = 0.0
    restart_share: Number = 0.0
    communication_share: Number = 0.0
    idle_share: Number = 0.0
    shared_hosts: Number = 0.0


class FootprintParts(NamedTuple):
    """Parts and totals of a footprint; J, kg CO2e and litres; floats or arrays alike.

    ``energy_j`` is the sum of the four energies before it, ``total_kg`` of the five masses before it.
    """

    device_energy_j: Number
    host_energy_j: Number
    network_energy_j: Number
    overhead_energy_j: Number
    energy_j: Number
    operational_kg: Number
    embodied_device_kg: Number
    embodied_host_kg: Number
    embodied_network_kg: Number
    embodied_other_kg: Number
    total_kg: Number
    water_l: Number
    device_power_w: Number


def footprint(numbers: CarbonNumbers, n_devices: Number, duration_s: Number, utilisation: Number) -> FootprintParts:
    """Return the parts of the footprint of `n_devices` over `duration_s`.

    Parameters
    ----------
    numbers : CarbonNumbers
    n_devices : int or array
    duration_s : float or array
        Wall-clock time, including the shares spent otherwise. Finite: mask infeasible settings after.
    utilisation : float or array
        MFU while productive (model FLOP/s over peak).
    """
    n = numbers
    shares = (n.checkpoint_share, n.restart_share, n.communication_share, n.idle_share)
    working_w = saturating_power(n.idle_w, n.busy_w, utilisation / n.best_utilisation, n.exponent)
    device_w = run_average_power(working_w, n.checkpoint_w, n.restart_w, n.communication_w, n.idle_w, *shares)
    host_w = run_average_power(n.host_w, n.host_w, n.host_w, n.host_w, n.host_idle_w, *shares)
    n_hosts = host_count(n_devices, n.devices_per_host, n.shared_hosts)

    device_j = energy(device_w, n_devices, duration_s)
    host_j = energy(host_w, n_hosts, duration_s)
    network_j = energy(n.network_w, n_devices, duration_s)
    it_j = device_j + host_j + network_j
    overhead_j = overhead_energy(it_j, n.pue)
    energy_j = it_j + overhead_j
    operational_kg = operational_carbon(energy_j, n.carbon_intensity)

    device_kg = amortised(n.device_kg * n_devices, duration_s, n.lifetime_s, n.busy_share)
    host_kg = amortised(n.host_kg * n_hosts, duration_s, n.lifetime_s, n.busy_share)
    network_kg = amortised(n.network_kg * n_devices, duration_s, n.lifetime_s, n.busy_share)
    other_kg = n.other_share * (device_kg + host_kg + network_kg)
    return FootprintParts(
        device_energy_j=device_j,
        host_energy_j=host_j,
        network_energy_j=network_j,
        overhead_energy_j=overhead_j,
        energy_j=energy_j,
        operational_kg=operational_kg,
        embodied_device_kg=device_kg,
        embodied_host_kg=host_kg,
        embodied_network_kg=network_kg,
        embodied_other_kg=other_kg,
        total_kg=operational_kg + device_kg + host_kg + network_kg + other_kg,
        water_l=water_use(it_j, energy_j, n.water_on_site, n.water_off_site),
        device_power_w=device_w,
    )


def low_static(numbers: CarbonNumbers) -> CarbonNumbers:
    """Exchange the shares of static and dynamic power (the "low-static" curve of v1 Figure 4)."""
    static = numbers.busy_w - numbers.idle_w
    return numbers._replace(idle_w=static, checkpoint_w=static, restart_w=static)


def without_static(numbers: CarbonNumbers) -> CarbonNumbers:
    """Take the static power away (the "ideal" curve of v2 Figure 4)."""
    return numbers._replace(idle_w=0.0, checkpoint_w=0.0, restart_w=0.0, busy_w=numbers.busy_w - numbers.idle_w)


def without_embodied(numbers: CarbonNumbers) -> CarbonNumbers:
    """Count no manufacturing (the "no emb" curves of both papers' Figure 4)."""
    return numbers._replace(device_kg=0.0, host_kg=0.0, network_kg=0.0)
