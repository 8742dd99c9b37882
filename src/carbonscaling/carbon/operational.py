"""Energy, carbon and water of running: small formulas of numbers in SI units (floats, arrays or Pint quantities)."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula

__all__ = ["energy", "host_count", "operational_carbon", "overhead_energy", "water_use"]


@formula(
    "shared·n/d + (1 - shared)·ceil(n/d), n = n_devices, d = devices_per_host",
    unit="1",
    source="carbonscaling_v1",
    place="section on embodied carbon",
)
def host_count(n_devices: Number, devices_per_host: Number, shared: Number = 0.0) -> Number:
    """Hosts charged for `n_devices`: whole ones, or (`shared` = 1) in proportion where others use the rest.

    A part-filled host draws, and was made, like a full one.

    >>> float(host_count(12, 8)), float(host_count(12, 8, 1.0))
    (2.0, 1.5)
    """
    exact = n_devices / devices_per_host
    return shared * exact + (1.0 - shared) * np.ceil(exact)


@formula("power·count·duration", unit="J", source="carbonscaling_v1", place="equations 1 and 2")
def energy(power: Number, count: Number, duration: Number) -> Number:
    """Energy in J of `count` machines at an average `power` in W over `duration` in s."""
    return power * count * duration


@formula("it_energy·(pue - 1)", unit="J", source="patterson_2021", place="section 2.4")
def overhead_energy(it_energy: Number, pue: Number) -> Number:
    """Energy in J of cooling and power distribution.

    PUE is facility energy over energy of the IT equipment (ISO/IEC 30134-2). It is applied here, once, to energy.
    """
    return it_energy * (pue - 1.0)


@formula("facility_energy·carbon_intensity", unit="kg", source="carbonscaling_v1", place="equations 1 and 2")
def operational_carbon(facility_energy: Number, carbon_intensity: Number) -> Number:
    """Emissions in kg of `facility_energy` in J at `carbon_intensity` in kg/J.

    CarbonScaling v1 equations 1 and 2 (v2: 3 and 4) are this product, with the PUE already in the energy.
    """
    return facility_energy * carbon_intensity


@formula("it_energy·on_site + facility_energy·off_site", unit="L", source="morrison_2025", place="water")
def water_use(it_energy: Number, facility_energy: Number, on_site: Number, off_site: Number) -> Number:
    """Water consumed, in litres.

    Parameters
    ----------
    it_energy, facility_energy : J
    on_site : L/J
        WUE, per unit of IT energy (ISO/IEC 30134-9).
    off_site : L/J
        Of electricity generation, per unit of facility energy.
    """
    return it_energy * on_site + facility_energy * off_site
