"""A sample of the fuzzer's cases: each ends in an answer or an error that says what to do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from carbonscaling.errors import InputError
from carbonscaling.model.huggingface import from_config
from carbonscaling.model.spec import ModelSpec
from carbonscaling.study.asked import asked
from carbonscaling.study.scenario import Scenario, scenario_from
from fuzz.damage import spoilt, spoilt_text, toml_text
from fuzz.drive import ended
from fuzz.material import SCENARIO
from fuzz.targets import TARGETS, Target

SAMPLE = {"config": 500, "model": 200, "hourly": 200, "scenario-json": 200, "scenario-toml": 100, "profile": 100, "answer": 100,
          "study": 100, "calibration": 60, "device": 60, "log": 60, "launch": 100,
          "emissions": 60, "factors": 40, "carbon-runs": 40,
          "parts": 60, "trainings": 0,
          "runs-read": 40, "runs": 15, "http": 80, "estimate": 5, "calibrate": 0,
          "query": 20, "plot": 10, "report": 50, "sequence": 8, "project": 20, "serving": 40, "meter": 60}  # fmt: skip


def test_every_kind_of_input_is_sampled() -> None:
    assert set(SAMPLE) == {target.name for target in TARGETS}
    assert sum(target.cases for target in TARGETS) >= 200_000


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_no_input_crashes(target: Target, tmp_path: Path) -> None:
    crashes = [text for seed in range(SAMPLE[target.name]) if (text := ended(target, seed, tmp_path)[1])]
    assert crashes == []


def test_the_same_seed_does_the_same_damage() -> None:
    first, second = (spoilt(Random(7), SCENARIO) for _ in range(2))
    assert repr(first) == repr(second)
    assert spoilt_text(Random(7), toml_text(SCENARIO)) == spoilt_text(Random(7), toml_text(SCENARIO))


def test_a_crash_is_told_with_its_seed(tmp_path: Path) -> None:
    def crash(_rng: Random, _folder: Path) -> object:
        raise ZeroDivisionError("no")

    end, text = ended(Target("broken", crash, 1), 3, tmp_path)
    assert end == "crashed"
    assert text.startswith("broken --seed 3: ZeroDivisionError: no")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(SCENARIO)), ANYTHING, max_size=4))
@trials(max_examples=60)
def test_a_scenario_of_anything(data: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(scenario_from(data, "anything"), Scenario)


KEYS = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "vocab_size", "intermediate_size",
    "num_experts_per_tok", "num_local_experts", "head_dim", "rope_scaling", "layer_types", "tie_word_embeddings",
)  # fmt: skip
KINDS = ("llama", "mixtral", "deepseek_v3", "gemma2", "gpt2", "nothing")


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), ANYTHING))
@trials(max_examples=150)
def test_a_config_of_anything(kind: str, data: dict[str, object]) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(from_config({"model_type": kind, **data}), ModelSpec)


def test_what_once_hung_is_refused() -> None:
    """Found by the fuzzer: a model of 1e320 layers, and a loss that asks for more parameters than anyone can lay out."""
    config = {"model_type": "qwen3_moe", "num_hidden_layers": 10**320, "decoder_sparse_step": 1, "hidden_size": 2048}
    with pytest.raises(InputError, match="num_hidden_layers"):
        from_config(config)
    with pytest.raises(InputError, match="n_params"):
        asked(Scenario(law="kaplan_2020", target_loss=0.5, devices=8), "estimate")
