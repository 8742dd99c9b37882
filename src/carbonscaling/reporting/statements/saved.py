"""The record of a saved answer of plan or estimate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build
from carbonscaling.errors import InputError
from carbonscaling.files import SAVED, read_text
from carbonscaling.reporting.statements.agreement import check_agreement
from carbonscaling.reporting.statements.record import Record, RecordLine, record_lines
from carbonscaling.study.versions import check_answer
from carbonscaling.units import KWH

__all__ = ["load_answer", "read_answer", "record_of"]

FIGURES = ("energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres")
"""Figures that an answer gives with an interval."""
POSITIVE = ("n_devices", "device_hours", "duration_h", "energy_kwh", "n_params", "tokens", "training_flops")
MOST = 1e40
"""More than any figure of an answer."""


def read_answer(path: str | Path, *, of_project: bool = False, of_any: bool = False) -> dict[str, Any]:
    """Return a saved answer of plan or estimate as plain data (JSON).

    Parameters
    ----------
    of_project : bool
        Whether the answer of a project will do.
    of_any : bool
        Whether any table of data will do.

    Raises
    ------
    InputError
        The file is no saved answer, or one of a later schema; a project where none will do.
    """
    where = str(path)
    try:
        data = json.loads(read_text(Path(path), SAVED), parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", where=where, remedy="save an answer with -o FILE.json") from error
    if of_any and isinstance(data, dict):
        return data
    saved = data.get("saved") if isinstance(data, dict) else None
    if isinstance(saved, dict) and saved.get("command") == "project":
        if of_project:
            return dict(data)
        raise InputError(
            "the answer of a project: a statement is of one training", where=where, key="saved.command", value="project",
            remedy="save the answer of one of its trainings: carbonscaling estimate ... -o FILE.json",
        )  # fmt: skip
    if not isinstance(data, dict) or "feasible" not in data:
        what, remedy = _instead(data, where)
        raise InputError(what, where=where, allowed="a saved answer of plan or estimate", remedy=remedy)
    check_answer(data, where)
    return data


OTHERS: tuple[tuple[frozenset[str], str, bool], ...] = (
    (frozenset({"scenario", "answer", "cycle"}), "inference", True),
    (frozenset({"policies", "places", "windows"}), "schedule", True),
    (frozenset({"quantiles", "within"}), "chances", True),
    (frozenset({"target", "tried", "best"}), "chances", True),
    (frozenset({"decision", "answer"}), "decide", True),
    (frozenset({"metered_kwh", "lines_kwh", "jobs"}), "attribute", True),
    (frozenset({"intervals", "sobol", "widest"}), "uncertainty", False),
    (frozenset({"low_seqs", "high_seqs", "laws"}), "batch", False),
)
"""Keys by which the answers of other commands are known, the command, and whether ``report`` makes a page of it."""
AGAIN = "to repeat it, ask its command again"


def _instead(data: object, where: str) -> tuple[str, str]:
    """Return what a file is that is no saved answer of a training, and what to do with it."""
    if isinstance(data, list):
        return "a table of rows, as choose, scale and others write it, not a saved answer", AGAIN
    keys = set(data) if isinstance(data, Mapping) else set()
    found = next(((command, paged) for needed, command, paged in OTHERS if needed <= keys), None)
    if found is None:
        return "not a saved answer", "save one with: carbonscaling estimate ... -o FILE.json"
    command, paged = found
    page = f"carbonscaling report {where} -o report.html makes a page of it; " if paged else ""
    return f"the answer of {command}, not of a training", f"{page}{AGAIN}"


def load_answer(path: str | Path) -> dict[str, Any]:
    """Return a saved, feasible answer of plan or estimate as plain data (JSON).

    Raises
    ------
    InputError
        As `read_answer`, or the answer was that nothing is feasible.
    """
    data = read_answer(path)
    if not data["feasible"]:
        raise InputError("this answer is that nothing is feasible: there is no run to report", where=str(path))
    return data


def record_of(data: Mapping[str, Any], where: str = "answer") -> Record:
    """Return the record of a feasible answer as plain data; `where` it is from, for messages.

    Raises
    ------
    InputError
        A figure is missing: another version saved it. Or parts of the answer contradict each other.
    """
    try:
        fields = _planned(data)
        check_agreement(data, where)
    except (AttributeError, KeyError, LookupError, TypeError) as error:
        raise InputError(
            "this answer was saved by another version", where=where, key=str(error).strip("'"), remedy="save it again"
        ) from error
    _check_numbers(fields, where)
    return build(Record, fields, where)


def _whole(text: str) -> float:
    """Return a whole number as it is, one that no float can hold as infinity: sums of it would fail."""
    return int(text) if len(text) < 300 else float(text)


def _check_numbers(fields: Mapping[str, Any], where: str) -> None:
    """Refuse what no estimate gives: a number below nought or without end, an interval that is missing."""
    named = {key: value for key, value in fields.items() if isinstance(value, int | float)}
    for table in ("energy_parts_kwh", "boundary_tco2e"):
        named |= {f"{table}.{key}": value for key, value in fields[table].items()}
    for figure in FIGURES:
        named |= {f"intervals.{figure}": end for end in fields["intervals"].get(figure, (None,))}
    for key, value in named.items():
        if not (isinstance(value, int | float) and 0 <= value <= MOST and (value or key not in POSITIVE)):
            raise InputError("not a number of an answer", where=where, key=key, value=value, allowed=f"0 to {MOST:g}",
                             remedy="save the answer again")  # fmt: skip


def _planned(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the record, as they stand in the file."""
    s, c = data["summary"], data["carbon"]
    market = c["market"]
    place = c.get("location") or {  # an answer of 0.1.0 counts the location in its totals and says no more
        "operational_tco2e": s["carbon_operational_tco2e"], "carbon_intensity_g_per_kwh": c["carbon_intensity_g_per_kwh"],
    }  # fmt: skip
    run = RecordLine(
        "final run", s["energy_kwh"], place["operational_tco2e"], s["carbon_operational_market_tco2e"],
        s["carbon_embodied_tco2e"], s["water_litres"], c.get("water_on_site_litres"),
    )  # fmt: skip
    intensities = place["carbon_intensity_g_per_kwh"], market["carbon_intensity_g_per_kwh"]
    energy = {k: v / KWH for k, v in c["parts"].items() if k.endswith("_energy_j")}
    return dict(
        kind="planned",
        model=s["model"],
        device=s["device"],
        region=s["region"],
        n_devices=s["n_devices"],
        device_hours=s["device_hours"],
        duration_h=s["duration_days"] * 24.0,
        energy_kwh=s["energy_kwh"],
        energy_parts_kwh={k.removesuffix("_energy_j"): v for k, v in energy.items()},
        carbon_intensity_g_per_kwh=c["carbon_intensity_g_per_kwh"],
        market_intensity_g_per_kwh=intensities[1],
        pue=c["pue"],
        carbon_basis=c["carbon_basis"],
        location_basis=place.get("basis", c["carbon_basis"]),
        market_basis=market["basis"],
        operational_tco2e=s["carbon_operational_tco2e"],
        market_tco2e=s["carbon_operational_market_tco2e"],
        embodied_tco2e=s["carbon_embodied_tco2e"],
        total_tco2e=s["carbon_total_tco2e"],
        lines=tuple(vars(line) for line in record_lines(run, c["boundary"], *intensities)),
        location_intensity_g_per_kwh=intensities[0],
        upstream_g_per_kwh=c.get("upstream_g_per_kwh"),
        boundary_tco2e={x["name"]: x["operational_tco2e"] + x["embodied_tco2e"] for x in c["boundary"]},
        intervals={k: (v[0], v[1]) for k, v in c["intervals"].items()},
        water_litres=s["water_litres"],
        amortisation=c["amortisation"],
        embodied_route=c["embodied_route"],
        energy_method="estimated before the run",
        contracted=c.get("contracted", {}),
        precision=s["precision"],
        n_params=s["n_params"],
        tokens=s["tokens"],
        training_flops=s["training_flops"],
        sources=tuple(data["sources"]),
        **_told(data),
    )


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is trained and whether a place was named: as the answer says, else as its question does."""
    trained, asked = data.get("trained"), (data.get("saved") or {}).get("scenario")
    if trained is None:  # an answer of 0.1.0
        return {} if asked is None else {"train": asked.get("train", "full"), "teacher": asked.get("teacher") or ""}
    return {
        "region_stated": data["carbon"].get("region_stated", True),
        "train": trained["train"],
        "teacher": trained["teacher"] or "",
        "forward_flops_per_token": trained["forward_flops_per_token"],
    }
