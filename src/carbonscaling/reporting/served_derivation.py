"""A serving from the top: a cycle, speed, watts, J a token, Wh and CO2e a request, each in a line that leads to the next."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import tracing
from carbonscaling.reporting.derivation import Stage
from carbonscaling.serving.answer import Served
from carbonscaling.serving.cycle import TERMS, cycle, sharing_experts, tokens_per_s
from carbonscaling.serving.effects import WAITING
from carbonscaling.serving.factors import shipped_factors
from carbonscaling.serving.numbers import Demand
from carbonscaling.serving.port import placed
from carbonscaling.serving.predict import demand_of, draft_of, predict, serving_power, worked
from carbonscaling.words import mass, plain

__all__ = ["served_derivation"]

COUNTS = (*WAITING, "expert_layer", "sum", "exchange")
"""Terms of a cycle that are numbers of something, which a factor turns into seconds."""
SHOWN = 0.005
"""Share of a cycle from which a cause is printed."""


def _cause(name: str, term: float, seconds: float) -> str:
    factor = seconds / term
    made = (
        f"{plain(term)} x {plain(1e6 * factor)} us" if name in COUNTS else f"{plain(1e3 * term)} ms x {plain(factor)}"
    )
    return f"{name.replace('_', ' ')} {made}"


def served_derivation(a: Served) -> list[Stage]:
    """Return the stages of a serving's answer at its peak, with the formulas that were evaluated for each."""
    q, summary, f = a.question, a.summary(), a.footprint
    work = worked([q])
    found = predict(work, shipped_factors())
    terms, seconds = work.terms[:, 0].tolist(), found.seconds[:, 0].tolist()
    total, ranks, gained = sum(seconds), *(float(np.ravel(x)[0]) for x in (work.cycle.ranks, work.cycle.gained))
    idle, tdp, chip = float(work.idle[0]), float(work.tdp[0]), float(work.chip[0])
    batch, hot = float(found.batch[0]), (a.watts - idle) / (chip - idle)
    demand, draft = Demand(*(float(np.ravel(x)[0]) for x in demand_of([q]))), draft_of(q)
    with tracing() as passes:
        cycle(sharing_experts(placed(q)), demand, draft)
    with tracing() as rate:
        tokens_per_s(batch, ranks, total, gained)
    with tracing() as power:
        serving_power(idle, tdp, chip, hot)
    causes = [_cause(*of) for of in zip(TERMS, terms, seconds, strict=True) if of[2] > SHOWN * total]
    requests, wh, grams = a.requests_per_day, summary["wh_per_request"], summary["g_co2e_per_request"]
    each = f"{plain(batch)} sequences" + (f" x {plain(gained)} tokens" if gained > 1.0 else "")
    return [
        Stage("cycle", "each cause as the formulas have it x what measured servings make of it", " + ".join(causes),
              f"{plain(1e3 * total)} ms", tuple(passes)),
        Stage("speed", "tokens of a cycle / (devices that wait for it x cycle)",
              f"{each} / ({plain(ranks)} x {plain(1e3 * total)} ms)", f"{plain(a.speed)} tokens/s a device", tuple(rate)),
        Stage("watts", "idle + (what the chip may draw - idle) x heat, up to the board's rating",
              f"{plain(idle)} + ({plain(chip)} - {plain(idle)}) x {plain(hot)}, up to {plain(tdp)} W",
              f"{plain(a.watts)} W a device", tuple(power)),
        Stage("energy", "watts / speed", f"{plain(a.watts)} W / {plain(a.speed)} tokens/s", f"{plain(a.joules)} J a token", ()),
        Stage("request", "energy of a day with hosts, cooling and idle time / requests of a day",
              f"{plain(f.energy_kwh)} kWh / {plain(requests)}", f"{plain(wh)} Wh a request", ()),
        Stage("carbon", "energy x carbon intensity, and the making of the hardware, / requests of a day",
              f"({mass(f.operational_tco2e)} + {mass(f.embodied_tco2e)} embodied) / {plain(requests)}",
              f"{plain(grams)} g CO2e a request", ()),
    ]  # fmt: skip
