"""Ranges through to every figure: sampling, intervals, Sobol indices, user factors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon import assess
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.sobol import sobol_indices
from carbonscaling.carbon.uncertainty import Z95, draws, interval, sample_factor, sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum
from carbonscaling.units import DAY

H100 = hardware.cluster("h100-sxm")


@given(value=st.floats(0.1, 100), down=st.floats(0.2, 1), up=st.floats(1, 5))
def test_a_range_is_read_as_percentiles(value: float, down: float, up: float) -> None:
    datum = Datum(value, "1", "user", low=value * down, high=value * up)
    ends = sample_factor("x", datum, np.array([-Z95, 0.0, Z95]))
    assert ends == pytest.approx([value * down, value, value * up])


def test_a_range_that_touches_nought_stays_above_it() -> None:
    found = sample_factor("water_on_site", Datum(0.3, "1", "user", low=0.0, high=1.8), draws("water_on_site"))
    assert found.min() == 0.0
    assert np.percentile(found, 95) == pytest.approx(1.8, rel=0.05)


def test_pue_never_falls_below_one() -> None:
    assert sample_factor("pue", Datum(1.01, "1", "user", low=1.0, high=1.3), draws("pue")).min() >= 1.0


def test_draws_depend_on_name_and_seed_alone() -> None:
    assert np.array_equal(draws("pue"), draws("pue"))
    assert not np.array_equal(draws("pue"), draws("lifetime"))
    assert not np.array_equal(draws("pue"), draws("pue", seed=1))


def test_the_same_question_gives_the_same_interval() -> None:
    one, two = (assess(carbon_model(H100, "us-east5"), 1024, 30 * DAY, 0.4) for _ in range(2))
    assert one.intervals == two.intervals
    assert set(one.intervals) == {"energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres"}


def test_one_factor_alone_gives_its_own_range() -> None:
    """With everything else known, the interval of operational carbon is the intensity's range."""
    model = carbon_model(H100, "us-east5")
    only = {k: v if k == "carbon_intensity" else Datum(v.value, v.unit, v.source) for k, v in model.factors.items()}
    sampled, drawn = sample_footprint(model.assemble, only, 64, DAY, 0.4)
    assert set(drawn) == {"carbon_intensity"}
    low, high = interval(sampled.operational_kg, float(np.median(sampled.operational_kg)))
    ends = only["carbon_intensity"]
    assert ends.low is not None
    assert ends.high is not None
    assert high / low == pytest.approx(ends.high / ends.low, rel=0.05)
    assert np.ptp(sampled.energy_j) == 0.0


def test_uncertain_time_widens_everything_that_time_makes() -> None:
    model = carbon_model(H100, "us-east5")
    exact = assess(model, 64, DAY, 0.4)
    loose = assess(model, 64, DAY, 0.4, time=Datum(1.0, "1", "user", low=0.7, high=1.6))
    for name in ("energy_kwh", "embodied_tco2e", "total_tco2e"):
        (a, b), (c, d) = exact.intervals[name], loose.intervals[name]
        assert d - c > b - a
    assert "time" in {w.name for w in loose.widest}
    assert loose.total_tco2e == exact.total_tco2e


def test_sobol_indices_add_up_and_agree_with_the_widest() -> None:
    model = carbon_model(H100, "us-east5")
    found = sobol_indices(model, 1024, 30 * DAY, 0.4)
    assert found[0].name == assess(model, 1024, 30 * DAY, 0.4).widest[0].name == "carbon_intensity"
    assert math.fsum(max(i.first, 0.0) for i in found) == pytest.approx(1.0, abs=0.02)
    assert [i.total for i in found] == sorted((i.total for i in found), reverse=True)
    assert found == sobol_indices(model, 1024, 30 * DAY, 0.4), "the same figures every time"
    assert all(0.0 <= i.conf < 0.03 for i in found)


def test_asking_what_widens_a_result_leaves_the_model_as_it_was() -> None:
    """A model is shared by all questions of its machine and place."""
    model = carbon_model(H100, "france")
    before = dict(model.ranged)
    indices = sobol_indices(model, 64, 30 * DAY, 0.4, time=Datum(1.0, "1", "user", low=0.7, high=1.6))
    assert "time" in {index.name for index in indices}
    assert dict(model.ranged) == before
    assess(model, 64, 30 * DAY, 0.4)


def test_user_factors_take_the_place_of_the_shipped(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('pue = { value = 1.3, low = 1.2, high = 1.4, unit = "1" }\nlifetime = { value = 48, unit = "h" }\n')
    own = load_factors(path)
    model = carbon_model(H100, "us-east5", overrides=own)
    assert model.numbers.pue == 1.3
    assert model.numbers.lifetime_s == 48 * 3600
    assert own["pue"].source == "user"
    assert np.max(model.ends.pue) == model.ranged["pue"].high == 1.4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('pue = { value = 0.9, unit = "1" }', ["pue", "1 or more"]),
        ('pue = { value = 1.2, low = 0.9, high = 1.3, unit = "1" }', ["pue", "1 or more"]),
        ('carbon_intensity = { value = -5, unit = "g/kWh" }', ["carbon_intensity", "0 or more"]),
        ('lifetime = { value = 0, unit = "y" }', ["lifetime", "more than 0"]),
        ('lifetime = { value = 1e-300, unit = "y" }', ["lifetime", "from 1e-30"]),
        ('pue = { unit = "1" }', ["missing key", "pue.value"]),
        ('pue = { value = 1.2, unit = "1", low = 1.1 }', ["low and high"]),
        ("pue = 1.2", ["a factor needs a table"]),
        ('pue = { value = 1.2, unit = "furlong" }', ["unit"]),
    ],
)
def test_bad_factor_files(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_factors(path)
    assert all(word in str(caught.value) for word in [*words, str(path)])


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"peu": Datum(1.2, "1", "user")}, ["unknown factor", "pue"]),
        ({"pue": Datum(1.2, "W", "user")}, ["another quantity", "1"]),
        ({"carbon_intensity": Datum(0.3, "kg", "user")}, ["another quantity", "g/kWh"]),
    ],
)
def test_factors_that_fit_nothing(own: dict[str, Datum], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        carbon_model(H100, "us-east5", overrides=own)
    assert all(word in str(caught.value) for word in words)
