"""An answer as figures: where time, memory, energy and carbon go; the front; other places; several answers together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.reporting.bars import label
from carbonscaling.reporting.rows_plot import ACCENT, REST, axes_of
from carbonscaling.study.estimate import Estimate
from carbonscaling.units import DAY, GB, KWH, TONNE
from carbonscaling.words import percent

__all__ = ["answers_figure", "front_figure", "parts_figure", "places_figure"]

NEGLIGIBLE = 1e-3
"""Share below which a part has no bar."""
SHOWN = 12
COMPARED = (
    ("device_hours", "device-hours"), ("duration_days", "days"), ("energy_kwh", "energy, kWh"),
    ("carbon_total_tco2e", "carbon, tCO2e"), ("cost_usd", "cost, $"),
)  # fmt: skip


def _bars(axes: Any, title: str, parts: Mapping[str, float], unit: str) -> None:
    whole = sum(parts.values())
    shown = sorted(((v, label(k)) for k, v in parts.items() if v > NEGLIGIBLE * whole))
    drawn = axes.barh([name for _, name in shown], [value for value, _ in shown], color=ACCENT)
    axes.bar_label(drawn, [f" {percent(value / whole)}" for value, _ in shown], fontsize="small")
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
    axes.set_title(title, fontsize="medium", loc="left")
    axes.set_xlabel(unit, fontsize="small")


def parts_figure(answer: Estimate) -> Any:
    """Return four panels of bars: seconds of a step, memory of the fullest device, energy, carbon."""
    figure, spare = axes_of("", "", height=6.5)
    spare.remove()
    figure.set_size_inches(11, 6.5)
    data, parts = answer.to_dict(), answer.footprint.parts._asdict()
    step = {k: v for k, v in data["step_time_s"].items() if k != "total"}
    memory = {k: v / GB for k, v in data["memory_bytes"].items() if k not in ("total", "limit")}
    joules = {k: float(v) / KWH / 1e3 for k, v in parts.items() if k.endswith("_energy_j")}
    tonnes = {k: float(v) / TONNE for k, v in parts.items() if k.endswith("_kg") and k != "total_kg"}
    beside = data["carbon"]["boundary"]
    tonnes |= {x["name"]: x["operational_tco2e"] + x["embodied_tco2e"] for x in beside if x["share"]}
    panels = (("Time of a step", step, "s"), ("Memory of the fullest device", memory, "GB"),
              ("Energy", joules, "MWh"), ("Carbon", tonnes, "tCO2e"))  # fmt: skip
    for axes, (title, values, unit) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        _bars(axes, title, values, unit)
    figure.suptitle(answer.headline.split("\n")[0], fontsize="medium")
    return figure


def front_figure(answer: Estimate) -> Any:
    """Return run time against carbon and, where prices are known, against cost, as stairs; numbers are devices.

    Raises
    ------
    InputError
        The answer's device count was given: nothing is traded.
    """
    found = answer.search.front if answer.search is not None else ()
    if len(found) < 2:
        raise InputError("the answer has no front", key="kind", value="front", allowed="a plan over several device counts",
                         remedy="leave out devices, or draw kind='parts'")  # fmt: skip
    rows = sorted((c.duration_s / DAY, c.carbon_kg / TONNE, c.cost_usd / 1e6, c.n_devices) for c in found)
    measures = [(1, "carbon, tCO2e")] + [(2, "cost, M$")] * all(math.isfinite(row[2]) for row in rows)
    figure, all_axes = axes_of("days", "", rows=len(measures), height=2.8 * len(measures) + 0.6)
    for axes, (i, name) in zip(all_axes if len(measures) > 1 else [all_axes], measures, strict=True):
        stair: list[tuple[Any, ...]] = []
        for row in rows:
            if not stair or row[i] < stair[-1][i]:
                stair.append(row)
        axes.step([row[0] for row in stair], [row[i] for row in stair], where="post", color=ACCENT)
        axes.plot([row[0] for row in rows], [row[i] for row in rows], "o", markersize=3, color=ACCENT)
        here = next((row for row in rows if row[3] == answer.n_devices), None)
        if here is not None:
            axes.plot(here[0], here[i], "o", markersize=8, color=REST)
        for row in stair:
            axes.annotate(f"{row[3]:,}", (row[0], row[i]), (4, 4), textcoords="offset points", fontsize="small")
        axes.set_ylabel(name)
    return figure


def places_figure(data: Mapping[str, Any]) -> Any:
    """Return the run's carbon in its own place and in those of least carbon; `data` as `beside.regions` has it."""
    own = [row for row in data["rows"] if row["region"] == data["region"]]
    rows = [*own, *[row for row in data["rows"] if row not in own][:SHOWN]][::-1]
    figure, axes = axes_of("carbon, tCO2e", "")
    names = [f"{row['region']} {row['country']}, {row['carbon_intensity_g_per_kwh']:.3g} g/kWh" for row in rows]
    first = [row["operational_tco2e"] for row in rows]
    axes.barh(names, first, color=ACCENT, label="operation")
    axes.barh(names, [row["total_tco2e"] - o for row, o in zip(rows, first, strict=True)], left=first, color=REST,
              label="embodied and beside the run")  # fmt: skip
    axes.tick_params(labelsize="small")
    axes.legend(fontsize="small", frameon=False)
    return figure


def answers_figure(answers: Sequence[Estimate], names: Sequence[str] = ()) -> Any:
    """Return several answers side by side, each figure over the first answer's, with 90 % intervals.

    Parameters
    ----------
    answers : sequence of Estimate
    names : sequence of str, optional
        What each is called; without them its devices, or its region where these are alike.
    """
    called = names or _names(answers)
    kept = [(key, name) for key, name in COMPARED if all(a.summary()[key] is not None for a in answers)]
    figure, axes = axes_of("over the first", "", height=1.2 + 0.9 * len(kept))
    for j, (answer, name) in enumerate(zip(answers, called, strict=True)):
        summary, spans = answer.summary(), answer.intervals
        color = (ACCENT, REST)[j] if len(answers) == 2 else f"C{j}"
        for i, (key, _) in enumerate(kept):
            first, y = answers[0].summary()[key], -i - 0.8 * (j - (len(answers) - 1) / 2) / len(answers)
            low, high = spans.get(key, (summary[key], summary[key]))
            axes.plot([low / first, high / first], [y, y], color=color, alpha=0.5, linewidth=3)
            axes.plot(summary[key] / first, y, "o", color=color, label=name if i == 0 else None)
    axes.axvline(1.0, color="0.7", linewidth=0.8, zorder=0)
    axes.set_yticks([-i for i in range(len(kept))], [name for _, name in kept])
    axes.set_xlim(left=0)
    axes.legend(fontsize="small", frameon=False)
    return figure


def _names(answers: Sequence[Estimate]) -> list[str]:
    devices = [f"{a.n_devices:,} x {a.resolved.cluster.device.name}" for a in answers]
    if len(set(devices)) == len(devices):
        return devices
    return [f"{name}, {a.footprint.region}" for name, a in zip(devices, answers, strict=True)]
