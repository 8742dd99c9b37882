"""Every model type of the table: counted as its class counts it, and never wrong in silence when its file is damaged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.errors import InputError
from carbonscaling.model import ModelSpec, active_params, from_config, model_types, total_params
from carbonscaling.model.huggingface.table import alike, row

DATA = Path(__file__).parent / "data"
# Small configurations of each type with changed widths, heads, experts, switches; the classes of transformers 5.24.0, built
# from them without weights, hold exactly these numbers of parameters: tied weights once, the language model only, the routers'
# score corrections (there buffers) included.
TYPES: dict[str, dict[str, Any]] = json.loads((DATA / "hf_types.json").read_text())
HUB: dict[str, dict[str, Any]] = json.loads((DATA / "hf_unseen.json").read_text())
SEQ2SEQ: dict[str, dict[str, Any]] = json.loads((DATA / "hf_seq2seq.json").read_text())

MLA = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
KDA_LAYERS = [4, 8, 12, 16, 20, 24, 27]
# Published shapes with the published counts in billions (total, active or None), embeddings counted: model cards and papers.
PUBLISHED: dict[str, tuple[float, float | None, dict[str, Any]]] = {
    "hunyuan_v1_moe": (80.4, 13, dict(hidden_size=4096, num_hidden_layers=32, intermediate_size=3072,
        moe_intermediate_size=[3072] * 32, num_experts=64, moe_topk=[8] * 32, num_shared_expert=[1] * 32, head_dim=128,
        num_attention_heads=32, num_key_value_heads=8, vocab_size=128167, tie_word_embeddings=True, use_qk_norm=True)),
    "rwkv": (7.393, None, dict(hidden_size=4096, num_hidden_layers=32, vocab_size=50277)),
    "rwkv5": (7.518, None, dict(hidden_size=4096, num_hidden_layers=32, vocab_size=65536)),
    "rwkv6": (3.1, None, dict(hidden_size=2560, num_hidden_layers=32, vocab_size=65536)),
    "rwkv7": (2.948, None, dict(hidden_size=2560, num_hidden_layers=32, vocab_size=65536, decay_low_rank_dim=96,
        a_low_rank_dim=96, gate_low_rank_dim=320, v_low_rank_dim=64)),
    "kimi_linear": (49.1, 3.5, MLA | dict(hidden_size=2304, num_hidden_layers=27, intermediate_size=9216,
        moe_intermediate_size=1024, num_experts=256, num_experts_per_token=8, num_shared_experts=1, vocab_size=163840,
        first_k_dense_replace=1, num_attention_heads=32, num_key_value_heads=32, head_dim=72, linear_attn_config=dict(
            full_attn_layers=KDA_LAYERS, kda_layers=[i for i in range(1, 27) if i not in KDA_LAYERS], head_dim=128,
            num_heads=32, short_conv_kernel_size=4))),
    "bailing_moe_v2": (103, 6.1, dict(hidden_size=4096, num_hidden_layers=32, intermediate_size=9216, num_experts=256,
        moe_intermediate_size=1024, num_experts_per_tok=8, num_shared_experts=1, first_k_dense_replace=1, head_dim=128,
        num_attention_heads=32, num_key_value_heads=4, vocab_size=157184, use_qk_norm=True)),
    "minimax_m1": (456, None, dict(hidden_size=6144, num_hidden_layers=80, intermediate_size=9216, num_local_experts=32,
        num_experts_per_tok=2, num_attention_heads=64, num_key_value_heads=8, head_dim=128, vocab_size=200064,
        attn_type_list=[int(i % 8 == 7) for i in range(80)])),
    "mimo": (7.6, None, dict(hidden_size=4096, num_hidden_layers=36, intermediate_size=11008, num_attention_heads=32,
        num_key_value_heads=8, head_dim=128, vocab_size=151680, num_nextn_predict_layers=1, attention_bias=True)),
    "jamba": (51.6, 12, dict(hidden_size=4096, num_hidden_layers=32, intermediate_size=14336, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=65536, num_experts=16, num_experts_per_tok=2, mamba_dt_rank=256)),
    "falcon_h1": (33.6, None, dict(hidden_size=5120, num_hidden_layers=72, intermediate_size=21504, mamba_n_groups=2,
        num_attention_heads=20, num_key_value_heads=4, head_dim=128, vocab_size=261120, mamba_d_ssm=4096,
        mamba_d_head=128, mamba_n_heads=32, mamba_d_state=256)),
    "granitemoehybrid": (32.2, 9, dict(hidden_size=4096, num_hidden_layers=40, intermediate_size=768, mamba_d_state=128,
        shared_intermediate_size=1536, num_local_experts=72, num_experts_per_tok=10, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=100352, tie_word_embeddings=True,
        layer_types=["attention" if i in (5, 15, 25, 35) else "mamba" for i in range(40)])),
    "lfm2": (1.17, None, dict(hidden_size=2048, num_hidden_layers=16, block_ff_dim=12288, num_attention_heads=32,
        num_key_value_heads=8, full_attn_idxs=[2, 5, 8, 10, 12, 14], vocab_size=65536)),
    "nemotron_h": (8.89, None, dict(hidden_size=4480, intermediate_size=15680, num_hidden_layers=56, head_dim=128,
        hybrid_override_pattern="M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-", num_attention_heads=40,
        mamba_num_heads=128, mamba_head_dim=80, vocab_size=131072)),
    "step3p5": (196, 12, dict(hidden_size=4096, intermediate_size=11264, num_hidden_layers=45, num_attention_heads=64,
        num_attention_groups=8, head_dim=128, vocab_size=128896, sliding_window=512, moe_num_experts=288, moe_top_k=8,
        layer_types=(["full_attention"] + ["sliding_attention"] * 3) * 12, moe_intermediate_size=1280,
        attention_other_setting=dict(num_attention_heads=96, num_attention_groups=8, head_dim=128), share_expert_dim=1280,
        moe_layers_enum=",".join(map(str, range(3, 45))), num_nextn_predict_layers=3, use_moe=True, att_impl_type="GQA")),
    "cohere2": (111, None, dict(hidden_size=12288, intermediate_size=36864, num_hidden_layers=64, num_attention_heads=96,
        num_key_value_heads=8, vocab_size=256000, layer_switch=4, use_gated_activation=True, use_parallel_block=True)),
    "ernie4_5_moe": (21.8, None, dict(hidden_size=2560, intermediate_size=12288, moe_intermediate_size=1536, moe_k=6,
        num_hidden_layers=28, num_attention_heads=20, num_key_value_heads=4, head_dim=128, vocab_size=103424,
        moe_num_experts=64, moe_num_shared_experts=2, moe_layer_end_index=-1, moe_capacity=[64, 64, 64])),
    "exaone4": (32, None, dict(hidden_size=5120, intermediate_size=27392, num_hidden_layers=64, num_attention_heads=40,
        num_key_value_heads=8, vocab_size=102400, sliding_window_pattern="LLLG")),
    "qwen2_5_vl": (7.62, None, dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, vocab_size=152064,
        num_attention_heads=28, num_key_value_heads=4, vision_config=dict(depth=32), tie_word_embeddings=False)),
    "deepseek": (16.4, 2.8, dict(hidden_size=2048, intermediate_size=10944, num_hidden_layers=28, num_attention_heads=16,
        num_key_value_heads=16, vocab_size=102400, n_routed_experts=64, num_experts_per_tok=6, n_shared_experts=2,
        moe_intermediate_size=1408, first_k_dense_replace=1)),
    "internlm2": (7.74, None, dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=92544, bias=False)),
    "minicpm": (2.72, None, dict(hidden_size=2304, intermediate_size=5760, num_hidden_layers=40, num_attention_heads=36,
        num_key_value_heads=36, vocab_size=122753, scale_emb=12, scale_depth=1.4, dim_model_base=256)),
    "baichuan": (7.0, None, dict(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32,
        vocab_size=64000)),
    "qwen": (7.72, None, dict(hidden_size=4096, intermediate_size=22016, num_hidden_layers=32, num_attention_heads=32,
        kv_channels=128, vocab_size=151936, no_bias=True)),
    "chatglm": (6.24, None, dict(hidden_size=4096, ffn_hidden_size=13696, num_layers=28, num_attention_heads=32,
        multi_query_group_num=2, kv_channels=128, padded_vocab_size=65024, add_qkv_bias=True, multi_query_attention=True)),
    "xlm-roberta": (0.56, None, dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, vocab_size=250002,
        num_attention_heads=16, max_position_embeddings=514, type_vocab_size=1)),
    # The class of transformers holds 741B, of which 180B are half-matrices of experts that the model does not have.
    "longcat_flash": (560, 27.9, MLA | dict(hidden_size=6144, num_layers=28, num_attention_heads=64, q_lora_rank=1536,
        ffn_hidden_size=12288, expert_ffn_hidden_size=2048, n_routed_experts=512, zero_expert_num=256, moe_topk=12,
        vocab_size=131072)),
    # Laguna XS.2, heads by layer; North Mini Code; MiMo V2.5 Pro; Kimi K3 (arXiv 2607.24653), experts half as wide; Ling 2.6.
    "laguna": (33.4, 3.0, dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=40, num_attention_heads=48,
        num_key_value_heads=8, head_dim=128, num_experts=256, num_experts_per_tok=8, moe_intermediate_size=512,
        shared_expert_intermediate_size=512, vocab_size=100352, gating=True, sliding_window=512,
        layer_types=["full_attention", *["sliding_attention"] * 3] * 10, mlp_layer_types=["dense", *["sparse"] * 39],
        num_attention_heads_per_layer=[48, 64, 64, 64] * 10)),
    "cohere2_moe": (30.5, 3.3, dict(hidden_size=2048, intermediate_size=768, prefix_dense_intermediate_size=3072,
        num_hidden_layers=49, num_attention_heads=32, num_key_value_heads=4, head_dim=128, vocab_size=262144,
        num_experts=128, num_experts_per_tok=8, num_shared_experts=0, first_k_dense_replace=1, use_parallel_block=True,
        tie_word_embeddings=None)),
    "mimo_v2": (1020, 42, dict(hidden_size=6144, intermediate_size=16384, num_hidden_layers=70, num_attention_heads=128,
        num_key_value_heads=8, swa_num_key_value_heads=8, head_dim=192, v_head_dim=128, vocab_size=152576,
        hybrid_layer_pattern=[0, *[1] * 6] * 10, moe_layer_freq=[0, *[1] * 69], n_routed_experts=384,
        num_experts_per_tok=8, moe_intermediate_size=2048, sliding_window=128)),
    "kimi_k3": (2780, 104, dict(text_config=MLA | dict(model_type="kimi_linear", hidden_size=7168, num_hidden_layers=93,
        intermediate_size=33792, num_attention_heads=96, q_lora_rank=1536, mla_use_output_gate=True, num_experts=896,
        num_experts_per_token=16, num_shared_experts=2, moe_intermediate_size=3072, routed_expert_hidden_size=3584,
        latent_moe_use_norm=True, attn_res_block_size=12, vocab_size=163840, first_k_dense_replace=1,
        tie_word_embeddings=False, linear_attn_config=dict(full_attn_layers=[*range(4, 93, 4), 93], head_dim=128,
        num_heads=96, short_conv_kernel_size=4, use_full_rank_gate=True)))),
    "bailing_hybrid": (104, 7.4, MLA | dict(hidden_size=4096, intermediate_size=9216, num_hidden_layers=32, head_dim=128,
        num_attention_heads=32, num_key_value_heads=32, first_k_dense_replace=1, moe_intermediate_size=1024,
        moe_shared_expert_intermediate_size=1024, num_experts=256, num_experts_per_tok=8, num_shared_experts=1,
        q_lora_rank=1536, layer_group_size=8, group_norm_size=8, use_qk_norm=True, vocab_size=157184)),
    "dbrx": (132, 36, dict(d_model=6144, n_heads=48, n_layers=40, vocab_size=100352, attn_config=dict(kv_n_heads=8),
        ffn_config=dict(ffn_hidden_size=10752, moe_num_experts=16, moe_top_k=4))),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_counted_as_the_class_counts(kind: str) -> None:
    assert total_params(from_config(TYPES[kind]["config"])) == TYPES[kind]["count"]


@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_shapes(kind: str) -> None:
    total, active, config = PUBLISHED[kind]
    spec = from_config(config | {"model_type": kind})
    assert total_params(spec) == pytest.approx(total * 1e9, rel=0.005)
    if active is not None:
        assert active_params(spec) == pytest.approx(active * 1e9, rel=0.03)


# One key of such a file changed, or dropped (None): how much the class's own count moves.
CHANGED: list[tuple[str, str, Any, int]] = [
    ("ernie4_5_moe", "moe_layer_interval", 2, 12928761216 - 21825437888), ("internvl", "tie_word_embeddings", True, -622329856),
    ("gemma3", "tie_word_embeddings", False, 604127232), ("llama4", "tie_word_embeddings", True, 0),
    ("llava", "tie_word_embeddings", False, 0), ("cwm", "num_key_value_heads", None, 0),
    ("deepseek_v2", "n_shared_experts", None, 0), ("deepseek_v3", "n_shared_experts", None, 0),
    ("exaone", "num_key_value_heads", None, 25165824), ("granite_swa", "num_key_value_heads", None, 0),
    ("granite_swa", "tie_word_embeddings", None, 442686112 - 570686112), ("smollm3", "num_key_value_heads", None, 0),
    ("qwen3_5_moe_text", "num_experts", None, 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "key", "value", "moved"), CHANGED)
def test_a_changed_key_moves_the_count_as_in_the_class(kind: str, key: str, value: Any, moved: int) -> None:
    before = TYPES[kind]["config"]
    after = {k: v for k, v in before.items() if k != key} | ({} if value is None else {key: value})
    assert total_params(from_config(after)) - total_params(from_config(before)) == moved


def test_cross_attention_is_not_passed_over() -> None:
    with pytest.raises(InputError, match="add_cross_attention"):
        from_config(TYPES["gpt2"]["config"] | {"add_cross_attention": True})
    assert from_config(TYPES["gpt2"]["config"] | {"add_cross_attention": False}).unread == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [("gating_types", 3), ("gating_types", "per-layer"), ("num_attention_heads_per_layer", ["48"] + [64] * 39)],
)
def test_lists_of_layers_that_hold_something_else_are_refused(key: str, value: Any) -> None:
    config = PUBLISHED["laguna"][2] | {"model_type": "laguna", key: value}
    with pytest.raises(InputError, match=r"a gate that is not counted|layers of more than two kinds"):
        from_config(config)


def test_one_number_under_two_keys() -> None:
    """Quantised exports repeat the number of experts; where the two differ, neither is taken."""
    config = TYPES["glm_moe_dsa"]["config"]
    n = config["n_routed_experts"]
    assert total_params(from_config(config | {"num_experts": n})) == total_params(from_config(config))
    with pytest.raises(InputError, match="two keys of one number differ"):
        from_config(config | {"num_experts": n + 1})


def test_minimax_m3_as_its_repository_writes_it() -> None:
    """Other keys than the class, which holds 426,174,565,632 parameters without tower and 7,296 score corrections."""
    of_layers = [0] * 3 + [1] * 57
    text = dict(
        hidden_size=6144, intermediate_size=3072, num_hidden_layers=60, num_attention_heads=64, num_key_value_heads=4,
        head_dim=128, vocab_size=200064, dense_intermediate_size=12288, shared_intermediate_size=3072, num_local_experts=128,
        num_experts_per_tok=4, n_shared_experts=1, moe_layer_freq=of_layers, num_mtp_modules=7, num_nextn_predict_layers=1,
        qk_norm_type="per_head", use_qk_norm=True, use_gemma_norm=True, use_routing_bias=True, first_k_dense_replace=3,
        moe_intermediate_size=3072, sparse_attention_config=dict(
            use_sparse_attention=True, sparse_index_dim=128, sparse_num_index_heads=4, sparse_topk_blocks=16,
            sparse_block_size=128, sparse_init_block=0, sparse_local_block=1, sparse_disable_index_value=of_layers,
            sparse_attention_freq=of_layers, sparse_score_type="max"),
    )  # fmt: skip
    alone = from_config({"model_type": "minimax_m3", **text})
    assert total_params(alone) == 426_174_572_928
    assert alone.n_mtp == 1
    assert total_params(from_config({"model_type": "minimax_m3_vl", "text_config": text})) == total_params(alone)


def test_every_type_is_counted_somewhere() -> None:
    """A type is tried by its own file, or takes another's row over but for defaults, or nests a type that is."""
    files = [json.loads(path.read_text()) for path in (DATA / "hf").glob("*.json")]
    own = {c["model_type"] for c in files} | {c["text_config"]["model_type"] for c in files if "text_config" in c}
    stacked = {entry["config"]["model_type"] for entry in SEQ2SEQ.values()}
    tried = (
        own | set(TYPES) | set(PUBLISHED) | stacked | {x["config"]["model_type"] for x in HUB.values()} | {"minimax_m3"}
    )
    for kind in set(model_types()) - tried:
        assert row(kind).get("text_type") in tried or kind in UNTRIED, kind


UNTRIED = {"axk1", "umt5", "plbart", "nemotron-nas", "glm4v_text", "glm4v_moe_text", "qwen2_vl_text", "qwen2_5_vl_text",
           "mimo_v2_flash", "bailing_moe", "minimax_text_01", "glm4v_moe", "telechat3"}  # fmt: skip
"""Types whose class holds more than the language model's weights, or that transformers does not have."""

ADDED: list[tuple[str, Any]] = [
    ("num_experts", 8), ("kv_lora_rank", 512), ("n_routed_experts", 16), ("mamba_d_state", 128), ("ssm_state_size", 64),
    ("linear_num_value_heads", 32), ("index_topk", 2048), ("conv_kernel", 4), ("moe_intermediate_size", 512),
    ("layer_types", ["linear_attention"] * 4), ("num_kv_shared_layers", 3), ("hc_mult", 4), ("expert_num", 4),
    ("gated_mlp", True),
]  # fmt: skip


def _damaged(config: dict[str, Any], draw: random.Random) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Drop, rename or add a key; return the file and the names that a warning would have in it."""
    whole: dict[str, Any] = json.loads(json.dumps(config))
    inner = whole["text_config"] if isinstance(whole.get("text_config"), dict) else whole
    key = draw.choice([k for k in inner if k != "model_type"])
    kind = draw.choice(["drop", "rename", "add"])
    if kind == "add":
        name, value = draw.choice(ADDED)
        inner.setdefault(name, value)
        return whole, (name,)
    value = inner.pop(key)
    if kind == "drop":
        return whole, (key,)
    name = draw.choice([key + "_", "n_" + key, key[:-1], key.upper(), key.replace("num", "n"), key.replace("_", "")])
    inner[name] = value
    return whole, (key, name)


def _same(a: ModelSpec, b: ModelSpec) -> bool:
    return (total_params(a), active_params(a), a.seq_len, a.attention) == (
        total_params(b), active_params(b), b.seq_len, b.attention,
    )  # fmt: skip


def test_damaged_files_are_refused_or_say_what_they_lack() -> None:
    """Keys dropped, renamed and added, 400 times: another number comes with the key's name beside it, or not at all."""
    draw = random.Random(20)
    files = [json.loads(path.read_text()) for path in sorted((DATA / "hf").glob("*.json"))]
    files += [entry["config"] for entry in (*TYPES.values(), *SEQ2SEQ.values(), *HUB.values())]
    refused = told = 0
    for _ in range(400):
        config = draw.choice(files)
        whole, names = _damaged(config, draw)
        try:
            spec = from_config(whole)
        except InputError:
            refused += 1
            continue
        whole_spec = from_config(config)
        if _same(spec, whole_spec) or (
            spec.seq_len_why and _same(replace(spec, seq_len=whole_spec.seq_len), whole_spec)
        ):
            continue
        assert any(name in " ".join(spec.said) for name in names), names
        told += 1
    assert refused > 100
    assert told > 10


def test_suggestions_never_name_another_architecture() -> None:
    assert alike("lama") == "llama"
    assert alike("Qwen3-Next".replace("-", "_")) == "qwen3_next"
    for other in ("seed", "mistral7", "qwen4", "pixtral", "olmo4", "gemma5", "deepseek_v5", "glm5", "t6", "rwkv8"):
        assert alike(other) is None, other


def test_a_type_that_is_not_known_is_refused_in_a_few_words() -> None:
    with pytest.raises(InputError, match="kimi_k2, kimi_k25, kimi_k3, kimi_linear, kimi_vl, of ") as refused:
        from_config({"model_type": "kimi_k4"})
    assert len(str(refused.value)) < 400
    with pytest.raises(InputError, match="models of type llama do not have"):
        from_config({"model_type": "llava", "text_config": {"num_experts": 8}})
