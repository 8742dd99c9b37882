"""The shelves of the catalogue: what each holds, and how an entry is read from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from carbonscaling.catalog import efficiency, factors, hardware, laws, models, prices, references, regions, stacks
from carbonscaling.catalog.read import read_toml
from carbonscaling.errors import InputError, nearest
from carbonscaling.model.card import model_card
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.record import dataclass
from carbonscaling.reporting.catalog import Entry
from carbonscaling.reporting.model_page import model_page
from carbonscaling.software.check import rows
from carbonscaling.sources import Choice, Datum
from carbonscaling.words import count

__all__ = ["SHELVES", "Shelf", "find", "shelf"]


@dataclass(frozen=True)
class Shelf:
    """One kind of entry.

    Attributes
    ----------
    kind : str
    names : callable
        All names.
    entry : callable
        The entry of a name; `InputError` where there is none.
    words : callable
        A few words on a name, for the list.
    """

    kind: str
    names: Callable[[], Iterable[str]]
    entry: Callable[[str], Entry]
    words: Callable[[str], str]


def split(item: Any, skip: tuple[str, ...] = ()) -> tuple[dict[str, Any], dict[str, Datum]]:
    """Return the plain facts of a dataclass and its numbers, those in tables under dotted names."""
    facts: dict[str, Any] = {}
    data: dict[str, Datum] = {}
    for item_field in dataclasses.fields(item):
        key, value = item_field.name, getattr(item, item_field.name)
        if isinstance(value, Datum):
            data[key] = value
        elif isinstance(value, Mapping):
            data.update({f"{key}.{name}": datum for name, datum in value.items()})
        elif key not in skip:
            facts[key] = value
    return facts, data


def _hardware(kind: str, load: Callable[[str], Any]) -> Callable[[str], Entry]:
    def entry(name: str) -> Entry:
        item = load(name)
        facts, data = split(item, ("id",))
        return Entry(kind, item.id, {k: v for k, v in facts.items() if type(v) is not int or v}, data)  # 0: has none

    return entry


def _model(name: str) -> Entry:
    found = models.model_entry(name)
    data = {"parameters": found.parameters} | ({"active": found.active} if found.active else {})
    facts = {"aliases": found.aliases, "source": found.spec.source, "notes": found.spec.notes}
    return Entry("models", found.spec.name, facts, data, model_page(model_card(found.spec)))


def _law(name: str) -> Entry:
    if name in laws.law_names() or name not in laws.batch_names():
        row = laws.law_row(name)
        return Entry("laws", name, *split(row))
    rows = {k.rpartition(".")[2]: v for k, v in laws.data().items() if k.startswith(f"batch.{name}.")}
    return Entry("laws", name, {"kind": "critical batch"}, rows)


def _one(kind: str, load: Callable[[str], Datum]) -> Callable[[str], Entry]:
    return lambda name: Entry(kind, name, {}, {"value": load(name)})


def _place(name: str) -> Entry:
    found = regions.place(name)
    facts = {"provider": found.provider or "none: a country or zone", "country": found.iso3, "where": found.title,
             "basis where none is asked for": found.basis, "water stress, 0 to 4": found.water_stress}  # fmt: skip
    named = {"market": found.market, "residual": found.residual, "marginal": found.marginal, "water": found.water,
             "water on site": found.water_on_site}  # fmt: skip
    shares = {f"{kind} share": share for kind, share in found.mix.items()}
    return Entry("regions", found.name, facts, {**found.intensities, **{k: v for k, v in named.items() if v}, **shares})


def _efficiency(name: str) -> Entry:
    known = efficiency.architectures()
    if name not in known:
        raise _unknown("efficiencies", name, nearest(name, known))
    for device in map(hardware.device, hardware.device_names()):
        if efficiency.family(device) == name:
            return Entry("efficiencies", name, *split(efficiency.efficiency(device)))
    raise InputError("no device has this architecture", value=name, remedy="carbonscaling catalog list efficiencies")


def _price(name: str) -> Entry:
    found: dict[str, Datum | Choice] = {
        basis: datum for basis in prices.price_bases() if (datum := prices.price(name, basis))
    }
    if not found:
        raise _unknown("prices", name, nearest(name, _priced()))
    return Entry("prices", name, {}, found)


def _priced() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for basis in prices.price_bases() for name in prices.prices(basis)))


def _price_words(name: str) -> str:
    found = {basis: datum for basis in prices.price_bases() if (datum := prices.price(name, basis))}
    return ", ".join(f"{basis} {datum.value:g} USD/h" for basis, datum in found.items())


def _reference(key: str) -> Entry:
    facts = dataclasses.asdict(references.reference(key))
    return Entry("references", key, {k: v for k, v in facts.items() if k != "key"})


def _stack(name: str) -> Entry:
    found = stacks.stack(name)
    facts = {key: getattr(found, key) for key in ("title", "based_on", "family", "since")}
    return Entry("stacks", found.name, facts, dict(rows(found)), stated_by=stacks.stated_by(name))


def _datum_words(load: Callable[[str], Datum]) -> Callable[[str], str]:
    def words(name: str) -> str:
        datum = load(name)
        return f"{datum.value:g} {datum.unit}".removesuffix(" 1") + (f"  {datum.remark}" if datum.remark else "")

    return words


def _law_words(name: str) -> str:
    return laws.law_row(name).title if name in laws.law_names() else "critical batch"


def _model_words(name: str) -> str:
    return f"{count(models.model_entry(name).parameters.value)} parameters"


def _precision(name: str) -> Entry:
    return Entry("precisions", name, dataclasses.asdict(precision(name)))


_ALL = (
    Shelf("devices", hardware.device_names, _hardware("devices", hardware.device), lambda n: hardware.device(n).name),
    Shelf("hosts", hardware.host_names, _hardware("hosts", hardware.host), lambda n: hardware.host(n).name),
    Shelf("models", models.model_names, _model, _model_words),
    Shelf("laws", lambda: (*laws.law_names(), *laws.batch_names()), _law, _law_words),
    Shelf("regions", regions.region_names, _place, _datum_words(regions.region)),
    Shelf("factors", factors.factor_ids, _one("factors", factors.factor), _datum_words(factors.factor)),
    Shelf("efficiencies", efficiency.architectures, _efficiency, lambda _: "what software reaches of a data sheet"),
    Shelf("precisions", lambda: tuple(PRECISIONS), _precision, lambda n: f"{PRECISIONS[n].format} matrix units"),
    Shelf("stacks", stacks.stack_names, _stack, lambda n: stacks.stack(n).title),
    Shelf("prices", _priced, _price, _price_words),
    Shelf("references", lambda: sorted(references.references()), _reference, lambda n: references.reference(n).title),
)

SHELVES: dict[str, Shelf] = {one.kind: one for one in _ALL}
"""Every shelf by kind."""


OF_DEVICES = ("prices", "efficiencies")
"""Kinds whose entries have the names of devices."""


def _unknown(kind: str, name: str, meant: str | None) -> InputError:
    return InputError(
        f"not in the catalogue's {kind}" if kind else "not in the catalogue",
        value=name,
        suggestion=meant,
        remedy=f"carbonscaling catalog list {kind}".strip(),
    )


def shelf(kind: str) -> Shelf:
    """Return a shelf by kind, in singular or plural.

    Raises
    ------
    InputError
        No such kind.
    """
    found = SHELVES.get(kind) or SHELVES.get(f"{kind}s") or SHELVES.get(kind.removesuffix("y") + "ies")
    if found is None:
        raise InputError(
            "the catalogue has no such kind",
            value=kind,
            allowed=", ".join(SHELVES),
            suggestion=nearest(kind, SHELVES),
            remedy="carbonscaling catalog list",
        )
    return found


def find(name: str, kind: str | None = None) -> list[Entry]:
    """Return every entry of this name.

    Raises
    ------
    InputError
        There is none; names the nearest.
    """
    if kind is None and name.endswith(".toml") and read_toml(Path(name)).get("based_on") in stacks.stack_names():
        kind = "stacks"
    if kind is not None:
        return [shelf(kind).entry(name)]
    found = []
    refused, meant = None, None
    for one in SHELVES.values():
        try:
            found.append(one.entry(name))
        except InputError as error:
            refused = refused or (error if name.endswith(".toml") and error.where else None)
            meant = meant or (None if one.kind in OF_DEVICES else error.suggestion)
    if not found:
        raise refused or _unknown("", name, meant)
    return found
