"""What of a device's link reaches whom: pure functions of vendors' totals, and the shape of a torus slice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from carbonscaling.errors import InputError

__all__ = [
    "TORUS_AXES",
    "groups_needed",
    "one_direction",
    "pair_link",
    "torus_link",
    "torus_shape",
]

TORUS_AXES = {"torus2d": 2, "torus3d": 3}
"""Axes of each torus topology; other topologies have none."""


def one_direction(total: Any) -> Any:
    """Bandwidth out of a device (or into it), in B/s, over all its links.

    Parameters
    ----------
    total : float or array
        Vendor's figure in B/s: all links, both directions.

    >>> one_direction(900e9)
    450000000000.0
    """
    return total / 2.0


def torus_link(total: Any, axes: Any) -> Any:
    """Bandwidth of one torus link in one direction, in B/s: each axis has two links, each link two directions.

    Austin et al. 2025, *How to Scale Your Model*, chapter 2, tabulates these as one-way bandwidth per link.

    Parameters
    ----------
    total : float or array
        Vendor's figure in B/s: all links, both directions.
    axes : int or array
        Axes of the torus.

    >>> torus_link(1200e9, 3)
    100000000000.0
    """
    return total / (4.0 * axes)


def pair_link(total: Any, domain: Any) -> Any:
    """Bandwidth from one device to one other in a point-to-point mesh of `domain` devices, in B/s, one direction.

    Parameters
    ----------
    total : float or array
        Vendor's figure in B/s: all links, both directions.
    domain : int or array
        Devices in the mesh, each wired to all others.

    >>> float(pair_link(896e9, 8))
    64000000000.0
    """
    return total / 2.0 / np.maximum(domain - 1.0, 1.0)


def groups_needed(n: Any, group: Any) -> Any:
    """How many groups (hosts, domains) of `group` devices hold `n` devices.

    >>> int(groups_needed(12, 8))
    2
    """
    return np.ceil(n / group)


def torus_shape(n: int, axes: int) -> tuple[int, ...]:
    """Sides of the most cube-like slice of exactly `n` chips, ascending.

    Parameters
    ----------
    n : int
        Chips.
    axes : int
        Axes of the torus.

    Raises
    ------
    InputError
        Either is less than one.

    >>> torus_shape(3072, 3)
    (12, 16, 16)
    >>> torus_shape(256, 2)
    (16, 16)
    """
    if n < 1 or axes < 1:
        raise InputError(
            "no such torus",
            key="n_devices",
            value=n,
            allowed="at least one chip and one axis",
            remedy="ask for more chips",
        )
    if axes == 1:
        return (n,)
    sides = [side for side in range(1, round(n ** (1.0 / axes)) + 1) if n % side == 0]
    shapes = [tuple(sorted((side, *torus_shape(n // side, axes - 1)))) for side in sides]
    return min(shapes, key=lambda shape: (sum(shape), math.prod(shape[1:])))
