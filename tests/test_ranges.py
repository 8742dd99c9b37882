"""What a quantity can be: refused beyond, in every question that has it; nothing published is refused."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.carbon.profile import load_profile
from carbonscaling.carbon.profile_files import PRICE
from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.regions import place, region_names
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.ranges import RANGES, check_ranges
from carbonscaling.serving.scenario import Serving
from carbonscaling.study.project.stages import Deployment, Storage
from carbonscaling.study.together.decision import Decision

DOORS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (cs.Scenario, {}), (Boundary, {}), (Contracts, {"kind": "ppa"}), (Serving, {}), (Decision, {}),
    (Storage, {"name": "data", "kind": "storage"}), (Deployment, {"name": "use", "kind": "serving"}),
)  # fmt: skip
HELD = [
    (cls, own, key)
    for cls, own in DOORS
    for key in RANGES
    if key in {f.name for f in dataclasses.fields(cls)} and (cls, key) != (Contracts, "days")
]  # those of a contract may be none


@pytest.mark.parametrize(("cls", "own", "key"), HELD, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_question_refuses_what_a_quantity_cannot_be(cls: Any, own: dict[str, Any], key: str) -> None:
    known = RANGES[key]
    several = key == "candidates"
    for value in (known.low, known.high, math.sqrt(max(known.low, 1e-9) * known.high)):
        cls(**own, **{key: (value,) if several else value})
    for value in (known.high * 1.01, known.low * 0.99 if known.low else -1e-9, math.inf, math.nan, -known.high):
        with pytest.raises(InputError, match=f"{key}.*out of range") as refused:
            cls(**own, **{key: (value,) if several else value})
        assert known.unit in str(refused.value.allowed)
        assert refused.value.remedy == known.remedy
    if known.nought:
        cls(**own, **{key: 0.0})


def test_each_range_is_somebodys() -> None:
    assert {key for _, _, key in HELD} | {"write_s", "restart_s"} == RANGES.keys()


def test_nothing_published_is_refused() -> None:
    """Grids on every basis, networks of every host, and models of the catalogue lie in their ranges."""
    grids = [datum.value for name in region_names() for datum in place(name).intensities.values()]
    assert min(value for value in grids if value) < 3.0
    for value in grids:
        check_ranges({"carbon_intensity_g_per_kwh": value})
    for name in hardware.device_names():
        cluster = hardware.cluster(name)
        check_ranges({"nic_gbps": cluster.host.nic_bandwidth.si * 8 / 1e9})
    for name in models.model_names():
        check_ranges({"params": models.model_entry(name).parameters.si})


@pytest.mark.parametrize("key", ["carbon_intensity_g_per_kwh", "g_per_kwh"])
def test_kilograms_are_no_grams(key: str) -> None:
    """What every grid is in kg/kWh lies outside, up to the dirtiest few."""
    caught = [value for name in region_names() for value in [place(name).location.value] if 0 < value < 1000]
    for value in caught:
        with pytest.raises(InputError, match=r"0\.4 kg/kWh is 400"):
            check_ranges({key: value / 1000})


def table(path: Path, column: str, values: list[float]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["time", column])
        out.writerows([[f"2026-01-01T{hour:02}:00", value] for hour, value in enumerate(values)])
    return path


def test_hours_in_kilograms_are_refused(tmp_path: Path) -> None:
    for least, most in ((0.05, 0.06), (0.3, 0.9), (0.001, 0.02)):
        with pytest.raises(InputError, match="kg/kWh times 1000"):
            load_profile(table(tmp_path / "h.csv", "g_per_kwh", [least, most, least]))
    for values in ([0.0, 0.0, 0.0], [0.0, 0.4, 0.2], [0.4, 1.9, 0.7], [30.0, 28.0, 33.0]):
        assert load_profile(table(tmp_path / "h.csv", "g_per_kwh", values)).g_per_kwh == pytest.approx(values)


MASSES = {"g": 1.0, "kg": 1e3, "t": 1e6, "lb": 453.59237}


def test_columns_of_other_units_are_told_their_factor(tmp_path: Path) -> None:
    """A column is never to be renamed alone where its unit is another's: the factor is in the remedy."""
    gases, seps, energies = ("", "co2", "CO2eq"), ("_per_", "/"), {"kwh": 1.0, "MWh": 1e3}
    for (mass, grams), gas, sep, (energy, kwh) in itertools.product(MASSES.items(), gases, seps, energies.items()):
        name = f"{mass}{gas}{sep}{energy}"
        if name == "g_per_kwh" or (mass, energy) in (("t", "kwh"), ("lb", "kwh")):
            continue
        with pytest.raises(InputError, match="another unit") as refused:
            load_profile(table(tmp_path / "h.csv", name, [30.0, 31.0]))
        factor = grams / kwh
        assert refused.value.suggestion is None
        said = "its values are" if factor == 1 else f"its values times {factor:g} are"
        assert str(refused.value.remedy).startswith(said), name
    with pytest.raises(InputError, match="times 1000 are usd_per_mwh"):
        load_profile(table(tmp_path / "p.csv", "usd_per_kwh", [0.05, 0.06]), what=PRICE)


@pytest.mark.parametrize("train", ["full", "continued", "sft", "frozen-embeddings"])
def test_a_rank_without_adapters_is_refused(train: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["estimate", "--model", "llama-3-8b", "--tokens", "1e9", "--devices", "8", "--seq-len", "4096"]
    assert main([*words, "--train", train, "--lora-rank", "16"]) == ExitCode.USAGE
    assert "--train lora" in capsys.readouterr().err


def test_a_loss_that_is_out_of_reach_is_told_what_is_not() -> None:
    with pytest.raises(InputError, match="no size that is tried") as refused:
        cs.decide(loss=1.7, params=1e9, tokens=1e11)
    least = float(str(refused.value.allowed).split()[2].rstrip(","))
    assert cs.decide(loss=least * 1.001, params=1e9, tokens=1e11).to_dict()
