"""What holds for every law, whatever its coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonscaling.catalog.laws import law, law_names
from carbonscaling.errors import InputError
from carbonscaling.laws import MoeLaw, ScalingLaw

MINIMISING = ("hoffmann_2022", "hoffmann_2022_unrounded", "besiroglu_2024", "ludziejewski_2024_dense")
BUDGETS = st.floats(17, 28).map(lambda e: 10.0**e)
NAMES = st.sampled_from(law_names())


def flops(of: ScalingLaw, n_params: float, n_tokens: float) -> float:
    share = of.active_share if isinstance(of, MoeLaw) else 1.0
    return 6 * share * n_params * n_tokens


@pytest.mark.parametrize("name", law_names())
def test_every_law_is_a_scaling_law(name: str) -> None:
    assert isinstance(law(name), ScalingLaw)


@given(st.sampled_from((*MINIMISING, "ludziejewski_2024_moe")), BUDGETS, st.floats(0.2, 5.0))
def test_the_optimum_is_the_minimum(name: str, compute: float, factor: float) -> None:
    of = law(name)
    best = of.optimum_for_compute(compute)
    elsewhere = of.loss(best.n_params * factor, best.n_tokens / factor)
    assert elsewhere >= best.loss * (1 - 1e-12)


@given(NAMES.filter(lambda n: n not in ("paper_v1", "paper_v2")), BUDGETS)
def test_compute_is_conserved(name: str, compute: float) -> None:
    of = law(name)
    best = of.optimum_for_compute(compute)
    assert flops(of, float(best.n_params), float(best.n_tokens)) == pytest.approx(compute, rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(NAMES, BUDGETS)
def test_loss_and_optimum_are_inverse(name: str, compute: float) -> None:
    of = law(name)
    there = of.optimum_for_compute(compute)
    back = of.optimum_for_loss(there.loss)
    assert back.loss == pytest.approx(there.loss, rel=1e-9)
    if name != "paper_v2":  # dense members undercut the smallest ones with experts there
        assert back.compute == pytest.approx(compute, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(NAMES, BUDGETS, st.floats(1.01, 10.0))
def test_more_compute_never_hurts_and_grows_both(name: str, compute: float, factor: float) -> None:
    of = law(name)
    less, more = of.optimum_for_compute(compute), of.optimum_for_compute(compute * factor)
    assert more.n_params > less.n_params
    assert more.n_tokens > less.n_tokens
    assert more.loss < less.loss or name == "paper_v2"


@given(NAMES, st.floats(1e6, 1e14), st.floats(1e8, 1e16), st.floats(1.01, 10.0))
def test_more_parameters_or_tokens_lower_the_loss(name: str, n_params: float, n_tokens: float, factor: float) -> None:
    of = law(name)
    base = of.loss(n_params, n_tokens)
    assert of.loss(n_params, n_tokens * factor) < base
    if name != "paper_v2":
        assert of.loss(n_params * factor, n_tokens) < base
    assert base > of.irreducible


@pytest.mark.parametrize("name", law_names())
def test_arrays_give_what_floats_give(name: str) -> None:
    of = law(name)
    budgets = np.geomspace(1e18, 1e27, 7)
    many = of.optimum_for_compute(budgets)
    back = of.optimum_for_loss(many.loss)
    for i, compute in enumerate(budgets):
        one = of.optimum_for_compute(float(compute))
        for field in ("n_params", "n_tokens", "compute", "loss"):
            assert getattr(many, field)[i] == pytest.approx(getattr(one, field), rel=1e-13)
        assert isinstance(one.n_params, float)
        assert back.compute[i] == pytest.approx(of.optimum_for_loss(float(one.loss)).compute, rel=1e-9)  # type: ignore[index]


@pytest.mark.parametrize("name", law_names())
@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_inputs_are_refused(name: str, bad: float) -> None:
    of = law(name)
    for call in (lambda: of.loss(bad, 1e9), lambda: of.loss(1e9, bad), lambda: of.optimum_for_compute(bad)):
        with pytest.raises(InputError, match="positive"):
            call()
    with pytest.raises(InputError, match="cannot be reached"):
        of.optimum_for_loss(bad)


@pytest.mark.parametrize("name", law_names())
def test_unreachable_losses_say_what_is_reachable(name: str) -> None:
    of = law(name)
    with pytest.raises(InputError, match=f"reachable losses lie above E = {of.irreducible:g}"):
        of.optimum_for_loss(of.irreducible)


@pytest.mark.parametrize("name", law_names())
@pytest.mark.parametrize("above", [1e-300, 1e-16, 1e-12, 1e-3, 1e3, 1e12, 1e300])
def test_extreme_losses_give_an_answer_or_an_input_error(name: str, above: float) -> None:
    of = law(name)
    try:
        best = of.optimum_for_loss(of.irreducible + above)
    except InputError:
        return
    assert 0 < best.compute < np.inf
    assert best.loss == pytest.approx(of.irreducible + above, rel=1e-6)


def test_one_bad_entry_spoils_an_array() -> None:
    with pytest.raises(InputError):
        law("hoffmann_2022").optimum_for_loss(np.array([2.0, 1.5]))
