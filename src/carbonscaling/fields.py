"""Whether the fields of a dataclass hold what their annotations say: Python checked as strictly as a file."""

from __future__ import annotations

import dataclasses
import re
import sys
import types
import typing
from functools import lru_cache
from inspect import cleandoc
from operator import itemgetter
from typing import Any, Literal

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple, hints_of
from carbonscaling.meaning import choice_meant

__all__ = ["check_fields", "field_help", "finite", "in_range"]

_SAID = {int: "a whole number", float: "a number", bool: "True or False", str: "text", types.NoneType: "None"}


def finite(value: float) -> bool:
    """Say whether a number can be reckoned with: a whole number of any length may be asked, as `math.isfinite` may not.

    >>> finite(10**308), finite(10**309), finite(float("nan"))
    (True, False, False)
    """
    return -sys.float_info.max <= value <= sys.float_info.max


def in_range(key: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a number that is not between two others, both allowed.

    Raises
    ------
    InputError
        With the key, the value and what is allowed.
    """
    if not (finite(value) and low <= value <= high):
        name, allowed = key.rpartition(".")[2], f"{low:g} to {high:g} {unit}".rstrip()
        raise InputError(f"{name} is out of range", key=key, value=value, allowed=allowed, remedy="correct the value")


class _Field(NamedTuple):
    """A field: its name, the arms of its annotation, and the types that pass without a second look."""

    name: str
    arms: tuple[Any, ...]
    exact: frozenset[type]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a choice; none where the field is no choice."""
        return tuple(w for arm in self.arms if typing.get_origin(arm) is Literal for w in typing.get_args(arm))

    @property
    def item(self) -> Any:
        """What a tuple holds; None for a field that is no tuple."""
        return next((typing.get_args(arm)[0] for arm in self.arms if typing.get_origin(arm) is tuple), None)

    def allowed(self) -> str:
        """Return what the field takes, in words."""
        said = [
            _SAID.get(arm) or getattr(arm, "__name__", str(arm)) for arm in self.arms if arm in _SAID or _is_record(arm)
        ]
        if self.item is not None:
            kinds = typing.get_args(self.item) or (self.item,)
            said.append(f"a tuple of which each is {' or '.join(_SAID[kind] for kind in kinds)}")
        return ", ".join([*self.words, *said])


class _Checks(NamedTuple):
    """The fields of a class, all their values at once, and those of which more than the type counts."""

    fields: tuple[_Field, ...]
    values: Any
    choices: tuple[tuple[str, tuple[str | None, ...]], ...]
    tuples: tuple[_Field, ...]


def _is_record(arm: Any) -> bool:
    return isinstance(arm, type) and dataclasses.is_dataclass(arm)


def _field(name: str, hint: Any) -> _Field:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    arms = typing.get_args(hint) if union else (hint,)
    exact: set[type] = set()
    for arm in arms:
        if typing.get_origin(arm) is Literal:
            exact.add(str)
        elif typing.get_origin(arm) is tuple:
            exact.add(tuple)
        else:
            exact |= {int, float} if arm is float else {arm}
    return _Field(name, arms, frozenset(exact))


@lru_cache(maxsize=64)
def _checks(cls: Any) -> _Checks:
    hints = hints_of(cls)
    fields = tuple(_field(f.name, hints[f.name]) for f in dataclasses.fields(cls))
    choices = tuple((f.name, (*f.words, None) if types.NoneType in f.arms else f.words) for f in fields if f.words)
    return _Checks(
        fields, itemgetter(*(f.name for f in fields)), choices, tuple(f for f in fields if f.item is not None)
    )


@lru_cache(maxsize=4096)
def _in_question(cls: Any, found: tuple[type, ...]) -> tuple[_Field, ...]:
    """Return the fields of which the value must be looked at, not its type alone."""
    pairs = zip(found, _checks(cls).fields, strict=True)
    return tuple(field for kind, field in pairs if kind not in field.exact or (kind is int and float in field.exact))


def check_fields(item: object, prefix: str = "") -> None:
    """Refuse values that are not of the kind which the annotations of a frozen dataclass say; called from `__post_init__`.

    Whole numbers written as floats become counts, numbers of NumPy plain ones, lists tuples; a whole number does for a
    number. Nothing else is converted: text is no number, and true and false are for switches.

    Parameters
    ----------
    item : object
        Its fields are of text, numbers, switches, choices (``Literal``), tuples of numbers, and other dataclasses.
    prefix : str
        What its keys begin with in messages.

    Raises
    ------
    InputError
        A field holds something else: its key, the value, what is allowed, the nearest choice.
    """
    cls: Any = item.__class__
    checks, values = _checks(cls), item.__dict__
    for field in _in_question(cls, tuple(map(type, checks.values(values)))):
        _settle(item, field, _plain(field, values[field.name], prefix))
    for field in checks.tuples:
        if given := values[field.name]:
            inner = _field(field.name, field.item)
            _settle(item, field, tuple(_plain(inner, value, prefix) for value in given))
    for name, words in checks.choices:
        if values[name] not in words:
            known = [word for word in words if word]
            raise InputError(
                f"unknown {name}", key=prefix + name, value=values[name], allowed=", ".join(known),
                suggestion=choice_meant(name, str(values[name]), known), remedy="choose one of these",
            )  # fmt: skip


def _settle(item: object, field: _Field, value: Any) -> None:
    if value is not getattr(item, field.name):
        object.__setattr__(item, field.name, value)


def _plain(field: _Field, value: Any, prefix: str) -> Any:
    """Return a value as a field holds it, or refuse it."""
    if getattr(value, "shape", None) == ():  # a number of NumPy
        value = value.item()
    kind = type(value)
    if kind is int and float in field.exact and not finite(value):
        raise InputError(
            f"{field.name} is out of range", key=prefix + field.name, value=value, allowed="finite numbers",
            remedy="correct the value, or leave it out",
        )  # fmt: skip
    if kind in field.exact:
        return value
    if kind is float and int in field.exact and value.is_integer():
        return int(value)
    if kind is list and tuple in field.exact:
        return tuple(value)
    if any(isinstance(value, arm) for arm in field.exact) and not isinstance(value, bool):
        return value
    remedy = "correct the value, or leave it out"
    record = next((arm for arm in field.arms if _is_record(arm)), None)
    if isinstance(value, bool):
        remedy = "true and false are for switches"
    elif record is not None and isinstance(value, dict):
        remedy = f"{record.__name__}(**values) makes one of a dict"
    elif isinstance(value, str) and {int, float} & field.exact:
        remedy = "write the number without quotes"
    said = {dict: "a dict", list: "a list", float: "a fraction" if int in field.exact else "a number"}
    what = said.get(kind) or _SAID.get(kind) or f"of type {kind.__name__}"
    raise InputError(
        f"{field.name} cannot be {what}", key=prefix + field.name, value=value, allowed=field.allowed(), remedy=remedy
    )


def field_help(cls: type) -> dict[str, str]:
    """Return the text on each field in the Attributes section of a class's docstring."""
    text = cleandoc(cls.__doc__ or "").partition("----------\n")[2]  # from Python 3.13 on it comes clean
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\w)", "\n" + text):
        head, _, body = block.strip().partition("\n")
        names, _, kind = head.partition(" : ")
        words = " ".join(body.split())
        for name in names.split(", "):
            found[name.strip()] = words or (kind.removesuffix(", optional") if kind.startswith("{") else "")
    return found
