"""Draws of uncertain constants: no share beyond the whole."""

from __future__ import annotations

import pytest

import carbonscaling as cs
from carbonscaling.study.resolve import resolve
from carbonscaling.study.robust import sample_constants


@pytest.mark.parametrize(("device", "centre"), [("tpu-v6e", 0.0), ("tpu-v7x", 1.0)])
def test_the_share_of_hidden_scatters_is_drawn_as_a_share(device: str, centre: float) -> None:
    """Its range is 0 to 1; read as a 5th and 95th percentile about 0, every twentieth draw would lie beyond 1.

    Beyond 1 scatters would take negative time.
    """
    s = cs.Scenario(model="llama-3.2-1b", tokens=1e11, device=device, devices=64, batch=256)
    r = resolve(s)
    assert r.machine.software.scatter_beside == centre
    drawn = [float(x.machine.software.scatter_beside) for x in sample_constants(r, 200)]
    assert 0.0 <= min(drawn) < max(drawn) == 1.0


def test_batched_products_are_no_faster_than_large_ones() -> None:
    """The shipped range ends at 1; one draw in twenty would lie beyond."""
    r = resolve(
        cs.Scenario(model="llama-3.2-1b", tokens=1e11, device="a100-80", devices=64, batch=256, calibration="none")
    )
    machines = [x.machine for x in sample_constants(r, 200)]
    assert max(float(m.formats.batched_efficiency / m.formats.gemm_efficiency) for m in machines) == pytest.approx(1.0)
