"""Command-line options, derived from the fields of `Scenario` and `Layout`; nothing is listed twice."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.cli.commas import parted
from carbonscaling.cli.question import NESTED, PREFIX, given, number, scenario_of
from carbonscaling.fields import field_help
from carbonscaling.hints import hints_of
from carbonscaling.software.options import option_kinds
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.words import count

__all__ = [
    "ScenarioOptions",
    "given",
    "number",
    "options_of",
    "real_number",
    "scenario_of",
    "whole_number",
    "whole_numbers",
    "words",
]

LAYOUT_GROUP = Group("Layout (what is left out is searched)", sort_key=3)
CONTRACTS_GROUP = Group("Electricity by contract (market-based)", sort_key=8)
BOUNDARY_GROUP = Group("Beside the final run (not counted unless given)", sort_key=7)
SCENARIO_GROUP = Group("Further", sort_key=9)
SCENARIO_GROUPS: dict[Group, str] = {
    Group(
        "What is trained", sort_key=1
    ): "model law d_model target_loss compute tokens batch batch_law seq_len sample_len train lora_rank lora_on frozen_layers "
    "teacher towers tower_tokens tower_patches",
    Group(
        "On what, until when, for what", sort_key=2
    ): "device host devices max_devices nic_gbps fabric power_limit max_days finish_by "
    "start_date budget_usd budget_carbon budget_energy objective precision flash offload memory_margin space quantiles "
    "years_ahead cpa_growth",
    Group("Electricity and carbon", sort_key=4): "region basis scope2 carbon_intensity_g_per_kwh hourly start_hour pue "
    "lifetime_years carbon_mode paper_version amortisation shared_hosts factors",
    Group("Money", sort_key=5): "price_usd_per_device_hour price_basis",
    Group(
        "Software and experience", sort_key=6
    ): "stack software practice pace calibration profile run_overhead history",
}
"""Options of a scenario by what they are about; any other stands in the last group."""
_GROUP_OF = {name: group for group, names in SCENARIO_GROUPS.items() for name in names.split()}


def whole_number(_type: Any, tokens: Sequence[Any]) -> int:
    """Convert the value of an option that counts."""
    return int(number(tokens[0].value, tokens[0].keyword or "", whole=True))


def real_number(_type: Any, tokens: Sequence[Any]) -> float:
    """Convert the value of an option that measures."""
    return float(number(tokens[0].value, tokens[0].keyword or ""))


def real_numbers(_type: Any, tokens: Sequence[Any]) -> tuple[float, ...]:
    """Convert the values of an option that lists measures, with commas between; A/B is their ratio."""
    return tuple(
        _ratio(part, token.keyword or "")
        for token in tokens
        for part in parted(token.value, token.keyword or "", False)
    )


def whole_numbers(_type: Any, tokens: Sequence[Any]) -> tuple[int, ...]:
    """Convert the values of an option that lists counts, with commas between."""
    return tuple(
        int(number(part, token.keyword or "", whole=True))
        for token in tokens
        for part in parted(token.value, token.keyword or "", True)
    )


def words(_type: Any, tokens: Sequence[Any]) -> tuple[str, ...]:
    """Convert the values of an option that lists names, with commas between."""
    found = tuple(part.strip() for token in tokens for part in token.value.split(",") if part.strip())
    if tokens and tokens[0].keyword == "--regions":
        from carbonscaling.catalog.place_names import check_listed

        for token in tokens:
            check_listed([part.strip() for part in token.value.split(",")], "option --regions")
    return found


def _ratio(text: str, option: str) -> float:
    over, _, under = text.partition("/")
    divisor = float(number(under, option)) if under else 1.0
    return float(number(over, option)) / divisor if divisor else math.inf


LISTS: dict[type, Callable[..., Any]] = {float: real_numbers, int: whole_numbers, str: words}
"""How an option is read that lists such values."""


SINGLE: dict[type, Callable[..., Any]] = {int: whole_number, float: real_number}


def _default_words(value: Any) -> str:
    each = value if isinstance(value, tuple) else (value,)
    return ",".join((count(one) if one >= 1e6 else f"{one:g}") if isinstance(one, float) else str(one) for one in each)


def _option(
    field: dataclasses.Field[Any], hint: Any, text: str, group: Group, prefix: str = ""
) -> tuple[str, Any, Any]:
    kinds = [k for k in typing.get_args(hint) if k is not type(None)] or [hint]
    if any(map(dataclasses.is_dataclass, kinds)):  # a file may hold a table here, a command line its name
        hint = next(k for k in kinds if not dataclasses.is_dataclass(k))
    if field.default not in (None, dataclasses.MISSING, False, 0.0, ()):
        default = _default_words(field.default)
        text = f"{text.rstrip('.')} (default: {default})." if text else f"Default: {default}."
    several = typing.get_origin(hint) is tuple
    converter = LISTS.get(typing.get_args(hint)[0], words) if several else SINGLE.get(kinds[0])
    parameter = Parameter(
        help=text.replace("``", "").replace("`", ""),
        group=group,
        converter=converter,
        n_tokens=1 if converter else None,
        allow_leading_hyphen=converter is not None,
        negative=() if several else None,
    )
    return prefix + field.name, Annotated[hint | None, parameter], dataclasses.field(default=None)


def _software_option(text: str) -> tuple[str, Any, Any]:
    """Return the one option that holds those of the software: there are many, and most runs change none."""
    text = f"{text} KEY=VALUE, as often as needed; keys: {', '.join(option_kinds())}."
    parameter = Parameter(name="--software", help=text, group=_GROUP_OF["software"], negative=())
    return "software", Annotated[tuple[str, ...] | None, parameter], dataclasses.field(default=None)


def _group_of(cls: type, field: dataclasses.Field[Any], group: Group) -> Group:
    return _GROUP_OF.get(field.name, group) if cls is Scenario else group


def options_of(cls: type, group: Group, renamed: Mapping[str, str]) -> type:
    """Return a dataclass with every field of another, all unset, some by another name."""
    hints, texts = hints_of(cls), field_help(cls)
    made = []
    for field in dataclasses.fields(cls):
        name, hint, own = _option(field, hints[field.name], texts.get(field.name, ""), group)
        made.append((renamed.get(name, name), hint, own))
    return dataclasses.make_dataclass(f"{cls.__name__}Options", made, frozen=True, namespace={"__module__": __name__})


def _options_class() -> type:
    """Return a dataclass with every field of `Scenario`, `Layout`, `Boundary` and `Contracts`, all unset."""
    made = []
    groups = {Scenario: SCENARIO_GROUP, Layout: LAYOUT_GROUP, Boundary: BOUNDARY_GROUP, Contracts: CONTRACTS_GROUP}
    for cls, group in groups.items():
        hints, texts = hints_of(cls), field_help(cls)
        made += [
            _software_option(texts["software"]) if field.name == "software"
            else _option(field, hints[field.name], texts.get(field.name, ""), _group_of(cls, field, group), PREFIX.get(cls, ""))
            for field in dataclasses.fields(cls)
            if field.name not in NESTED
        ]  # fmt: skip
    return dataclasses.make_dataclass("ScenarioOptions", made, frozen=True, namespace={"__module__": __name__})


if TYPE_CHECKING:
    ScenarioOptions = Any
else:
    ScenarioOptions = Annotated[_options_class() | None, Parameter(name="*")]
