"""EU AI Act, Annex XI section 1: computational resources and energy of a general-purpose model's training.

The rows are those of the Commission's model documentation form (Code of Practice, chapter on transparency), whose
readers differ: the AI Office gets figures, national authorities ranges.
"""

from __future__ import annotations

import math

from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.text import conventions, significant, span
from carbonscaling.words import plain

__all__ = ["annex_xi", "duration_range"]

BENCHMARK_TOKENS = 100_000
MONTH_DAYS = 365.25 / 12.0


def duration_range(days: float) -> str:
    """Return the form's range that a duration falls in.

    >>> duration_range(20.0), duration_range(100.0)
    ('less than 1 month', '3 to 6 months')
    """
    ends = ((1, "less than 1 month"), (3, "1 to 3 months"), (6, "3 to 6 months"))
    return next((words for months, words in ends if days < months * MONTH_DAYS), "more than 6 months")


def _power(value: float, unit: str) -> str:
    """Return a figure as the form writes it, with two significant figures.

    >>> _power(5148.0, "MWh"), _power(0.0, "MWh")
    ('5.1 x 10^3 MWh', '0 MWh')
    """
    if not value:
        return f"0 {unit}"
    order = math.floor(math.log10(value))
    mantissa = f"{value / 10**order:.1f}"
    if mantissa == "10.0":
        mantissa, order = "1.0", order + 1
    return f"{mantissa} x 10^{order} {unit}"


def _inference(r: Record) -> tuple[str, str]:
    if r.forward_flops_per_token is None:
        return "not known", "needs the FLOPs of a forward pass, which a saved answer of this version has"
    task = f"processing {BENCHMARK_TOKENS:,} tokens on {r.n_devices} x {r.device}"
    how = "the forward pass of the trained model, counted from its architecture; computed, not metered"
    return _power(r.forward_flops_per_token * BENCHMARK_TOKENS, "FLOP"), f"{task}: {how}"


def _method(r: Record) -> str:
    """Return how the computation figure was found, with what is trained where that is not every weight."""
    usual = "floating-point operations of forward and backward pass per token, times training tokens"
    kept = () if r.train in ("", "full", "continued", "sft") else (f"gradients of what is trained alone ({r.train})",)
    taught = (f"the forward pass of the teacher, {r.teacher}, counted too",) if r.teacher else ()
    return "; ".join((usual, *kept, *taught))


def annex_xi(r: Record) -> str:
    """Return the lines of points 2(d) and 2(e), in the units of the Commission's model documentation form.

    Training time is in days and device-days (AI Office) and as a range of months (national authorities), energy in MWh
    with two significant figures at least, inference as the computation of a benchmark.
    """
    flops = _power(r.training_flops, "FLOP") if r.training_flops else "not known"
    measured = r.kind == "measured" and not r.energy_method.startswith("estimated")
    what = "Known energy consumption (training)" if measured else "Estimated energy consumption (training)"
    days = r.duration_h / 24.0
    inference, task = _inference(r)
    beside = [line for line in r.lines[1:] if line.energy_kwh]
    rows = [
        (
            "Training time, for the AI Office",
            f"{significant(days, 2)} days wall clock; {_power(r.device_hours / 24.0, f'{r.device} days')}",
        ),
        ("Training time, for national authorities", duration_range(days)),
        ("Amount of computation used for training", flops),
        ("Methodology of the computation figure", _method(r)),
        (what, f"{_power(r.energy_kwh / 1000.0, 'MWh')} (interval {span(r, 'energy_kwh', 1e-3)} MWh), final run"),
        *(
            (f"Energy beside the final run: {line.name.replace('_', ' ')}", f"{significant(line.energy_kwh / 1000.0)} MWh")
            for line in beside
        ),
        ("Energy of the whole project", f"{significant(r.project.energy_kwh / 1000.0)} MWh"),
        ("Methodology of the energy figure", f"facility energy, PUE {r.pue:.3g}; {r.energy_method}"),
        ("Benchmarked amount of computation used for inference", inference),
        ("Methodology of the inference figure", task),
        ("Hardware", f"{plain(r.n_devices)} x {r.device}, {r.where}"),
    ]  # fmt: skip
    body = "\n".join(f"| {name} | {value} |" for name, value in rows)
    notes = "\n".join(f"- {line}" for line in conventions(r))
    return (
        f"# Annex XI, section 1, points 2(d) and 2(e): {r.model or 'model'}\n\n"
        f"| Item | Statement |\n|---|---|\n{body}\n\n{notes}\n"
    )
