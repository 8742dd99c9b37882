"""Every supported ``model_type`` against a published parameter count, and what a user's mistakes are answered with."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.errors import InputError
from carbonscaling.model import from_config, total_params

HF = Path(__file__).parent / "data" / "hf"

# The classes of transformers 4.57.1, built from these configurations without weights, hold exactly these numbers of
# parameters: tied weights once, the language model only for Gemma 3 and Llama 4, no prediction modules for DeepSeek-V3
# and GLM-4.5, the routers' score corrections (there buffers) included; Kimi K2 built as deepseek_v3. They agree with
# the published weights' metadata on Hugging Face, as far as remembered (e.g. Mistral-7B-v0.1 7,241,732,096).
COUNTS = {
    "bloom": 176_247_271_424,
    "bloom-560m": 559_214_592,
    "command-r": 34_980_831_232,
    "deepseek-v2": 235_741_434_880,
    "deepseek-v2-lite": 15_706_484_224,
    "deepseek-v3": 671_026_419_200,
    "falcon-180b": 178_557_088_768,
    "falcon-40b": 41_303_293_952,
    "falcon-7b": 6_921_720_704,
    "falcon-rw-1b": 1_311_625_216,
    "gemma-2-9b": 9_241_705_984,
    "gemma-2b": 2_506_172_416,
    "gemma-3-12b": 11_766_034_176,
    "gemma-3-1b": 999_885_952,
    "gemma-3-27b": 27_009_346_304,
    "gemma-7b": 8_537_680_896,
    "glm-4.5": 352_797_829_024,
    "glm-4.5-air": 106_852_251_264,
    "gpt-j-6b": 6_050_882_784,
    "gpt-neo-2.7b": 2_651_307_520,
    "gpt-neox-20b": 20_554_567_680,
    "gpt-oss-120b": 116_829_156_672,
    "gpt-oss-20b": 20_914_757_184,
    "gpt2": 124_439_808,
    "granite-3.0-8b": 8_170_848_256,
    "kimi-k2": 1_026_408_232_448,
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400,
    "llama-4-maverick": 400_711_848_960,
    "llama-4-scout": 107_769_861_120,
    "minitron-8b": 8_271_699_968,
    "mistral-7b-v0.1": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "mpt-7b": 6_649_286_656,
    "olmo-1b": 1_176_764_416,
    "olmo-2-13b": 13_716_198_400,
    "olmo-2-7b": 7_298_617_344,
    "olmo-3-7b": 7_298_011_136,
    "olmo-7b": 6_888_095_744,
    "olmoe-1b-7b": 6_919_161_856,
    "opt-125m": 125_239_296,
    "opt-350m": 331_196_416,
    "phi-2": 2_779_683_840,
    "phi-3-mini": 3_821_079_552,
    "pythia-1b": 1_011_781_632,
    "qwen1.5-moe-a2.7b": 14_315_784_192,
    "qwen2-0.5b": 494_032_768,
    "qwen2-7b": 7_615_616_512,
    "qwen3-235b-a22b": 235_093_634_560,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-8b": 8_190_735_360,
    "smollm3-3b": 3_075_098_624,
    "starcoder2-7b": 7_173_923_840,
}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_exact_counts(name: str, count: int) -> None:
    spec = from_config(HF / f"{name}.json")
    assert total_params(spec) == count
    assert spec.name == name
    assert spec.notes == "" or spec.notes.startswith("language model only")


def test_every_file_is_tested() -> None:
    assert {path.stem for path in HF.glob("*.json")} == set(COUNTS)


ROPE = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192, "rope_theta": 500000.0}
LENGTHS: list[tuple[dict[str, Any], int, bool]] = [
    ({"rope_scaling": ROPE, "max_position_embeddings": 131072}, 8192, True),
    ({"rope_parameters": ROPE, "max_position_embeddings": 131072}, 8192, True),  # as transformers 5 writes it
    ({"rope_parameters": {"full_attention": ROPE}, "max_position_embeddings": 131072}, 8192, True),  # by kind of layer
    ({"max_position_embeddings": 4096}, 4096, False),
    ({"max_position_embeddings": 131072}, 4096, False),
    ({"max_position_embeddings": 131072, "transformers_version": "4.36.0"}, 4096, False),
    ({"max_position_embeddings": 131072, "transformers_version": "5.24.0"}, 8192, False),
]


@pytest.mark.parametrize(("change", "seq_len", "stated"), LENGTHS)
def test_training_lengths(change: dict[str, Any], seq_len: int, stated: bool) -> None:
    """Stated before rotary scaling; else assumed with a reason, and a range where the longest position is far above."""
    config = json.loads((HF / "llama-2-7b.json").read_text())
    spec = from_config({k: v for k, v in config.items() if k != "rope_scaling"} | change)
    assert spec.seq_len == seq_len
    assert (spec.seq_len_why == "") == stated
    assert spec.seq_len_range in ((), (4096, 131072))


@pytest.mark.parametrize(
    ("name", "window", "n_windowed"),
    [
        ("mistral-7b-v0.1", 4096, 32),
        ("gemma-2-9b", 4096, 21),
        ("gemma-3-12b", 1024, 40),
        ("gemma-3-27b", 1024, 52),
        ("gpt-oss-120b", 128, 18),
        ("olmo-3-7b", 4096, 24),
        ("gpt-neo-2.7b", 256, 16),
        ("llama-4-scout", 8192, 36),
        ("starcoder2-7b", 4096, 32),
        ("qwen2-7b", None, 0),
        ("mixtral-8x7b", None, 0),
    ],
)
def test_windows(name: str, window: int | None, n_windowed: int) -> None:
    attention = from_config(HF / f"{name}.json").attention
    assert attention is not None
    assert (attention.window, attention.n_window_layers) == (window, n_windowed)


def test_details() -> None:
    specs = {name: from_config(HF / f"{name}.json") for name in COUNTS}
    assert specs["llama-3.1-405b"].seq_len == 8192  # before rotary scaling
    assert specs["deepseek-v3"].seq_len == 4096
    assert specs["opt-125m"].n_positions == 2050
    assert specs["opt-350m"].d_embed == 512
    assert not specs["opt-350m"].final_norm
    assert specs["bloom"].embedding_norm
    assert specs["falcon-40b"].norms_per_layer == 2
    assert specs["falcon-7b"].norms_per_layer == 1
    assert specs["falcon-7b"].attention is not None
    assert specs["falcon-7b"].attention.n_kv_heads == 1
    assert specs["falcon-7b"].parallel_block
    assert not specs["falcon-rw-1b"].parallel_block
    assert specs["olmo-7b"].norm == "none"
    assert specs["llama-4-maverick"].n_moe_layers == 24
    assert specs["deepseek-v3"].n_dense_layers == 3
    assert specs["glm-4.5"].n_mtp == 1
    assert specs["gemma-7b"].tied_embeddings
    lite = specs["deepseek-v2-lite"].attention
    assert lite is not None
    assert lite.q_lora_rank is None
    assert lite.kind == "mla"


def test_sparse_steps_and_listed_dense_layers() -> None:
    config = json.loads((HF / "qwen3-30b-a3b.json").read_text())
    assert from_config(config | {"decoder_sparse_step": 2}).n_moe_layers == 24
    assert from_config(config | {"mlp_only_layers": [0, 1, 5]}).n_moe_layers == 45
    deepseek = json.loads((HF / "deepseek-v3.json").read_text())
    assert from_config(deepseek | {"moe_layer_freq": 2, "first_k_dense_replace": 1}).n_moe_layers == 30


def test_class_defaults() -> None:
    config = json.loads((HF / "llama-2-7b.json").read_text())
    del config["num_key_value_heads"], config["tie_word_embeddings"], config["max_position_embeddings"]
    spec = from_config(config)
    assert spec.attention is not None
    assert spec.attention.n_kv_heads == 32
    assert not spec.tied_embeddings
    assert spec.seq_len == 2048
    late = json.loads((HF / "qwen2-7b.json").read_text()) | {"use_sliding_window": True, "max_window_layers": 20}
    attention = from_config(late).attention
    assert attention is not None
    assert attention.n_window_layers == 8


def test_unknown_keys_are_named() -> None:
    config = json.loads((HF / "llama-3-8b.json").read_text()) | {"phase_of_moon": 4}
    assert from_config(config).unread == ("phase_of_moon",)


def test_directory_with_a_config(tmp_path: Path) -> None:
    folder = tmp_path / "My-Model-3.1"
    folder.mkdir()
    (folder / "config.json").write_text((HF / "gpt2.json").read_text())
    assert from_config(folder).name == "My-Model-3.1"
    assert from_config(folder / "config.json").name == "My-Model-3.1"


FILES = {
    "text.json": ("{not json", "not valid JSON"),
    "empty.json": ("", "empty"),
    "list.json": ("[1, 2]", "expected a JSON object"),
    "no_type.json": ("{}", "no model_type"),
    "deep.json": ("[" * 100_000, "not valid JSON"),
}


@pytest.mark.parametrize(("name", "content"), FILES.items())
def test_unusable_files(tmp_path: Path, name: str, content: tuple[str, str]) -> None:
    (tmp_path / name).write_text(content[0])
    with pytest.raises(InputError, match=content[1]) as error:
        from_config(tmp_path / name)
    assert name in str(error.value)


def test_unreadable_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no config\.json"):
        from_config(tmp_path)
    (tmp_path / "llama.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        from_config(tmp_path / "llama.json")
    with pytest.raises(InputError, match=r"did you mean: llama\.json"):
        from_config(tmp_path / "lama.json")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hidden_size": "abc"}, "hidden_size"),
    ({"hidden_size": -4096}, "hidden_size"),
    ({"hidden_size": None}, "hidden_size"),
    ({"num_hidden_layers": 0}, "num_hidden_layers"),
    ({"num_hidden_layers": True}, "num_hidden_layers"),
    ({"num_attention_heads": 33}, "num_attention_heads"),
    ({"num_key_value_heads": 5}, "num_key_value_heads"),
    ({"vocab_size": 1.5}, "vocab_size"),
    ({"tie_word_embeddings": "no"}, "tie_word_embeddings"),
    ({"attention_bias": 1}, "attention_bias"),
    ({"max_position_embeddings": []}, "max_position_embeddings"),
]


@pytest.mark.parametrize(("change", "key"), WRONG)
def test_wrong_values_name_file_key_and_remedy(change: dict[str, Any], key: str) -> None:
    config = json.loads((HF / "llama-3-8b.json").read_text()) | change
    with pytest.raises(InputError) as error:
        from_config(config)
    assert error.value.key == key
    assert error.value.where == "config"
    assert error.value.allowed


@pytest.mark.parametrize(
    "key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"]
)
def test_missing_keys(key: str) -> None:
    config = json.loads((HF / "llama-3-8b.json").read_text())
    del config[key]
    with pytest.raises(InputError, match="missing key") as error:
        from_config(config)
    assert error.value.key == key


@pytest.mark.parametrize(("file", "key"), [("qwen3-30b-a3b", "decoder_sparse_step"), ("deepseek-v3", "moe_layer_freq")])
def test_experts_in_every_layer_but_none(file: str, key: str) -> None:
    config = json.loads((HF / f"{file}.json").read_text())
    assert total_params(from_config(config | {key: 2})) < total_params(from_config(config))
    with pytest.raises(InputError) as error:
        from_config(config | {key: 0})
    assert error.value.key == key


def test_other_mistakes() -> None:
    with pytest.raises(InputError, match="did you mean: llama"):
        from_config({"model_type": "lama"})
    with pytest.raises(InputError, match="unsupported model_type") as error:
        from_config({"model_type": "zephyrus"})
    assert "types, none of that name" in str(error.value)
    for kind, what in {
        "whisper": "an encoder-decoder of another kind",
        "rwkv6qwen2": "RWKV in the frame of Qwen",
    }.items():
        with pytest.raises(InputError, match=f"{what}, which is not counted"):
            from_config({"model_type": kind})
    with pytest.raises(InputError, match="nested"):
        from_config({"model_type": "gemma3", "text_config": 3})
    with pytest.raises(InputError, match="32 entries"):
        from_config(json.loads((HF / "olmo-3-7b.json").read_text()) | {"layer_types": ["full_attention"]})
    top_k = json.loads((HF / "mixtral-8x7b.json").read_text()) | {"num_experts_per_tok": 9}
    with pytest.raises(InputError, match="more experts than there are") as bad:
        from_config(top_k)
    assert bad.value.where == "config"


@given(
    st.sampled_from(sorted(COUNTS)),
    st.data(),
    st.one_of(st.none(), st.integers(-5, 10), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.floats()),
)
def test_any_damage_gives_a_model_or_an_input_error(name: str, data: st.DataObject, value: Any) -> None:
    config = json.loads((HF / f"{name}.json").read_text())
    key = data.draw(st.sampled_from(sorted(config)))
    with contextlib.suppress(InputError):
        assert total_params(from_config(config | {key: value})) > 0
