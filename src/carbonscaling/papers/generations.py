"""One model of a trillion parameters over the GPU generations: per device and in total (v1 figure 7, v2 figure 5)."""

from __future__ import annotations

from collections.abc import Iterable

from carbonscaling.papers.curves import descending, untested
from carbonscaling.papers.figure import CANNOT, Figure, Outcome, Panel, Series, verdict_of
from carbonscaling.papers.study import Point, Study

__all__ = ["GPUS", "one_model"]

GPUS = ("V100", "A100", "H100", "B100")


def one_model(study: Study, version: str, per_device: str, total: str) -> Figure:
    """Return the two panels and claims under their names.

    Operational and embodied carbon per device rise with every generation; the total falls and the embodied share grows.
    """
    points = {name: p for name in GPUS if (p := study.point(version, name, study.trillion)).found is not None}
    n_params = study.point(version, GPUS[-1], study.trillion).n_params
    size = f"d = {study.trillion:,}, {n_params / 1e9:.0f}B parameters"
    outcomes = untested(per_device, total)
    if len(points) >= 2:
        outcomes = {per_device: _rises(study, points, size), total: _totals(points)}
    return Figure(outcomes, lambda: _bars(points, per_device, total, size))


def _bars(points: dict[str, Point], per_device: str, total: str, size: str) -> tuple[Panel, ...]:
    note = f"{size}{_missing(points)}."

    def stack(kind: int) -> tuple[Series, ...]:
        split = [(p.tonnes, p.kg_per_device)[kind] for p in points.values()]
        names = ("operational", "embodied")
        return tuple(Series(label, tuple(points), tuple(s[i] for s in split)) for i, label in enumerate(names))

    return (
        Panel(per_device, "1T model, per device", "", "carbon per device (kg CO2e)", stack(1), "bars", log_x=False,
              log_y=False, note=note),
        Panel(total, "1T model, whole training", "", "carbon footprint (tCO2e)", stack(0), "bars", log_x=False,
              log_y=True, note=note),
    )  # fmt: skip


def _rises(study: Study, points: dict[str, Point], size: str) -> Outcome:
    op, emb = ([p.kg_per_device[i] for p in points.values()] for i in (0, 1))
    holds = descending(op[::-1]) and descending(emb[::-1])
    days = ", ".join(f"{p.found.duration_s / 86400:.0f}" for p in points.values() if p.found)
    use = ", ".join(f"{p.found.utilisation:.2f}" for p in points.values() if p.found)
    tdp = "; H100 and B100 have the same printed TDP of 700 W" if study.mode == "paper" else ""
    return Outcome(f"operational {_list(op)} kg, embodied {_list(emb)} kg per device", _verdict(holds, points),
                   f"{size}; {', '.join(points)}; days {days}; utilisation {use}{tdp}{_missing(points)}")  # fmt: skip


def _totals(points: dict[str, Point]) -> Outcome:
    total, share = zip(*((op + emb, emb / (op + emb)) for op, emb in (p.tonnes for p in points.values())), strict=True)
    falls, grows = descending(total), descending(share[::-1])
    text = f"total {_list(total)} t, embodied {', '.join(f'{100 * s:.1f}' for s in share)} %"
    why = f"the total {'falls' if falls else 'does not fall'} at every step; the embodied share "
    why += "grows at every step" if grows else "does not grow at every step"
    per_watt = ", ".join(f"{_per_watt(p):.2f}" for p in points.values())
    why += f"; embodied kg per watt drawn, each with its share of a host, which decide the share, are {per_watt}"
    where = f"{', '.join(points)}: {why}{_missing(points)}"
    return Outcome(text, _verdict(falls and grows, points), where)


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


def _list(values: Iterable[float]) -> str:
    return ", ".join(f"{v:.4g}" for v in values)
