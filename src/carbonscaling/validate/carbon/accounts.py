"""Published carbon accounts, repeated under their own conventions, beside this project's estimate of the same runs."""

from __future__ import annotations

from dataclasses import dataclass

from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.embodied import amortised
from carbonscaling.carbon.footprint import footprint
from carbonscaling.carbon.model import bottom_up_range, carbon_model
from carbonscaling.carbon.operational import energy, operational_carbon, overhead_energy
from carbonscaling.catalog import hardware
from carbonscaling.catalog.read import build, packaged
from carbonscaling.sources import Datum
from carbonscaling.units import DAY, KWH, TONNE
from carbonscaling.validate.carbon.energy import energy_of

__all__ = [
    "Account",
    "AccountCheck",
    "EmbodiedCheck",
    "TableRow",
    "check_accounts",
    "embodied_table",
    "llmcarbon_table",
]


@dataclass(frozen=True)
class Account:
    """A published account with the inputs of its authors.

    With `devices_only` the accelerators alone were metered, and our operational estimate counts the same.
    """

    title: str
    device: str
    n_devices: int
    device_hours: Datum
    carbon_intensity: Datum
    server_kg: Datum
    device_kg: Datum
    lifetime: Datum
    busy_share: Datum
    reported_operational: Datum
    reported_embodied: Datum
    pue: Datum
    host: str | None = None
    rated_power: Datum | None = None
    idle_energy: Datum | None = None
    energy: Datum | None = None
    devices_only: bool = False
    remark: str = ""


@dataclass(frozen=True)
class AccountCheck:
    """An account: as reported, repeated, and as this project would estimate the run; tonnes.

    `formula_tco2e` is the papers' own embodied formula on the same run, for smaller and larger choices of what it
    leaves open (40 GB and 6 years, installed memory and 5 years).
    """

    account: Account
    repeated_operational: float
    repeated_embodied: float
    physical_operational: float
    operational_interval: tuple[float, float]
    physical_embodied: float
    embodied_interval: tuple[float, float]
    physical_energy_kwh: float
    formula_tco2e: tuple[float, float]


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
    """Repeat every shipped account, and estimate its run."""
    listed = packaged("carbonscaling.validate.carbon", "accounts.toml")
    return tuple(
        _check(build(Account, row, f"accounts.toml: {key}")) for key, row in listed.items() if key != "llmcarbon"
    )


def _check(a: Account) -> AccountCheck:
    hours = a.device_hours.si
    rated = (a.rated_power.si if a.rated_power else 0.0) * hours + (a.idle_energy.si if a.idle_energy else 0.0)
    joules = a.energy.si if a.energy else rated
    cluster = hardware.cluster(a.device, a.host)
    per_host = cluster.host.devices_per_host
    embodied = amortised(a.server_kg.si / per_host + a.device_kg.si, hours, a.lifetime.si, a.busy_share.si)
    model = carbon_model(cluster, pue=a.pue.value, carbon_intensity_g_per_kwh=a.carbon_intensity.value)
    run = assess(model, a.n_devices, hours / a.n_devices, 0.4)
    energy_kwh, operational, span = run.energy_kwh, run.operational_tco2e, run.intervals["operational_tco2e"]
    if a.devices_only:
        metered = energy_of(cluster, "measured_gpu_only", a.n_devices, hours / a.n_devices, 0.4, a.pue.value)
        energy_kwh = metered.kwh
        operational, *ends = (kwh * a.carbon_intensity.value / 1e6 for kwh in metered)
        span = ends[0], ends[1]
    return AccountCheck(
        a,
        float(operational_carbon(joules, a.carbon_intensity.si)) / TONNE,
        float(embodied) / TONNE,
        operational,
        span,
        run.embodied_tco2e,
        run.intervals["embodied_tco2e"],
        energy_kwh,
        _formula(a, hours),
    )


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
