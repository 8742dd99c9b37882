"""What the package offers: its modules, the public names at home in each, its formulas with their arguments."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import ModuleType

import carbonscaling
from carbonscaling.formula import Formula, formulas

__all__ = ["arguments", "borrowed_names", "function_of", "layers", "modules", "own_names", "registered"]


@cache
def modules() -> dict[str, ModuleType]:
    """Return every module by name, imported."""
    names = [m.name for m in pkgutil.walk_packages(carbonscaling.__path__, "carbonscaling.")]
    return {n: importlib.import_module(n) for n in ["carbonscaling", *names] if not n.endswith("__main__")}


def layers() -> list[str]:
    """Return the first-level parts of the package, in the order in which data flow through them."""
    flow: tuple[str, ...] = (
        "units",
        "errors",
        "sources",
        "formula",
        "laws",
        "model",
        "hardware",
        "perf",
        "carbon",
        "search",
        "catalog",
    )
    flow += ("calibration", "evidence", "study", "validate", "baselines", "papers", "reporting", "cli")
    found = {name.split(".")[1] for name in modules() if "." in name}
    return [name for name in flow if name in found] + sorted(found - set(flow))


def own_names(module: ModuleType) -> list[str]:
    """Return the public names that are at home in a module; for what has no home (constants), those it lists."""
    names = getattr(module, "__all__", ())
    return [n for n in names if n not in borrowed_names(module)]


def borrowed_names(module: ModuleType) -> dict[str, str]:
    """Return the public names that a module passes on, each with the full name of the original."""
    found = {}
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ != module.__name__:
            found[name] = f"{value.__module__}.{value.__qualname__}"
        elif module.__name__ == "carbonscaling.baselines" and name == "BASELINES":
            found[name] = "carbonscaling.baselines.compare.BASELINES"
    return found


def registered() -> dict[str, Formula]:
    """Return every formula of the package by its name below ``carbonscaling``."""
    modules()
    return dict(sorted(formulas().items()))


def function_of(name: str) -> object:
    """Return the function of a formula."""
    module, _, function = name.rpartition(".")
    return getattr(modules()[f"carbonscaling.{module}"], function)


def arguments(name: str) -> list[str]:
    """Return the arguments of a formula's function."""
    return list(inspect.signature(function_of(name)).parameters)  # type: ignore[arg-type]
