"""Numbers with a unit, where an option takes the number alone: what to write instead."""

from __future__ import annotations

import re

from carbonscaling.units import DAY, HOUR, YEAR

__all__ = ["is_unit", "two_units", "without_unit"]

_DAYS = {"min": 60 / DAY, "h": HOUR / DAY, "d": 1.0, "w": 7.0, "month": YEAR / 12 / DAY, "y": YEAR / DAY}
_TONNES = {"g": 1e-6, "kg": 1e-3, "t": 1.0, "kt": 1e3, "Mt": 1e6}
_KWH = {
    "J": 1 / 3.6e6,
    "TJ": 1e6 / 3.6,
    "MJ": 1 / 3.6,
    "GJ": 1e3 / 3.6,
    "Wh": 1e-3,
    "kWh": 1.0,
    "MWh": 1e3,
    "GWh": 1e6,
    "TWh": 1e9,
}
_USD = {"$": 1.0}
_DEVICES, _TOKENS, _SEQUENCES, _PARAMETERS = {"device": 1.0}, {"token": 1.0}, {"sequence": 1.0}, {"parameter": 1.0}
UNITS: dict[str, dict[str, float]] = {
    "max-days": _DAYS,
    "deadlines": _DAYS,
    "start-hour": {unit: factor * DAY / HOUR for unit, factor in _DAYS.items()},
    "lifetime-years": {unit: factor * DAY / YEAR for unit, factor in _DAYS.items()},
    "years-ahead": {unit: factor * DAY / YEAR for unit, factor in _DAYS.items()},
    "timeout": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "budget-usd": _USD,
    "price-usd-per-device-hour": _USD | {"$/h": 1.0},
    "contract-price-usd-per-mwh": _USD | {"$/MWh": 1.0, "$/kWh": 1e3},
    "budget-carbon": _TONNES,
    "budget-energy": _KWH,
    "energy-kwh": _KWH,
    "contract-mwh": {unit: factor / 1e3 for unit, factor in _KWH.items()},
    "nic-gbps": {"Gbit/s": 1.0, "GB/s": 8.0, "Mbit/s": 1e-3, "Tbit/s": 1e3},
    "carbon-intensity-g-per-kwh": {"g/kWh": 1.0, "kg/kWh": 1e3, "kg/MWh": 1.0, "t/MWh": 1e3, "g": 1.0},
    "device-hours": {"h": 1.0},
    **dict.fromkeys(("devices", "max-devices", "counts", "tp", "pp", "dp", "cp", "ep", "etp"), _DEVICES),
    **dict.fromkeys(("tokens", "seq-len", "served-tokens", "prompt", "output-tokens", "tower-tokens"), _TOKENS),
    **dict.fromkeys(("batch", "micro-batch", "batches"), _SEQUENCES),
    **dict.fromkeys(("params", "candidates", "n-params"), _PARAMETERS),
    "compute": {"FLOP": 1.0, "PF-day": 1e15 * DAY},
    "power-limit": {"W": 1.0, "kW": 1e3},
}
"""What one of a unit is in the unit of an option."""
SPELT: dict[str, str] = {
    "min": "mins minute minutes",
    "s": "sec secs second seconds",
    "h": "hr hrs hour hours device-hours gpu-hours gpuh",
    "d": "day days",
    "w": "wk wks week weeks",
    "month": "months mo mos",
    "y": "yr yrs year years a",
    "kg": "kilo kilos kilogram kilograms kgco2 kgco2e kgco2eq",
    "t": "ton tons tonne tonnes tco2 tco2e tco2eq",
    "g": "gram grams gco2 gco2e",
    "kt": "ktco2e kiloton kilotons",
    "$": "usd dollar dollars us$ $us",
    "$/h": "usd/h $/hr $/hour usd/hour usd/hr /h $/gpu-hour $/gpuh $/gpu/h $/gpu/hr $/gpu/hour usd/gpu-hour usd/gpu/h",
    "Gbit/s": "gbps gbit gb/s g gbe gbit/s",
    "Mbit/s": "mbps mbit",
    "Tbit/s": "tbps tbit tb/s",
    "g/kWh": "gco2/kwh gco2e/kwh gco2eq/kwh g/kwh",
    "kg/kWh": "kgco2/kwh kgco2e/kwh kgco2eq/kwh",
    "PF-day": "pf-day pf-days pfs-day pfs-days pflop/s-day pflop/s-days petaflop/s-day petaflop/s-days",
    "W": "watt watts",
    "kW": "kilowatt kilowatts",
    "token": "tokens tok toks ctx context",
    "device": "devices gpus gpu chips chip accelerators accelerator tpus",
    "sequence": "sequences seqs seq samples sample examples",
    "parameter": "parameters params param",
    "FLOP": "flop flops",
}
SCALES: dict[str, str] = {
    "k": "k K thousand", "M": "M million mio mn", "B": "B b billion bn mrd", "T": "T t trillion tn",
}  # fmt: skip
_SCALE_FIRST = re.compile(r"^(?:[kKMBGT]|thousand|million|billion|trillion)?\s*")
_SCALES = {word: letter for letter, words in SCALES.items() for word in words.split()}
_SPELT = {word: unit for unit, words in SPELT.items() for word in words.split()}
IN_MILLIONS = ("tokens", "served-tokens", "params", "candidates", "n-params", "budget-usd")
"""Options whose numbers go by the million, so that a small m means that."""
TWO: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(("max-days", "deadlines"), (r"m", "min", "month")),
    "lifetime-years": (r"m", "min", "month"),
    "budget-carbon": (r"(?:MT|mt)(?:[cC][oO]2(?:eq?|E[qQ]?)?)?", "t", "Mt"),
}
"""Units that two things are called: the pattern, and what it may mean."""
SAID = {"min": "minutes", "month": "months", "t": "metric tons", "Mt": "megatonnes"}
OTHERWISE: dict[str, str] = {
    "batch": "the batch is counted in sequences: tokens of a batch over those of a sequence",
    "micro-batch": "the micro-batch is counted in sequences: its tokens over those of a sequence",
}
"""What to do with a count of something else."""
_SHAPE = re.compile(r"([$]?)\s*(\d[\d_]*\.?\d*|\.\d+)((?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


def is_unit(letter: str, option: str) -> bool:
    """Return whether a letter that scales numbers is a unit of an option: t of tonnes, G of Gbit/s."""
    return bool(_unit(letter, UNITS.get(option.removeprefix("--"), {})))


def without_unit(text: str, option: str) -> str | None:
    """Return a number with a unit as the option takes it, or None where the unit is no unit of it.

    >>> without_unit("2 weeks", "--max-days"), without_unit("$5M", "--budget-usd"), without_unit("500 kg", "--budget-carbon")
    ('14', '5M', '0.5')
    """
    found, known = _SHAPE.fullmatch(text.strip()), UNITS.get(option.removeprefix("--"))
    if not found or known is None:
        return None
    digits = found[2].replace("_", "") + found[3]
    tail = found[4].strip()
    if _either(tail, option):
        return None
    if tail == "m" and option.removeprefix("--") in IN_MILLIONS:
        tail = "M"
    rest = found[1] + tail if tail.startswith("/") else " ".join(part for part in (tail, found[1]) if part)
    if tail.endswith("FLOPS") and tail != "FLOPS":  # a speed
        return None
    for scale in ("", *sorted(_SCALES, key=len, reverse=True)):
        if rest.startswith(scale) or (len(scale) > 1 and rest.lower().startswith(scale)):
            unit = _unit(rest[len(scale) :].strip(), known)
            if unit is not None:
                value = f"{float(digits) * known.get(unit, 1.0):.10g}"
                return value + _SCALES.get(scale, "")
    return None


def two_units(text: str, option: str) -> str | None:
    """Return what to write for a number whose unit may mean two things, or counts something else; None for any other.

    >>> two_units("3m", "--max-days")
    'write --max-days 0.002083 (minutes), or --max-days 91.31 (months)'
    """
    found, known = _SHAPE.fullmatch(text.strip()), UNITS.get(option.removeprefix("--"), {})
    if found is None:
        return None
    tail = found[4].strip()
    units = _either(tail, option)
    if units:
        value = float(found[2].replace("_", "") + found[3])
        return "write " + ", or ".join(f"{option} {value * known[unit]:.4g} ({SAID[unit]})" for unit in units)
    counted = _SPELT.get(_SCALE_FIRST.sub("", tail).lower())
    return OTHERWISE.get(option.removeprefix("--")) if counted == "token" else None


def _either(tail: str, option: str) -> tuple[str, str] | None:
    pattern, one, other = TWO.get(option.removeprefix("--"), ("(?!)", "", ""))
    return (one, other) if re.fullmatch(pattern, tail.replace(" ", "").replace("₂", "2")) else None


def _unit(word: str, known: dict[str, float]) -> str | None:
    """Return a unit as the option's table has it; an empty text where there is none."""
    if not word:
        return ""
    word = word.replace(" ", "").replace("₂", "2")
    spelt = next((unit for unit in known if unit == word), None) or _SPELT.get(word.lower())
    spelt = spelt or next((unit for unit in known if unit.lower() == word.lower()), None)
    return spelt if spelt in known else None
