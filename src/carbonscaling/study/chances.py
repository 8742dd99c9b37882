"""The chances of a plan: by when it is done, and under what energy and carbon it stays, with what probability."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.carbon.hourly import Hours
from carbonscaling.carbon.uncertainty import sample_factor
from carbonscaling.catalog.factors import factor
from carbonscaling.errors import InputError
from carbonscaling.fields import finite
from carbonscaling.perf.checkpoints import daly_interval
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.history import NINETY
from carbonscaling.study.hours import hours_of, intensity_met
from carbonscaling.study.infeasible import run_of
from carbonscaling.units import DAY, HOUR

__all__ = ["Chances", "as_needed", "begun_at", "chances"]


QUANTILES = (0.05, 0.5, 0.9, 0.95)
NORMAL_90 = 1.6448536
"""Standard deviations of a normal distribution below which 95 % lie."""
WHISKERS = 5.3959
"""Standard deviations of a normal distribution between the whiskers of its box plot, four quartile ranges apart."""
MAY_BE_NOUGHT = ("restart_s", "device_variation")
SEED = 466


@dataclass(frozen=True)
class Chances:
    """What may become of a plan, a draw each.

    Attributes
    ----------
    days, energy_kwh, carbon_tco2e, interruptions : array
    cost_usd : array, optional
        None where no price is known.
    operational : array, optional
        Operational carbon in t, in the mean intensity of the run as estimated.
    interval_s : float
        Training between checkpoints.
    mtbf_s : float
        Mean time between interruptions of the job.
    steady_days : float
        Without any, as estimated.
    """

    days: Array
    energy_kwh: Array
    carbon_tco2e: Array
    interruptions: Array
    interval_s: float
    mtbf_s: float
    steady_days: float
    cost_usd: Array | None = None
    operational: Array | None = None

    def within(
        self, days: float = math.inf, energy_kwh: float = math.inf, carbon_tco2e: float = math.inf,
        cost_usd: float = math.inf,
    ) -> float:  # fmt: skip
        """Return the probability that all limits hold."""
        return float(np.mean(self.kept(energy_kwh, carbon_tco2e, cost_usd) & (self.days <= days)))

    def kept(self, energy_kwh: float, carbon_tco2e: float, cost_usd: float) -> NDArray[np.bool_]:
        """Return which of the draws keep limits of energy, carbon and money."""
        kept = (self.energy_kwh <= energy_kwh) & (self.carbon_tco2e <= carbon_tco2e)
        return kept if self.cost_usd is None else kept & (self.cost_usd <= cost_usd)

    def summary(self) -> dict[str, Any]:
        """Return quantiles of every figure."""
        named = {"days": self.days, "energy_kwh": self.energy_kwh, "carbon_tco2e": self.carbon_tco2e,
                 "interruptions": self.interruptions}  # fmt: skip
        if self.cost_usd is not None:
            named["cost_usd"] = self.cost_usd
        quantiles = {
            name: {f"{share:g}": float(np.quantile(values, share)) for share in QUANTILES}
            for name, values in named.items()
        }
        return {
            "steady_days": self.steady_days, "checkpoint_interval_s": self.interval_s, "mtbf_h": self.mtbf_s / HOUR,
            "quantiles": quantiles,
        }  # fmt: skip


def _times(
    rng: np.random.Generator, steady: Array, interval: float, write: float, restart: float, mtbf: float
) -> tuple[Array, Array]:
    """Return run times and interruptions: rounds of training and writing, each begun again until none interrupts it.

    The rounds lost are a negative binomial number; what is lost of each is an exponential time cut off at the round's length,
    of which many are summed. The mean is that of Daly 2006, equation 20.
    """
    length, rounds = interval + write, steady / interval
    lost = rng.negative_binomial(rounds, math.exp(-length / mtbf)).astype(float)
    beyond = math.expm1(length / mtbf)
    mean = mtbf - length / beyond
    spread = math.sqrt(max(0.0, mtbf**2 - length**2 * math.exp(length / mtbf) / beyond**2))
    again = mtbf * math.expm1(restart / mtbf)
    partial = np.maximum(lost * mean + np.sqrt(lost) * spread * rng.standard_normal(len(lost)), 0.0)
    return rounds * length + partial + lost * again, lost


def _slowest(rng: np.random.Generator, n: int, variation: float, draws: int) -> Array:
    """Return the time of the slowest of `n` devices over its median, which the step's own stragglers hold.

    Devices differ normally, within `variation` between the whiskers of a box plot. The greatest of n has the n-th power of
    their distribution.
    """
    normal, deviation = NormalDist(), variation / WHISKERS
    uniform = np.append(0.5, rng.uniform(size=draws))
    greatest = np.array([-normal.inv_cdf(beyond) for beyond in (-np.expm1(np.log(uniform) / n)).tolist()])
    return np.asarray((1.0 + deviation * greatest[1:]) / (1.0 + deviation * greatest[0]))


def chances(
    answer: Estimate,
    *,
    write_s: float,
    restart_s: float,
    mtbf_device_hours: float | None = None,
    interval_s: float | None = None,
    device_variation: float | None = None,
    draws: int = 10_000,
) -> Chances:
    """Return the chances of a plan.

    Parameters
    ----------
    answer : Estimate
        Its own overhead of a run is left out: interruptions take its place.
    write_s, restart_s : float
        s to write a checkpoint, the run waiting, and from an interruption to training again.
    mtbf_device_hours : float, optional
        Mean time between interruptions times devices; Llama 3's record if not given.
    interval_s : float, optional
        s of training between checkpoints; Daly's optimum if not given.
    device_variation : float, optional
        What the slowest device takes longer than the fastest, outliers left out; published if not given. 0: none.
    draws : int

    Raises
    ------
    InputError
        A value is out of range, or the answer is that nothing is feasible.
    """
    hours = factor("time.interruption.device_time").si / HOUR if mtbf_device_hours is None else mtbf_device_hours
    varies = factor("time.devices.variation").si if device_variation is None else device_variation
    given = {
        "write_s": write_s,
        "restart_s": restart_s,
        "mtbf_device_hours": hours,
        "interval_s": interval_s,
        "device_variation": varies,
        "draws": draws,
    }
    check_ranges(given)
    for key, value in given.items():
        if value is not None and not (finite(value) and (value > 0.0 or (key in MAY_BE_NOUGHT and value == 0.0))):
            raise InputError(
                f"{key} is out of range", key=key, value=value, allowed="more than 0", remedy="correct the value"
            )
    answer = run_of(answer, "run to say the chances of")
    r, f = answer.resolved, answer.footprint
    mtbf = hours * HOUR / answer.n_devices
    interval = min(float(daly_interval(write_s, mtbf)), answer.steady_s) if interval_s is None else interval_s
    rng = np.random.default_rng(SEED)
    low, high = r.step_error().si_range
    z = rng.standard_normal(draws)
    steady = answer.steady_s * np.exp(z / NORMAL_90 * np.where(z < 0.0, -math.log(low), math.log(high)))
    steady *= _slowest(np.random.default_rng((SEED, 1)), answer.n_devices, varies, draws)
    seconds, interruptions = _times(rng, steady, interval, write_s, restart_s, mtbf)
    ratio = seconds / answer.duration_s
    datum = r.carbon.factors["carbon_intensity"]
    intensity = (
        np.asarray(sample_factor("carbon_intensity", datum, rng.standard_normal(draws))) / datum.si if datum.si else 1.0
    )
    operational = np.asarray(ratio * f.operational_tco2e * intensity)
    carbon = operational * hours_met(answer, seconds) + ratio * f.embodied_tco2e
    usd = None if answer.cost_usd is None else ratio * answer.cost_usd
    return Chances(
        seconds / DAY, ratio * f.energy_kwh, np.asarray(carbon), interruptions, interval, mtbf, answer.steady_s / DAY,
        usd, operational,
    )  # fmt: skip


def as_needed(
    answer: Estimate, days: float = math.inf, energy_kwh: float = math.inf, carbon_tco2e: float = math.inf,
    cost_usd: float = math.inf,
) -> float | None:  # fmt: skip
    """Return the probability that limits hold of a run that needs as many device-hours as makers of published trainings did.

    What is not interruptions is in it too: slower software, evaluation, ramp-up, what was run again. Energy, carbon and money
    are taken to grow with the device-hours. None in the papers' mode.
    """
    needed, f = answer.needed, answer.footprint
    if needed is None:
        return None
    of = (
        days * DAY / answer.duration_s,
        energy_kwh / f.energy_kwh,
        carbon_tco2e / (f.operational_tco2e + f.embodied_tco2e),
    )
    most = (
        min(*of, math.inf if answer.cost_usd is None else cost_usd / answer.cost_usd)
        * answer.device_hours
        / needed.median
    )
    spread = math.log(needed.high / needed.median) / NINETY
    return 1.0 if most == math.inf else NormalDist().cdf(math.log(most) / spread) if most > 0.0 else 0.0


def begun_at(found: Chances, answer: Estimate, start_hour: float) -> Chances:
    """Return the chances of the same run begun at another hour of its profile, with the same draws."""
    assert found.operational is not None
    seconds = found.days * DAY
    more = found.operational * (hours_met(answer, seconds, start_hour) - hours_met(answer, seconds))
    return replace(found, carbon_tco2e=found.carbon_tco2e + more)


def hours_met(answer: Estimate, seconds: Array, start_hour: float | None = None) -> Array | float:
    """Return the mean intensity of the hours that runs of some lengths meet, over that of the run as estimated."""
    s = answer.scenario
    hours, met = hours_of(s), intensity_met(s, answer.duration_s)
    if hours is None or not met or s.scope2 == "market":
        return 1.0
    begins = hours if start_hour is None else Hours(hours.profile, start_hour)
    return np.asarray(begins.mean(seconds / HOUR)) / met
