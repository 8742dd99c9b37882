"""A scenario as the text of a TOML file that reads back as the very same scenario."""

from __future__ import annotations

import dataclasses
from typing import Any

import tomli_w

from carbonscaling.study.scenario import Scenario, Unstated

__all__ = ["said_fields", "scenario_toml"]


def said_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, as plain data."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        own = getattr(value, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if own != default or (isinstance(default, Unstated) and not isinstance(own, Unstated)):
            found[field.name] = said_fields(own) if dataclasses.is_dataclass(own) else own
    return {key: list(own) if isinstance(own, tuple) else own for key, own in found.items()}


def scenario_toml(scenario: Scenario, comment: str = "") -> str:
    r"""Return a scenario as TOML: what differs from the defaults, a model of its own as the table ``[model]``.

    Parameters
    ----------
    scenario : Scenario
    comment : str
        Lines to stand at the head.

    >>> scenario_toml(Scenario(model="gpt-2", tokens=1e9), "an example")
    '# an example\nmodel = "gpt-2"\ntokens = 1000000000.0\n'
    """
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + tomli_w.dumps(said_fields(scenario))
