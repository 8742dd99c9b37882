"""What is written reads back as the run that its head predicts, or is refused with the reason: plans of a grid, all formats."""

from __future__ import annotations

import dataclasses
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.exchange.answer import estimate_launch, whole_run
from carbonscaling.exchange.emit import remarks
from carbonscaling.exchange.readback import READ
from carbonscaling.exchange.release import release
from carbonscaling.words import duration

MODELS = (("llama-3-8b", "h100-sxm"), ("mixtral-8x7b", "h100-sxm"), ("mixtral-8x7b", "tpu-v5p"))
LAYOUTS = (
    cs.Layout(pp=1, zero=3),
    cs.Layout(pp=1, cp=1, ep=1, zero=3, recompute="full"),
    cs.Layout(pp=1, zero=1, shard=8),
    cs.Layout(pp=1, tp=2, zero=3, sequence_parallel=False),
    cs.Layout(pp=2, vpp=2, zero=1, recompute="full"),
    cs.Layout(tp=1, pp=1, ep=8, etp=1, zero=3),
)
STATED = {"torchtitan": cs.Software(compile=False), "deepspeed": cs.Software(), "maxtext": cs.Software()}


def _again(text: str, to: str, answer: Any, tmp_path: Path) -> Any:
    """Read a file as somebody else would: by its name, with the model and the machine beside it."""
    path = tmp_path / release(to).file
    path.write_text(text)
    s = answer.scenario
    base = cs.Scenario(model=s.model, device=s.device, devices=answer.n_devices, tokens=s.tokens)
    launch = cs.read_launch(path, answer.n_devices)
    assert not launch.not_understood
    return cs.estimate(whole_run(launch.scenario(base)))


@pytest.mark.parametrize("to", READ)
def test_a_plan_reads_back_or_is_refused(to: str, tmp_path: Path) -> None:
    assert _read_back(to, [(*MODELS[n % 3], layout) for n, layout in enumerate(LAYOUTS)], tmp_path) >= 1


ENDS = cs.Scenario(
    model="llama-3-8b", device="b200", devices=64, batch=256, tokens=1e12, layout=cs.Layout(pp=1, zero=1), precision="nvfp4",
    stack=release("megatron").stack, software=cs.Software(bf16_share=5 / 32, dp_overlap=True),
)  # fmt: skip
"""Llama 3 8B in 4 bit, five of its 32 layers in 16."""


@pytest.mark.parametrize(("precision", "pp", "first"), [("nvfp4", 1, 0), ("fp8", 1, 0), ("mxfp8", 8, 1)])
def test_layers_in_16_bit_read_back(precision: str, pp: int, first: int, tmp_path: Path) -> None:
    """A stage of four holds four of five; delayed scaling leaves none (Megatron-Core's TransformerConfig refuses both)."""
    answer = cs.estimate(dataclasses.replace(ENDS, precision=precision, layout=cs.Layout(pp=pp, zero=1)))
    assert isinstance(answer, cs.Estimate)
    text = cs.emit(answer, "megatron")
    assert re.search(rf"--num-layers-at-start-in-bf16 {first}\b", text)
    assert "delayed" not in text
    again = _again(text, "megatron", answer, tmp_path)
    assert again.scenario.software.bf16_share == 5 / 32
    assert again.tokens_per_s_per_device == answer.tokens_per_s_per_device


@pytest.mark.parametrize(
    ("to", "share", "pp", "remedy"),
    [
        ("megatron", 0.15, 1, f"add --software bf16_share={5 / 32}"),
        ("megatron", 0.5, 8, f"add --software bf16_share={8 / 32}"),
        ("megatron-bridge", 5 / 32, 1, "add --software bf16_share=0, or --emit megatron"),
    ],
)
def test_a_share_that_no_layers_are_is_refused(to: str, share: float, pp: int, remedy: str) -> None:
    """Megatron-Bridge's recipes of mixed precision overwrite what the model's section says (its `mixed_precision.py`)."""
    answer = cs.estimate(dataclasses.replace(ENDS, software=cs.Software(bf16_share=share), layout=cs.Layout(pp=pp)))
    assert isinstance(answer, cs.Estimate)
    with pytest.raises(cs.InputError) as refused:
        cs.emit(answer, to)
    assert refused.value.remedy == remedy


@pytest.mark.parametrize("to", ["megatron", "megatron-bridge"])
def test_a_head_in_8_bit_reads_back(to: str, tmp_path: Path) -> None:
    """In MXFP8 alone (Megatron-Core's TransformerConfig); attention in 8 bit has no argument, and is refused."""
    both = (cs.Software(head_8bit=True, dp_overlap=True), cs.Software(attention_8bit=True))
    asked = dataclasses.replace(ENDS, stack=release(to).stack)
    head, attention = (
        cs.estimate(dataclasses.replace(asked, precision="mxfp8", software=software)) for software in both
    )
    assert isinstance(head, cs.Estimate)
    again = _again(cs.emit(head, to), to, head, tmp_path)
    assert again.scenario.software.head_8bit
    for answer in (attention, cs.estimate(dataclasses.replace(asked, software=both[0]))):
        assert isinstance(answer, cs.Estimate)
        with pytest.raises(cs.InputError, match="8 bit"):
            cs.emit(answer, to)


def test_scales_of_rows_read_back_from_torchtitan_and_megatron_refuses_them(tmp_path: Path) -> None:
    """torchao's recipe `rowwise` (torchtitan's `quantize.linear.float8.recipe_name`)."""
    asked = dataclasses.replace(ENDS, precision="fp8", software=cs.Software(row_scales=True))
    fsdp = cs.Layout(tp=1, pp=1, cp=1, zero=3)
    rows = cs.estimate(dataclasses.replace(asked, stack=release("torchtitan").stack, layout=fsdp))
    assert isinstance(rows, cs.Estimate)
    text = cs.emit(rows, "torchtitan")
    assert 'recipe_name = "rowwise"' in text
    assert _again(text, "torchtitan", rows, tmp_path).scenario.software.row_scales
    megatron = cs.estimate(asked)
    assert isinstance(megatron, cs.Estimate)
    with pytest.raises(cs.InputError, match="each row"):
        cs.emit(megatron, "megatron")


@pytest.mark.slow
@pytest.mark.parametrize("to", READ)
def test_every_plan_reads_back_or_is_refused(to: str, tmp_path: Path) -> None:
    assert _read_back(to, [(*name, layout) for name in MODELS for layout in LAYOUTS], tmp_path) >= 3


def _read_back(to: str, grid: list[tuple[str, str, cs.Layout]], tmp_path: Path) -> int:
    """Return how many plans are the same in their files; those that are not say both figures, and others are refused."""
    whole = told = 0
    remedies: list[str | None] = []
    for (model, device, layout), own in product(grid, (True, False)):
        software = STATED.get(to, cs.Software(dp_overlap=True)) if own else cs.Software()
        asked = cs.Scenario(
            model=model, device=device, devices=64, batch=256, tokens=1e12, layout=layout, software=software,
            stack=release(to).stack if own else None,
        )  # fmt: skip
        answer = cs.estimate(asked)
        try:
            text, more = cs.emit(answer, to), remarks(answer, to)
        except cs.InputError as error:
            remedies.append(error.remedy)
            continue
        again = _again(text, to, answer, tmp_path)
        assert isinstance(again, cs.Estimate)
        assert isinstance(answer, cs.Estimate)
        assert again.setting == answer.setting
        assert again.resolved.recipe == answer.resolved.recipe
        if own:
            assert not more
        if more:
            told += 1
            assert f"As written: {again.step.total:.3g} s a step" in text
            assert f"{duration(again.duration_s)} (planned: {duration(answer.duration_s)})" in text
        else:
            whole += 1
            assert again.step.total == pytest.approx(answer.step.total, rel=1e-9)
            assert again.memory.total == pytest.approx(answer.memory.total, rel=1e-9)
            assert again.duration_s == pytest.approx(answer.duration_s, rel=1e-3)  # whole steps
    assert told
    assert all(remedies)
    return whole


def _planned(**change: Any) -> Any:
    return cs.estimate(cs.Scenario(**{"model": "llama-3-8b", "devices": 64, "batch": 512, "tokens": 1e12, **change}))


def test_a_choice_that_a_stack_leaves_open_is_told_with_both_figures() -> None:
    layout = cs.Layout(pp=1, zero=3)
    half = _planned(stack="torchtitan-2025", layout=layout)
    text = cs.emit(half, "torchtitan")
    assert "enable = true" in text
    assert f"(planned: {duration(half.duration_s)})" in text
    assert "--software compile=yes plans for it" in text
    for compiled in (True, False):
        stated = _planned(stack="torchtitan-2025", layout=layout, software=cs.Software(compile=compiled))
        text = cs.emit(stated, "torchtitan")
        assert f"enable = {str(compiled).lower()}" in text
        assert "As written" not in text


@pytest.mark.parametrize(
    ("to", "change", "words"),
    [
        ("maxtext", {"model": "mixtral-8x7b", "device": "tpu-v5p", "layout": cs.Layout(pp=1, ep=8, zero=1)}, "expert axis"),
        ("maxtext", {"layout": cs.Layout(pp=1, zero=1, shard=8)}, "a part of the replicas"),
        ("megatron", {"model": "rwkv-7-2.9b"}, "layers of rwkv7"),
        ("torchtitan", {"model": "mamba2-2.7b", "layout": cs.Layout(pp=1, zero=3)}, "layers of mamba2"),
        ("deepspeed", {"layout": cs.Layout(tp=2, pp=1, cp=1, recompute="none", sequence_parallel=True)}, "sequence para"),
        ("megatron", {"software": cs.Software(optimizer="adamw-8bit")}, "optimizer as stated"),
        ("megatron", {"model": "llama-3-70b", "device": "b200", "layout": cs.Layout(
            tp=4, pp=4, cp=1, vpp=10, zero=1, micro_batch=1, recompute="full", recompute_percent=25)}, "its file would say 50"),
    ],
)  # fmt: skip
def test_a_file_that_would_start_another_run_is_refused(to: str, change: dict[str, Any], words: str) -> None:
    answer = _planned(**{"stack": release(to).stack, **change})
    assert answer.feasible, answer
    with pytest.raises(cs.InputError, match=words):
        cs.emit(answer, to)


def test_overrides_say_that_experts_are_not_spread() -> None:
    """A recipe that lies below may spread them."""
    answer = _planned(model="mixtral-8x7b", stack="megatron-bridge", layout=cs.Layout(pp=1, ep=1, zero=3))
    assert "expert_model_parallel_size: 1" in cs.emit(answer, "megatron-bridge")


SCRIPT = "torchrun --nproc-per-node 8 --nnodes {nodes} pretrain_gpt.py --tensor-model-parallel-size 4 "
SCRIPT += "--pipeline-model-parallel-size 2 --micro-batch-size 1 --global-batch-size 64 --bf16 {length} {trains}"


@pytest.mark.parametrize(("trains", "count"), [("--train-samples 1000000", 1_000_000), ("--train-iters 1000", 64_000)])
def test_sequences_of_a_length_that_cannot_be_read_are_not_forgotten(trains: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(SCRIPT.format(nodes=2, length="--seq-length $1", trains=trains))
    launch = cs.read_launch(path)
    name = trains.partition(" ")[0].lstrip("-").replace("-", "_")
    assert name in launch.taken
    assert name not in launch.aside
    assert any(f"{count:,} sequences" in note for note in launch.notes)
    for seq_len, length in ((None, 8192), (4096, 4096)):
        answer = estimate_launch(launch, launch.over(cs.Scenario(model="llama-3-8b", seq_len=seq_len)))
        assert answer.resolved.tokens == count * length


def test_steps_without_a_batch_wait_for_it(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(SCRIPT.format(nodes=2, length="--seq-length 4096", trains="--train-iters 1000").replace("64", "$1"))
    launch = cs.read_launch(path)
    assert any("--batch" in note for note in launch.notes)
    assert launch.scenario(cs.Scenario(model="llama-3-8b", batch=32)).tokens == 1000 * 32 * 4096


def test_the_share_of_layers_follows_from_the_model_that_an_option_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = _planned(
        stack="megatron-bridge", layout=cs.Layout(tp=1, pp=1, cp=1, recompute="full", recompute_percent=25)
    )
    path = tmp_path / "run.yaml"
    path.write_text(cs.emit(answer, "megatron-bridge"))
    assert main(["estimate", "--from", str(path), "--model", "llama-3-8b", "--devices", "64", "--json"]) == 0
    assert '"recompute_percent": 25' in capsys.readouterr().out


def test_nodes_that_no_replica_fills_are_told_so(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(
        SCRIPT.format(nodes=3, length="--seq-length 4096", trains="").replace("parallel-size 2", "parallel-size 4")
    )
    launch = cs.read_launch(path)
    with pytest.raises(cs.InputError, match=r"do not divide .*asks for 24, its layout for a multiple of 16"):
        estimate_launch(launch, launch.over(cs.Scenario(model="llama-3-8b")))
