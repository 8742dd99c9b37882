"""Which device stands in a cloud's instance: what people type where a device is asked for."""

from __future__ import annotations

import re
from functools import lru_cache

from carbonscaling.catalog.read import read_toml
from carbonscaling.files import PACKAGE
from carbonscaling.hints import NamedTuple

__all__ = ["Family", "device_of_instance", "families"]


class Family(NamedTuple):
    """Instances of one kind: the names that they have, the device in them, and who says so."""

    names: re.Pattern[str]
    device: str
    source: str


@lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """Return every family of instances that is known."""
    table = read_toml(PACKAGE / "catalog" / "devices" / "_instances.toml")
    return tuple(Family(re.compile(row["names"]), row["device"], row["source"]) for row in table["family"])


def device_of_instance(name: str) -> str | None:
    """Return the id of the device in a cloud's instance, by its name in lower case with hyphens; None where none is known.

    >>> device_of_instance("p5.48xlarge"), device_of_instance("standard-nd96isr-h100-v5"), device_of_instance("m5.large")
    ('h100-sxm', 'h100-sxm', None)
    """
    return next((family.device for family in families() if family.names.fullmatch(name)), None)
