"""Long sequences over context ranks: what a ring and an exchange of heads take, by hand, and published runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.evidence.chosen import chosen
from carbonscaling.perf.context import context_split, growing_share
from carbonscaling.perf.kernels import attention_times
from carbonscaling.perf.traffic import context_times
from carbonscaling.search.constraints import first_violation
from carbonscaling.software.options import Software
from carbonscaling.validate.speed.beside import beside, scored
from counted import close, ideal
from samples import setting, work_of

S = 131072
WORK = work_of("llama-3-8b", S)
DEALT = context_split(WORK, models.model("llama-3-8b"), "all-to-all", None)
CUT = context_split(WORK, models.model("llama-3-8b"), None, "contiguous")
FLOPS = 2 * 1 * S * (S / 2) * 32 * 128 * 2
"""Scores and context of one layer and sequence, causal."""


def test_a_ring_passes_keys_and_values_around() -> None:
    """At 1 byte/s, seven eighths of all keys and values come in; backward their gradients too."""
    got = context_times(WORK, ideal(link=1.0, domain=8.0), 1.0, 1.0, 8.0, 0.0, 0.0)
    keys = S * 2 * 8 * 128 * 2
    assert got == pytest.approx((7 / 8 * keys, 2 * 7 / 8 * keys))


def test_heads_are_dealt_out_by_hand() -> None:
    """Each of 8 ranks has an eighth of the sequence: 4h/P of a plain model (Jacobs et al. 2023, section 3.2), less with
    shared keys; hidden behind nothing; scores are computed in one kernel."""
    machine = ideal(link=1.0, domain=8.0, overlap=1.0)
    forward, backward = context_times(DEALT, machine, 1.0, 1.0, 8.0, 1e30, 1e30)
    sent = S / 8 * (32 * 128 + 2 * 8 * 128 + 32 * 128) * 2
    close(forward, 7 / 8 * sent)
    close(backward, forward)
    ring, dealt = (
        attention_times(w, ideal(peak_attention=1.0, attention_half=64.0), 1.0, 1.0, 8.0) for w in (WORK, DEALT)
    )
    close(dealt[0], FLOPS / 8 * (1 + 64 / WORK.span))
    close(ring[0], FLOPS / 8 * (1 + 8 * 64 / WORK.span))


def test_a_rank_with_less_than_a_key_head_gets_a_whole_one() -> None:
    """16 ranks share 8 key/value heads: each gets two heads of queries and one of keys and values."""
    forward, _ = context_times(DEALT, ideal(link=1.0, domain=16.0), 1.0, 1.0, 16.0, 0.0, 0.0)
    close(forward, 15 / 16 * S * (2 * 128 + 2 * 128 + 2 * 128) * 2)


def test_heads_of_a_scan_are_dealt_out_whatever_attention_does() -> None:
    """Gated delta rule of 32 heads on 16: queries, keys, values, gates and rates of whole sequences; then results back."""
    hybrid, machine = work_of("qwen3-next-80b-a3b", S), ideal(link=1.0, domain=8.0, overlap=1.0)
    inner, keys, heads = 32 * 128, 16 * 128, 32
    sent = hybrid.mixed * S / 8 * (2 * inner + 2 * keys + 2 * heads + inner) * 2
    for passed in context_times(hybrid, machine, 1.0, 1.0, 8.0, 1e30, 1e30):
        close(passed, 7 / 8 * sent)
    assert context_times(hybrid, machine, 1.0, 8.0, 1.0, 1e30, 1e30) == (0.0, 0.0)


def test_heads_must_suffice() -> None:
    """32 heads are dealt to 4 x 8 ranks at most; a ring asks nothing of heads."""
    for cp, dealt in ((8.0, False), (16.0, True)):
        s = setting(tp=4.0, cp=cp, n_micro=1.0)
        allowed = first_violation(setting(tp=4.0, cp=1.0), WORK, False)
        assert first_violation(s, WORK, False) == allowed
        assert (first_violation(s, DEALT, False) != allowed) == dealt


def test_the_last_of_contiguous_pieces_sees_most() -> None:
    """The rank with the last quarter meets 7/8 of the keys on average where the mean rank meets a half: 1.75 times."""
    even, cut = (attention_times(w, ideal(peak_attention=1.0), 1.0, 1.0, 4.0) for w in (WORK, CUT))
    close(cut[0] / even[0], 1.75)
    close(cut[1] / even[1], 1.75)
    rank = np.arange(4)
    blocks = rank + 0.5  # whole blocks of keys before one's own, and half of that
    close(cut[0] / even[0], blocks.max() / blocks.mean())


def test_windows_do_not_grow() -> None:
    """gpt-oss alternates whole and windowed layers: nearly all of its scores at 131,072 tokens are the whole ones'."""
    spec = models.model("gpt-oss-20b")
    window = 128 - 128**2 / (2 * S)
    close(growing_share(spec, S), (S / 2) / (S / 2 + window))
    assert growing_share(spec, 128) == pytest.approx(0.5)
    assert growing_share(models.model("llama-3-8b"), S) == 1.0


@pytest.mark.parametrize("name", ["deepseek-v3.2", "mamba2-2.7b"])
def test_scores_that_no_mask_shapes_do_not_grow(name: str) -> None:
    """Those that an indexer chooses, and those of a model without attention."""
    assert growing_share(models.model(name), S) == 0.0


def test_a_ring_of_balanced_pieces_is_as_it_was() -> None:
    assert context_split(WORK, models.model("llama-3-8b"), "ring", "balanced") == WORK
    assert (CUT.uneven, DEALT.dealt) == (1.0, 1.0)


def test_an_answer_shares_sequences_as_asked() -> None:
    s = cs.Scenario(
        model="llama-3-8b",
        tokens=1e9,
        device="h200",
        devices=32,
        batch=8,
        seq_len=S,
        layout=cs.Layout(tp=1, pp=1, cp=8),
    )
    ring = cs.estimate(s)
    heads = cs.estimate(replace(s, software=Software(context_exchange="all-to-all")))
    cut = cs.estimate(replace(s, software=Software(context_split="contiguous")))
    assert isinstance(ring, cs.Estimate)
    assert isinstance(heads, cs.Estimate)
    assert isinstance(cut, cs.Estimate)
    assert heads.step.cp_comm > ring.step.cp_comm
    assert cut.step.attention == pytest.approx(ring.step.attention * (2 - 1 / 8), rel=1e-9)
    text = cs.emit(heads, "megatron")
    assert "cp-comm-type a2a" in text
    with pytest.raises(InputError, match="context_split"):
        cs.emit(cut, "megatron")
    with pytest.raises(InputError, match="context_split"):
        cs.estimate(replace(s, software=Software(context_exchange="all-to-all", context_split="contiguous")))


def test_speeds_of_published_long_sequences() -> None:
    """64k to 1M tokens over context ranks, Llama 2, 3, 3.1 and Qwen3 on H100, B200 and GB300; rows whose printed layout does
    not multiply to their devices are left out."""
    rows = chosen(evidence.rows("runs"), ["seq_len>=65536", "cp>=2"])
    sound = [r for r in rows if "n_devices" not in r["check_flags"]]
    found = beside(sound, shipped_calibration())
    total = scored(found)
    assert len(found) >= 12
    assert total is not None
    assert total.median < 0.25
    assert total.coverage >= 0.9
