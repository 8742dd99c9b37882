"""Who tunes a software stack: the makers of the devices or of one model, or a community for everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from carbonscaling.catalog.read import packaged

__all__ = ["COMMUNITY", "MAKERS", "Stack", "shipped_stacks", "support"]

MAKERS, COMMUNITY = "makers", "community"


@dataclass(frozen=True)
class Stack:
    """One software stack.

    Attributes
    ----------
    support : str
        ``makers``: written or tuned by the maker of the devices, or by a model's makers for their own cluster;
        ``community``: written for many users and devices.
    source : str
        Reference that says so.
    remark : str
    """

    support: str
    source: str
    remark: str = ""


@lru_cache(maxsize=1)
def shipped_stacks() -> Mapping[str, Stack]:
    """Return every stack of the catalogue by name."""
    return {name: Stack(**row) for name, row in packaged("carbonscaling.catalog", "stacks.toml").items()}


def support(stack: str) -> str:
    """Return who tunes a stack; a stack that is not in the catalogue is a community's, no stack is nobody's.

    >>> support("megatron"), support("my-trainer"), support("")
    ('makers', 'community', '')
    """
    if not stack:
        return ""
    known = shipped_stacks().get(stack)
    return known.support if known else COMMUNITY
