"""What a training run emits: power, operational and embodied carbon, footprint."""

from carbonscaling.carbon.assess import CarbonModel, FactorRange, Footprint, WideningFactor, assess, spread
from carbonscaling.carbon.footprint import (
    CarbonNumbers,
    FootprintParts,
    footprint,
    low_static,
    without_embodied,
    without_static,
)

__all__ = [
    "CarbonModel",
    "CarbonNumbers",
    "FactorRange",
    "Footprint",
    "FootprintParts",
    "WideningFactor",
    "assess",
    "footprint",
    "low_static",
    "spread",
    "without_embodied",
    "without_static",
]
