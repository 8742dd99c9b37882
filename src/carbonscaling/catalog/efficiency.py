"""Device-level efficiencies by architecture, and user profiles that replace them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, packaged, read_toml, shipped
from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.device import Device
from carbonscaling.perf.efficiency import Efficiency

__all__ = ["architectures", "efficiency", "family"]


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    return packaged("carbonscaling.catalog", "efficiency.toml")


def family(device: Device) -> str | None:
    """Longest known family that the architecture's name starts with; a TPU's name is "TPU" and its generation."""
    architecture = f"TPU {device.architecture}" if device.kind == "tpu" else device.architecture
    matches = [name for name in architectures() if architecture.lower().startswith(name.lower())]
    return max(matches, key=len) if matches else None


def _overlay(base: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    own = change.get("gemm", {})
    gemm = {**base.get("gemm", {}), **own} if isinstance(own, Mapping) else own
    return {**base, **change, "gemm": gemm}


def architectures() -> tuple[str, ...]:
    """Architectures with efficiencies of their own; every other one gets the default."""
    return tuple(_shipped()["architecture"])


def _merged(name: str | None) -> dict[str, Any]:
    data = _shipped()
    merged = dict(data["default"])
    if name is None:
        return merged
    if name.startswith("TPU "):  # a generation, by what sets it apart from the other TPUs
        merged = _overlay(merged, data["architecture"]["TPU"])
    return _overlay(merged, data["architecture"][name])


@lru_cache(maxsize=32)
def _of_family(name: str | None) -> Efficiency:
    return shipped(Efficiency, _merged(name))


def efficiency(device: Device, profile: Path | None = None) -> Efficiency:
    """Return the efficiencies of a device's architecture, with what its own products reach where that is measured.

    Parameters
    ----------
    device : Device
        Its `architecture` is matched by the beginning of its name ("CDNA 3" is a CDNA); every TPU is a "TPU", some
        generations with values of their own; the default holds for the rest.
    profile : Path, optional
        TOML file of a user's own values, in the shape of one ``[architecture.NAME]`` table; overrides key by key.

    Raises
    ------
    InputError
        A profile with an unknown key or a bad value.
    """
    name = family(device)
    if profile is None:
        own = _of_family(name)
        return replace(own, gemm={**own.gemm, **device.reached}) if device.reached else own
    merged, user = _merged(name), read_toml(profile)
    merged["gemm"] = {**merged["gemm"], **device.reached}
    for key in user:
        if key not in merged:
            raise InputError(
                "unknown efficiency",
                where=str(profile),
                key=key,
                allowed=", ".join(merged),
                suggestion=nearest(key, merged),
                remedy="correct or remove the key",
            )
    return build(Efficiency, _overlay(merged, user), str(profile))
