"""Every shipped model against its published parameter count, its source and its range."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonscaling.catalog.models import load_model, model, model_aliases, model_entry, model_names
from carbonscaling.catalog.models.write import model_toml
from carbonscaling.catalog.references import reference
from carbonscaling.errors import InputError
from carbonscaling.model import active_params, from_config, total_params

HF = Path(__file__).parent / "data" / "hf"


@pytest.mark.parametrize("name", model_names())
def test_counts_and_sources(name: str) -> None:
    entry = model_entry(name)
    assert entry.spec.name == name
    assert reference(entry.spec.source)
    for datum, count in ((entry.parameters, total_params(entry.spec)), (entry.active, active_params(entry.spec))):
        if datum is not None:
            low, high = datum.si_range
            assert low <= count <= high
            assert low < high
            assert datum.remark or datum.source
    assert (entry.active is None) == (entry.spec.experts is None)


def test_every_spelling_finds_its_model() -> None:
    assert {alias: model_entry(alias).spec.name for alias in model_aliases()} == model_aliases()


def test_catalogue_equals_the_configurations() -> None:
    shared = [name for name in model_names() if (HF / f"{name}.json").exists() and name != "mpt-7b"]  # a variant
    assert len(shared) >= 30
    for name in shared:
        shipped, read = model(name), from_config(HF / f"{name}.json")
        assert (shipped.attention, shipped.ffn, shipped.experts) == (read.attention, read.ffn, read.experts)
        assert total_params(shipped) == total_params(read)


VALIDATION = {  # names in the measurements that the model of the step is validated on, and a figure printed with them
    "Llama3.1-405B": 405.85e9,
    "LLAMA3_70B": 70.552e9,
    "LLAMA3-8B": 8.03e9,
    "LLAMA2-7B": 6.7381e9,
    "LLAMA2-70B": 68.975e9,
    "GPT3-175B": 174.58e9,
    "GPT3-20B": 20.246e9,
    "BLOOM-176B": 176.247e9,
    "Mixtral-8x22B-G8T8": 140.65e9,
    "DeepSeekV3": 671.0e9,
    "Qwen3_30B_a3B": 30.532e9,
    "Qwen3_235B_a22B": 235.09e9,
    "GPT OSS 120B": 116.79e9,
    "Kimi_K2": 1026.4e9,
    "MPT-70b": 64.862437e9,
    "Nemotron-22B": 21.265e9,
    "PaLM-540B": 540.35e9,
}


@pytest.mark.parametrize(("name", "printed"), VALIDATION.items())
def test_models_of_the_validation_data(name: str, printed: float) -> None:
    assert total_params(model(name)) == pytest.approx(printed, rel=1e-3)


def test_names_and_aliases() -> None:
    assert len(model_names()) >= 40
    assert model_names() == sorted(model_names())
    assert all(target in model_names() for target in model_aliases().values())
    assert model("LLAMA3.1_405B") == model("Llama 3.1 405b") == model("llama-3.1-405b")
    with pytest.raises(InputError, match=r"did you mean: llama-3\.1-70b"):
        model("lama-3.1-70b")


def test_load_model(tmp_path: Path) -> None:
    text = """
n_layers = 4
d_model = 256
vocab_size = 1000
seq_len = 128
attention = { n_heads = 4, n_kv_heads = 2, head_dim = 64 }
ffn = { d_ff = 512, gated = true }
"""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    spec = load_model(path)
    assert (spec.name, spec.source) == ("mine", str(path))
    path.write_text(text.replace("n_layers", "n_layer"))
    with pytest.raises(InputError, match="did you mean: n_layers"):
        load_model(path)
    path.write_text(text.replace("n_kv_heads = 2", "n_kv_heads = 3"))
    with pytest.raises(InputError, match="divisor of n_heads") as error:
        load_model(path)
    assert error.value.where == str(path)
    assert load_model(HF / "gpt2.json").n_layers == 12


def test_maxtexts_own_models_are_scaled_as_its_configuration_scales_them() -> None:
    """Width, heads, feed-forward and layers double in turn from 2560, 8, 8192 and 16 (scale 1)."""
    for scale, width, heads, layers in ((64, 4, 4, 4), (256, 8, 8, 4), (512, 8, 8, 8)):
        spec = model(f"maxtext-{scale}b")
        assert spec.attention is not None
        assert (spec.d_model, spec.attention.n_heads, spec.ffn.d_ff) == (2560 * width, 8 * heads, 8192 * heads)
        assert spec.n_layers == 16 * layers
        assert spec.parallel_block
        assert total_params(spec) == pytest.approx(scale * 1e9, rel=0.02)


HUB = {  # ids as on model hubs: maker, stage of training, number format, date
    "meta-llama/Llama-3.3-70B-Instruct": "llama-3-70b",
    "meta-llama/Meta-Llama-3.1-8B": "llama-3-8b",
    "Meta-Llama-3.1-405B": "llama-3.1-405b",
    "Qwen/Qwen3.6-35B-A3B": "qwen3.5-35b-a3b",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": "llama-4-scout",
    "Qwen/Qwen3-30B-A3B-Instruct-2507": "qwen3-30b-a3b",
    "Qwen/Qwen3-32B-FP8": "qwen3-32b",
    "deepseek-ai/DeepSeek-V3.1-Base": "deepseek-v3",
    "moonshotai/Kimi-K2-Thinking": "kimi-k2",
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": "nemotron-3-nano",
    "swiss-ai/Apertus-8B-2509": "apertus-8b",
    "mistralai/Mistral-Nemo-Base-2407": "mistral-nemo-12b",
    "allenai/OLMo-2-1124-7B": "olmo-2-7b",
    "google/gemma-3-27b-it": "gemma-3-27b",
    "zai-org/GLM-4.6": "glm-4.5",
    "openai/gpt-oss-120b": "gpt-oss-120b",
}


@pytest.mark.parametrize(("id_", "name"), HUB.items())
def test_ids_as_on_model_hubs(id_: str, name: str) -> None:
    assert model(id_).name == name


@pytest.mark.parametrize("name", ["deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "qwen4-32b", "llama-3.1-90b", "seed"])
def test_other_models_are_not_taken_for_a_known_one(name: str) -> None:
    with pytest.raises(InputError) as error:
        model(name)
    assert error.value.suggestion is None


def test_a_written_model_file_is_the_same_model(tmp_path: Path) -> None:
    for name in ("llama-3-8b", "deepseek-v3.2", "nemotron-3-nano", "mamba2-2.7b", "opt-125m"):
        path = tmp_path / f"{name}.toml"
        path.write_text(model_toml(model(name)))
        read, spec = load_model(path), model(name)
        assert (read.attention, read.ffn, read.experts, read.mixer) == (
            spec.attention,
            spec.ffn,
            spec.experts,
            spec.mixer,
        )
        assert total_params(read) == total_params(spec)
