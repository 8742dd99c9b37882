"""Samples that share a sequence: attention and utilisation by what is attended, everything else by the sequence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.catalog.models import model_spec
from carbonscaling.cli import main
from carbonscaling.model.flops import training_flops_per_token
from carbonscaling.study.trained import training_work
from counted import close
from rows import row

SPEC = model_spec("llama-3-8b")
LAYOUT = cs.Layout(tp=1, pp=1, dp=8, cp=1, zero=1, micro_batch=1, recompute="selective")
RUN = cs.Scenario(
    model="llama-3-8b", tokens=1e9, device="h100-sxm", devices=8, seq_len=4096, batch=64, train="sft",
    stack="megatron", layout=LAYOUT,
)  # fmt: skip


def _answer(**changed: Any) -> cs.Estimate:
    found = cs.estimate(replace(RUN, **changed))
    assert isinstance(found, cs.Estimate)
    return found


def test_a_query_sees_the_keys_of_its_sample() -> None:
    """512 tokens of 4,096: half of 512 keys for each query; FLOPs of a token as of a sequence of 512."""
    whole, apart = (training_work(replace(RUN, sample_len=n), SPEC, 4096) for n in (None, 512))
    assert (whole.span, apart.span) == (2048.0, 256.0)
    close(apart.model_flops, training_flops_per_token(SPEC, 512))
    assert apart == whole._replace(span=apart.span, model_flops=apart.model_flops)
    assert training_work(replace(RUN, sample_len=4096), SPEC, 4096) == whole


def test_it_is_as_many_short_sequences() -> None:
    """Eight samples of 512 in a sequence take what a micro-batch of eight sequences of 512 takes; memory too."""
    packed = _answer(sample_len=512)
    short = _answer(seq_len=512, batch=512, layout=replace(LAYOUT, micro_batch=8))
    assert packed.step == short.step
    assert packed.memory == short.memory
    assert packed.mfu == short.mfu
    assert packed.step.attention < 0.5 * _answer().step.attention
    assert any("samples of 512 tokens" in note for note in packed.resolved.notes)


def test_pieces_of_a_sequence_of_samples_are_even() -> None:
    software = cs.Software(context_split="contiguous")
    whole, apart = (training_work(replace(RUN, sample_len=n, software=software), SPEC, 4096) for n in (None, 512))
    assert (whole.uneven, apart.uneven) == (1.0, 0.0)


def test_a_sample_is_no_longer_than_a_sequence() -> None:
    with pytest.raises(cs.InputError) as error:
        _answer(sample_len=8192)
    assert (error.value.key, error.value.value) == ("sample_len", 8192)
    with pytest.raises(cs.InputError):
        replace(RUN, sample_len=0)


def test_a_row_may_say_it(tmp_path: Path) -> None:
    """As the same row of short sequences; the command line takes it too."""
    shape = dict(
        n_layers="32", d_model="4096", d_ff="14336", n_heads="32", n_kv_heads="8", vocab="128256", ffn_type="swiglu"
    )
    said = dict(
        shape,
        device="H100-80",
        n_devices="8",
        tp="1",
        pp="1",
        precision="bf16",
        stack="megatron",
        recompute="selective",
    )
    packed = row(**said, seq_len="4096", micro_batch="1", global_batch_seqs="64", sample_len="512")
    assert packed.scenario.sample_len == 512
    assert packed.work.span == row(**said, seq_len="512", micro_batch="8", global_batch_seqs="512").work.span
    path = tmp_path / "a.json"
    words = "estimate --model llama-3-8b --tokens 1e9 --devices 8 --seq-len 4096 --batch 64 --sample-len 512 -o"
    assert main([*words.split(), str(path)]) == 0
    assert "attention within samples of 512 tokens" in path.read_text()
