"""The names of ``import carbonscaling as cs`` by what people want to do."""

from __future__ import annotations

import inspect

from sitegen.package import borrowed_names, modules

__all__ = ["TASKS", "tasks_page"]

TASKS: dict[str, tuple[str, str]] = {
    "Ask": ("what a run takes, or what it needs",
            "Scenario Layout plan estimate Estimate Infeasible explain load_scenario"),
    "Choose": ("between places, devices, counts, times and sizes",
               "choices Choice scale decide Decision Decided schedule Schedule"),
    "Say how sure": ("chances, and what can be promised", "chances Chances assured Assured Target"),
    "Draw and report": ("figures, statements, who is charged what", "plot picture report attribute Attribution"),
    "Count more than one run": ("lines beside it, whole projects, serving",
                                "Boundary project ProjectAnswer inference Serving Served"),
    "Exchange": ("launch files of training software", "emit read_launch"),
    "Look below": ("what settings take, with arrays",
                   "device Device cluster Cluster model_spec ModelSpec stack Stack recipe Recipe Software setting Setting "
                   "step_time memory footprint"),
    "Catch": ("what is wrong with an input", "InputError"),
}  # fmt: skip
"""By task: what it is about, and the public names that do it."""


def _first(value: object) -> str:
    return (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def tasks_page() -> str:
    """Return the tasks with their names, each with its first sentence and a link.

    Raises
    ------
    ValueError
        A public name that no task has.
    """
    top = modules()["carbonscaling"]
    homes, listed = borrowed_names(top), [name for _, names in TASKS.values() for name in names.split()]
    if rest := sorted(set(homes) ^ set(listed)):
        raise ValueError(f"sitegen/tasks.py and carbonscaling.__all__ differ by {', '.join(rest)}")
    parts = []
    for task, (about, names) in TASKS.items():
        rows = (f"| {{py:obj}}`cs.{n} <{homes[n]}>` | {_first(getattr(top, n))} |" for n in names.split())
        parts += [
            f"## {task}\n",
            f"{about[0].upper()}{about[1:]}.\n",
            "| name | what it does |",
            "|---|---|",
            *rows,
            "",
        ]
    return "\n".join(parts)
