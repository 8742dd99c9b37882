"""Scenarios and their parts made in Python are checked as strictly as files are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.errors import InputError
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec
from carbonscaling.software.options import Software


@pytest.mark.parametrize(
    ("make", "values", "key", "hint"),
    [
        (cs.Scenario, {"device": 5}, "device", "text"),
        (cs.Scenario, {"device": ["h100-sxm"]}, "device", "text"),
        (cs.Scenario, {"device": None}, "device", "text"),
        (cs.Scenario, {"space": "ful"}, "space", "did you mean: full?"),
        (cs.Scenario, {"carbon_mode": "papper"}, "carbon_mode", "did you mean: paper?"),
        (cs.Scenario, {"practice": None}, "practice", "best, typical"),
        (cs.Scenario, {"objective": "carbn"}, "objective", "did you mean: carbon?"),
        (cs.Scenario, {"objective": 3}, "objective", "text"),
        (cs.Scenario, {"tokens": "1e12"}, "tokens", "without quotes"),
        (cs.Scenario, {"tokens": True}, "tokens", "for switches"),
        (cs.Scenario, {"tokens": 10**400}, "tokens", "finite"),
        (cs.Serving, {"in_flight": 10**400}, "in_flight", "finite"),
        (cs.Serving, {"devices": 10**400}, "devices", "1 or more"),
        (cs.Scenario, {"tokens": np.array([1e12, 2e12])}, "tokens", "a number"),
        (cs.Scenario, {"devices": 1.5}, "devices", "a whole number"),
        (cs.Scenario, {"devices": "64"}, "devices", "a whole number"),
        (cs.Scenario, {"devices": [64]}, "devices", "a whole number"),
        (cs.Scenario, {"years_ahead": None}, "years_ahead", "a number"),
        (cs.Scenario, {"shared_hosts": 1}, "shared_hosts", "True or False"),
        (cs.Scenario, {"flash": "yes"}, "flash", "True or False"),
        (cs.Scenario, {"quantiles": 0.5}, "quantiles", "a tuple"),
        (cs.Scenario, {"quantiles": ("half",)}, "quantiles", "a number"),
        (cs.Scenario, {"model": 3}, "model", "ModelSpec"),
        (cs.Scenario, {"model": {"n_layers": 2}}, "model", "ModelSpec(**values)"),
        (cs.Scenario, {"layout": {"tp": 2}}, "layout", "Layout(**values)"),
        (cs.Scenario, {"boundary": {"development": 0.5}}, "boundary", "Boundary(**values)"),
        (cs.Scenario, {"software": {"compile": True}}, "software", "Software(**values)"),
        (cs.Layout, {"tp": "2"}, "layout.tp", "a whole number"),
        (cs.Layout, {"tp": True}, "layout.tp", "for switches"),
        (cs.Layout, {"pp": 0}, "layout.pp", "1 or more"),
        (cs.Layout, {"recompute": "fulll"}, "layout.recompute", "did you mean: full?"),
        (cs.Layout, {"sequence_parallel": 1}, "layout.sequence_parallel", "True or False"),
        (Software, {"optimizer": "adam"}, "software.optimizer", "did you mean: adamw?"),
        (Software, {"compile": 1}, "software.compile", "True or False"),
        (Software, {"tp_overlap": 1.5}, "software.tp_overlap", "0 to 1"),
        (Software, {"moved_activations": -0.1}, "software.moved_activations", "0 to 1"),
        (Software, {"weight_bytes": float("inf")}, "software.weight_bytes", "bytes kept a parameter"),
        (Boundary, {"development": "half"}, "boundary.development", "a number"),
        (FeedForward, {"d_ff": 4096, "gated": 1}, "gated", "True or False"),
        (Experts, {"n_routed": "8", "top_k": 2, "d_ff": 64}, "n_routed", "a whole number"),
        (Attention, {"n_heads": 8, "n_kv_heads": 8, "head_dim": 64, "qk_norm": "heads"}, "qk_norm", "did you mean: head?"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_name(
    make: Callable[..., Any], values: dict[str, Any], key: str, hint: str
) -> None:
    with pytest.raises(InputError) as error:
        make(**values)
    assert error.value.key == key
    assert hint in str(error.value)
    assert error.value.remedy


def test_a_model_needs_its_parts_as_objects() -> None:
    sizes: dict[str, Any] = dict(name="m", n_layers=2, d_model=64, vocab_size=100, seq_len=128, attention=None)
    with pytest.raises(InputError, match="FeedForward"):
        ModelSpec(**sizes, ffn={"d_ff": 256, "gated": True})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n_layers"):
        ModelSpec(**{**sizes, "n_layers": 2.5}, ffn=FeedForward(256, gated=True))


def test_whole_floats_numbers_of_numpy_and_lists_become_plain() -> None:
    given: dict[str, Any] = dict(
        devices=np.int64(8), max_devices=64.0, tokens=np.float64(1e12), pue=np.float32(1.5), quantiles=[0.25, 1],
        shared_hosts=np.bool_(True),
    )  # fmt: skip
    found = cs.Scenario(**given)
    assert found == cs.Scenario(devices=8, max_devices=64, tokens=1e12, pue=1.5, quantiles=(0.25, 1), shared_hosts=True)
    assert [type(v) for v in (found.devices, found.max_devices, found.tokens, found.shared_hosts)] == [
        int,
        int,
        float,
        bool,
    ]
    assert hash(found) == hash(dataclasses.replace(found))
    assert cs.Scenario(tokens=10**12).tokens == 1e12


def test_copies_are_checked_too() -> None:
    with pytest.raises(InputError, match="did you mean: full"):
        dataclasses.replace(cs.Scenario(), space="fulll")  # type: ignore[arg-type]
