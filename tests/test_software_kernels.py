"""Kernels, launches and traffic of stacks: what a measured row names is taken at its word."""

from __future__ import annotations

import pytest

from carbonscaling import evidence
from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.step import step_time
from carbonscaling.validate.replay import Replay, complete_row

ROW = {
    "id": "r1", "source": "a", "model": "13B", "device": "A100-80", "stack": "aleph-alpha", "n_layers": "40",
    "d_model": "5120", "d_ff": "13824", "n_heads": "40", "n_kv_heads": "40", "vocab": "128000", "ffn_type": "swiglu",
    "seq_len": "2048", "n_devices": "64", "tp": "2", "pp": "2", "dp": "16", "micro_batch": "2",
    "global_batch_seqs": "2048", "precision": "bf16", "recompute": "none", "kind": "benchmark",
}  # fmt: skip


def named(kernel: str = "") -> Replay:
    return complete_row(parse_row({**ROW, "attention_kernel": kernel}))


def seconds(r: Replay) -> float:
    return float(step_time(r.work, r.setup.plain, r.setting).total)


def test_what_a_row_names_its_scenario_says() -> None:
    said, unsaid = named("flash_attention2 + RMS kernel").scenario.software, named().scenario.software
    assert (said.attention_kernel, said.norm_kernel) == ("flash2", None)
    assert (unsaid.attention_kernel, unsaid.norm_kernel) == (None, None)
    assert named("flash_attention2").scenario.software.norm_kernel == "separate"


def test_the_best_kernels_are_those_of_a_row_that_names_none() -> None:
    assert seconds(named("flash_attention2 + RMS kernel")) == seconds(named())


def test_older_kernels_take_longer() -> None:
    best, norms, first, fused = (
        seconds(named(k))
        for k in ("flash_attention2 + RMS kernel", "flash_attention2", "flash_attentionv1.0.8", "fused")
    )
    assert best < norms < first
    assert norms < fused


def test_norms_of_their_own_stream_by_hand() -> None:
    """32 more passes of 16 bit forward and 64 backward over tokens x width, on every tensor rank alike."""
    plain, norms = named("flash_attention2 + RMS kernel"), named("flash_attention2")
    m = norms.setup.plain
    assert m.software.norm_passes == 32
    tokens = 2 * 2048
    layer = 3 * 32 * 5120 * tokens * 2 * m.software.elementwise / (m.silicon.bandwidth * m.silicon.memory_efficiency)
    per_step = layer * 40 / 2 * 2048 / (16 * 2)
    assert seconds(norms) - seconds(plain) == pytest.approx(per_step, rel=0.12)


def test_softmax_of_separate_kernels_takes_longest() -> None:
    """Ten bytes a score more forward, eleven backward than Megatron's one kernel."""
    one, many = named("fused"), named("torch")
    assert (one.setup.plain.software.separate, many.setup.plain.software.separate) == (0, 1)
    stream = one.setup.plain.silicon.bandwidth * one.setup.plain.silicon.memory_efficiency
    scores = 2 * (40 / 2) * 2048 * 2048
    assert seconds(many) - seconds(one) == pytest.approx(21 * scores / stream * 40 / 2 * 2048 / (16 * 2), rel=0.12)


def test_stacks_that_brought_the_one_kernel() -> None:
    """Where attention is not fused, as on Volta; a row's own word holds too."""
    volta = {**ROW, "device": "V100-32", "precision": "fp16"}
    for stack, separate in (("megatron", 0), ("megatron-deepspeed", 0), ("aleph-alpha", 0), ("", 1), ("fsdp", 1)):
        m = complete_row(parse_row({**volta, "stack": stack})).setup.plain
        assert (m.software.flash, m.software.separate) == (0, separate)
    assert [named(k).setup.plain.software.separate for k in ("fused", "torch")] == [0, 1]


def test_trainings_on_early_tpus_are_older_than_fused_attention() -> None:
    found = {
        d: complete_row(parse_row({**ROW, "stack": "xla", "device": d})).setup.plain.software.flash
        for d in ("TPUv3", "TPUv4")
    }
    assert found == {"TPUv3": 0, "TPUv4": 1}


@pytest.mark.parametrize(
    ("stack", "device", "again"),
    [("fsdp", "A100-80", 0), ("megatron", "A100-80", 1), ("nanotron", "H100-80", 1), ("xla", "TPUv4", 0)],
)
def test_who_repeats_what_nothing_reads(stack: str, device: str, again: float) -> None:
    assert complete_row(parse_row({**ROW, "stack": stack, "device": device})).setup.plain.software.redo_last == again


def test_a_named_kernel_outranks_the_habits_of_a_stack() -> None:
    stack = {**ROW, "stack": "megatron-deepspeed", "ffn_type": "gelu"}
    assert complete_row(parse_row(stack)).setup.plain.software.flash == 0
    assert complete_row(parse_row({**stack, "attention_kernel": "flash_attention2"})).setup.plain.software.flash == 1


def summed(stack: str, precision: str = "bf16", zero: str = "") -> Replay:
    return complete_row(parse_row({**ROW, "stack": stack, "precision": precision, "zero_stage": zero}))


@pytest.mark.parametrize(
    ("stack", "precision", "zero", "bytes_summed", "bytes_sent"),
    [
        ("megatron-deepspeed", "bf16", "1", 18, 4),
        ("megatron-deepspeed", "fp16", "1", 6, 2),
        ("megatron-deepspeed", "bf16", "3", 18, 4),
        ("nanotron", "bf16", "", 10, 4),
        ("megatron", "bf16", "", 0, 4),
        ("", "bf16", "", 0, 2),
    ],
)
def test_what_a_stack_moves_to_sum_its_gradients(
    stack: str, precision: str, zero: str, bytes_summed: float, bytes_sent: float
) -> None:
    m = summed(stack, precision, zero).setup.plain
    assert (m.software.sum_bytes, m.software.grad_comm_bytes) == (bytes_summed, bytes_sent)


def test_sums_of_gradients_stream_by_hand() -> None:
    """18 bytes for every weight of a stage, with every micro-batch."""
    r = summed("megatron-deepspeed", zero="1")
    m = r.setup.plain
    without = step_time(r.work, m.changed(sum_bytes=0.0), r.setting).total
    weights = 40 * (4 * 5120**2 + 3 * 5120 * 13824) / (2 * 2) + 128000 * 5120 / 2
    each = 18 * weights * m.software.elementwise / (m.silicon.bandwidth * m.silicon.memory_efficiency)
    n_micro = 2048 / (16 * 2)
    assert seconds(r) - without == pytest.approx(each * n_micro, rel=0.05)


def test_sharded_gradients_are_summed_a_share_each() -> None:
    """ZeRO-3 over 64 ranks: a 64th of what each would add up alone."""
    given = {**ROW, "stack": "megatron-deepspeed", "tp": "1", "pp": "1", "dp": "64"}
    added = []
    for zero in ("1", "3"):
        r = complete_row(parse_row({**given, "zero_stage": zero}))
        q = r.setup.plain
        with_sums, without = (step_time(r.work, m, r.setting).elementwise for m in (q, q.changed(sum_bytes=0.0)))
        added.append(float(with_sums - without))
    assert added[0] == pytest.approx(64 * added[1])
    assert added[1] > 0


def test_flash_attentions_own_releases_miss_what_hopper_gains_by_kernels_of_its_own() -> None:
    """Both factors, whatever the stack: 0.53 for kernels written for Ampere, 0.6 for the first version."""
    h100 = {**ROW, "device": "H100-80", "stack": "megatron"}
    own = complete_row(parse_row(h100)).setup.plain.software.attention_forward
    second, first = (
        complete_row(parse_row({**h100, "attention_kernel": kernel})).setup.plain.software.attention_forward
        for kernel in ("flash (FlashAttention v2) + layer norm", "triton (FlashAttention v1) + layer norm")
    )
    assert second == pytest.approx(0.53 * own)
    assert first == pytest.approx(0.6 * second)


def test_a_kernel_for_the_norms_is_named_by_a_word() -> None:
    passes = {
        k: named(f"flash{k}").setup.plain.software.norm_passes
        for k in (" + layer norm", " + RMS kernel", " + ROPE kernel")
    }
    assert list(passes.values()) == [0, 0, 32]


def test_shipped_rows_of_llm_foundry_name_their_kernel() -> None:
    """The Triton kernel but for four models of the large-scale table (its submit_benchmarks.py and sweep.py)."""
    found = [r for r in evidence.rows("runs") if r["source"] == "mosaicml/llm-foundry"]
    second = {r["model"] for r in found if "v2" in r["attention_kernel"]}
    assert second == {"MPT-1b", "MPT-3b", "MPT-7b", "MPT-70b"}
    assert sum("v2" in r["attention_kernel"] for r in found) == 12
    assert sum("v1" in r["attention_kernel"] for r in found) == 288


def test_who_names_no_stack_has_pytorchs_attention() -> None:
    """NVIDIA's kernels for Hopper come with its own stacks (Transformer Engine); FlashAttention-3 followed in July 2024."""
    h100 = {**ROW, "device": "H100-80", "attention_kernel": ""}
    rates = {
        stack: complete_row(parse_row({**h100, "stack": stack})).setup.plain.software.attention_forward
        for stack in ("megatron", "")
    }
    assert rates[""] == pytest.approx(0.53 * rates["megatron"])


def test_graphs_spare_the_host() -> None:
    """A whole step in one graph costs the host nothing; experts without graphs wait for token counts, as unsaid ones do."""
    none, full, some, unsaid = (
        complete_row(parse_row({**ROW, "stack": "megatron", "cuda_graphs": said})).setup.plain
        for said in ("none", "full", "attention, router", "")
    )
    assert (full.software.layer_launch, full.software.moe_launch) == (0, 0)
    assert none.software.layer_launch == some.software.layer_launch == unsaid.software.layer_launch > 0
    assert none.software.moe_launch == unsaid.software.moe_launch == 3 * some.software.moe_launch


def test_tensor_traffic_hides_in_recipes_since_hopper() -> None:
    def hidden(**changes: str) -> float:
        return float(
            complete_row(
                parse_row({**ROW, "source": "NVIDIA/NeMo", "stack": "megatron", "device": "H100-80", **changes})
            ).setup.plain.software.tp_overlap
        )

    assert hidden() == hidden(device="B200-180") == hidden(stack="mlperf") == 0.7
    assert hidden(device="A100-80") == hidden(stack="nanotron") == hidden(device="B200-180", precision="nvfp4") == 0


def test_who_reduces_after_the_last_micro_batch() -> None:
    found = {
        n: summed(n).setup.plain.software.update_beside
        for n in ("megatron-deepspeed", "gpt-neox", "aleph-alpha", "megatron", "")
    }
    assert found == {"megatron-deepspeed": 0, "gpt-neox": 0, "aleph-alpha": 0, "megatron": 0.5, "": 1}
