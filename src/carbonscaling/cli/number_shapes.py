"""Numbers that are written another way than options take them: powers of ten, groups, products, a scheduler's times."""

from __future__ import annotations

import re

__all__ = ["written_otherwise"]

_POWER = re.compile(r"(?:(\d+(?:\.\d+)?)\s*[*x×·]\s*)?10\s*(?:\^|\*\*)\s*(\d{1,2})")
_GROUPS = re.compile(r"\d{1,3}(?:['’]\d{3})+|\d{1,3}(?:\.\d{3}){2,}")
_PRODUCT = re.compile(r"(\d+)\s*(?:nodes?|hosts?|machines?)?\s*[*x×]\s*(\d+)(?:\s*gpus?)?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d\d):(\d\d)")


def written_otherwise(text: str, option: str) -> str | None:
    """Return the number as the option takes it; None where it is none.

    >>> written_otherwise("1.5*10^12", "--tokens"), written_otherwise("15'600'000", "--tokens")
    ('1.5e12', '15600000')
    >>> written_otherwise("8 nodes x 8", "--devices"), written_otherwise("2-12:00:00", "--max-days")
    ('64', '2.5')
    """
    plain = text.strip()
    if power := _POWER.fullmatch(plain):
        return f"{power[1] or 1}e{power[2]}"
    if _GROUPS.fullmatch(plain):
        return re.sub(r"\D", "", plain)
    if option in ("--devices", "--max-devices") and (product := _PRODUCT.fullmatch(plain)):
        return str(int(product[1]) * int(product[2]))
    if option == "--max-days" and (clock := _CLOCK.fullmatch(plain)):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return f"{days + (hours + (minutes + seconds / 60) / 60) / 24:.10g}"
    return None
