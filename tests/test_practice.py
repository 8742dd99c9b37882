"""What a run leaves open: degrees, batch, micro-batch, recomputation, interleaving, as people settle it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonscaling.evidence.row import Unusable
from carbonscaling.perf.numbers import Recompute
from carbonscaling.perf.step import step_time
from rows import MIXTRAL, fits, row


def test_stated_degrees_are_kept_and_the_rest_is_the_fastest_that_fits() -> None:
    free, held = row(), row(tp="8")
    assert held.setting.tp == 8
    assert fits(free)
    assert fits(held)
    assert "fastest that fits" in "; ".join(free.inferred)
    assert (
        step_time(free.work, free.setup.plain, free.setting).total
        <= step_time(held.work, held.setup.plain, held.setting).total
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


def test_a_compiled_pipeline_has_as_many_micro_batches_as_stages() -> None:
    """MaxText's default (num_pipeline_microbatches); without a pipeline a step is one pass over the whole share."""
    given = dict(device="TPUv6e", stack="maxtext", n_devices="1024", tp="4", global_batch_seqs="2048")
    piped, whole = row(**given, pp="16"), row(**given, pp="1")
    assert (piped.setting.dp, piped.setting.micro_batch, piped.setting.n_micro) == (16, 8, 16)
    assert (whole.setting.dp, whole.setting.micro_batch, whole.setting.n_micro) == (256, 8, 1)
    told, alone = row(**given, pp="16", micro_batch="2"), row(**given, pp="1", micro_batch="2")
    assert (told.setting.dp, told.setting.micro_batch, told.setting.n_micro) == (16, 2, 64)
    assert (alone.setting.micro_batch, alone.setting.n_micro) == (8, 1), "a batch a device, not of a replica"


def test_compiled_policies_recompute_as_little_as_fits() -> None:
    small, large = (
        row(device=device, stack="xla", n_devices="64", recompute="selective", global_batch_seqs="256")
        for device in ("TPUv6e", "TPUv7x")
    )
    share = [s.setting.recompute_percent * (s.setting.recompute == Recompute.FULL) for s in (large, small)]
    assert share[0] < share[1], "192 GB keep what 32 GB cannot"
    assert row(device="TPUv6e", stack="xla", recompute="full").setting.recompute_percent == 100


def test_a_stated_share_of_the_layers_is_recomputed_whole_layer_by_whole_layer() -> None:
    whole, half, none = (
        row(device="A100-80", n_devices="64", tp="1", pp="1", dp="64", zero_stage="3", micro_batch="1", recompute=name,
            recompute_percent=percent)
        for name, percent in (("full", ""), ("partial", "50"), ("none", ""))
    )  # fmt: skip
    assert (half.setting.recompute, half.setting.recompute_percent) == (Recompute.FULL, 50)
    assert half.scenario.layout.recompute == "partial"
    times = [float(step_time(r.work, r.setup.plain, r.setting).recompute) for r in (none, half, whole)]
    assert times[0] == 0.0
    assert times[1] * 2 == pytest.approx(times[2])
    assert "50 % of the layers recomputed" in half.inferred


def test_a_batch_nobody_stated_fills_the_pipeline() -> None:
    r = row(tp="8", pp="8", dp="4", global_batch_seqs="", seq_len="8192")
    assert r.setting.n_micro >= 4 * 8
    assert r.tokens_per_step >= 4 * 2**20


def test_interleaving_divides_the_layers() -> None:
    r = row(tp="8", pp="4", dp="8", n_layers="92", global_batch_seqs="256")
    assert 92 % (4 * r.setting.vpp) == 0


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
    assert r.settled.batch > 0
    assert step_time(r.work, r.setup.plain, s).total > 0


def test_experts_that_do_not_fit_whole_are_split() -> None:
    r = row(**MIXTRAL, tp="8", pp="1", dp="32", ep="8")
    assert r.setting.etp == 8
    assert fits(r)


def test_experts_beside_split_tensors_take_single_sequences() -> None:
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8").setting.micro_batch == 1
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8", micro_batch="2").setting.micro_batch == 2


def test_stages_of_an_odd_number_of_expert_layers_are_left_whole() -> None:
    assert row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8").setting.vpp == 1, "7 layers a stage"
    assert row(**MIXTRAL, tp="4", pp="4", dp="16", ep="8").setting.vpp == 7, "14 layers a stage, 2 a chunk"
