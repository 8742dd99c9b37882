"""The model's parts, each held to measurements of that part alone."""

from __future__ import annotations

from carbonscaling.validate.components.record import Component
from carbonscaling.validate.components.table import PARTS, component_table

__all__ = ["PARTS", "Component", "component_table"]
