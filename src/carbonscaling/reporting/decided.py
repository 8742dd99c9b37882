"""A decision for people: what takes the least, how it is trained and served, and where another size wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.words import count, counted, energy, mass, money, percent, plain

__all__ = ["POINTS", "amount", "decided_page", "decided_words", "point_rows"]

Data = Mapping[str, Any]
POINTS = ("from served tokens", "90 % interval", "parameters", "training tokens")
ALIKE = 1e-6
"""Share of a total below which two are the same."""
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
    return f"{amount(ends[0], objective)} and {amount(ends[1], objective)}"


def decided_words(data: Data) -> list[str]:
    """Return the answer in sentences, a line each.

    Parameters
    ----------
    data : Mapping
        As `Decided.to_dict`, or a file that ``decide`` saved.
    """
    a, d = data["answer"], data["decision"]
    objective = a["objective"]
    what = objective if objective != "flops" else "FLOPs"
    said = [
        f"For a loss of {a['loss']:.4f} and {count(a['served_tokens'])} served tokens: {count(a['params'])} parameters on "
        f"{count(a['tokens'])} tokens take the least {what}.",
        f"{amount(a['total'], objective)}: {amount(a['training'], objective)} to train, "
        f"{amount(a['serving'], objective)} to serve."
        + (f" 90 % lies between {_between(a['interval'], objective)}." if "train" in a else ""),
    ]
    if a["saved"] is not None and a["saved"] >= 0.0:
        given = f"{count(d['params'])} on {count(a['compared_tokens'])}"
        since = a["less_than_compared_from"]
        always = f"; it takes less above {count(since)} served tokens" if since else ""
        saved = f"{amount(a['saved'], objective)} or {percent(a['saved_share'])} less than"
        said.append(f"That is {saved if a['saved_share'] >= ALIKE else 'as much as'} {given}{always}.")
    if "train" in a:
        t, s = a["train"], a["serve"]
        begin = f" from {t['start']}" if t["start"] else ""
        said += [
            f"Train on {t['n_devices']:,} {t['device']} in {t['place']}{begin}, batch {t['batch']:,.0f}: "
            f"{plain(t['days'])} days.",
            f"Serve on {s['device']}, TP {s['tp']}, {counted(s['in_flight'], 'request')} in flight: "
            f"{plain(s['kwh_per_million_tokens'])} kWh a million tokens.",
        ]
        said += [f"{note[0].upper()}{note[1:]}." for note in s.get("notes", ())]
    low, high = a["params_range"]
    if low < high:
        said.append(f"With both intervals against each other it is {count(low)} to {count(high)} parameters.")
    if a.get("unreached"):
        said.append(
            f"Left out, as no training takes them to this loss: {', '.join(map(count, a['unreached']))} parameters."
        )
    return [*said, *_turns(a), f"{count(a['combinations'])} combinations, every one decided."]


def _turns(a: Data) -> list[str]:
    """Say from how many served tokens on the answer's neighbours win, and which."""
    points = a["break_even"]
    at = next((i for i, point in enumerate(points) if point["params"] == a["params"]), None)
    if at is None:
        return []
    said = []
    if at + 1 < len(points):
        after = points[at + 1]
        said.append(f"Above {_tokens(after)} served tokens {_size(after)} wins.")
    if at > 0:
        said.append(f"Below {_tokens(points[at])} served tokens {_size(points[at - 1])} wins.")
    return said


def _size(point: Data) -> str:
    return f"{count(point['params'])} on {count(point['tokens'])}"


def _tokens(point: Data) -> str:
    low, high = point["interval"]
    return f"{count(point['served_tokens'])}" + (f" ({count(low)} to {count(high)})" if low < high else "")


def point_rows(data: Data) -> list[tuple[str, str, str, str]]:
    """Return where another size wins, as `POINTS` names the columns: all, or every so manieth."""
    points = data["answer"]["break_even"]
    return [
        (count(p["served_tokens"]), f"{count(low)} to {count(high)}" if low < high else "-", count(p["params"]),
         count(p["tokens"]))
        for p in points[:: -(-len(points) // MOST_LINES)] for low, high in [p["interval"]]
    ]  # fmt: skip


def decided_page(data: Data) -> Group:
    """Return the size that takes the least, and from how many served tokens on which one does."""
    first, *rest = decided_words(data)
    parts: list[Any] = [Text(first, style="bold"), *map(Text, rest), Text("")]
    table = figures(POINTS, words=0)
    for row in point_rows(data):
        table.add_row(*row)
    return Group(*parts, table)
