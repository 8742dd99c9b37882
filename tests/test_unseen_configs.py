"""Models that are in no other set here: their `config.json` and the parameters that their repositories state, to the last one.

The table was written after the mapper, and nothing was changed for it. Keys that no count uses are left out.
"""

from __future__ import annotations

from typing import Any

import pytest

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.model import from_config, total_params


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
}  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN)
def test_parameters_that_repositories_state(name: str) -> None:
    stated, config = UNSEEN[name]
    assert total_params(from_config(config)) == stated


def test_none_of_them_is_in_the_catalogue() -> None:
    for name in UNSEEN:
        with pytest.raises(InputError, match="unknown model"):
            models.model(name)
