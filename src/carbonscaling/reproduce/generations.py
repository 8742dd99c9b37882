"""One model of a trillion parameters over the GPU generations: per device and in total (v1 figure 7, v2 figure 5)."""

from __future__ import annotations

from itertools import pairwise

from carbonscaling.reproduce.curves import descending, untested
from carbonscaling.reproduce.figure import CANNOT, Need, Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.study import Point, Study
from carbonscaling.units import TONNE

__all__ = ["bars", "rises", "totals"]

GPUS = ("V100", "A100", "H100", "B100")
FALL = "least fall of the total from a generation to the next, of the next"
GROWTH = "least growth of the embodied share from a generation to the next (percentage points)"


def _points(study: Study, version: str) -> dict[str, Point]:
    found = {name: study.point(version, name, study.trillion) for name in GPUS}
    return {name: p for name, p in found.items() if p.found is not None}


def _split(p: Point) -> tuple[float, float]:
    """Operational and embodied tonnes."""
    parts = p.parts()
    return float(parts.operational_kg) / TONNE, float(parts.total_kg - parts.operational_kg) / TONNE


def _size(study: Study, version: str) -> str:
    n_params = study.point(version, GPUS[-1], study.trillion).n_params
    return f"d = {study.trillion:,}, {n_params / 1e9:.0f}B parameters"


def bars(study: Study, version: str, per_device: str, total: str) -> tuple[Panel, ...]:
    """Return the two panels under their names."""
    points = _points(study, version)
    names = tuple(points)
    op, emb = zip(*(_split(p) for p in points.values()), strict=True) if points else ((), ())
    n = [p.found.n_devices for p in points.values() if p.found]
    missing = [g for g in GPUS if g not in points]
    note = f"{_size(study, version)}. {'No setting finishes in time on ' + ', '.join(missing) + '.' if missing else ''}".strip()
    kg = [1000.0 / count for count in n]
    return (
        Panel(per_device, "1T model, per device", "", "carbon per device (kg CO2e)",
              (Series("operational", names, tuple(o * k for o, k in zip(op, kg, strict=True))),
               Series("embodied", names, tuple(e * k for e, k in zip(emb, kg, strict=True)))),
              "bars", log_x=False, log_y=False, note=note),
        Panel(total, "1T model, whole training", "", "carbon footprint (tCO2e)",
              (Series("operational", names, op), Series("embodied", names, emb)), "bars", log_x=False, log_y=True, note=note),
    )  # fmt: skip


def rises(study: Study, version: str) -> Outcome:
    """Test whether operational and embodied carbon per device rise with every generation."""
    points = _points(study, version)
    if len(points) < 2:
        return untested()
    n = [p.found.n_devices for p in points.values() if p.found]
    op = [1000 * _split(p)[0] / c for p, c in zip(points.values(), n, strict=True)]
    emb = [1000 * _split(p)[1] / c for p, c in zip(points.values(), n, strict=True)]
    holds = descending(op[::-1]) and descending(emb[::-1])
    text = f"operational {_list(op)} kg, embodied {_list(emb)} kg per device"
    days = ", ".join(f"{p.found.duration_s / 86400:.0f}" for p in points.values() if p.found)
    use = ", ".join(f"{p.found.utilisation:.2f}" for p in points.values() if p.found)
    tdp = "; H100 and B100 have the same printed TDP of 700 W" if study.mode == "paper" else ""
    where = f"{_size(study, version)}; {', '.join(points)}"
    return Outcome(text, _verdict(holds, points), f"{where}; days {days}; utilisation {use}{tdp}{_missing(points)}")


def totals(study: Study, version: str) -> Outcome:
    """Test whether the total falls and the embodied share grows with every generation."""
    points = _points(study, version)
    if len(points) < 2:
        return untested()
    split = [_split(p) for p in points.values()]
    total, share = [sum(s) for s in split], [s[1] / sum(s) for s in split]
    falls, grows = descending(total), descending(share[::-1])
    text = f"total {_list(total)} t, embodied {', '.join(f'{100 * s:.1f}' for s in share)} %"
    why = f"the total {'falls' if falls else 'does not fall'} at every step; the embodied share "
    why += "grows at every step" if grows else "does not grow at every step"
    per_watt = ", ".join(f"{_per_watt(p):.2f}" for p in points.values())
    why += f"; embodied kg per watt drawn, each with its share of a host, which decide the share, are {per_watt}"
    tests = (Need(FALL, min(a / b - 1.0 for a, b in pairwise(total)), 0.0),
             Need(GROWTH, 100.0 * min(b - a for a, b in pairwise(share)), 0.0))  # fmt: skip
    return Outcome(
        text, _verdict(falls and grows, points), f"{', '.join(points)}: {why}{_missing(points)}", tests, len(points)
    )


def _verdict(holds: bool, points: dict[str, Point]) -> str:
    """Return the verdict: some generations do not reproduce a claim on all, but one wrong step refutes it."""
    return CANNOT if holds and len(points) < len(GPUS) else verdict_of(holds)


def _per_watt(p: Point) -> float:
    """Embodied carbon of a device over its power in training, both with its share of a host."""
    n, parts = p.numbers, p.parts()
    power = float(parts.device_power_w) + n.host_w / n.devices_per_host
    return float((n.device_kg + n.host_kg / n.devices_per_host) / power)


def _missing(points: dict[str, Point]) -> str:
    missing = [g for g in GPUS if g not in points]
    return f"; no setting finishes in time on {', '.join(missing)}" if missing else ""


def _list(values: list[float]) -> str:
    return ", ".join(f"{v:.4g}" for v in values)
