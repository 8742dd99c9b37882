"""Names that two places have: generated from every state, country and city that ships."""

from __future__ import annotations

import random

import pytest

import carbonscaling as cs
from carbonscaling.catalog.grids import areas
from carbonscaling.catalog.place_names import check_listed, read_as, states
from carbonscaling.catalog.regions import place, region_names, slug
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError

CITIES = sorted(
    {
        city
        for area in areas().values()
        for city in area.names
        if city.isascii() and city.isalpha() and not city.isupper()
    }
)  # USA is no city
RUN = ("estimate", "--model", "llama-3-8b", "--tokens", "1e9", "--devices", "8")


def known(name: str) -> str | None:
    try:
        return place(name).name
    except InputError:
        return None


def test_a_city_and_its_state_are_not_two_places() -> None:
    """Every state by code and name, after cities that ship and one that does not: one error, and its remedies are read so."""
    pick = random.Random(3)
    for written, area in states().items():
        for city in (*pick.sample(CITIES, 3), "Springfield"):
            if known(city) in (slug(city), slug(written)) or slug(city) in states():
                continue
            with pytest.raises(InputError, match="one place or two") as refused:
                check_listed([city, written.upper() if len(written) == 2 else written])
            words = str(refused.value.remedy).split()
            assert words[1] == area.code
            assert place(words[1]).zone == area.code
            if ";" in str(refused.value.remedy):
                both = words[-1].split(",")
                check_listed(both)
                assert place(both[0]).name == place(city).name
                assert place(both[1]).name == known(written) or place(both[1]).zone == area.code


def test_lists_of_regions_and_countries_are_lists() -> None:
    """What is no city may stand before a state: codes of countries, ids of clouds, other states."""
    names = [name for name in region_names() if known(name)]
    pick = random.Random(4)
    for written in ("texas", "georgia", "CA", "oregon", "US-TX"):
        for name in pick.sample(names, 40):
            check_listed([name, written])
    for listed in (
        ["fr", "ca"],
        ["france", "texas", "us-east5"],
        ["texas", "georgia"],
        ["paris", "london"],
        ["paris", "US-TX"],
    ):
        check_listed(listed)


def test_the_place_that_was_read_is_said_where_another_was_typed() -> None:
    for name in region_names():
        assert read_as(name) is None or name in states(), name
    for written, area in states().items():
        there = known(written)
        if there is not None and place(written).zone != area.code:
            assert area.code in str(read_as(written)), written
            assert place(written).title in str(read_as(written))
    said = 0
    for city in CITIES:
        there = known(city)
        if there is not None and slug(city) not in (there, slug(place(city).title)):
            said += 1
            assert place(city).title in str(read_as(city)), city
    assert said > 30


@pytest.mark.parametrize(
    "text", ["Dublin, CA", "Paris, Texas", "Cambridge, MA", "Springfield, IL", "Portland,OR", "Atlanta,Georgia"]
)
@pytest.mark.parametrize("command", [(*RUN, "--region"), ("choose", *RUN[1:], "--regions")])
def test_doors_refuse_a_city_with_its_state(
    text: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, text]) == ExitCode.USAGE
    assert "one place or two?" in capsys.readouterr().err


def test_answers_name_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    found = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e9, devices=8, region="CA"))
    assert "region CA: Canada; the grid of California is US-CA" in found.resolved.notes
    assert main([*RUN, "--region", "georgia"]) == ExitCode.OK
    assert "the country Georgia" in " ".join(capsys.readouterr().out.split())
    assert main(["choose", *RUN[1:], "--regions", "CA,france"]) == ExitCode.OK
    assert "CA: Canada" in " ".join(capsys.readouterr().out.split())
