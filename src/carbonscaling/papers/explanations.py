"""What lies behind claims that differ, or that only just hold: each computed, printed with its numbers, adopted nowhere."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np

from carbonscaling.carbon.footprint import footprint
from carbonscaling.papers import v1, v2
from carbonscaling.papers.curves import saving
from carbonscaling.papers.engine import best_steps, layouts, step_times
from carbonscaling.papers.figure import Outcome
from carbonscaling.papers.generations import GPUS
from carbonscaling.papers.study import V1_LIMITS, V1_WIDTHS, V2_WIDTHS, Point, Study, carbon
from carbonscaling.papers.task import chip_of, training_of
from carbonscaling.papers.v2.changes import BANDS
from carbonscaling.papers.variants import Engine, variant
from carbonscaling.perf.gemm import systolic_cycles
from carbonscaling.record import dataclass
from carbonscaling.units import DAY, KWH

__all__ = ["Explanation", "explanations", "exposed_traffic", "undivided"]

PRINTED = {"5 years": 0.62, "10 years": 0.83, "8-bit training": 0.42}
"""Savings of version 2's figure 6."""
REACHED = 0.7
"""Share of peak of a step that is compute alone: the engine's, of a B100."""
CLEANEST = 2.73
"""g/kWh of version 2's europe-north2."""
YEAR = 365.0 * DAY
EVERY = 2.0**70
"""More devices than any layout has."""
BESIDE: tuple[Engine, ...] = ("S", "F")
FIGURES_OF = {**v1.FIGURES, **v2.FIGURES}


@dataclass(frozen=True)
class Explanation:
    """One finding.

    Attributes
    ----------
    claims : tuple of str
    title, finding : str
        The finding in a sentence or two, with its numbers.
    table : tuple of tuple of str
        The head first; may be empty.
    """

    claims: tuple[str, ...]
    title: str
    finding: str
    table: tuple[tuple[str, ...], ...] = ()


def _points(study: Study, version: str) -> dict[str, Point]:
    return {name: p for name in GPUS if (p := study.point(version, name, study.trillion)).found is not None}


def _few_layouts(study: Study) -> Explanation:
    rows = [("width", "devices", "layouts", "median over shortest step", "carbon of the median over the optimum's")]
    for d in V1_WIDTHS:
        task, p = study.task("v1", "B100", d), study.point("v1", "B100", d)
        if p.found is not None:
            n_devices = p.found.n_devices
            steps = best_steps(variant(task.engine), chip_of(task), training_of(task), float(n_devices))
            longer, dearer = float(np.median(steps)) / min(steps), study.median_carbon("v1", "B100", d) / carbon(p)
            rows.append((f"{d:,}", f"{n_devices:,}", f"{len(steps)}", f"{longer:.2f}", f"{dearer:.2f}"))
    return Explanation(
        ("v1-fig5a",), "Few layouts exist on small counts",
        "Algorithm 1 stops at the first count on which anything trains in time. On the small ones few (N_TP, N_DP, N_PP) "
        "multiply to it, each arranged at its best, and their median is close to the optimum.", tuple(rows),
    )  # fmt: skip


def _equal_power(study: Study) -> Explanation:
    rows = [("version, GPU", "rated W", "utilisation", "days", "operational kg a device", "of them a day")]
    for version in ("v1", "v2"):
        for name, p in _points(study, version).items():
            days, use = (p.found.duration_s / DAY, p.found.utilisation) if p.found else (0.0, 0.0)
            kg, watts = p.kg_per_device[0], float(p.numbers.busy_w)
            rows.append(
                (f"{version}, {name}", f"{watts:.0f}", f"{use:.3f}", f"{days:.1f}", f"{kg:.1f}", f"{kg / days:.3f}")
            )
    return Explanation(
        ("v1-fig7a", "v2-fig5a"), "H100 and B100 have one printed TDP",
        "Carbon per device rises with the generation as power and days do. Both are printed with 700 W, so the last step "
        "rests on which of them takes more days and is used more: on the device counts that the divisibility rules allow, "
        "not on power.", tuple(rows),
    )  # fmt: skip


def _share(study: Study) -> Explanation:
    rows = [("GPU", "embodied kg", "with its share of a host", "power W with its share of a host", "kg per W")]
    for name, p in _points(study, "v1").items():
        n, power = p.numbers, float(p.parts().device_power_w) + p.numbers.host_w / p.numbers.devices_per_host
        whole = n.device_kg + n.host_kg / n.devices_per_host
        rows.append((name, f"{n.device_kg:.0f}", f"{whole:.0f}", f"{power:.0f}", f"{whole / power:.3f}"))
    return Explanation(
        ("v1-fig7b",), "The V100 embodies more carbon a watt than the A100",
        "The embodied share grows with kilograms per watt, whatever the search finds. By the printed tables the V100 has 32 GB "
        "of HBM2 and its part of 32 TB of storage on 250 W; the A100's power grows faster than what it embodies.", tuple(rows),
    )  # fmt: skip


def _least_step(study: Study, d_model: int, aggressive: bool) -> tuple[float, float, float]:
    """Return batch in tokens, seconds that the deadline leaves for a step, and the fastest step on any number of devices."""
    task = study.task("v1", "B100", d_model, aggressive=aggressive)
    run, chip = training_of(task), chip_of(task)
    fastest = min(float(step_times(variant(task.engine), chip, run, s).min()) for s, _ in layouts(run, 1.0, EVERY))
    return run.batch_tokens, task.inputs.deadline * DAY * run.batch_tokens / run.n_tokens, fastest


def _widest(study: Study) -> Explanation:
    rows = [("width", "critical batch", "tokens", "s left for a step", "s of the fastest step on any count", "trains")]
    for d in V1_LIMITS[-3:]:
        for aggressive in (False, True):
            tokens, left, fastest = _least_step(study, d, aggressive)
            law, trains = "C^0.33" if aggressive else "C^1/6", "yes" if fastest <= left else "no"
            rows.append((f"{d:,}", law, f"{tokens:.2e}", f"{left:.3g}", f"{fastest:.3g}", trains))
    return Explanation(
        ("v1-fig9-large", "v1-fig10"), "The largest widths train only with the aggressive batch",
        "A larger batch means fewer steps. With C^1/6 a step would have to end sooner than the fastest layout on any number "
        "of devices allows: more devices shorten it only down to the way of one micro-batch through all layers.", tuple(rows),
    )  # fmt: skip


def exposed_traffic(study: Study, compute_share: float) -> dict[str, float]:
    """Return version 2's savings, mean over sizes, if the rest of a B100 step were exposed traffic.

    Traffic that grows with the link (1.11 a year) and that 8 bit does not cut; compute grows 1.3 a year, and 8 bit doubles it.
    """
    changes: dict[str, tuple[float, float, dict[str, Any]]] = {
        "5 years": (1.3**5, 1.11**5, {"years": 5}), "10 years": (1.3**10, 1.11**10, {"years": 10}),
        "8-bit training": (2.0, 1.0, {"precision": "qat-fp8"}),
    }  # fmt: skip
    found = {}
    for name, (faster, link, change) in changes.items():
        times, use = compute_share / faster + (1.0 - compute_share) / link, compute_share * REACHED
        saved = []
        for p in study.row("v2", "B100", V2_WIDTHS):
            if p.found is not None:
                n, then = p.found.n_devices, study.point("v2", "B100", p.d_model, searched=False, **change).numbers
                before = footprint(p.numbers, n, p.found.duration_s, use)
                after = footprint(then, n, p.found.duration_s * times, use / (faster * times))
                saved.append(saving(float(before.total_kg), float(after.total_kg)))
        found[name] = sum(saved) / len(saved)
    return found


def _exposed(study: Study) -> Explanation:
    shares = np.round(np.arange(0.5, 1.0001, 0.005), 3)
    tried = [exposed_traffic(study, float(c)) for c in shares]
    best = int(np.argmin([max(abs(t[name] - want) for name, want in PRINTED.items()) for t in tried]))
    rows = [("saving", "printed", f"with {100 * shares[best]:.1f} % compute", "compute that gives the printed one")]
    for name, want in PRINTED.items():
        alone = shares[int(np.argmin([abs(t[name] - want) for t in tried]))]
        rows.append((name, f"{100 * want:.0f} %", f"{100 * tried[best][name]:.1f} %", f"{100 * alone:.1f} %"))
    off = max(abs(tried[best][name] - want) for name, want in PRINTED.items())
    return Explanation(
        ("v2-fig6a-5y", "v2-fig6a-10y", "v2-fig6b"), "62, 83 and 42 % follow from one number",
        f"If {100 * shares[best]:.1f} % of a B100 step is compute, at {100 * REACHED:.0f} % of peak, and the rest exposed "
        f"traffic that grows 1.11 a year and is not cut by 8 bit, all three savings follow to {100 * off:.1f} points.",
        tuple(rows),
    )  # fmt: skip


def undivided(p: Point) -> tuple[float, float]:
    """Return operational and embodied kg of a device whose hosts draw nothing and that embodies its days of one year.

    Version 2's hardware lives six years; here they are not divided out.
    """
    duration_s, use = (p.found.duration_s, p.found.utilisation) if p.found else (np.nan, np.nan)
    parts = footprint(p.numbers._replace(host_w=0.0, host_idle_w=0.0), 1, duration_s, use)
    return float(parts.operational_kg), float(p.numbers.device_kg) * duration_s / YEAR


def _undivided(study: Study) -> Explanation:
    rows: list[tuple[str, ...]] = [
        ("engine", "operational kg", "embodied kg", "embodied", "saved at 2.73 g", "embodied there")
    ]
    shares: list[tuple[float, ...]] = []
    for engine in BESIDE:
        p = study.with_engine(engine).point("v2", "B100", study.trillion)
        operational, embodied = undivided(p)
        cleaner = CLEANEST / (float(p.numbers.carbon_intensity) * 1000.0 * KWH)
        total, clean = operational + embodied, operational * cleaner + embodied
        shares.append((embodied / total, 1.0 - clean / total, embodied / clean))
        rows.append((engine, f"{operational:.0f}", f"{embodied:.0f}", *(_span([share]) for share in shares[-1])))
    of_total, saves, there = (_span([s[i] for s in shares]) for i in range(3))
    return Explanation(
        ("v2-fig7a", "v2-fig7b"), "80 and 97 % follow if the six years are never divided out",
        f"A B100 embodies {float(p.numbers.device_kg):.0f} kg by the printed tables. Charged for its days out of one year "
        f"instead of six, with hosts that draw nothing, that is {of_total} of the total at 323 g/kWh; the cleanest region "
        f"saves {saves}, and embodied carbon is {there} there.", tuple(rows),
    )  # fmt: skip


def _span(shares: Sequence[float]) -> str:
    """Return shares as a range of whole percentages.

    >>> _span([0.16, 0.17]), _span([0.831, 0.829])
    ('16 to 17 %', '83 %')
    """
    low, high = (f"{100 * end:.0f}" for end in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _close(study: Study) -> Explanation:
    """Return how far the verdicts that rest on a number stand from their bars."""
    rows = [("claim", "ours", "bar", "verdict")]
    ours: dict[str, Outcome] = {}
    for name in ("v1-fig4", "v1-fig9", "v2-fig6"):
        ours |= FIGURES_OF[name](study).outcomes
    bars = {"v1-fig4-ratio": "2 to 5", "v1-fig9-large": "aggressive batch 20 % or more"}
    bars |= {name: f"{low:.2f} to {high:.2f}" for name, (low, high) in BANDS.items()}
    rows += [(name, str(ours[name].ours), bar, ours[name].verdict) for name, bar in bars.items()]
    return Explanation(
        tuple(bars), "How close verdicts stand to their bars",
        "Bars are ours where the paper prints a word (markedly), and five points around a printed percentage.", tuple(rows),
    )  # fmt: skip


def _systolic() -> Explanation:
    text = resources.files(__package__ or "carbonscaling.papers").joinpath("scalesim.csv").read_text(encoding="utf-8")
    shapes = [{k: int(v) for k, v in row.items()} for row in csv.DictReader(text.splitlines())]
    same = [systolic_cycles(s["m"], s["n"], s["k"], s["rows"], s["columns"]) == s["cycles"] for s in shapes]
    return Explanation(
        ("v2-fig4b",), "TPU kernels against SCALE-Sim",
        f"The cycles of this project's systolic arrays equal those that SCALE-Sim 3.0.0 counts (weight-stationary) on "
        f"{sum(same)} of {len(same)} shapes: arrays are no reason for what differs on TPUs.",
    )  # fmt: skip


EACH: Sequence[Callable[[Study], Explanation]] = (
    _few_layouts, _equal_power, _share, _widest, _exposed, _undivided, _close,
)  # fmt: skip


def explanations(study: Study) -> tuple[Explanation, ...]:
    """Return every explanation for the paper mode with its own engines."""
    return (*(explain(study) for explain in EACH), _systolic())
