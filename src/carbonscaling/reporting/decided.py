"""A decision for people: what takes the least, how it is trained and served, and where another size wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.study.together.decided import BreakEven, Decided
from carbonscaling.words import count, energy, mass, money, percent, plain

__all__ = ["amount", "decided_page", "decided_words", "shown_points"]

MOST_LINES = 12
"""Break-even points that a page shows."""


def amount(value: float, objective: str) -> str:
    """Return a figure of the objective as people say it.

    >>> amount(3.6e9, "energy"), amount(2e3, "carbon"), amount(1e21, "flops")
    ('1 MWh', '2 tCO2e', '1e+21 FLOP')
    """
    said = {"energy": lambda x: energy(x / 3.6e6), "carbon": lambda x: mass(x / 1e3), "cost": money}
    return said[objective](value) if objective in said else f"{plain(value)} FLOP"


def _between(ends: Sequence[float], objective: str) -> str:
    return f"{amount(ends[0], objective)} to {amount(ends[1], objective)}"


def decided_words(found: Decided) -> list[str]:
    """Return the answer in sentences, a line each."""
    a, d = found.summary(), found.decision
    what = d.objective if d.objective != "flops" else "FLOPs"
    said = [
        f"For a loss of {a['loss']:.4f} and {count(a['served_tokens'])} served tokens: {count(a['params'])} parameters on "
        f"{count(a['tokens'])} tokens take the least {what}.",
        f"{amount(a['total'], d.objective)}: {amount(a['training'], d.objective)} to train, "
        f"{amount(a['serving'], d.objective)} to serve."
        + (f" 90 % lies between {_between(a['interval'], d.objective)}." if found.estimate else ""),
    ]
    if a["saved"] is not None and a["saved"] >= 0.0:
        given = f"{count(d.params)} on {count(float(found.n_tokens[-1]))}"
        since = a["less_than_compared_from"]
        always = f"; it takes less above {count(since)} served tokens" if since else ""
        said.append(
            f"That is {amount(a['saved'], d.objective)} or {percent(a['saved_share'])} less than {given}{always}."
        )
    if "train" in a:
        t, s = a["train"], a["serve"]
        begin = f" from {t['start']}" if t["start"] else ""
        said += [
            f"Train on {t['n_devices']:,} {t['device']} in {t['place']}{begin}, batch {t['batch']:,.0f}: "
            f"{plain(t['days'])} days.",
            f"Serve on {s['device']}, TP {s['tp']}, {s['in_flight']:g} requests in flight: "
            f"{plain(s['kwh_per_million_tokens'])} kWh a million tokens.",
        ]
    low, high = a["params_range"]
    if low < high:
        said.append(f"With both intervals against each other it is {count(low)} to {count(high)} parameters.")
    return [*said, *_turns(found), f"{count(a['combinations'])} combinations, every one decided."]


def _turns(found: Decided) -> list[str]:
    """Say from how many served tokens on the answer's neighbours win, and which."""
    points = found.break_even
    at = next((i for i, point in enumerate(points) if point.place == found.best), None)
    if at is None:
        return []
    said = []
    if at + 1 < len(points):
        after = points[at + 1]
        said.append(f"Above {_tokens(after)} served tokens {_size(found, after)} wins.")
    if at > 0:
        said.append(f"Below {_tokens(points[at])} served tokens {_size(found, points[at - 1])} wins.")
    return said


def _size(found: Decided, point: BreakEven) -> str:
    return f"{count(float(found.n_params[point.place]))} on {count(float(found.n_tokens[point.place]))}"


def _tokens(point: BreakEven) -> str:
    between = f" ({count(point.low)} to {count(point.high)})" if point.low < point.high else ""
    return f"{count(point.served)}{between}"


def shown_points(found: Decided) -> list[BreakEven]:
    """Return the break-even points that are shown: all, or every so manieth."""
    points = found.break_even
    return list(points if len(points) <= MOST_LINES else points[:: -(-len(points) // MOST_LINES)])


def decided_page(found: Decided) -> Group:
    """Return the size that takes the least, and from how many served tokens on which one does."""
    first, *rest = decided_words(found)
    parts: list[Any] = [Text(first, style="bold"), *map(Text, rest), Text("")]
    table = figures(("from served tokens", "90 % interval", "parameters", "training tokens"), words=0)
    for b in shown_points(found):
        between = f"{count(b.low)} to {count(b.high)}" if b.low < b.high else "-"
        table.add_row(count(b.served), between, *_size(found, b).split(" on "))
    return Group(*parts, table)
