"""Equations of a part of the package: numbered, typeset, each name leading to the nomenclature, with function and source."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from sitegen.mathml import typeset
from sitegen.package import arguments, registered
from sitegen.tables import entries_of, entry_of, function_link, symbol_anchor, work_link

__all__ = ["Equation", "equations"]

NOMENCLATURE = Path(__file__).parents[3] / "src" / "carbonscaling" / "reporting" / "nomenclature.toml"


class Equation(NamedTuple):
    """One formula: its anchor, its MathML with that of every clause, and the line below it in Markdown."""

    anchor: str
    mathml: tuple[str, ...]
    words: str


@lru_cache(maxsize=1)
def _entries() -> dict[str, object]:
    return entries_of(NOMENCLATURE)


def equations(
    part: str, address: Callable[[str], str] = lambda anchor: f"nomenclature.html#{anchor}"
) -> list[Equation]:
    """Return the equations of a part of the package, e.g. ``perf.gemm``.

    Parameters
    ----------
    part : str
    address : callable
        From an anchor of the nomenclature to its address.

    Raises
    ------
    ValueError
        There is no formula below the part.
    """
    found = []
    for name, f in registered().items():
        if not name.startswith(f"{part}."):
            continue
        keys = {a: entry_of(_entries(), name, a) for a in arguments(name)}

        def link(symbol: str, keys: dict[str, str | None] = keys) -> str | None:
            key = keys.get(symbol)
            return address(symbol_anchor(key)) if key else None

        unit = "a number" if f.unit == "1" else f"in {f.unit}"
        words = f"{function_link(name)}, {unit}; {work_link(f.source)}" + (f", {f.place}" if f.place else "")
        found.append(
            Equation("eq-" + name.replace(".", "-").replace("_", "-"), tuple(typeset(f.expression, link)), words)
        )
    if not found:
        raise ValueError(f"no formula below {part}")
    return found
