"""What it takes - devices, days, energy, carbon, money - to train a large language model, and the best way to do it.

>>> import carbonscaling as cs
>>> answer = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64))
>>> answer.n_devices
64
"""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "Estimate",
    "Infeasible",
    "InputError",
    "Layout",
    "Scenario",
    "__version__",
    "estimate",
    "explain",
    "load_scenario",
    "plan",
    "scale",
]

__version__ = "0.1.0"

TYPE_CHECKING = False
"""As in ``typing``, whose import would take as long as the rest of this file's."""
if TYPE_CHECKING:
    from typing import Any

    from carbonscaling.errors import InputError
    from carbonscaling.study.answer import estimate, explain, plan
    from carbonscaling.study.estimate import Estimate, Infeasible
    from carbonscaling.study.scale import scale
    from carbonscaling.study.scenario import Layout, Scenario, load_scenario

_HOMES = {
    "Estimate": "carbonscaling.study.estimate",
    "Infeasible": "carbonscaling.study.estimate",
    "InputError": "carbonscaling.errors",
    "Layout": "carbonscaling.study.scenario",
    "Scenario": "carbonscaling.study.scenario",
    "estimate": "carbonscaling.study.answer",
    "explain": "carbonscaling.study.answer",
    "load_scenario": "carbonscaling.study.scenario",
    "plan": "carbonscaling.study.answer",
    "scale": "carbonscaling.study.scale",
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
