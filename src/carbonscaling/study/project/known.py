"""Which fields of a training or of a serving each kind of stage knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from carbonscaling.errors import InputError
from carbonscaling.serving.scenario import Serving
from carbonscaling.study.project.stages import (
    Deployment,
    Generation,
    Hours,
    Preference,
    Reinforcement,
    Share,
    Stage,
    Storage,
)
from carbonscaling.study.scenario import Scenario

__all__ = ["ALIKE", "SERVED", "TRAINED", "TRAININGS_ALONE", "check_conventions", "check_rollouts", "options"]

TRAINED = frozenset(f.name for f in dataclasses.fields(Scenario))
SERVED = frozenset(f.name for f in dataclasses.fields(Serving))
ALIKE = (
    "model", "device", "host", "region", "basis", "pue", "carbon_intensity_g_per_kwh", "price_usd_per_device_hour",
    "price_basis",
)  # fmt: skip
"""Fields that a training and a serving share."""
TRAININGS_ALONE = (
    "scope2", "lifetime_years", "carbon_mode", "paper_version", "amortisation", "factors", "contracts", "hourly", "start_hour",
    "power_limit", "years_ahead", "cpa_growth",
)  # fmt: skip
"""Conventions of carbon, and changes of a device, that a serving does not know: common to all stages only where none is
served, and of no stage that serves in a part of it."""
PLACED = frozenset((
    "region", "basis", "scope2", "carbon_intensity_g_per_kwh", "hourly", "start_hour", "pue", "lifetime_years", "amortisation",
    "contracts",
))  # fmt: skip
"""Where and how electricity and machines are counted: what stored data know of a training."""
HELD = PLACED | {
    "device", "host", "devices", "nic_gbps", "fabric", "power_limit", "years_ahead", "cpa_growth", "carbon_mode",
    "paper_version", "shared_hosts", "factors", "calibration", "price_usd_per_device_hour", "price_basis",
}  # fmt: skip
"""What devices that are held for known hours know: themselves, their place and their price."""


def options(cls: type[Stage]) -> frozenset[str]:
    """Return the fields that a stage may state beside its own."""
    if issubclass(cls, Deployment | Generation):
        return SERVED
    by_class = {Hours: HELD, Storage: PLACED, Share: frozenset[str]()}
    return next((known for one, known in by_class.items() if issubclass(cls, one)), TRAINED)


def check_rollouts(stage: Stage, said: Iterable[str], where: str) -> None:
    """Refuse what would hold for the trained part of a stage alone, where a model also answers in it.

    Raises
    ------
    InputError
        Such a field is stated.
    """
    served = isinstance(stage, Reinforcement) or (isinstance(stage, Preference) and stage.cached)
    if served and (alone := next((key for key in said if key in TRAININGS_ALONE), None)):
        raise InputError(
            "half of this stage would have it", where=where, key=alone, allowed="what a serving knows too: " + ", ".join(ALIKE),
            remedy="leave it out: the model that answers in this stage does not know it",
        )  # fmt: skip


def check_conventions(s: Scenario) -> None:
    """Refuse conventions that a stored terabyte's figures do not know.

    Raises
    ------
    InputError
        The papers' mode, or factors of one's own.
    """
    for key, value, plain in (("carbon_mode", s.carbon_mode, "physical"), ("factors", s.factors, None)):
        if value != plain:
            raise InputError("stored data do not know it", key=key, value=value, allowed=plain,
                             remedy="state it in the other stages, in place of [common]")  # fmt: skip
