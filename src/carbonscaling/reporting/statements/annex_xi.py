"""EU AI Act, Annex XI section 1: computational resources and energy of a general-purpose model's training."""

from __future__ import annotations

import math

from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.text import conventions, significant, span
from carbonscaling.words import plain

__all__ = ["annex_xi"]


def annex_xi(r: Record) -> str:
    """Return the lines of points 2(d) and 2(e), in the units of the Commission's model documentation form.

    Energy is in MWh with two significant figures at least; compute is in floating-point operations.
    """
    flops = "not known"
    if r.training_flops:
        order = math.floor(math.log10(r.training_flops))
        flops = f"{r.training_flops:.2e} floating-point operations (order of magnitude 10^{order})"
    measured = r.kind == "measured" and not r.energy_method.startswith("estimated")
    what = "Known energy consumption (training)" if measured else "Estimated energy consumption (training)"
    rows = [
        (
            "Training time",
            f"{plain(r.duration_h)} hours wall clock; {plain(r.device_hours)} device-hours on {r.n_devices} x {r.device}",
        ),
        ("Amount of computation used for training", flops),
        (
            "Methodology of the computation figure",
            "floating-point operations of forward and backward pass per token, times training tokens",
        ),
        (what, f"{significant(r.energy_kwh / 1000.0)} MWh (interval {span(r, 'energy_kwh', 1e-3)} MWh)"),
        ("Methodology of the energy figure", f"facility energy, PUE {r.pue:.3g}; {r.energy_method}"),
        ("Benchmarked inference energy", "not part of this statement"),
    ]
    body = "\n".join(f"| {name} | {value} |" for name, value in rows)
    notes = "\n".join(f"- {line}" for line in conventions(r))
    return (
        f"# Annex XI, section 1, points 2(d) and 2(e): {r.model or 'model'}\n\n"
        f"| Item | Statement |\n|---|---|\n{body}\n\n{notes}\n"
    )
