"""Look for rings of garbage seldom: what is loaded is none, and an answer leaves few."""

from __future__ import annotations

import gc

__all__ = ["collect_seldom"]

OBJECTS = 50_000
"""New objects between two looks: loading a command makes as many, of which none is garbage."""


def collect_seldom() -> None:
    """Leave all objects that there are out of every later look, and look after many new ones only."""
    gc.freeze()
    gc.set_threshold(OBJECTS)
