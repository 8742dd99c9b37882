"""From named factors in SI units to the coefficients of the footprint, once per mode."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.arrays import Number
from carbonscaling.carbon.embodied import device_bottom_up, die_carbon, host_bottom_up, memory_carbon
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.power import (
    host_from_system,
    paper_power,
    static_share_at_full_load,
    static_share_at_operating_point,
)

__all__ = ["device_kg_bottom_up", "host_kg_bottom_up", "paper_numbers", "physical_numbers"]

Values = Mapping[str, Number]
"""SI values by name of the factor: floats, or arrays of draws."""


def device_kg_bottom_up(v: Values) -> Number:
    """Embodied carbon of one device in kg, route 2.

    Keys of `v`: ``die_area, logic_cpa, good_share, memory_capacity, memory_kg, board`` and ``cpa_factor``, which projections
    put on logic and memory alike.
    """
    logic = die_carbon(v["die_area"], v["logic_cpa"] * v["cpa_factor"], v["good_share"])
    memory = memory_carbon(v["memory_capacity"], v["memory_kg"] * v["cpa_factor"])
    return device_bottom_up(logic, memory, v["board"])


def host_kg_bottom_up(v: Values) -> Number:
    """Embodied carbon of one host without devices in kg, route 2.

    Keys of `v`: ``n_cpus, cpu_area, cpu_cpa, good_share, cpu_memory, dram_kg, storage, ssd_kg, chassis``.
    """
    cpu = die_carbon(v["cpu_area"], v["cpu_cpa"], v["good_share"])
    main_memory = memory_carbon(v["cpu_memory"], v["dram_kg"])
    storage = memory_carbon(v["storage"], v["ssd_kg"])
    return host_bottom_up(v["n_cpus"], cpu, main_memory, storage, v["chassis"])


def physical_numbers(v: Values, device_kg: Number, host_kg: Number) -> CarbonNumbers:
    """Coefficients of the physical mode.

    Keys of `v`: ``tdp, idle_power, busy_ratio, exponent, best_utilisation, host_power, host_idle_power,
    network_share, communication_ratio, devices_per_host, pue, carbon_intensity, building, transport, end_of_life,
    lifetime, busy_share, switches, water_on_site, water_off_site``; ``system_power`` where device, host and network were read
    together: the host draws what the others leave. A device that writes a checkpoint or starts again draws its idle power.
    """
    busy = v["busy_ratio"] * v["tdp"]
    network = v["network_share"] * busy
    host = v["host_power"]
    if "system_power" in v:
        host = host_from_system(v["system_power"], busy, network, v["devices_per_host"])
    return CarbonNumbers(
        idle_w=v["idle_power"],
        busy_w=busy,
        exponent=v["exponent"],
        best_utilisation=v["best_utilisation"],
        checkpoint_w=v["idle_power"],
        restart_w=v["idle_power"],
        communication_w=v["communication_ratio"] * v["tdp"],
        host_w=host,
        host_idle_w=v["host_idle_power"],
        network_w=network,
        devices_per_host=v["devices_per_host"],
        pue=v["pue"],
        carbon_intensity=v["carbon_intensity"],
        device_kg=device_kg,
        host_kg=host_kg,
        network_kg=v["switches"],
        other_share=v["building"] + v["transport"] + v["end_of_life"],
        lifetime_s=v["lifetime"],
        busy_share=v["busy_share"],
        water_on_site=v["water_on_site"],
        water_off_site=v["water_off_site"],
    )


def paper_numbers(v: Values) -> CarbonNumbers:
    """Coefficients of the papers' equations (v1 equations 1 to 3, v2 equations 3 to 5), with ruling R14.

    P_s + P_d = TDP, split as Fernandez's measurement implies on a straight line; P_sys is a ratio of the devices'
    power at the operating point; one CPU of the devices' process node per host.

    Keys of `v`: those of the bottom-up routes, ``tdp, alpha, throughput_drop, power_drop, operating_utilisation,
    host_ratio, devices_per_host, pue, carbon_intensity, building, transport, end_of_life, lifetime, busy_share,
    water_on_site, water_off_site``.
    """
    at_point = static_share_at_operating_point(v["throughput_drop"], v["power_drop"])
    static = v["tdp"] * static_share_at_full_load(at_point, v["operating_utilisation"])
    dynamic = v["tdp"] - static
    at_work = paper_power(static, dynamic, v["alpha"], v["operating_utilisation"])
    host_w = v["host_ratio"] * v["devices_per_host"] * at_work
    return CarbonNumbers(
        idle_w=static,
        busy_w=paper_power(static, dynamic, v["alpha"], 1.0),
        exponent=1.0,
        best_utilisation=1.0,
        checkpoint_w=static,
        restart_w=static,
        communication_w=static,
        host_w=host_w,
        host_idle_w=host_w,
        network_w=0.0,
        devices_per_host=v["devices_per_host"],
        pue=v["pue"],
        carbon_intensity=v["carbon_intensity"],
        device_kg=device_kg_bottom_up(v),
        host_kg=host_kg_bottom_up({**v, "cpu_cpa": v["logic_cpa"] * v["cpa_factor"]}),
        network_kg=0.0,
        other_share=v["building"] + v["transport"] + v["end_of_life"],
        lifetime_s=v["lifetime"],
        busy_share=v["busy_share"],
        water_on_site=v["water_on_site"],
        water_off_site=v["water_off_site"],
    )
