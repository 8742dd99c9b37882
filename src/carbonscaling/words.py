"""Numbers as people say them: three digits and a unit of a fitting size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from carbonscaling.units import DAY, HOUR, YEAR

__all__ = [
    "BYTES",
    "COUNTS",
    "ENERGY",
    "MASS",
    "TIME",
    "big",
    "count",
    "counted",
    "data",
    "duration",
    "energy",
    "mass",
    "mass_span",
    "money",
    "percent",
    "percents",
    "plain",
    "scaled",
    "shortened",
]

MASS = ((1e6, "MtCO2e"), (1e3, "ktCO2e"), (1.0, "tCO2e"), (1e-3, "kgCO2e"), (1e-6, "gCO2e"))
ENERGY = ((1e9, "TWh"), (1e6, "GWh"), (1e3, "MWh"), (1.0, "kWh"), (1e-3, "Wh"))
BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
BIG = ((1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, ""))
COUNTS = tuple((size, suffix) for size, suffix in BIG if size <= 1e12)
MONEY = ((1e9, "bn$"), (1e6, "M$"), (1e3, "k$"), (1.0, "$"))
LONG = 5
"""Letters of a number that is left as it is."""
TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def plain(value: float) -> str:
    """Three significant digits, thousands separated, no exponent in the usual range.

    >>> plain(16384.2), plain(41.26), plain(0.00123), plain(3.1e-9)
    ('16,400', '41.3', '0.00123', '3.1e-09')
    """
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    if abs(value) >= 99.95:
        return f"{float(f'{value:.3g}'):,.0f}"
    text = f"{value:#.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def shortened(words: str) -> str:
    """Return words with three digits of every number that has more.

    >>> shortened("0.996877 to 1.49532 g/kWh")
    '0.997 to 1.5 g/kWh'
    """

    def short(word: str) -> str:
        try:
            return plain(float(word)) if len(word) > LONG else word
        except ValueError:
            return word

    return " ".join(map(short, words.split(" ")))


def scaled(value: float, units: tuple[tuple[float, str], ...], scale_of: float | None = None) -> tuple[float, str]:
    """Return the value in the unit that suits `scale_of` (itself if not given)."""
    size = abs(value if scale_of is None else scale_of)
    divisor, unit = next((pair for pair in units if size >= 0.9995 * pair[0]), units[-1])
    if size == 0:
        divisor, unit = next(pair for pair in units if pair[0] == 1.0)
    return value / divisor, unit


def _say(value: float, units: tuple[tuple[float, str], ...]) -> str:
    number, unit = scaled(value, units)
    return f"{plain(number)} {unit}"


def mass(tonnes: float) -> str:
    """Mass of CO2-equivalent, from tonnes; tonnes up to a hundred thousand.

    >>> mass(9320.4), mass(0.25), mass(2.5e6)
    ('9,320 tCO2e', '250 kgCO2e', '2.5 MtCO2e')
    """
    return f"{plain(tonnes)} tCO2e" if 1.0 <= tonnes < 1e5 else _say(tonnes, MASS)


def mass_span(ends: Sequence[float], like: float) -> str:
    """Interval of a mass of CO2-equivalent in the unit in which `mass` says `like`, from tonnes.

    >>> mass_span((0.0891, 0.416), 0.248), mass_span((0.8, 1.6), 1.1)
    ('89.1 to 416 kgCO2e', '0.8 to 1.6 tCO2e')
    """
    unit = mass(like).rpartition(" ")[2]
    size = next(size for size, name in MASS if name == unit)
    return " to ".join(plain(end / size) for end in ends) + f" {unit}"


def counted(n: float, noun: str) -> str:
    """Return so many things in words.

    >>> counted(1, "sequence"), counted(1536, "sequence"), counted(0, "setting")
    ('1 sequence', '1,536 sequences', '0 settings')
    """
    return f"{n:,.10g} {noun}{'s' * (n != 1)}"


def energy(kwh: float) -> str:
    """Energy, from kWh.

    >>> energy(433_196)
    '433 MWh'
    """
    return _say(kwh, ENERGY)


def data(n_bytes: float) -> str:
    """Bytes, decimal prefixes.

    >>> data(79.1e9)
    '79.1 GB'
    """
    return _say(n_bytes, BYTES)


def count(value: float) -> str:
    """Model sizes and tokens.

    >>> count(15.6e12), count(405e9)
    ('15.6T', '405B')
    """
    number, suffix = scaled(value, COUNTS)
    return f"{plain(number)}{suffix}"


def big(value: float) -> str:
    """Say a large number, in words where there is one: device-hours.

    >>> big(30.84e6), big(512)
    ('30.8 million', '512')
    """
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if value >= 0.9995 * size:
            return f"{plain(value / size)} {word}"
    return plain(value)


def money(usd: float) -> str:
    """US dollars.

    >>> money(61.5e6)
    '61.5 M$'
    """
    return _say(usd, MONEY)


def duration(seconds: float) -> str:
    """Time in the unit a person would choose.

    >>> duration(0.0123), duration(11.2), duration(86400 * 78.2), duration(3.15576e8)
    ('12.3 ms', '11.2 s', '78.2 days', '10 years')
    """
    for size, unit in ((3 * YEAR, "years"), (2 * DAY, "days"), (2 * HOUR, "hours"), (120.0, "min"), (1.0, "s")):
        if seconds >= size:
            one = {"years": YEAR, "days": DAY, "hours": HOUR, "min": 60.0, "s": 1.0}[unit]
            return f"{plain(seconds / one)} {unit}"
    return _say(seconds, TIME) if seconds else "0 s"


def percents(one: float, other: float) -> tuple[str, str]:
    """Two shares as percentages, with as many digits as tell them apart.

    >>> percents(0.4126, 0.38), percents(0.1934, 0.1926), percents(0.5, 0.5)
    (('41%', '38%'), ('19.34%', '19.26%'), ('50%', '50%'))
    """
    if percent(one) != percent(other):
        return percent(one), percent(other)
    digits = next((d for d in (0, 1, 2) if f"{one:.{d}%}" != f"{other:.{d}%}"), 0)
    return f"{one:.{digits}%}", f"{other:.{digits}%}"


def percent(share: float) -> str:
    """Share as a percentage.

    >>> percent(0.4126), percent(0.004), percent(0.0), percent(1e-5)
    ('41%', '0.4%', '0%', '<0.1%')
    """
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.0995 or share <= 0 else f"{share:.1%}"
