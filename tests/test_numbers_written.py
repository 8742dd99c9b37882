"""Numbers as people write them in different countries: read where they can mean one thing, else refused with all they can."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from carbonscaling.cli.commas import SEVERAL, parted
from carbonscaling.cli.question import number
from carbonscaling.cli.unit_words import SPELT, UNITS, without_unit
from carbonscaling.errors import InputError

PICK = random.Random(20)
COUNTS = [PICK.randrange(10**d, 10 ** (d + 1)) for d in range(7) for _ in range(12)] + [2**n for n in range(21)]
LISTS = [tuple(sorted(PICK.sample(COUNTS[:60], n))) for n in (2, 3) for _ in range(40)] + [(64, 128), (512, 1024)]
OPTIONS = [("--devices", True), ("--batch", True), ("--tokens", False), ("--max-days", False), ("--budget-usd", False)]


def texts() -> list[str]:
    """Return counts in groups, measures with a decimal comma, and lists, all with commas alone."""
    grouped = [f"{n:,}" for n in COUNTS if n >= 1000]
    decimal = [f"{n / 1000:.3f}".replace(".", ",") for n in COUNTS[:70]] + ["0,5", "1,25", "0,125", "15,6"]
    return sorted({*grouped, *decimal, *(",".join(map(str, each)) for each in LISTS)})


def meanings(text: str, whole: bool) -> set[float | tuple[int, ...]]:
    """Return what a text may mean, from how each meaning is printed."""
    found: set[float | tuple[int, ...]] = set()
    plain = text.replace(",", "")
    if f"{int(plain):,}" == text and int(plain) > 0:
        found.add(float(plain))
    if not whole and text.count(",") == 1:
        found.add(float(text.replace(",", ".")))
    parts = text.split(",")
    if all(str(int(part)) == part and int(part) > 0 for part in parts):
        found.add(tuple(map(int, parts)))
    return found


def tried(text: str, option: str, whole: bool) -> tuple[float | None, str]:
    """Return what is read, or the remedy of the refusal."""
    try:
        return number(text, option, whole=whole), ""
    except InputError as error:
        return None, str(error.remedy)


def parts_of(text: str) -> tuple[list[int], str]:
    """Return what is read of a list, or the remedy of the refusal."""
    try:
        return [int(part) for part in parted(text, "--counts", True)], ""
    except InputError as error:
        return [], str(error.remedy)


@pytest.mark.parametrize(("option", "whole"), OPTIONS)
def test_commas_are_read_where_they_mean_one_thing(option: str, whole: bool) -> None:
    """Nothing is read that can mean another number, and a refusal names each number that it can mean."""
    read = refused = 0
    for text in texts():
        meant = meanings(text, whole)
        numbers = {one for one in meant if isinstance(one, float)}
        lists = meant - numbers
        value, remedy = tried(text, option, whole)
        if value is None:
            refused += 1
            said = {float(n) for n in re.findall(rf"{option} ([\d.]+)", remedy)}
            assert said == numbers or (said < numbers and text.endswith(",000")), (text, remedy)
            assert not lists or option not in SEVERAL or SEVERAL[option] in remedy
            continue
        read += 1
        assert value in numbers
        rivals = numbers - {value} if not text.endswith(",000") else set()  # nobody writes three noughts of a fraction
        assert not rivals, text
        assert not lists or (not whole and option not in SEVERAL), text
    assert read > 2
    assert refused > 50


@pytest.mark.parametrize(("option", "whole"), OPTIONS)
@pytest.mark.parametrize("unit", ["h", "t", "MWh", "USD", "kW", "GPUs", "T", "k"])
def test_a_group_keeps_its_unit(option: str, whole: bool, unit: str) -> None:
    """1,500 h is not 1.500h: what is suggested has no comma, and is what the unit makes of one of both readings."""
    for text in ("1,500", "12,250", "1,000", "0,125", "2,5"):
        _, remedy = tried(f"{text} {unit}", option, whole)
        for said in re.findall(rf"{option} (\d\S*?)[,;]? ", f"{remedy} "):
            both = {number(without_unit(f"{one}{unit}", option) or f"{one}{unit}", option)
                    for one in (text.replace(",", ""), text.replace(",", "."))}  # fmt: skip
            assert any(number(said, option) == pytest.approx(one) for one in both), (text, unit, said)


def test_lists_are_read_where_they_mean_one_thing() -> None:
    """Of every list with commas the same list comes back, or it is refused; no group of thousands is taken for two counts."""
    for each in LISTS:
        spaced = ", ".join(map(str, each))
        assert [int(part) for part in parted(spaced, "--counts", True)] == list(each)
        found, remedy = parts_of(",".join(map(str, each)))
        assert found == list(each) or f'"{spaced}"' in remedy
    for several in (1, 2, 3):
        for first in range(1, 900, 7):
            grouped = ",".join(f"{1024 * (first + step):,}" for step in range(several))
            if "," in grouped and first * 1024 < 1e6 - 3000:
                with pytest.raises(InputError, match="commas of thousands"):
                    parted(grouped, "--counts", True)
    for text in ("64,128", "64,128,256", "512,1024", "400,500", "16,64", "1024,2048,4096", "8,16,32", "7,30"):
        assert parted(text, "--counts", True) == text.split(",")
    for text, gap in itertools.product(("64 128", "512 1024"), (" ", "; ", ";")):
        with pytest.raises(InputError, match=re.escape(f"did you mean: --counts {text.replace(' ', ',')}?")):
            parted(text.replace(" ", gap), "--counts", True)


COUNTED = {"token", "device", "sequence", "parameter"}


def test_a_count_of_something_else_is_no_suggestion() -> None:
    """4M tokens are no 4M sequences: a count takes words of what it counts alone, with any scale before them."""
    seen = 0
    for option, units in UNITS.items():
        own = COUNTED & units.keys()
        for thing, scale in itertools.product(COUNTED if own else (), ("", "k", "M", "M ", " million ")):
            for word in SPELT[thing].split():
                seen += 1
                assert (without_unit(f"4{scale}{word}", f"--{option}") is not None) == (thing in own), (option, word)
    assert seen > 500


@pytest.mark.parametrize(
    ("option", "text", "both"),
    [("--budget-carbon", "100MT", {100.0, 1e8}), ("--budget-carbon", "100 MTCO2e", {100.0, 1e8}),
     ("--budget-carbon", "2mt", {2.0, 2e6}),
     ("--max-days", "3m", {3 / 1440, 3 * 365.25 / 12}), ("--deadlines", "3 m", {3 / 1440, 3 * 365.25 / 12})],
)  # fmt: skip
def test_a_unit_of_two_names_is_refused_with_both(option: str, text: str, both: set[float]) -> None:
    with pytest.raises(InputError) as refused:
        number(text, option)
    assert refused.value.suggestion is None
    said = sorted(float(n) for n in re.findall(rf"{option} ([\d.e+]+)", str(refused.value.remedy)))
    assert said == pytest.approx(sorted(both), rel=1e-3)


@pytest.mark.parametrize("option", [name for name in UNITS if name not in ("tokens", "budget-usd")])
def test_a_small_m_is_a_million_of_what_goes_by_the_million_alone(option: str) -> None:
    from carbonscaling.cli.unit_words import IN_MILLIONS

    for text in ("64m", "500 m", "700mW"):
        meant = without_unit(text, f"--{option}")
        assert meant is None or (option in IN_MILLIONS and meant.endswith("M")), (option, text, meant)
