"""Models that are in no other set here: their `config.json` and the parameters that their repositories state, to the last one.

The table was written after the mapper, and nothing was changed for it. Keys that no count uses are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.model import from_config, mtp_params, total_params


def _keys(kind: str, d: int, d_ff: int, layers: int, heads: int, kv: int, vocab: int, **own: Any) -> dict[str, Any]:
    return {
        "model_type": kind, "hidden_size": d, "intermediate_size": d_ff, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "vocab_size": vocab, "max_position_embeddings": 4096,
        "tie_word_embeddings": False, **own,
    }  # fmt: skip


TIED = {"tie_word_embeddings": True}
NEOX = {
    "model_type": "gpt_neox", "hidden_size": 4096, "intermediate_size": 16384, "num_hidden_layers": 32,
    "num_attention_heads": 32, "vocab_size": 50432, "max_position_embeddings": 2048, "tie_word_embeddings": False,
}  # fmt: skip
MAMBA = {
    "model_type": "mamba", "hidden_size": 2560, "num_hidden_layers": 64, "vocab_size": 50280, "state_size": 16, "expand": 2,
    "conv_kernel": 4, "time_step_rank": 160, "intermediate_size": 5120,
}  # fmt: skip
GPT2 = {"model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024, "vocab_size": 50257}
STARCODER = {
    "model_type": "gpt_bigcode", "n_embd": 6144, "n_layer": 40, "n_head": 48, "n_positions": 8192, "n_inner": 24576,
    "vocab_size": 49152, "multi_query": True,
}  # fmt: skip
GRANITE = {"num_experts_per_tok": 8, **TIED}
FALCON_H1 = {
    **_keys("falcon_h1", 1024, 2048, 36, 8, 2, 32784), "head_dim": 64, "mamba_d_ssm": 1536, "mamba_d_head": 64,
    "mamba_n_heads": 24,
    "mamba_d_state": 128, "mamba_d_conv": 4, "mamba_n_groups": 1, "mamba_expand": 2, "mamba_conv_bias": True,
}  # fmt: skip
UNSEEN: dict[str, tuple[int, dict[str, Any]]] = {
    "TinyLlama-1.1B": (1_100_048_384, _keys("llama", 2048, 5632, 22, 32, 4, 32000)),
    "SmolLM2-135M": (134_515_008, _keys("llama", 576, 1536, 30, 9, 3, 49152, **TIED)),
    "SmolLM2-360M": (361_821_120, _keys("llama", 960, 2560, 32, 15, 5, 49152, **TIED)),
    "SmolLM2-1.7B": (1_711_376_384, _keys("llama", 2048, 8192, 24, 32, 32, 49152, **TIED)),
    "phi-1.5": (1_418_270_720, _keys("phi", 2048, 8192, 24, 32, 32, 51200)),
    "Phi-3-medium": (13_960_238_080, _keys("phi3", 5120, 17920, 40, 40, 10, 32064)),
    "Yi-6B": (6_061_035_520, _keys("llama", 4096, 11008, 32, 32, 4, 64000)),
    "deepseek-coder-1.3b": (1_346_471_936, _keys("llama", 2048, 5504, 24, 16, 16, 32256)),
    "deepseek-coder-6.7b": (6_740_512_768, _keys("llama", 4096, 11008, 32, 32, 32, 32256)),
    "SOLAR-10.7B": (10_731_524_096, _keys("llama", 4096, 14336, 48, 32, 8, 32000)),
    "pythia-6.9b": (6_857_302_016, NEOX),
    "granite-3.1-2b": (2_533_531_648, _keys("granite", 2048, 8192, 40, 32, 8, 49155, **TIED)),
    "granite-3.0-1b-a400m": (
        1_334_628_352, _keys("granitemoe", 1024, 512, 24, 16, 8, 49155, num_local_experts=32, **GRANITE)
    ),
    "granite-3.0-3b-a800m": (
        3_298_793_472, _keys("granitemoe", 1536, 512, 32, 24, 8, 49155, num_local_experts=40, **GRANITE)
    ),
    "OLMo-2-1B": (1_484_916_736, _keys("olmo2", 2048, 8192, 16, 16, 16, 100352)),
    "internlm2-7b": (7_737_708_544, _keys("internlm2", 4096, 14336, 32, 32, 8, 92544, bias=False)),
    "internlm2-1.8b": (1_889_110_016, _keys("internlm2", 2048, 8192, 24, 16, 8, 92544, bias=False)),
    "bloom-7b1": (
        7_069_016_064, {"model_type": "bloom", "hidden_size": 4096, "n_layer": 30, "n_head": 32, "vocab_size": 250880}
    ),
    "starcoder": (15_517_456_384, STARCODER),
    "gpt2-xl": (1_557_611_200, GPT2),
    "mamba-2.8b": (2_768_345_600, MAMBA),
    "Falcon-H1-0.5B": (521_411_104, FALCON_H1),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN)
def test_parameters_that_repositories_state(name: str) -> None:
    stated, config = UNSEEN[name]
    assert total_params(from_config(config)) == stated


HUB = json.loads((Path(__file__).parent / "data" / "hf_unseen.json").read_text())
"""20 more, most of 2025 and later, with the parameters that the hub's index states."""


@pytest.mark.parametrize("name", HUB)
def test_parameters_that_the_hub_states(name: str) -> None:
    """With modules of prediction; rotary tables and corrections of routers' scores are buffers to some and not to others."""
    spec = from_config(HUB[name]["config"])
    assert total_params(spec) + mtp_params(spec) == pytest.approx(HUB[name]["count"], abs=2000)


def test_granite_without_experts() -> None:
    """Granite 4.0 H 350M states no experts by 0: 340M parameters, all of its blocks dense."""
    config = _keys("granitemoehybrid", 768, 2048, 32, 12, 4, 100352, **TIED) | {
        "num_local_experts": 0, "num_experts_per_tok": 0, "shared_intermediate_size": 2048, "mamba_n_heads": 48,
        "mamba_d_head": 32, "mamba_d_state": 128,
        "layer_types": ["attention" if i in (10, 13, 17, 27) else "mamba" for i in range(32)],
    }  # fmt: skip
    spec = from_config(config)
    assert spec.experts is None
    assert total_params(spec) == pytest.approx(340e6, rel=2e-3)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("gpt_neox", "head_dim", 64),
        ("gpt2", "intermediate_size", 1024),
        ("starcoder2", "mlp_layer_types", ["sparse"] * 4),
    ],
)
def test_keys_that_a_class_does_not_read_are_not_passed_over(kind: str, key: str, value: Any) -> None:
    config = _keys(kind, 1024, 4096, 4, 8, 8, 50000) if kind != "gpt2" else dict(GPT2)
    config = {k: v for k, v in config.items() if kind != "gpt_neox" or k != "num_key_value_heads"} | {
        "model_type": kind
    }
    assert total_params(from_config(config)) > 0
    with pytest.raises(InputError, match=key):
        from_config(config | {key: value})


def test_windows_of_unstated_layers_are_said() -> None:
    """CWM's class makes every fourth layer global; SmolLM3 with a window and no list has none, and says so."""
    cwm = from_config(_keys("cwm", 1024, 4096, 10, 8, 8, 50000, head_dim=128, sliding_window=512))
    assert cwm.attention is not None
    assert cwm.attention.n_window_layers == 7
    smol = from_config(_keys("smollm3", 1024, 4096, 8, 8, 8, 50000, use_sliding_window=True, sliding_window=512))
    assert "layer_types null" in " ".join(smol.said)


def test_none_of_them_is_in_the_catalogue() -> None:
    for name in UNSEEN:
        with pytest.raises(InputError, match="unknown model"):
            models.model(name)


def test_heads_of_falcon_h1_fill_the_width_that_is_stated() -> None:
    """1024 is what its class takes where nothing stands, and null twice the width of the model: neither is 24 heads of 64."""
    for d_ssm in (1024, None, 1000):
        with pytest.raises(InputError, match="do not fill its width"):
            from_config({**FALCON_H1, "mamba_d_ssm": d_ssm})
    with pytest.raises(InputError, match="do not fill its width"):
        from_config({key: value for key, value in FALCON_H1.items() if key != "mamba_d_ssm"})
    assert total_params(from_config({**FALCON_H1, "mamba_d_head": "auto"})) == 521_411_104


GEMMA4 = {
    "model_type": "gemma4_text", "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 8,
    "num_key_value_heads": 4, "hidden_size_per_layer_input": 0, "head_dim": 64, "global_head_dim": 128, "vocab_size": 2048,
    "num_global_key_value_heads": 2, "attention_k_eq_v": True, "enable_moe_block": False,
}  # fmt: skip


def test_gemma_4s_last_layer_is_global_whatever_stands_there() -> None:
    """Counted by the class of transformers 5.24.0, which forces it."""
    assert total_params(from_config(GEMMA4)) == 1_903_232
    for kinds in (["sliding_attention", "full_attention"], ["sliding_attention"] * 2, None):
        assert total_params(from_config({**GEMMA4, "layer_types": kinds})) == 1_903_232


LAGUNA = {
    **_keys("laguna", 3072, 12288, 48, 48, 8, 100352), "head_dim": 128, "num_experts": 256, "num_experts_per_tok": 10,
    "moe_intermediate_size": 1024, "shared_expert_intermediate_size": 1024, "mlp_only_layers": [0], "sliding_window": 512,
    "layer_types": ["full_attention", *["sliding_attention"] * 3] * 12,
    "num_attention_heads_per_layer": [48, 72, 72, 72] * 12, "gating_types": ["per_head"] * 48,
}  # fmt: skip


def test_heads_and_gates_of_single_layers() -> None:
    """Laguna S 2.1, 118B with 8B active: each kind of layer has heads of its own, none of a third kind."""
    spec = from_config(LAGUNA)
    assert total_params(spec) == pytest.approx(118e9, rel=0.005)
    assert [(a.n_heads, n) for a, n in spec.attentions] == [(48, 12), (72, 36)]
    wide = from_config({**LAGUNA, "gating_types": ["per_element"] * 48})
    assert total_params(wide) - total_params(spec) == 3072 * 127 * (12 * 48 + 36 * 72)
    for key, value in (
        ("num_attention_heads_per_layer", [48, 72, 72, 64, *[48, 72, 72, 72] * 11]),
        ("num_attention_heads_per_layer", [48] * 47),
        ("gating_types", ["per_head"] * 47 + ["per_element"]),
    ):
        with pytest.raises(InputError, match=key.replace("_types", "")):
            from_config({**LAGUNA, key: value})


LING = {
    **_keys("bailing_hybrid", 1536, 4608, 24, 16, 16, 157184), "head_dim": 128, "q_lora_rank": 256, "kv_lora_rank": 512,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "layer_group_size": 4, "short_conv_kernel_size": 4,
    "no_kda_lora": True, "gated_attention_proj_granularity_type": "head_wise", "first_k_dense_replace": 1,
    "num_experts": 128, "num_experts_per_tok": 8, "num_shared_experts": 1, "moe_intermediate_size": 512,
    "use_qk_norm": True,
}  # fmt: skip


def test_one_name_of_two_hybrids() -> None:
    """Ling 3.0 tiny, 7.89B: a short convolution tells Kimi delta attention, whose decays and gates are matrices here."""
    spec = from_config(LING)
    assert total_params(spec) == 7_893_392_800
    assert spec.mixer is not None
    assert (spec.mixer.kind, spec.mixer.n_layers, spec.mixer.rank) == ("kda", 18, 0)
    narrow = from_config({**LING, "no_kda_lora": False})
    assert total_params(spec) - total_params(narrow) == 18 * 2 * (1536 * 2048 - 128 * (1536 + 2048))
    older = from_config({key: value for key, value in LING.items() if key != "short_conv_kernel_size"}).mixer
    assert getattr(older, "kind", None) == "lightning"
    assert getattr(from_config({**LING, "num_hidden_layers": 26}).mixer, "n_layers", None) == 18
    with pytest.raises(InputError, match="a gate that is not counted"):
        from_config({**LING, "gated_attention_proj_granularity_type": "row_wise"})
