"""How the ranges of the factors, and of the run's time, pass through to every figure.

A range is read as the 5th to 95th percentile, the value as the median, of a normal distribution whose two halves differ
in width: on the logarithm where the range is above nought, on the value itself where it touches nought. Factors count
as independent. Every factor has its own random numbers, so that two answers differ by what differs in them and not by chance.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from carbonscaling.arrays import Array, Number
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.catalog.parsed import kept
from carbonscaling.sources import Datum

__all__ = [
    "LIMITS",
    "N_SAMPLES",
    "SEED",
    "draw",
    "drawn_numbers",
    "draws",
    "interval",
    "intervals",
    "sample_factor",
    "sample_footprint",
]

Assemble = Callable[[Mapping[str, Number]], CarbonNumbers]

N_SAMPLES = 4096
SEED = 20250808
Z95 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""
LIMITS: Mapping[str, tuple[float, float]] = {
    "pue": (1.0, np.inf),
    "good_share": (0.01, 1.0),
    "busy_share": (0.01, 1.0),
    "best_utilisation": (0.01, 1.0),
}
"""Bounds of nature on some factors; samples beyond are set to the bound."""


@lru_cache(maxsize=256)
def draws(name: str, n: int = N_SAMPLES, seed: int = SEED) -> Array:
    """Return standard normal numbers that depend on the factor's name and the seed alone; not to be written to.

    They are kept on disk, as NumPy's random numbers take a tenth as long to load as NumPy.
    """

    def make() -> bytes:
        return np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(n).tobytes()

    def read(content: bytes) -> Array:
        if len(content) != 8 * n:
            raise ValueError("half written")
        return np.frombuffer(content)

    return kept(f"{name} {n} {seed} numpy {np.__version__}", make, read) if n == N_SAMPLES else read(make())


def sample_factor(name: str, datum: Datum, z: Array) -> Array:
    """Return values in SI of a factor at standard normal `z`.

    >>> sample_factor("pue", Datum(1.1, "1", "x", low=1.08, high=1.2), np.array([-Z95, 0.0, Z95])).round(6).tolist()
    [1.08, 1.1, 1.2]
    """
    (low, high), value = datum.si_range, datum.si
    if low > 0.0:
        down, up = math.log(value / low), math.log(high / value)
        width: Array = np.where(z < 0.0, down, up)
        found: Array = value * np.exp(width * z / Z95)
    else:
        width = np.where(z < 0.0, value - low, high - value)
        found = np.maximum(value + width * z / Z95, 0.0)
    least, most = LIMITS.get(name, (0.0, np.inf))
    clipped: Array = np.clip(found, least, most)
    return clipped


def draw(name: str, datum: Datum) -> Array:
    """Return the values in SI that a factor is drawn as; not to be written to."""
    return _drawn(name, datum.si, datum.si_range)


@lru_cache(maxsize=256)
def _drawn(name: str, value: float, ends: tuple[float, float]) -> Array:
    found = sample_factor(name, Datum(value, "1", "", *ends), draws(name))
    found.flags.writeable = False
    return found


def drawn_numbers(assemble: Assemble, factors: Mapping[str, Datum]) -> CarbonNumbers:
    """Return the coefficients for the draws of every factor with a range."""
    return assemble({k: datum.si if datum.low is None else draw(k, datum) for k, datum in factors.items()})


def sample_footprint(
    assemble: Assemble,
    factors: Mapping[str, Datum],
    n_devices: float,
    duration_s: float,
    utilisation: float,
    time: Datum | None = None,
    *,
    shares: Mapping[str, float] | None = None,
    normals: Mapping[str, Array] | None = None,
) -> tuple[FootprintParts, Mapping[str, Array]]:
    """Return the parts of the footprint for many draws of the ranged factors, and the drawn values.

    Parameters
    ----------
    assemble : callable
        Coefficients from the SI values of all factors.
    factors : Mapping[str, Datum]
    time : Datum, optional
        Actual over expected run time; a slower run works less hard.
    shares : Mapping[str, float], optional
        Shares of the run's time: fields of `CarbonNumbers`.
    normals : Mapping[str, Array], optional
        Standard normal numbers by factor, in place of our own.
    """
    ranged = {name: datum for name, datum in factors.items() if datum.low is not None}
    if time is not None and time.low is not None:
        ranged["time"] = time
    drawn = {
        name: draw(name, datum) if normals is None else sample_factor(name, datum, normals[name])
        for name, datum in ranged.items()
    }
    ratio = drawn.get("time", 1.0)
    numbers = assemble({name: drawn.get(name, datum.si) for name, datum in factors.items()})._replace(**(shares or {}))
    parts = footprint(numbers, n_devices, duration_s * ratio, np.minimum(utilisation / ratio, 1.0))
    n = len(next(iter(drawn.values()))) if drawn else 1
    return FootprintParts(*(np.broadcast_to(part, n) for part in parts)), drawn


def interval(values: Number, central: float) -> tuple[float, float]:
    """Return the 5th and 95th percentiles, never so that they leave the central value out."""
    return intervals({"": (values, central)})[""]


def _percentile(ordered: Array, share: float) -> float:
    """Return a percentile of ordered draws, as `numpy.percentile` does, which loads masked arrays for it."""
    place = share * (len(ordered) - 1)
    low = int(place)
    a, b, rest = float(ordered[low]), float(ordered[min(low + 1, len(ordered) - 1)]), place - low
    return a + (b - a) * rest if rest < 0.5 else b - (b - a) * (1.0 - rest)


def intervals(figures: Mapping[str, tuple[Number, float]]) -> dict[str, tuple[float, float]]:
    """Return the `interval` of every figure, given by its draws and its central value."""
    ordered = {name: np.sort(np.atleast_1d(np.asarray(values, float))) for name, (values, _) in figures.items()}
    return {
        name: (min(_percentile(ordered[name], 0.05), central), max(_percentile(ordered[name], 0.95), central))
        for name, (_, central) in figures.items()
    }
