"""What software stacks keep in memory, as rows say and as stacks have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

import pytest

from carbonscaling import evidence
from carbonscaling.catalog.references import references
from carbonscaling.catalog.stacks import stack, stack_names
from carbonscaling.evidence.row import Unusable, parse_row
from carbonscaling.perf.memory import memory, state_bytes
from carbonscaling.perf.numbers import Recompute
from carbonscaling.software.options import Software
from carbonscaling.software.stack import Stack
from carbonscaling.sources import Choice, Datum
from carbonscaling.validate.replay import Replay, complete_row
from stacks import stacked

ROW = next(r for r in evidence.rows("runs") if r["stack"] == "aleph-alpha" and r["tp"] == "2.0" and r["pp"] == "2.0")


OptimizerName = Literal["adamw", "adamw-bf16", "adamw-8bit", "adafactor", "muon"] | None


def _replay(**changes: Any) -> Replay:
    return complete_row(parse_row(ROW | {name: str(value) for name, value in changes.items()}))


def test_a_stack_never_seen_is_refused() -> None:
    """Nothing is known of it; every name that shipped rows give is one of the catalogue's, or none."""
    with pytest.raises(Unusable, match="unknown software stack"):
        _replay(stack="my-own")
    assert {"megatron-deepspeed", "nanotron", "fsdp", "xla", "aleph-alpha"} <= set(stack_names())
    assert {r["stack"] for r in evidence.rows("runs")} <= {"", *stack_names()}
    assert _replay(stack="").setup.stack.name == "community"


@pytest.mark.parametrize("name", stack_names())
def test_everything_that_a_stack_does_has_a_source_and_lies_in_its_range(name: str) -> None:
    found = stack(name)
    values = [getattr(found, f.name) for f in fields(Stack)]
    said = [d for v in values for d in (v.values() if isinstance(v, Mapping) else (v,))]
    data = [d for d in said if isinstance(d, Datum)]
    assert len(data) >= 20
    assert all(d.source in references() for d in said if isinstance(d, Datum | Choice))
    assert all(d.low <= d.value <= d.high for d in data if d.low is not None and d.high is not None)


def test_logits_whole_on_every_rank() -> None:
    """Hagemann's grid: at 8K tokens and four sequences nothing runs, however thin the stage."""
    replay = _replay(seq_len=8192, micro_batch=4, tp=4, pp=4, n_devices=64, dp="", recompute="full")
    machine, setting = replay.setup.plain, replay.setting
    split = memory(replay.work, machine.changed(logit_split=1.0), setting)
    whole = memory(replay.work, machine, setting)
    assert whole.total > whole.limit > split.total


def test_kernels_change_what_is_kept() -> None:
    kinds = ("flash_attention2 + RMS kernel", "flash_attention2", "torch")
    rows = [_replay(attention_kernel=kind) for kind in kinds]
    kept = [float(memory(r.work, r.setup.plain, r.setting).activations) for r in rows]
    assert len({r.setting for r in rows}) == 1
    assert kept == sorted(kept)
    assert len(set(kept)) == 3


def test_frozen_weights_have_no_states() -> None:
    """But for the adapters beside them, a hundredth of the model."""
    frozen, full = (state_bytes(r.work, r.setup.plain, r.setting) for r in (_replay(mode="lora"), _replay()))
    assert frozen.weights >= full.weights
    assert 0.0 < frozen.gradients < 0.05 * full.gradients
    assert 0.0 < frozen.optimizer < 0.05 * full.optimizer


def test_sharded_float32_weights_are_the_only_copy() -> None:
    """FSDP: 16 bytes a parameter in all, where Megatron has 18."""
    totals = []
    for name in ("fsdp", ""):
        machine = _replay(stack=name).setup.plain
        totals.append(machine.software.weight_bytes + machine.software.grad_bytes + machine.software.optimizer_bytes)
    assert totals == [16.0, 18.0]


def test_unstated_recomputation_grows_until_the_step_fits() -> None:
    small = _replay(recompute="", seq_len=512, micro_batch=1, stack="").setting
    large = _replay(recompute="", seq_len=8192, micro_batch=4, stack="").setting
    assert small.recompute <= Recompute.SELECTIVE
    assert large.recompute == Recompute.FULL
    assert _replay(recompute="none", seq_len=8192, micro_batch=4).setting.recompute == Recompute.NONE


def test_megatron_keeps_gradients_of_low_precision_in_16_bit() -> None:
    """Four bytes in bfloat16; two in 8 and 4 bit, where no recipe asks for float32 buffers, as on Blackwell in any format."""
    hopper = [_replay(stack="megatron", device="H100-80", precision=p).setup for p in ("bf16", "fp8")]
    assert [(u.stack.name, u.plain.software.grad_bytes) for u in hopper] == [("megatron", 4), ("megatron", 2)]
    formats = ("bf16", "fp8", "mxfp8", "nvfp4")
    blackwell = [_replay(stack="megatron", device="B200-180", precision=p).setup.plain for p in formats]
    assert [m.software.grad_bytes for m in blackwell] == [2, 2, 2, 2]
    assert [m.software.weight_bytes for m in blackwell] == [2, 2, 2, 3], (
        "8-bit weights twice, scaled or laid out either way"
    )


def test_megatron_of_2023_keeps_16_bit_weights_beside_their_8_bit_copies() -> None:
    """Transformer Engine then, float32 gradients as in 16 bit; MS-AMP's weights, gradients, master weights and moments."""
    rows = [_replay(stack="megatron-2023", device="H100-80", precision=p) for p in ("bf16", "fp8-te", "fp8-msamp")]
    kept = [r.setup.plain.software for r in rows]
    assert [(s.weight_bytes, s.grad_bytes, s.optimizer_bytes) for s in kept] == [(2, 4, 12), (4, 4, 12), (2, 1, 5)]
    said = _replay(stack="megatron-2023", device="H100-80", precision="fp8-msamp", software="weight_bytes=1")
    assert said.setup.plain.software.weight_bytes == 1


@pytest.mark.parametrize(
    ("name", "recipe", "optimizer", "total"),
    [
        ("plain", "bf16", None, 2 + 4 + 4 + 8),  # 16-bit weights beside float32 ones, float32 gradients, two moments
        ("fsdp", "bf16", None, 4 + 4 + 8),  # float32 weights are the only copy
        ("xla", "bf16", None, 4 + 4 + 8),
        ("plain", "fp32", None, 4 + 4 + 8),  # nothing apart where everything has 32 bits, whatever the stack
        ("fsdp", "fp32", None, 4 + 4 + 8),
        ("xla", "fp32", None, 4 + 4 + 8),
        ("plain", "bf16", "adamw-8bit", 2 + 4 + 4 + 2),
        ("fsdp", "bf16", "adamw-8bit", 4 + 4 + 2),
        ("plain", "fp32", "adamw-8bit", 4 + 4 + 2),
        ("fsdp", "fp32", "adamw-8bit", 4 + 4 + 2),
        ("plain", "bf16", "muon", 2 + 4 + 4 + 4),
        ("plain", "bf16", "adafactor", 2 + 4 + 4),
        ("plain", "fp32", "adafactor", 4 + 4),
        ("plain", "bf16", "adamw-bf16", 2 + 2 + 4),
        ("fsdp", "bf16", "adamw-bf16", 2 + 2 + 4),
    ],
)
def test_bytes_a_parameter_by_hand(name: str, recipe: str, optimizer: OptimizerName, total: float) -> None:
    m = stacked(name, "a100-80", recipe, Software(optimizer=optimizer))
    assert m.software.weight_bytes + m.software.grad_bytes + m.software.optimizer_bytes == total
