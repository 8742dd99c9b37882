"""What a training run emits: power, operational and embodied carbon, footprint, its intervals and its boundaries."""

from carbonscaling.carbon.assess import CarbonModel, assess
from carbonscaling.carbon.boundary import Boundary, BoundaryLine
from carbonscaling.carbon.footprint import (
    CarbonNumbers,
    FootprintParts,
    footprint,
    low_static,
    without_embodied,
    without_static,
)
from carbonscaling.carbon.result import Footprint, Scope2, WideningFactor

__all__ = [
    "Boundary",
    "BoundaryLine",
    "CarbonModel",
    "CarbonNumbers",
    "Footprint",
    "FootprintParts",
    "Scope2",
    "WideningFactor",
    "assess",
    "footprint",
    "low_static",
    "without_embodied",
    "without_static",
]
