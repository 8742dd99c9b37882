"""The releases of training software whose settings are written and read, and the names that their parsers know."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from carbonscaling.catalog.read import packaged
from carbonscaling.errors import InputError, nearest
from carbonscaling.record import dataclass

__all__ = ["Name", "Release", "known_names", "release", "releases"]


@dataclass(frozen=True)
class Name:
    """A setting that a parser knows.

    Attributes
    ----------
    values : str
        How many values follow: "0" for a switch, a number, or "+" for several.
    group : str
        The section that its parser puts it in.
    default : str
        What it is where nobody says, as JSON; "" where it is not known here.
    """

    values: str
    group: str
    default: str = ""


@dataclass(frozen=True)
class Release:
    """A release of training software.

    Attributes
    ----------
    name : str
    title : str
        With the version that was read.
    source : str
        Reference key.
    stack : str
        The software stack that it is, where a run names none.
    file : str
        What its launch file is usually called.
    """

    name: str
    title: str
    source: str
    stack: str
    file: str


@lru_cache(maxsize=1)
def releases() -> Mapping[str, Release]:
    """Return every release by name."""
    return {name: Release(name, **row) for name, row in packaged(__package__, "releases.toml").items()}


def release(name: str) -> Release:
    """Return a release.

    Raises
    ------
    InputError
        No such software.
    """
    if name not in releases():
        raise InputError(
            "unknown training software", key="emit", value=name, allowed=", ".join(releases()),
            suggestion=nearest(name, releases()), remedy="choose one of these",
        )  # fmt: skip
    return releases()[name]


@lru_cache(maxsize=8)
def known_names(name: str) -> Mapping[str, Name]:
    """Return every setting that a release's parser knows."""
    text = resources.files(__package__).joinpath("names", f"{name}.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Name(row["values"], row["group"], row.get("default", ""))
        for row in csv.DictReader(text.splitlines())
    }
