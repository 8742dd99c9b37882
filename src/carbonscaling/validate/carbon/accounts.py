"""Published carbon accounts, repeated under their own conventions, beside this project's estimate of the same runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Literal

from carbonscaling.arrays import Number
from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.drawn import UTILISATION
from carbonscaling.carbon.embodied import amortised
from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.carbon.model import bottom_up_range, carbon_model
from carbonscaling.carbon.operational import energy, operational_carbon, overhead_energy, water_use
from carbonscaling.carbon.power import capped_power
from carbonscaling.carbon.uncertainty import draw, interval, sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.catalog.read import build, packaged
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.units import DAY, KWH, TONNE
from carbonscaling.validate.carbon.energy import Energy, energy_of

__all__ = [
    "WIDEST",
    "Account",
    "AccountCheck",
    "AccountLine",
    "EmbodiedCheck",
    "TableRow",
    "accounts_summary",
    "check_accounts",
    "embodied_table",
    "llmcarbon_table",
]


MWH = 1e3 * KWH
WIDEST = {"energy": 1.5, "total carbon": 2.5}
"""High over low end of an interval beyond which it says too little of a figure."""


@dataclass(frozen=True)
class Account:
    """A published account with the inputs of its authors.

    Attributes
    ----------
    title, device : str
    n_devices : int
    counts : {"facility", "devices", "rating"}
        What the account's energy is: everything with PUE, the accelerators alone times PUE, or the accelerators' rating
        times hours. Of the first two ours counts the same; of the last it counts the facility.
    pue : Datum
    device_hours, energy, carbon_intensity, operational, embodied, water : Datum, optional
        As published.
    water_on_site : Datum, optional
        Where the authors say what their site uses.
    place : str, optional
        Where the water of generation is drawn.
    rated_power, idle_energy, server_kg, device_kg, lifetime, busy_share : Datum, optional
        What repeats the account under its own conventions.
    module_limit, processor, node_rest : Datum, optional
        Where the operator limits a module, processor included: the limit, what the processor would draw, and a module's share
        of what else is in its node.
    convention : str
        Whose convention explains what is left, or why nothing is held.
    """

    title: str
    device: str
    n_devices: int
    counts: Literal["facility", "devices", "rating"]
    pue: Datum
    device_hours: Datum | None = None
    energy: Datum | None = None
    carbon_intensity: Datum | None = None
    operational: Datum | None = None
    embodied: Datum | None = None
    water: Datum | None = None
    water_on_site: Datum | None = None
    place: str | None = None
    host: str | None = None
    rated_power: Datum | None = None
    idle_energy: Datum | None = None
    server_kg: Datum | None = None
    device_kg: Datum | None = None
    lifetime: Datum | None = None
    busy_share: Datum | None = None
    module_limit: Datum | None = None
    processor: Datum | None = None
    node_rest: Datum | None = None
    convention: str = ""


@dataclass(frozen=True)
class AccountLine:
    """One figure of an account: as reported, ours with the 5th and 95th percentiles, and repeated in its own way.

    Attributes
    ----------
    figure, unit : str
    reported : float
    ours, low, high : float, optional
        None where nothing was published to hold it against.
    repeated : float, optional
        By the account's own convention.
    measured : bool
        Whether the figure rests on a reading, or on masses and places: a rating times hours is no evidence.
    """

    figure: str
    unit: str
    reported: float
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    repeated: float | None = None
    measured: bool = True

    @property
    def inside(self) -> bool | None:
        """Whether our interval holds the reported figure; None where there is none."""
        return None if self.low is None or self.high is None else self.low <= self.reported <= self.high

    @property
    def error(self) -> float | None:
        """Ours over reported, less one."""
        return None if self.ours is None else self.ours / self.reported - 1.0

    @property
    def width(self) -> float | None:
        """High over low end of our interval."""
        return None if not self.low or self.high is None else self.high / self.low


@dataclass(frozen=True)
class AccountCheck:
    """An account with its figures.

    `formula_tco2e` is the papers' own embodied formula on the same run, for smaller and larger choices of what it
    leaves open (40 GB and 6 years, installed memory and 5 years); None where no embodied carbon is reported.
    """

    name: str
    account: Account
    lines: tuple[AccountLine, ...]
    formula_tco2e: tuple[float, float] | None = None


@dataclass(frozen=True)
class TableRow:
    """One row of LLMCarbon's validation: reported, its method repeated with its inputs, ours without watts or speed."""

    title: str
    reported: float
    repeated: float
    ours: float
    inputs: str


@dataclass(frozen=True)
class EmbodiedCheck:
    """Embodied carbon of one device in kg: the primary figure, and the bottom-up route with its range."""

    device: str
    primary: float
    source: str
    bottom_up: tuple[float, float, float]

    @property
    def inside(self) -> bool:
        """Whether the bottom-up route's range holds the primary figure."""
        return self.bottom_up[0] <= self.primary <= self.bottom_up[2]


def check_accounts() -> tuple[AccountCheck, ...]:
    """Hold every shipped account, and repeat it under its own conventions."""
    listed = packaged("carbonscaling.validate.carbon", "accounts.toml")
    return tuple(
        _check(key, build(Account, row, f"accounts.toml: {key}")) for key, row in listed.items() if key != "llmcarbon"
    )


def _check(name: str, a: Account) -> AccountCheck:
    cluster = hardware.cluster(a.device, a.host)
    lines = [*(_by_hours(a, cluster, a.device_hours.si) if a.device_hours else _unheld(a)), *_water(a, cluster)]
    with_formula = a.device_hours is not None and a.embodied is not None
    return AccountCheck(
        name, a, tuple(lines), _formula(a, a.device_hours.si) if with_formula and a.device_hours else None
    )


def _unheld(a: Account) -> Iterator[AccountLine]:
    """Return what is reported without the hours to hold it against."""
    if a.operational is not None:
        yield AccountLine("carbon, all of it", "t", a.operational.si / TONNE)


def _by_hours(a: Account, cluster: Cluster, hours: float) -> Iterator[AccountLine]:
    """Return energy, operational, embodied and total carbon, each from the device-hours alone."""
    intensity = a.carbon_intensity.si if a.carbon_intensity else 0.0
    model = carbon_model(cluster, pue=a.pue.value, carbon_intensity_g_per_kwh=intensity * 1000.0 * KWH)
    run = assess(model, a.n_devices, hours / a.n_devices, UTILISATION)
    basis = "measured_gpu_only" if a.counts == "devices" else "measured_with_host"
    ours = _limited(a, cluster, hours) or energy_of(
        cluster, basis, a.n_devices, hours / a.n_devices, UTILISATION, a.pue.value
    )
    rated = None
    if a.rated_power is not None:
        idle = a.idle_energy.si if a.idle_energy else 0.0
        rated = a.rated_power.si * hours * (1.0 if a.idle_energy else a.pue.si) + idle
    if a.energy is not None:
        repeated = None if rated is None else rated / MWH
        mwh, low, high = (kwh / 1e3 for kwh in ours)
        yield AccountLine("energy", "MWh", a.energy.si / MWH, mwh, low, high, repeated, rated is None)
    central, least, most = (kwh * KWH * intensity / TONNE for kwh in ours)
    if a.operational is not None:
        joules = rated if rated is not None else a.energy.si if a.energy else None
        repeated = None if joules is None else float(operational_carbon(joules, intensity)) / TONNE
        known = rated is None and a.energy is None
        yield AccountLine("operational carbon", "t", a.operational.si / TONNE, central, least, most, repeated, known)
    if a.embodied is None:
        return
    low, high = run.intervals["embodied_tco2e"]
    yield AccountLine(
        "embodied carbon", "t", a.embodied.si / TONNE, run.embodied_tco2e, low, high, _own_embodied(a, cluster, hours)
    )
    if a.operational is not None:
        whole = (a.operational.si + a.embodied.si) / TONNE
        yield AccountLine("total carbon", "t", whole, central + run.embodied_tco2e, least + low, most + high)


def _limited(a: Account, cluster: Cluster, hours: float) -> Energy | None:
    """Return our energy where the operator limits device and processor together; None where no limit is known."""
    if a.module_limit is None or a.processor is None or a.node_rest is None:
        return None
    model = carbon_model(cluster, pue=a.pue.value, carbon_intensity_g_per_kwh=0.0)
    run = a.n_devices, hours / a.n_devices, UTILISATION
    sampled, _ = sample_footprint(model.assemble, model.factors, *run)

    def kwh(parts: FootprintParts, processor: Number, limit: Number, rest: Number) -> Number:
        module = capped_power(parts.device_power_w + processor, limit) + rest
        return (module * hours + parts.network_energy_j) * a.pue.si / KWH

    beside = a.processor, a.module_limit, a.node_rest
    central = float(kwh(footprint(model.numbers, *run), *(datum.si for datum in beside)))
    drawn = (draw(name, datum) for name, datum in zip(("processor", "module_limit", "node_rest"), beside, strict=True))
    return Energy(central, *interval(kwh(sampled, *drawn), central))


def _own_embodied(a: Account, cluster: Cluster, hours: float) -> float | None:
    """Return embodied carbon in t with the account's own masses, lifetime and use."""
    if a.server_kg is None or a.device_kg is None or a.lifetime is None or a.busy_share is None:
        return None
    kg = a.server_kg.si / cluster.host.devices_per_host + a.device_kg.si
    return float(amortised(kg, hours, a.lifetime.si, a.busy_share.si)) / TONNE


def _water(a: Account, cluster: Cluster) -> Iterator[AccountLine]:
    """Return the water of an account from its energy and place."""
    if a.water is None:
        return
    if a.energy is None or a.place is None:
        yield AccountLine("water", "m3", a.water.si / 1e3)
        return
    own = {"water_on_site": a.water_on_site} if a.water_on_site else {}
    factors = carbon_model(cluster, a.place, pue=a.pue.value, overrides=own).factors
    facility = a.energy.si
    ends = zip(factors["water_on_site"].si_range, factors["water_off_site"].si_range, strict=True)
    low, high = (float(water_use(facility / a.pue.si, facility, *end)) / 1e3 for end in ends)
    ours = (
        float(water_use(facility / a.pue.si, facility, factors["water_on_site"].si, factors["water_off_site"].si)) / 1e3
    )
    yield AccountLine("water", "m3", a.water.si / 1e3, ours, low, high)


def accounts_summary(checks: Sequence[AccountCheck]) -> dict[str, float]:
    """Return how many accounts and figures are held, and how well.

    ``share_inside``, ``energy_error`` and the widths are over figures that were measured, ``share_narrow`` of them inside an
    interval no wider than `WIDEST` as well; ``worst_repetition`` is over those
    that stand on ratings or on other figures of their account, repeated by its convention.
    """
    every = [line for check in checks for line in check.lines if line.inside is not None]
    lines = [line for line in every if line.measured]
    energy = [line for line in lines if line.figure == "energy"]
    rated = [line.repeated / line.reported - 1.0 for line in every if line.repeated and not line.measured]
    return {
        "accounts": len(checks),
        "accounts_held": sum(any(line.inside is not None for line in check.lines) for check in checks),
        "figures_held": len(lines),
        "share_inside": mean(bool(line.inside) for line in lines),
        "share_narrow": mean(
            bool(line.inside) and (line.width or 1.0) <= WIDEST.get(line.figure, math.inf) for line in lines
        ),
        "energy_error": mean(abs(line.error or 0.0) for line in energy),
        "widest_energy": max(line.width or 1.0 for line in energy),
        "widest_total_carbon": max(line.width or 1.0 for line in lines if line.figure == "total carbon"),
        "figures_repeated": len(rated),
        "worst_repetition": max(map(abs, rated)),
    }


def _formula(a: Account, hours: float) -> tuple[float, float]:
    """Papers' embodied carbon of the account's run."""
    small = "paper-a100" if a.device.startswith("a100") else "paper-h100"
    found = []
    for name, years in ((small, 6.0), (a.device, 5.0)):
        numbers = carbon_model(hardware.cluster(name), None, "paper", "v1", lifetime_years=years).numbers
        parts = footprint(numbers, a.n_devices, hours / a.n_devices, 0.4)
        found.append(float(parts.total_kg - parts.operational_kg) / TONNE)
    return min(found), max(found)


def llmcarbon_table() -> tuple[TableRow, ...]:
    """Repeat LLMCarbon's validation with its inputs, and set our estimate from count, days and place beside it."""
    rows = []
    for r in packaged("carbonscaling.validate.carbon", "accounts.toml")["llmcarbon"].values():
        flops = 6.0 * r["base_params_b"] * 1e9 * r["tokens_b"] * 1e9
        seconds = flops / (r["n_devices"] * r["achieved_tflops"] * 1e12)
        intensity = r["carbon_intensity_g_per_kwh"] / 1000.0 / KWH
        it = energy(r["system_power_w"], r["n_devices"], seconds)
        repeated = float(operational_carbon(it + overhead_energy(it, r["pue"]), intensity)) / TONNE
        model = carbon_model(
            hardware.cluster(r["device"]), pue=r["pue"], carbon_intensity_g_per_kwh=r["carbon_intensity_g_per_kwh"]
        )
        ours = float(footprint(model.numbers, r["n_devices"], r["days"] * DAY, 0.3).operational_kg) / TONNE
        inputs = (
            f"{r['n_devices']:,} devices, {r['system_power_w']} W a device with host and {r['achieved_tflops']} TFLOP/s "
            "of the run itself"
        )
        rows.append(TableRow(r["title"], r["reported_tco2e"], repeated, ours, inputs))
    return tuple(rows)


def embodied_table(devices: tuple[str, ...] = ("h100-sxm", "a100-40", "b200")) -> tuple[EmbodiedCheck, ...]:
    """Return primary and bottom-up embodied carbon of devices."""
    found = []
    for cluster in map(hardware.cluster, devices):
        model = carbon_model(cluster, carbon_intensity_g_per_kwh=0.0)
        primary = model.factors.get("embodied_device")
        source, kg = primary.source if primary else "bottom-up", float(model.numbers.device_kg)
        found.append(EmbodiedCheck(cluster.device.id, kg, source, bottom_up_range(cluster)))
    return tuple(found)
