"""Models and clusters as the numbers that formulas take: published dimensions and data sheets."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.errors import InputError
from carbonscaling.perf.build import machine, workload
from carbonscaling.perf.precision import PRECISIONS, _recipe, precision
from carbonscaling.sources import Datum

NOTHING = dict(d_latent=0, k_value=0, n_value=0, d_ff_expert=0, d_ff_shared=0, n_experts=0, top_k=0, node_limit=0,
               p_shared=0, p_expert=0, n_moe=0)  # fmt: skip

LLAMA_3_8B = NOTHING | dict(
    seq_len=8192, n_dense=32, d_model=4096, vocab_size=128256, k_query=4096, n_query=4096 + 2 * 1024, d_query=4096,
    d_context=4096, d_kv=2048, n_heads=32, span=4096, d_ff=14336, matrices=3, reduces=2, n_logits=1,
    p_attention=4096 * (4096 + 2 * 1024) + 4096 * 4096 + 2 * 4096 + 4096 / 32, p_dense=3 * 4096 * 14336,
    p_embedding=4096 * 128256, p_head=4096 * 128256,
)  # fmt: skip
MIXTRAL = LLAMA_3_8B | dict(
    seq_len=4096, n_dense=0, n_moe=32, vocab_size=32000, d_ff=0, d_ff_expert=14336, n_experts=8, top_k=2, node_limit=2,
    span=2048, p_dense=0, p_shared=4096 * 8, p_expert=3 * 4096 * 14336, p_embedding=4096 * 32000, p_head=4096 * 32000,
)  # fmt: skip
DEEPSEEK_V2_LITE = dict(
    seq_len=4096, n_dense=1, n_moe=26, d_model=2048, vocab_size=102400, d_latent=512 + 64, k_query=2048,
    n_query=16 * (128 + 64), k_value=512, n_value=16 * (128 + 128), d_query=16 * 192, d_context=16 * 128,
    d_kv=16 * (128 + 64 + 128), n_heads=16, span=2048, d_ff=10944, d_ff_expert=1408, d_ff_shared=2 * 1408, matrices=3,
    n_experts=64, top_k=6, node_limit=6, reduces=2, n_logits=1, p_dense=3 * 2048 * 10944,
    p_shared=2048 * 64 + 3 * 2048 * 2 * 1408, p_expert=3 * 2048 * 1408, p_embedding=2048 * 102400, p_head=2048 * 102400,
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "expected"),
    [("llama-3-8b", LLAMA_3_8B), ("mixtral-8x7b", MIXTRAL), ("deepseek-v2-lite", DEEPSEEK_V2_LITE)],
)
def test_published_dimensions(model: str, expected: dict[str, float]) -> None:
    """Grattafiori 2024, table 3; Jiang 2024, table 1; DeepSeek-V2, appendix B."""
    found = workload(models.model(model), int(expected["seq_len"]))._asdict()
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_deepseek_v3_compresses_queries_and_predicts_one_token_more() -> None:
    """DeepSeek-V3, section 4.2: query latent 1536, 3 dense layers, at most 4 nodes a token, one prediction module."""
    w = workload(models.model("deepseek-v3"), 4096)
    assert (w.d_latent, w.k_query) == (1536 + 512 + 64, 1536)
    assert (w.n_dense, w.n_moe, w.n_logits, w.node_limit) == (3, 58 + 1, 2, 4)
    assert (w.n_experts, w.top_k, w.d_ff, w.d_ff_expert, w.d_ff_shared) == (256, 8, 18432, 2048, 2048)
    assert w.p_shared == 7168 * 256 + 256 + 3 * 7168 * 2048  # router with its bias, one shared expert


def test_a_prediction_module_of_a_dense_model_is_a_dense_layer() -> None:
    spec = dataclasses.replace(models.model("llama-3-8b"), n_mtp=2)
    w = workload(spec, 2048)
    assert (w.n_dense, w.n_moe, w.n_logits) == (34, 0, 3)


def test_learned_positions_and_plain_blocks() -> None:
    """GPT-3 (Brown 2020): 2048 positions that are parameters, two matrices a block, tied head."""
    spec = models.model("gpt-3-1.3b")
    w = workload(spec, 2048)
    assert (w.matrices, w.d_ff, w.p_embedding) == (2, 4 * 2048, 2048 * (w.vocab_size + 2048))
    assert w.p_head == 2048 * w.vocab_size
    with pytest.raises(InputError) as error:
        workload(spec, 2049)
    assert error.value.key == "seq_len"


def test_parallel_blocks_reduce_once() -> None:
    """PaLM (Chowdhery 2022, section 2): attention and feed-forward side by side."""
    assert workload(models.model("palm-8b"), 2048).reduces == 1


def test_a_model_without_attention_has_none() -> None:
    spec = models.model("llama-3-8b")
    bare = workload(dataclasses.replace(spec, attention=None, vocab_size=0), 2048)
    shapes = (
        "d_query",
        "d_context",
        "d_kv",
        "n_heads",
        "d_latent",
        "k_query",
        "n_query",
        "k_value",
        "n_value",
        "p_head",
    )
    assert {getattr(bare, name) for name in shapes} == {0.0}
    assert (bare.reduces, bare.span, bare.n_logits) == (1, 1, 0)


# Machines

PLAIN = stack("plain")


def _machine(device: str, recipe: str = "bf16", host: str | None = None) -> tuple[Any, Any, Any]:
    cluster = hardware.cluster(device, host)
    constants = efficiency(cluster.device)
    return machine(cluster, precision(recipe), constants, PLAIN), cluster, constants


def test_h100_by_its_data_sheet() -> None:
    """989.4 TFLOP/s, 3.35 TB/s, NVLink 900 GB/s both ways together, eight to a host, 400 Gbit/s each."""
    m, cluster, e = _machine("h100-sxm")
    assert m.formats.peak == m.formats.peak_attention == m.formats.peak_mfu == pytest.approx(989.4e12, rel=1e-3)
    assert m.silicon.bandwidth == pytest.approx(3.35e12, rel=1e-3)
    assert m.silicon.link == pytest.approx(450e9 * e.link.value)
    assert m.silicon.nic == pytest.approx(50e9 * e.nic.value)
    assert (m.silicon.cores, m.silicon.domain, m.silicon.host_devices, m.silicon.axes, m.silicon.pairs) == (
        132,
        8,
        8,
        0,
        0,
    )
    assert m.silicon.capacity == cluster.device.memory_capacity.si
    assert m.formats.gemm_efficiency == e.gemm["bf16"].value
    assert m.formats.grouped_efficiency == pytest.approx(e.gemm["bf16"].value * e.grouped.value)
    assert m.formats.batched_efficiency == pytest.approx(e.gemm["bf16"].value * e.batched.value)
    assert m.formats.gemm_k_half == e.gemm_k_half.value


def test_eight_bit_peak_lengthens_the_prologue_by_as_much() -> None:
    m, cluster, e = _machine("h100-sxm", "fp8")
    assert m.formats.peak == m.formats.peak_mfu == cluster.device.peak["fp8"].si
    assert m.formats.peak_attention == cluster.device.peak["bf16"].si
    assert m.formats.gemm_k_half == pytest.approx(e.gemm_k_half.value * 1978.9 / 989.4, rel=1e-3)
    slow, _, _ = _machine("h100-sxm", "fp32")
    assert slow.formats.gemm_k_half == e.gemm_k_half.value
    assert slow.formats.peak_attention == slow.formats.peak < m.formats.peak_attention


def test_a_torus_and_a_mesh() -> None:
    """TPU v4 (Jouppi 2023): a three-dimensional torus of 4096; MI250X: links to each of the others."""
    m, cluster, _ = _machine("tpu-v4")
    assert (m.silicon.axes, m.silicon.pairs) == (3, 0)
    assert m.silicon.axis_length == pytest.approx(cluster.host.domain_size ** (1 / 3))
    flat, _, _ = _machine("tpu-v5e")
    assert flat.silicon.axes == 2
    mesh, its, _ = _machine("mi250x")
    assert its.host.topology == "mesh"
    assert (mesh.silicon.axes, mesh.silicon.axis_length, mesh.silicon.pairs) == (0, 2, its.host.domain_size - 1)


def test_a_device_without_bf16_attends_in_fp16() -> None:
    m, cluster, _ = _machine("v100-sxm2-32", "fp16")
    assert m.formats.peak_attention == cluster.device.peak["fp16"].si


SAME = {
    "kernel_latency": "kernel_latency", "memory_efficiency": "memory", "attention_forward": "attention_forward",
    "attention_backward": "attention_backward", "link_latency": "link_latency",
    "nic_latency": "nic_latency", "overlap": "overlap", "contention": "contention", "tp_overlap": "tp_overlap",
    "ep_overlap": "ep_overlap", "imbalance": "imbalance", "elementwise": "elementwise",
    "straggler": "straggler", "straggler_gather": "straggler_gather", "step_overhead": "step_overhead",
    "layer_launch": "layer_launch", "moe_launch": "moe_launch", "exchange": "exchange", "tile_m": "tile_m",
    "tile_n": "tile_n", "redo_last": "redo_last", "scatter_beside": "scatter_beside",
}  # fmt: skip
BYTES = {
    "act_bytes": "activations", "weight_bytes": "weights", "grad_bytes": "gradients", "optimizer_bytes": "optimizer",
    "comm_bytes": "traffic", "grad_comm_bytes": "gradient_traffic", "dispatch_bytes": "dispatch",
    "combine_bytes": "combine", "cast_passes": "cast_passes",
}  # fmt: skip


@pytest.mark.parametrize("recipe", ["bf16", "fp8-deepseek"])
def test_constants_go_where_they_belong(recipe: str) -> None:
    """Each constant, given a value of its own, arrives in its own field and nowhere else."""
    cluster = hardware.cluster("h800")
    plain = efficiency(cluster.device)
    own: dict[str, Any] = {
        name: Datum(0.01 + i / 1000, getattr(plain, name).unit, "user") for i, name in enumerate(sorted(SAME.values()))
    }
    m = machine(cluster, precision(recipe), dataclasses.replace(plain, **own), PLAIN)
    assert {field: m.numbers()[field] for field in SAME} == {field: own[name].si for field, name in SAME.items()}
    numbers = PRECISIONS[recipe]
    assert {field: m.numbers()[field] for field in BYTES} == {
        field: getattr(numbers, name) for field, name in BYTES.items()
    }


OWN = {
    "norm_passes": "norm_passes", "head_passes": "head_passes", "gate_passes": "gate_passes", "gate_kept": "gate_bytes",
    "bias_passes": "bias_passes", "mixer_copies": "mixer_copies", "mixer_norms": "mixer_norms",
    "update_beside": "update_beside",
    "kept": "kept", "logit": "logit_bytes", "logit_split": "logit_split", "framework": "framework_bytes", "reserve": "reserve",
    "redo_last": "redo_last", "zero3_checkpoints": "checkpoints", "gathered": "gathered", "copies": "copies", "relay": "relay",
    "head_last": "head_last", "tp_beside": "tp_beside", "products_apart": "product_launch",
    "unfused": "unfused_bytes",  # where norms take passes of their own
}  # fmt: skip


SWITCHES = (
    "logit_split",
    "mixer_copies",
    "mixer_norms",
    "relay",
    "head_last",
    "redo_last",
    "tp_beside",
    "products_apart",
    "copies",
)


def test_numbers_of_a_stack_go_where_they_belong() -> None:
    """Each number, given a value of its own (a switch: the other one), arrives in its own field, and no other field changes."""
    cluster = hardware.cluster("h100-sxm")
    e = dataclasses.replace(efficiency(cluster.device), product_launch=Datum(1, "s", "user"))
    shipped = dataclasses.replace(PLAIN, redo_last=Datum(e.redo_last.value, "1", "user"))
    own: dict[str, Any] = {}
    for i, name in enumerate(sorted(OWN)):
        was: Datum = getattr(shipped, name)
        own[name] = Datum(1.0 - was.value if name in SWITCHES else 0.01 + i / 1000, was.unit, "user")
    before = machine(cluster, precision("bf16"), e, shipped).numbers()
    after = machine(cluster, precision("bf16"), e, dataclasses.replace(shipped, **own)).numbers()
    changed = {field for field in before if before[field] != after[field]}
    assert changed == {*OWN.values(), "sorts"}
    assert {field: after[field] for field in OWN.values()} == {field: own[name].si for name, field in OWN.items()}
    assert after["sorts"] == 1.0 - after["relay"]


def test_a_format_without_an_efficiency() -> None:
    cluster = hardware.cluster("h100-sxm")
    bare = dataclasses.replace(efficiency(cluster.device), gemm={})
    with pytest.raises(InputError) as error:
        machine(cluster, precision("bf16"), bare, PLAIN)
    assert error.value.key == "precision"


def test_the_head_stays_out_of_eight_bits() -> None:
    """DeepSeek-V3, section 3.3.1: the output head keeps its format; the papers' quantisation leaves nothing out."""
    cluster = hardware.cluster("b200")
    plain = efficiency(cluster.device)
    bf16 = machine(cluster, precision("bf16"), plain, PLAIN)
    assert (bf16.formats.peak_head, bf16.formats.head_efficiency) == (bf16.formats.peak, bf16.formats.gemm_efficiency)
    for recipe in ("fp8", "fp8-deepseek", "mxfp8", "nvfp4"):
        m = machine(cluster, precision(recipe), plain, PLAIN)
        assert (m.formats.peak_head, m.formats.head_efficiency) == (bf16.formats.peak, bf16.formats.gemm_efficiency)
        assert m.formats.peak > m.formats.peak_head
    papers = machine(cluster, precision("qat-fp8"), plain, PLAIN)
    assert (papers.formats.peak_head, papers.formats.head_efficiency) == (
        papers.formats.peak,
        papers.formats.gemm_efficiency,
    )


def test_recipes_in_bytes() -> None:
    """Micikevicius 2018: 16-bit weights, float32 master copy and two moments; DeepSeek-V3: moments in bf16, FP8 dispatch."""
    p = precision("bf16")
    assert (p.activations, p.weights, p.gradients, p.optimizer, p.traffic) == (2, 2, 4, 12, 2)
    assert (p.gradient_traffic, p.dispatch, p.combine, p.cast_passes) == (2, 2, 2, 0)
    assert (precision("fp16").gradients, precision("fp8-deepseek").dispatch, precision("fp8-deepseek").optimizer) == (
        2,
        1,
        8,
    )
    assert precision("fp32").activations == 4


def test_a_model_whose_experts_have_no_layer_is_dense() -> None:
    spec = models.model("mixtral-8x7b")
    assert spec.experts is not None
    none = dataclasses.replace(spec.experts, n_dense_layers=spec.n_layers)
    dense = dataclasses.replace(spec, experts=none, ffn=dataclasses.replace(spec.ffn, gated=False))
    w = workload(dense, 4096)
    assert {
        getattr(w, name)
        for name in ("n_moe", "n_experts", "top_k", "node_limit", "d_ff_expert", "d_ff_shared", "p_expert")
    } == {0}
    assert (w.n_dense, w.matrices) == (32, 2)
    lite = models.model("deepseek-v2-lite")
    assert lite.experts is not None
    bare = dataclasses.replace(lite, experts=dataclasses.replace(lite.experts, n_dense_layers=lite.n_layers))
    assert workload(bare, 4096).d_ff_shared == 0


def test_model_flops_by_hand() -> None:
    """Six a multiplied weight, and twice two products of the 4096 keys that a query sees on average, three times over."""
    w = workload(models.model("llama-3-8b"), 8192)
    weights = 32 * (4096 * (4096 + 2048) + 4096 * 4096 + 3 * 4096 * 14336) + 4096 * 128256
    assert w.model_flops == pytest.approx(6 * weights + 32 * 3 * 2 * 2 * 4096 * 4096)


def test_a_small_torus_has_rings_of_two() -> None:
    cluster = hardware.cluster("tpu-v4")
    small = dataclasses.replace(cluster, host=dataclasses.replace(cluster.host, domain_size=4, pod_shape=(2, 2, 1)))
    assert machine(small, precision("bf16"), efficiency(cluster.device), PLAIN).silicon.axis_length == 2.0


def test_the_head_keeps_the_format_of_the_recipe_unless_told_otherwise() -> None:
    assert _recipe("a", "bf16", "s").head == "bf16"
    assert _recipe("a", "fp8", "s", head="bf16").head == "bf16"
