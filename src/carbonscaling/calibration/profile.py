"""A calibration: fitted factors by knob and scope, how they apply to a machine, and how they are kept in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from carbonscaling.arrays import floats
from carbonscaling.calibration.knobs import KNOBS
from carbonscaling.calibration.power import MeasuredPower
from carbonscaling.catalog.parsed import parsed
from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError
from carbonscaling.files import PACKAGE
from carbonscaling.hardware.device import Device
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number
from carbonscaling.record import Same, dataclass

__all__ = [
    "UNKNOWN",
    "Calibration",
    "Constant",
    "apply",
    "calibrated",
    "factored",
    "family",
    "load_calibration",
    "shipped_calibration",
    "to_toml",
]

ALL = "all"
UNKNOWN = ""
"""Stack of a row that names none: no factor is fitted for it."""
WIDEST, LARGEST = 20.0, 1e6
"""Bounds on what a file may say: on coefficients of an interval (logarithms), and on factors."""
MOST_WATTS = 1e5
"""More than any accelerator draws."""


@dataclass(frozen=True)
class Constant:
    """One fitted factor.

    Attributes
    ----------
    knob, scope : str
        Which constant, and the architecture, device, stack or ``all`` it holds for.
    value : float
        Factor on the device-level value.
    low, high : float
        One standard deviation of the fit on either side, in the factor.
    prior_spread : float
    n_rows, n_sources : int
        Measurements it was fitted on.
    """

    knob: str
    scope: str
    value: float
    low: float
    high: float
    prior_spread: float
    n_rows: int
    n_sources: int


@dataclass(frozen=True)
class Calibration:
    """Fitted factors with what the intervals need.

    Attributes
    ----------
    title : str
    constants : tuple of Constant
    interval : Mapping[str, float]
        Both ends of a speed by feature, learnt from rows whose whole source was left out (`calibration.interval`), and the
        width of memory's.
    power : MeasuredPower, optional
        What the user's own devices were seen to draw.
    """

    title: str
    constants: tuple[Constant, ...] = ()
    interval: Mapping[str, float] = field(default_factory=dict)
    power: MeasuredPower | None = None

    def factor(self, knob: str, scope: str = ALL) -> float:
        """Return a factor; 1 where it was never fitted."""
        return self._values.get((knob, scope), 1.0)

    @cached_property
    def _values(self) -> dict[tuple[str, str], float]:
        return {(c.knob, c.scope): c.value for c in reversed(self.constants)}  # of two the first counts

    def factors(self, architectures: Sequence[str], devices: Sequence[str], stacks: Sequence[str]) -> dict[str, Any]:
        """Return every knob's factors as arrays, one entry per row; `stacks` by family, a slash, and name."""
        families = [name.partition("/")[0] for name in stacks]
        by_scope = {"architecture": architectures, "device": devices, "stack": families, "member": stacks}
        found: dict[str, Any] = {}
        for knob in KNOBS:
            if knob.scope == "all":
                found[knob.name] = self.factor(knob.name)
            else:
                names = by_scope[knob.scope]
                table = {name: self.factor(knob.name, name) for name in set(names)}
                found[knob.name] = np.array([table[name] for name in names])
        return found

    def ends(self, features: Mapping[str, float]) -> tuple[float, float] | None:
        """Return how far a step time may lie below and above the predicted one, on the logarithm; None where none was learnt.

        Parameters
        ----------
        features : Mapping[str, float]
            What the run is, by the names of `calibration.interval.FEATURES`: 1 where it holds, or how much of it.
        """
        if "fast_base" not in self.interval:
            return None
        much = {"base": 1.0, **features}
        slow, fast = (
            float(np.exp(sum(self.interval.get(f"{side}_{name}", 0.0) * x for name, x in much.items())))
            for side in ("slow", "fast")
        )
        return slow, fast

    def sources(self, scope: str) -> int:
        """Return how many sources the constants of an architecture or stack were fitted on."""
        return max((c.n_sources for c in self.constants if c.scope == scope), default=0)

    def seen(self, scope: str) -> bool:
        """Whether any constant was fitted for this architecture or stack."""
        return any(c.scope == scope for c in self.constants)


def family(device: Device) -> str:
    """Architecture that constants are fitted for: every TPU generation is one, GPUs by their name."""
    return "TPU" if device.kind == "tpu" else device.architecture


def apply(machine: Machine, f: Mapping[str, Number]) -> Machine:
    """Return the machine with factors applied.

    The stack's ``software`` factor lengthens the whole step: every rate is divided by it, every latency multiplied.

    Parameters
    ----------
    machine : Machine
        Fields may be arrays, one entry per row.
    f : Mapping
        A factor per knob, as `Calibration.factors` returns them.
    """
    silicon, formats, software = machine
    low_bits = formats.peak > 1.5 * formats.peak_attention
    wide = f["training_gemm"] * f["gemm"] * f["device"]
    gemm = wide * np.where(low_bits, f["gemm_low"], 1.0)
    head = wide * np.where(formats.peak_head > 1.5 * formats.peak_attention, f["gemm_low"], 1.0)
    attention = f["training_attention"] * f["attention"] * f["stack_attention"]
    slow = f["software"] * f["software_member"]
    return machine.changed(
        peak=formats.peak / slow,
        peak_attention=formats.peak_attention / slow,
        peak_head=formats.peak_head / slow,
        vector_time=formats.vector_time * slow,
        bandwidth=silicon.bandwidth / slow,
        gemm_efficiency=np.minimum(formats.gemm_efficiency * gemm, 0.95),
        head_efficiency=np.minimum(formats.head_efficiency * head, 0.95),
        grouped_efficiency=np.minimum(formats.grouped_efficiency * gemm * f["grouped"], 0.95),
        batched_efficiency=np.minimum(formats.batched_efficiency * attention, 0.95),
        attention_forward=np.minimum(software.attention_forward * attention, 0.95),
        attention_backward=np.minimum(software.attention_backward * attention, 0.95),
        elementwise=software.elementwise * f["elementwise"] * f["stack_elementwise"],
        kernel_latency=silicon.kernel_latency * f["kernel_latency"] * slow,
        link_latency=silicon.link_latency * f["link_latency"] * slow,
        nic_latency=silicon.nic_latency * f["nic_latency"] * slow,
        link=silicon.link * f["link"] / slow,
        nic=silicon.nic * f["nic"] / slow,
        imbalance=software.imbalance * f["imbalance"],
        exchange=silicon.exchange * f["exchange"],
        overlap=np.minimum(software.overlap * f["overlap"], 0.98),
        straggler=silicon.straggler * f["straggler"],
        straggler_gather=silicon.straggler_gather * f["straggler"],
        step_overhead=software.step_overhead * f["step_overhead"] * slow,
        layer_launch=software.layer_launch * f["layer_launch"] * slow,
        product_launch=software.product_launch * slow,
        moe_launch=software.moe_launch * f["layer_launch"] * f["moe_launch"] * slow,
        apart_launch=software.apart_launch * f["layer_launch"] * f["moe_launch"] * slow,
    )


def calibrated(machine: Machine, device: Device, stack: str, calibration: Calibration) -> Machine:
    """Return one device's machine under a calibration, in plain numbers; `stack` is its lineage."""
    return _calibrated(machine, Same(device), stack, Same(calibration))


@lru_cache(maxsize=64)
def _calibrated(machine: Machine, device: Same, stack: str, calibration: Same) -> Machine:
    found: Machine = floats(factored(machine, device.it, stack, calibration.it))
    return found


def factored(machine: Machine, device: Device, stack: str, calibration: Calibration) -> Machine:
    """Return the same of a machine whose numbers may be arrays."""
    names = {"all": ALL, "architecture": family(device), "device": device.id, "member": stack}
    names["stack"] = stack.partition("/")[0]
    return apply(machine, {knob.name: calibration.factor(knob.name, names[knob.scope]) for knob in KNOBS})


def to_toml(calibration: Calibration, header: str) -> str:
    """Return a calibration as the text of a TOML file."""
    lines = [
        *(f"# {line}" for line in header.splitlines()),
        f"title = {json.dumps(calibration.title)}",
        "",
        "[interval]",
    ]
    lines += [f"{name} = {value!r}" for name, value in calibration.interval.items()]
    if calibration.power is not None:
        own = asdict(calibration.power)
        watts = {k: v for k, v in own.pop("watts").items() if v not in (None, "")}
        lines += ["", "[power]", *_keys(own), "", "[power.watts]", *_keys(watts)]
    for c in calibration.constants:
        lines += ["", "[[constants]]", *_keys(asdict(c))]
    return "\n".join(lines) + "\n"


def _keys(table: Mapping[str, Any]) -> list[str]:
    return [f"{k} = {json.dumps(v) if isinstance(v, str) else repr(v)}" for k, v in table.items()]


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises
    ------
    InputError
        The file cannot be read, has unknown or missing keys, or a number that no fit gives.
    """
    found = build(Calibration, read_toml(path), str(path))
    needed = {name: found.interval.get(name) for name in ("fast_base", "slow_base")} if found.interval else {}
    for key, number in (needed | dict(found.interval)).items():
        if number is None or not abs(number) <= WIDEST:
            _refuse(f"interval.{key}", number, f"a number from -{WIDEST:g} to {WIDEST:g}", path)
    for constant in found.constants:
        for number in (constant.value, constant.low, constant.high):
            if not 1 / LARGEST <= number <= LARGEST:
                _refuse(
                    f"{constant.knob} of {constant.scope}",
                    number,
                    f"a factor from {1 / LARGEST:g} to {LARGEST:g}",
                    path,
                )
    if found.power is not None:
        watts = found.power.watts
        if watts.unit not in ("W", "kW") or not 0.0 < watts.si_range[0] <= watts.si_range[1] <= MOST_WATTS:
            _refuse("power.watts", watts.value, f"watts of one accelerator, more than 0, at most {MOST_WATTS:g}", path)
    return found


def _refuse(key: str, value: object, allowed: str, path: Path) -> None:
    raise InputError(
        "unusable calibration", where=str(path), key=key, value=value, allowed=allowed,
        remedy="write the file with: carbonscaling calibrate -o FILE.toml",
    )  # fmt: skip


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Return the calibration fitted on all shipped measurements; an empty one where none is shipped."""
    file = PACKAGE / "catalog" / "calibration.toml"
    if not file.is_file():
        return Calibration("no calibration")
    data = parsed(file.read_text(encoding="utf-8"))
    constants = tuple(Constant(**row) for row in data.get("constants", ()))
    return Calibration(data["title"], constants, data["interval"])
