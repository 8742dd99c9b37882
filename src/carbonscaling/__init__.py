"""What it takes - devices, days, energy, carbon, money - to train a large language model, and the best way to do it.

>>> import carbonscaling as cs
>>> answer = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64))
>>> answer.n_devices
64
"""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "Assured",
    "Attribution",
    "Boundary",
    "Chances",
    "Choice",
    "Cluster",
    "Decided",
    "Decision",
    "Device",
    "Estimate",
    "Infeasible",
    "InputError",
    "Layout",
    "ModelSpec",
    "ProjectAnswer",
    "Recipe",
    "Scenario",
    "Schedule",
    "Served",
    "Serving",
    "Setting",
    "Software",
    "Stack",
    "Target",
    "__version__",
    "assured",
    "attribute",
    "chances",
    "choices",
    "cluster",
    "decide",
    "device",
    "emit",
    "estimate",
    "explain",
    "footprint",
    "inference",
    "load_scenario",
    "memory",
    "model_spec",
    "picture",
    "plan",
    "plot",
    "project",
    "read_launch",
    "recipe",
    "report",
    "scale",
    "schedule",
    "setting",
    "stack",
    "step_time",
]

__version__ = "0.2.0"

TYPE_CHECKING = False
"""As in ``typing``, whose import would take as long as the rest of this file's."""
if TYPE_CHECKING:
    from typing import Any

    from carbonscaling.carbon.boundary import Boundary
    from carbonscaling.catalog.hardware import cluster, device
    from carbonscaling.catalog.models import model_spec
    from carbonscaling.catalog.stacks import stack
    from carbonscaling.core.answers import choices, report, scale
    from carbonscaling.core.nouns import recipe
    from carbonscaling.core.plots import plot
    from carbonscaling.core.settings import setting
    from carbonscaling.core.takes import footprint, memory, step_time
    from carbonscaling.errors import InputError
    from carbonscaling.exchange.emit import emit, picture
    from carbonscaling.exchange.read import read_launch
    from carbonscaling.hardware.cluster import Cluster
    from carbonscaling.hardware.device import Device
    from carbonscaling.model.spec import ModelSpec
    from carbonscaling.perf.numbers import Setting
    from carbonscaling.perf.precision import Recipe
    from carbonscaling.serving.answer import Served, inference
    from carbonscaling.serving.scenario import Serving
    from carbonscaling.software.options import Software
    from carbonscaling.software.stack import Stack
    from carbonscaling.study.answer import estimate, explain, plan
    from carbonscaling.study.assured import Assured, Target, assured
    from carbonscaling.study.attributed import Attribution, attribute
    from carbonscaling.study.chances import Chances, chances
    from carbonscaling.study.choices import Choice
    from carbonscaling.study.estimate import Estimate
    from carbonscaling.study.infeasible import Infeasible
    from carbonscaling.study.project.answer import ProjectAnswer, project
    from carbonscaling.study.scenario import Layout, Scenario, load_scenario
    from carbonscaling.study.scheduling.answer import Schedule, schedule
    from carbonscaling.study.together.decided import Decided, decide
    from carbonscaling.study.together.decision import Decision

_HOMES = {
    "Attribution": "carbonscaling.study.attributed",
    "Boundary": "carbonscaling.carbon.boundary",
    "Assured": "carbonscaling.study.assured",
    "Chances": "carbonscaling.study.chances",
    "Target": "carbonscaling.study.assured",
    "assured": "carbonscaling.study.assured",
    "Choice": "carbonscaling.study.choices",
    "Cluster": "carbonscaling.hardware.cluster",
    "Decided": "carbonscaling.study.together.decided",
    "Decision": "carbonscaling.study.together.decision",
    "Device": "carbonscaling.hardware.device",
    "Estimate": "carbonscaling.study.estimate",
    "Infeasible": "carbonscaling.study.infeasible",
    "InputError": "carbonscaling.errors",
    "Layout": "carbonscaling.study.scenario",
    "ModelSpec": "carbonscaling.model.spec",
    "ProjectAnswer": "carbonscaling.study.project.answer",
    "Recipe": "carbonscaling.perf.precision",
    "Scenario": "carbonscaling.study.scenario",
    "Schedule": "carbonscaling.study.scheduling.answer",
    "Served": "carbonscaling.serving.answer",
    "Serving": "carbonscaling.serving.scenario",
    "Setting": "carbonscaling.perf.numbers",
    "Software": "carbonscaling.software.options",
    "Stack": "carbonscaling.software.stack",
    "attribute": "carbonscaling.study.attributed",
    "chances": "carbonscaling.study.chances",
    "choices": "carbonscaling.core.answers",
    "cluster": "carbonscaling.catalog.hardware",
    "decide": "carbonscaling.study.together.decided",
    "device": "carbonscaling.catalog.hardware",
    "emit": "carbonscaling.exchange.emit",
    "estimate": "carbonscaling.study.answer",
    "explain": "carbonscaling.study.answer",
    "footprint": "carbonscaling.core.takes",
    "inference": "carbonscaling.serving.answer",
    "load_scenario": "carbonscaling.study.scenario",
    "memory": "carbonscaling.core.takes",
    "model_spec": "carbonscaling.catalog.models",
    "picture": "carbonscaling.exchange.emit",
    "plan": "carbonscaling.study.answer",
    "plot": "carbonscaling.core.plots",
    "project": "carbonscaling.study.project.answer",
    "read_launch": "carbonscaling.exchange.read",
    "recipe": "carbonscaling.core.nouns",
    "report": "carbonscaling.core.answers",
    "scale": "carbonscaling.core.answers",
    "schedule": "carbonscaling.study.scheduling.answer",
    "setting": "carbonscaling.core.settings",
    "stack": "carbonscaling.catalog.stacks",
    "step_time": "carbonscaling.core.takes",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import carbonscaling`` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'carbonscaling' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
