"""Energy, carbon and water of running: small formulas of numbers in SI units (floats, arrays or Pint quantities)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["energy", "host_count", "operational_carbon", "overhead_energy", "water_use"]


def host_count(n_devices: Any, devices_per_host: Any) -> Any:
    """Whole hosts that hold `n_devices`: a part-filled host draws, and was made, like a full one.

    >>> float(host_count(12, 8))
    2.0
    """
    return np.ceil(n_devices / devices_per_host)


def energy(power: Any, count: Any, duration: Any) -> Any:
    """Energy in J of `count` machines at an average `power` in W over `duration` in s."""
    return power * count * duration


def overhead_energy(it_energy: Any, pue: Any) -> Any:
    """Energy in J of cooling and power distribution.

    PUE is facility energy over energy of the IT equipment (ISO/IEC 30134-2). It is applied here, once, to energy.
    """
    return it_energy * (pue - 1.0)


def operational_carbon(facility_energy: Any, carbon_intensity: Any) -> Any:
    """Emissions in kg of `facility_energy` in J at `carbon_intensity` in kg/J.

    CarbonScaling v1 equations 1 and 2 (v2: 3 and 4) are this product, with the PUE already in the energy.
    """
    return facility_energy * carbon_intensity


def water_use(it_energy: Any, facility_energy: Any, on_site: Any, off_site: Any) -> Any:
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
