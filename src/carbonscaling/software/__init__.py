"""What software does with a machine: stacks as they ship, and what a run may change about them."""

from __future__ import annotations

from carbonscaling.software.options import Optimizer, Software
from carbonscaling.software.stack import Stack

__all__ = ["Optimizer", "Software", "Stack"]
