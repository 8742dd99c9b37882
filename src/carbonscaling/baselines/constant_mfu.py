"""The rule of thumb: so many percent of the data sheet."""

from __future__ import annotations

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["MFU", "constant_mfu_speed"]

MFU = 0.40
"""The rule's share of the 16-bit peak, as well-tuned runs of the early 2020s print it."""


@formula("mfu·peak / (6·active_params)", unit="1/s", source="palm", place="appendix B: model FLOPs, 6N")
def constant_mfu_speed(active_params: Number, peak: Number, mfu: Number = MFU) -> Number:
    """Tokens per second and device.

    Parameters
    ----------
    active_params : parameters a token uses.
    peak : FLOP/s of the device in 16 bit.

    >>> round(float(constant_mfu_speed(8.03e9, 989.4e12)))
    8214
    """
    return mfu * peak / (6.0 * active_params)
