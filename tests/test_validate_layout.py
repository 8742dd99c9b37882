"""What a measured row leaves open: degrees, batch, recomputation, kernels, and the number of expert layers."""

from __future__ import annotations

import pytest
from carbonscaling.validate.habits import memory_machine, memory_setting
from carbonscaling.validate.infer import infer
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonscaling.perf.memory import memory, rank_params
from carbonscaling.perf.numbers import Recompute
from carbonscaling.perf.step import step_time
from carbonscaling.validate.record import Replay, parameter_gap
from carbonscaling.validate.row import Unusable, parse_row

LLAMA_70B = {
    "id": "a", "model": "some 70B", "device": "H100-80", "n_layers": "80", "d_model": "8192", "d_ff": "28672", "n_heads": "64",
    "n_kv_heads": "8", "vocab": "128256", "ffn_type": "swiglu", "seq_len": "8192", "n_devices": "256", "precision": "bf16",
    "stack": "megatron", "global_batch_seqs": "256",
}  # fmt: skip


def row(**changes: str) -> Replay:
    return infer(parse_row({**LLAMA_70B, **changes}))


def fits(r: Replay) -> bool:
    need = memory(r.work, memory_machine(r), memory_setting(r))
    return bool(need.total <= need.limit)


def test_stated_degrees_are_kept_and_the_rest_is_the_fastest_that_fits() -> None:
    free, held = row(), row(tp="8")
    assert held.setting.tp == 8
    assert fits(free)
    assert fits(held)
    assert "fastest that fits" in "; ".join(free.inferred)
    assert (
        step_time(free.work, free.machine, free.setting).total <= step_time(held.work, held.machine, held.setting).total
    )
    stated = row(tp="8", pp="4", dp="8")
    assert (stated.setting.tp, stated.setting.pp, stated.setting.dp) == (8, 4, 8)
    assert "fastest that fits" not in "; ".join(stated.inferred)


def test_a_few_devices_may_stay_idle() -> None:
    r = row(n_devices="10000", global_batch_seqs="", device="V100-32", precision="fp16", stack="", n_kv_heads="64")
    assert 9500 <= r.setting.n_devices <= 10000
    assert r.setting.tp * r.setting.pp > 1


def test_compiled_stacks_split_sequences_when_there_are_fewer_than_devices() -> None:
    r = row(device="TPUv5p", stack="xla", n_devices="256", global_batch_seqs="64", seq_len="131072")
    assert (r.setting.cp, r.setting.dp, r.setting.n_micro) == (4, 64, 1)
    assert "sequences split 4 ways" in r.inferred


def test_compiled_policies_recompute_as_little_as_fits() -> None:
    small, large = (
        row(device=device, stack="xla", n_devices="64", recompute="selective", global_batch_seqs="256")
        for device in ("TPUv6e", "TPUv7x")
    )
    share = [s.setting.recompute_percent * (s.setting.recompute == Recompute.FULL) for s in (large, small)]
    assert share[0] < share[1], "192 GB keep what 32 GB cannot"
    assert row(device="TPUv6e", stack="xla", recompute="full").setting.recompute_percent == 100


def test_a_batch_nobody_stated_fills_the_pipeline() -> None:
    r = row(tp="8", pp="8", dp="4", global_batch_seqs="", seq_len="8192")
    assert r.setting.n_micro >= 4 * 8
    assert r.batch * 8192 >= 4 * 2**20


def test_interleaving_divides_the_layers() -> None:
    r = row(tp="8", pp="4", dp="8", n_layers="92", global_batch_seqs="256")
    assert 92 % (4 * r.setting.vpp) == 0


def test_experts_in_every_other_layer_where_the_parameters_say_so() -> None:
    moe = {
        "n_experts": "64", "top_k": "2", "n_layers": "64", "d_ff": "32768", "n_heads": "128", "n_kv_heads": "",
        "vocab": "256000",
        "ffn_type": "gelu", "device": "TPUv4", "stack": "xla", "n_devices": "1024", "seq_len": "1024", "global_batch_seqs": "",
    }  # fmt: skip
    every, other = row(**moe), row(**moe, params_b="1200")
    assert every.work.n_dense == 0
    assert other.work.n_dense == 32
    gap = parameter_gap(other)
    assert gap is not None
    assert abs(gap) < 0.06
    assert other.setting.ep == 64, "experts are spread rather than gathered"


def test_attention_kernels_of_an_earlier_architecture_on_hopper() -> None:
    """FlashAttention-2 reaches 0.72 of what Hopper's own kernels do (Shah 2024); on Ampere both are the same."""
    own, portable = row(), row(stack="nanotron")
    assert portable.machine.attention_forward == pytest.approx(0.72 * own.machine.attention_forward)
    assert portable.machine.attention_backward == pytest.approx(0.72 * own.machine.attention_backward)
    assert portable.machine.gemm_efficiency == own.machine.gemm_efficiency
    ampere = {stack: row(stack=stack, device="A100-80").machine.attention_forward for stack in ("fsdp", "")}
    assert ampere["fsdp"] == ampere[""]


def test_stacks_before_fused_layers_launch_longer() -> None:
    assert row(stack="megatron-deepspeed", device="A100-80").machine.layer_launch == pytest.approx(0.8e-3)
    assert row(device="A100-80").machine.layer_launch == pytest.approx(0.5e-3)


def test_benchmark_submissions_use_the_fastest_format() -> None:
    assert row(stack="mlperf", precision="", device="Gaudi2-96").precision == "fp8"
    assert row(stack="megatron", precision="").precision == "bf16"


def test_deepspeeds_zero3_collects_parameter_by_parameter() -> None:
    """Four matrices in each of 80 layers, 15 us for each of 256 ranks, three passes over the weights, nothing hidden.

    Others hide what they can.
    """
    given = {"zero_stage": "3", "tp": "1", "pp": "1", "micro_batch": "1", "device": "A100-80", "recompute": "none"}
    slow, plain = row(stack="megatron-deepspeed", **given), row(stack="fsdp", **given)
    assert slow.machine.overlap == 0 < plain.machine.overlap
    passes = 3 * 2 * rank_params(slow.work, slow.setting).dense / (2.039e12 * 0.8)
    assert slow.machine.gather_wait == pytest.approx(4 * 80 * 256 * 15e-6 + passes)
    assert (plain.machine.gather_wait, plain.machine.gathers) == (0, 2)
    assert slow.machine.nic == plain.machine.nic
    assert slow.machine.gathers == 2
    assert "parameter by parameter" in "; ".join(slow.inferred)


@pytest.mark.parametrize(("d_model", "again"), [("7168", 0.0), ("8192", 1 / 3), ("12288", 2 / 3)])
def test_what_full_recomputation_lets_go_is_fetched_again(d_model: str, again: float) -> None:
    """Kept is what fewer than 1e9 parameters separate from its gradient: 18, 16, 8 and 0 squares of the width.

    Tensor parallelism of two halves each of them.
    """
    given = {"n_layers": "40", "d_model": d_model, "d_ff": str(4 * int(d_model)), "n_heads": "32", "n_kv_heads": "32"}
    given |= {"ffn_type": "gelu", "stack": "megatron-deepspeed", "zero_stage": "3", "pp": "1", "device": "A100-80"}
    one, two, none = (row(**given, tp=t, recompute=r) for t, r in (("1", "full"), ("2", "full"), ("1", "none")))
    assert one.machine.gathers == pytest.approx(2 + again, abs=1e-3)
    assert two.machine.gathers == pytest.approx(2 + (again if again > 0.5 else 0.0) / 2, abs=1e-3)
    assert none.machine.gathers == 2


def test_hosts_by_what_a_row_says_of_its_interconnect() -> None:
    """Two of sixteen behind NVSwitch have all links to each other, two of a wired mesh one pair's share."""
    given = {"device": "V100-32", "precision": "fp16"}
    assert row(**given, interconnect="DGX-2 NVSwitch, NVLink2").machine.pairs == 0
    assert row(**given).machine.pairs == 7
    assert row(interconnect="DGX-2").cluster.host.id == "hgx-h100"


def test_attention_is_explicit_in_the_years_before_fused_kernels() -> None:
    assert row(device="A100-80", ffn_type="gelu").machine.flash == 0
    assert row(device="A100-80").machine.flash == 1
    assert row(device="H100-80", ffn_type="gelu").machine.flash == 1
    assert row(device="V100-32", precision="fp16", stack="").machine.flash == 0, "no fused kernel for Volta"
    assert [row(device=d, stack="", precision="fp16").machine.flash for d in ("A100-80", "H100-80")] == [0, 1]
    assert row(device="A100-80", stack="gpt-neox", precision="fp16").machine.flash == 1


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["A100-80", "H100-80", "TPUv5p", "V100-32", "B200-180"]),
    st.sampled_from(["megatron", "fsdp", "xla", "", "nanotron", "somebody's"]),
    st.sampled_from([1, 8, 24, 64, 250, 1024]),
    st.sampled_from(["", "1", "8", "96", "2048"]),
    st.sampled_from(["", "1", "2", "8"]),
    st.sampled_from(["", "1", "3", "4"]),
)
def test_whatever_is_missing_the_row_is_completed_or_refused(
    device: str, stack: str, n: int, batch: str, tp: str, pp: str
) -> None:
    try:
        half = "fp16" if device.startswith("V100") else "bf16"
        r = row(device=device, stack=stack, n_devices=str(n), global_batch_seqs=batch, tp=tp, pp=pp, precision=half)
    except Unusable:
        return
    s = r.setting
    assert s.n_devices <= n
    assert s.n_devices >= 0.95 * n or (tp and pp)
    assert s.n_micro >= 1
    assert r.batch > 0
    assert step_time(r.work, r.machine, s).total > 0


MIXTRAL = {
    "n_layers": "56", "d_model": "6144", "d_ff": "16384", "n_heads": "48", "n_kv_heads": "8", "vocab": "32000",
    "seq_len": "4096", "n_experts": "64", "top_k": "8", "d_ff_expert": "2048", "n_devices": "256", "kind": "benchmark",
    "zero_stage": "1",
}  # fmt: skip


def test_experts_are_split_with_the_tensors_only_by_those_who_need_the_tensors() -> None:
    """Megatron's default; a row that states more tensor parallelism than fits at least keeps its experts whole."""
    least = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8")
    assert (least.setting.etp, least.machine.relay) == (2, 0), "one rank alone would hold more than its memory"
    assert "plain all-to-all, a copy to every expert" in least.inferred
    more = row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8")
    assert (more.setting.etp, more.machine.relay) == (1, 1)
    beyond = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="32")
    assert beyond.setting.etp == 1, "an expert group beyond data parallelism and a node"
    assert row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8", stack="nanotron").setting.etp == 1


def test_experts_that_do_not_fit_whole_are_split() -> None:
    r = row(**MIXTRAL, tp="8", pp="1", dp="32", ep="8")
    assert r.setting.etp == 8
    assert fits(r)


def test_what_a_row_says_of_its_expert_traffic() -> None:
    whole = dict(tp="1", pp="8", dp="32", ep="32")
    usual = row(**MIXTRAL, **whole)
    assert (usual.machine.relay, usual.machine.ep_behind) == (1, 0)
    plain = row(**MIXTRAL, **whole, dispatcher="alltoall", expert_overlap="no")
    assert (plain.machine.relay, plain.machine.ep_behind) == (0, 0)
    behind = row(**MIXTRAL, **whole, dispatcher="hybridep", expert_overlap="yes")
    assert (behind.machine.relay, behind.machine.ep_behind) == (1, 1)
    assert "expert traffic behind another micro-batch" in behind.inferred
    split = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8", dispatcher="deepep")
    assert (split.setting.etp, split.machine.relay) == (2, 1), "what is said outranks the rule"


def test_experts_beside_split_tensors_take_single_sequences() -> None:
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8").setting.micro_batch == 1
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8", micro_batch="2").setting.micro_batch == 2


def test_stages_of_an_odd_number_of_expert_layers_are_left_whole() -> None:
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8").setting.vpp == 1, "7 layers a stage"
    assert row(**MIXTRAL, tp="4", pp="4", dp="16", ep="8").setting.vpp == 7, "14 layers a stage, 2 a chunk"


def test_benchmarks_balance_their_experts() -> None:
    degrees = {"tp": "4", "pp": "8", "dp": "8", "ep": "8"}
    assert row(**MIXTRAL, **degrees).machine.imbalance == 1
    assert row(**{**MIXTRAL, "kind": "full_run"}, **degrees).machine.imbalance > 1
    assert row(**MIXTRAL, **degrees, stack="nanotron").machine.imbalance > 1
    assert "experts balanced" not in " ".join(row().inferred)
