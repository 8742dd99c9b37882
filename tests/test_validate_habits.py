"""What software stacks keep in memory, and the commands that show the component checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from carbonscaling.validate.habits import Habits, habits, kernel_machine, memory_machine, memory_setting, stacks
from carbonscaling.validate.infer import infer

from carbonscaling import evidence
from carbonscaling.cli import main
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute
from carbonscaling.validate.record import Replay
from carbonscaling.validate.row import parse_row

ROW = next(r for r in evidence.rows("runs") if r["stack"] == "aleph-alpha" and r["tp"] == "2.0" and r["pp"] == "2.0")


def _replay(**changes: Any) -> Replay:
    return infer(parse_row(ROW | {name: str(value) for name, value in changes.items()}))


def test_a_stack_never_seen_gets_the_default() -> None:
    assert habits("my-own") == habits("")
    assert {"megatron-deepspeed", "nanotron", "fsdp", "xla", "aleph-alpha"} <= set(stacks())


@pytest.mark.parametrize("stack", ["", *stacks()])
def test_every_constant_has_a_source_and_lies_in_its_range(stack: str) -> None:
    found = habits(stack)
    values = [getattr(found, f.name) for f in fields(Habits)]
    data = [d for v in values for d in (v.values() if isinstance(v, Mapping) else (v,))]
    assert len(data) >= 11
    assert all(d.source for d in data)
    assert all(d.low <= d.value <= d.high for d in data if d.low is not None and d.high is not None)


def test_logits_whole_on_every_rank() -> None:
    """Hagemann's grid: at 8K tokens and four sequences nothing runs, however thin the stage."""
    replay = _replay(seq_len=8192, micro_batch=4, tp=4, pp=4, n_devices=64, dp="", recompute="full")
    machine, setting = memory_machine(replay), memory_setting(replay)
    split = memory(replay.work, machine._replace(logit_split=1.0), setting)
    whole = memory(replay.work, machine, setting)
    assert whole.total > whole.limit > split.total


def test_kernels_change_what_is_kept() -> None:
    replay = _replay()
    setting = memory_setting(replay)
    kinds = ("flash_attention2 + RMS kernel", "flash_attention2", "torch")
    kept = [float(memory(replay.work, kernel_machine(replay, kind), setting).activations) for kind in kinds]
    assert kept == sorted(kept)
    assert len(set(kept)) == 3
    assert kernel_machine(replay, "") == memory_machine(replay)


def test_frozen_weights_have_no_states() -> None:
    machine = memory_machine(_replay(mode="lora"))
    assert (machine.grad_bytes, machine.optimizer_bytes) == (0.0, 0.0)
    assert memory_machine(_replay()).grad_bytes == 2.0


def test_sharded_float32_weights_are_the_only_copy() -> None:
    """FSDP: 16 bytes a parameter in all, where Megatron has 18."""
    totals = []
    for stack in ("fsdp", "my-own"):
        machine = memory_machine(_replay(stack=stack))
        totals.append(machine.weight_bytes + machine.grad_bytes + machine.optimizer_bytes)
    assert totals == [16.0, 18.0]


def test_unstated_recomputation_grows_until_the_step_fits() -> None:
    small = memory_setting(_replay(recompute="", seq_len=512, micro_batch=1, stack="my-own"))
    large = memory_setting(_replay(recompute="", seq_len=8192, micro_batch=4, stack="my-own"))
    assert small.recompute <= Recompute.SELECTIVE
    assert large.recompute == Recompute.FULL
    assert memory_setting(_replay(recompute="none", seq_len=8192, micro_batch=4)).recompute == Recompute.NONE


def test_validate_components(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--components", "pipeline", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {line["group"] for line in data["components"]} == {"1F1B", "interleaved", "zero-bubble"}
    assert main(["validate", "--components", "memory"]) == 0
    assert "all: median error at most 8 %: yes" in capsys.readouterr().out
    assert main(["validate", "--components", "nothing"]) == 2


def test_validate_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--baselines", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["baselines"]
    assert [line["name"] for line in lines][-3:] == ["reg", "llmcarbon", "constant_mfu"]
    assert len({line["score"]["n"] for line in lines}) == 1


def test_megatron_keeps_gradients_of_low_precision_in_16_bit() -> None:
    """Four bytes in bfloat16; two in 8 and 4 bit, where no recipe asks for float32 buffers."""
    machines = [
        memory_machine(_replay(stack="megatron", device="B200-180", precision=precision))
        for precision in ("bf16", "fp8", "mxfp8", "nvfp4")
    ]
    assert [m.grad_bytes for m in machines] == [4, 2, 2, 2]
    assert [m.weight_bytes for m in machines] == [2, 2, 2, 3], "8-bit weights twice, scaled or laid out either way"
