"""Names under which training software ships models."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.catalog.read import packaged

__all__ = ["flavors"]


def flavors(name: str) -> Mapping[str, str]:
    """Return the catalogue's model behind each name that a software ships."""
    found: Mapping[str, str] = packaged(__package__, "flavors.toml")[name]
    return found
