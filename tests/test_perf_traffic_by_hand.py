"""What a layer sends and waits for, on machines so simple that the answer is counted by hand."""

from __future__ import annotations

import math

import pytest

from carbonscaling.perf.collectives import all_gather_time
from carbonscaling.perf.kernels import attention_times
from carbonscaling.perf.traffic import collective
from counted import DENSE, MLA, MOE, S, close, ideal, layer, layer_weights
from samples import machine_of, work_of


def test_two_all_reduces_a_pass() -> None:
    """Shoeybi 2019: one after attention, one after the feed-forward block; parallel blocks share one."""
    q = ideal(link=1.0, domain=8.0, tp_overlap=0.25, comm_bytes=2.0)
    one = 2 * 7 / 8 * S * 4096 * 2
    for model, times in ((DENSE, 2.0), ("palm-8b", 1.0)):
        found = layer(work_of(model), q, tp=8.0)
        close(found.forward.tp_comm, 0.75 * times * one)
        close(found.backward.tp_comm, 0.75 * times * one)


def test_experts_need_an_all_reduce_only_where_they_are_shared() -> None:
    """Ranks that split an expert gather each other's routed tokens and scatter their sums instead."""
    q = ideal(link=1.0, domain=8.0)
    one = 2 * 7 / 8 * S * 4096 * 2
    close(layer(work_of(MOE), q, tp=8.0).forward.tp_comm, one)
    split = layer(work_of(MOE), q, tp=8.0, etp=8.0).forward
    close(split.tp_comm, one)
    close(split.ep_comm, 2 * 7 / 8 * 2 * S * 4096 * 2)
    small = 2 * 7 / 8 * S * 2048 * 2
    close(layer(work_of(MLA), q, tp=8.0).forward.tp_comm, 2 * small)


def test_tensor_parallelism_beyond_the_domain_meets_the_network() -> None:
    q = ideal(nic=1.0, domain=4.0)
    close(layer(work_of(DENSE), q, tp=8.0).forward.tp_comm, 2 * 2 * 0.5 * S * 4096 * 2 / 4)


def test_context_parallel_ring_behind_attention() -> None:
    """Keys and values of the whole sequence pass by; attention hides its share; backward passes twice as much."""
    w, s = work_of(DENSE), S * 2.0
    ring = 7 / 8 * s * 2 * 1024 * 2
    q = ideal(nic=1.0)
    found = layer(w, q, cp=8.0, micro_batch=2.0)
    close(found.forward.cp_comm, ring)
    close(found.backward.cp_comm, 2 * ring)
    flops = 2 * 2 * s / 8 * w.span * 4096
    slow = ideal(nic=1.0, overlap=0.5, peak_attention=flops / (0.5 * ring))
    hidden = layer(w, slow, cp=8.0, micro_batch=2.0)
    close(hidden.forward.cp_comm, 0.75 * ring)
    close(hidden.backward.cp_comm, (2 - 0.5 * 0.5 * 2.5) * ring)
    assert (
        float(layer(w, slow.changed(peak_attention=flops / (9 * ring)), cp=8.0, micro_batch=2.0).forward.cp_comm) == 0.0
    )
    close(layer(w, ideal(link=1.0, domain=8.0), cp=4.0, tp=2.0).forward.cp_comm, 3 / 4 * S * 2048 / 2 * 2)
    close(layer(w, ideal(nic=1.0, domain=2.0), cp=4.0, tp=2.0).forward.cp_comm, 3 / 4 * S * 2048 / 2 * 2)


def test_dispatch_and_combine() -> None:
    """Each token goes to two experts in 1 byte and comes back in 2; the busiest rank sets the pace."""
    w = work_of(MOE)
    q = ideal(link=1.0, domain=8.0, dispatch_bytes=1.0, combine_bytes=2.0, ep_overlap=0.25, imbalance=1.5)
    sent = S * 2 * 4096
    close(layer(w, q, ep=8.0).forward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8)
    close(layer(w, q, ep=8.0).backward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8)
    close(layer(w, q, ep=8.0, tp=2.0).forward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8 / 2)
    own = q.changed(domain=16.0)
    gathered = 2 * 1 / 2 * 2 * S * 4096 * 2
    close(layer(w, own, ep=8.0, tp=2.0, etp=2.0).forward.ep_comm, 0.75 * 1.5 * ((1 + 2) * sent / 2 * 7 / 8 + gathered))
    far = ideal(nic=1.0, exchange=0.5, domain=2.0, dispatch_bytes=1.0, combine_bytes=2.0)
    remote = S * 1.5 * 3 / 4 * 4096  # two experts in one or two of two domains
    close(layer(w, far, ep=8.0).forward.ep_comm, (1 + 2) * remote / 0.5)
    free = S * 4 * (1 - (3 / 4) ** 2) * 3 / 4 * 4096  # two experts anywhere in four domains
    close(layer(w._replace(node_limit=8.0), far, ep=8.0).forward.ep_comm, (1 + 2) * free / 0.5)
    plain = S * 2 * 3 / 4 * 4096
    close(layer(w, far.changed(relay=0.0), ep=8.0).forward.ep_comm, (1 + 2) * plain / 0.5)
    late = ideal(link_latency=1.0, nic_latency=10.0, domain=2.0)
    close(layer(w, late, ep=8.0).forward.ep_comm, 2 * (6 + 1 + 10))  # a start of six hops
    close(
        layer(w, ideal(nic=1.0, domain=4.0), ep=4.0, etp=2.0, tp=2.0).forward.ep_comm,
        (2 + 2) * S / 2 * 1 / 2 * 1.5 * 4096,
    )


def test_all_tokens_gathered_for_all_experts() -> None:
    """Each rank gets the tokens of the other seven and scatters its sums, however many experts a token has."""
    w = work_of(MOE)
    for more in (dict(link=1.0, domain=8.0), dict(nic=1.0, domain=1.0, exchange=0.5)):
        q = ideal(everywhere=1.0, dispatch_bytes=1.0, **more)
        close(layer(w, q, ep=8.0).forward.ep_comm, 2 * 7 / 8 * 8 * S * 4096 * 2)
        close(layer(w._replace(top_k=1.0), q, ep=8.0).forward.ep_comm, 2 * 7 / 8 * 8 * S * 4096 * 2)
        close(layer(w, q, ep=1.0).forward.ep_comm, 0.0)
    both = ideal(link=1.0, domain=8.0, everywhere=1.0)  # two tensor ranks hold half a sequence each
    close(layer(w, both, ep=4.0, tp=2.0, etp=2.0).forward.ep_comm, 2 * 7 / 8 * 8 * S / 2 * 4096 * 2)


def test_a_layer_waits_for_its_host() -> None:
    """The device is busy for 2 s, the host for 5 s of a dense forward pass, 4 s and 10 s backward: fourth-power means."""
    w = work_of(DENSE)
    busy = 2 * S * sum(layer_weights(DENSE))
    q = ideal(peak=busy / 2.0, layer_launch=5.0, moe_launch=50.0)
    found = layer(w, q)
    together = (2.0**4 + 5.0**4) ** 0.25
    close(found.forward.launch, together - 2.0)
    close(found.backward.launch, 2 * together - 4.0)
    close(found.forward.total, together)
    close(found.backward.total, 2 * together)
    close(found.weight, together)  # the weight gradients' half of the work waits in proportion
    alone = float(layer(work_of(MLA), q.changed(layer_launch=0.0, moe_launch=0.0)).forward.total)
    close(layer(work_of(MLA), q).forward.total, (alone**4 + ((5.0 + 26 * 50.0) / 27) ** 4) ** 0.25)
    close(layer(w, q.changed(layer_launch=1.0)).forward.launch, 17.0**0.25 - 2.0)


def test_a_pass_is_the_sum_of_its_lines() -> None:
    found = layer(work_of(MOE), machine_of("h100-sxm"), tp=2.0, cp=2.0, ep=4.0).backward
    close(found.total, math.fsum(float(v) for v in found))


def test_everything_counts_as_busy() -> None:
    """A host that needs ten seconds sets the pace, whatever the device does meanwhile."""
    found = layer(work_of(MOE), machine_of("h100-sxm").changed(moe_launch=10.0, overlap=0.0), tp=2.0, cp=2.0, ep=4.0)
    close(found.forward.total, 10.0)
    close(found.backward.total, 20.0)
    assert min(float(v) for v in found.forward) > 0.0


@pytest.mark.parametrize(("domains", "left"), [(2, 1.0), (4, 1.0), (8, 0.5), (32, 0.125), (64, 0.0625), (4096, 0.0625)])
def test_a_fabric_loses_a_share_with_every_doubling_of_the_hosts(domains: int, left: float) -> None:
    """From 4 hosts to 64: a gather of n bytes over n hosts of one device takes n - 1 seconds at one byte a second."""
    machine = ideal(nic=1.0, nic_doubling=0.5)
    close(collective(all_gather_time, float(domains), float(domains), 1.0, machine), (domains - 1) / left)


def test_attention_of_short_spans_and_of_split_sequences_misses_its_rate() -> None:
    """A span as long as the half takes twice as long; a ring of two meets it in two kernels, each at half the share left."""
    work = work_of(DENSE)
    half = float(work.span)
    plain, short = (
        attention_times(work, ideal(peak_attention=1.0, attention_half=h), 1.0, 1.0, 1.0)[0] for h in (0.0, half)
    )
    close(short / plain, 2.0)
    ring = attention_times(work, ideal(peak_attention=1.0, attention_half=half, attention_ring=0.5), 1.0, 1.0, 2.0)[0]
    close(ring / plain, 3.0 / 0.5 / 2.0)


def test_narrow_heads_miss_the_rate_of_wide_ones() -> None:
    """With a width of 64, a score of a head of 64 costs 64 + 64 where one of a head of 128 costs 128 + 64."""
    whole = work_of(DENSE)
    heads = [whole._replace(d_query=whole.n_heads * d, d_context=whole.n_heads * d) for d in (64.0, 128.0, 256.0)]
    machine = ideal(peak_attention=1.0, attention_width=64.0)
    narrow, usual, wide = (attention_times(w, machine, 1.0, 1.0, 1.0) for w in heads)
    for way in range(2):
        close(narrow[way] / usual[way], (64 + 64) / (128 + 64))
        close(wide[way] / usual[way], 2.0)


def test_lanes_pad_the_heads_of_fused_attention() -> None:
    """With 128 lanes, heads of 64 take as long as heads of 128, and queries of 192 over values of 128 as 256 and 128."""
    whole = work_of(DENSE)
    n = whole.n_heads
    pairs = [(64.0, 64.0), (128.0, 128.0), (192.0, 128.0)]
    heads = [whole._replace(d_query=n * query, d_context=n * context) for query, context in pairs]
    fused, explicit = ideal(peak_attention=1.0, attention_lanes=128.0), ideal(attention_lanes=128.0, flash=0.0)
    narrow, usual, latent = (attention_times(w, fused, 1.0, 2.0, 1.0) for w in heads)
    for way in range(2):
        close(narrow[way] / usual[way], 1.0)
        close(latent[way] / usual[way], (256 + 128) / (128 + 128))
    assert attention_times(heads[0], explicit, 1.0, 2.0, 1.0) < attention_times(heads[1], explicit, 1.0, 2.0, 1.0)


def test_scores_in_8_bit_take_as_long_whatever_the_width_and_convert_what_they_meet() -> None:
    """Of heads of 64, 128 and 192 a score takes 0.5 and 3 of one of 128 in 16 bit; a window saves nothing back."""
    whole = work_of(DENSE)
    heads = [whole._replace(d_query=whole.n_heads * d, d_context=whole.n_heads * d) for d in (64.0, 128.0, 192.0)]
    plain, eight = ideal(peak_attention=1.0), ideal(peak_attention=1.0, score_forward=0.5, score_backward=3.0)
    usual = attention_times(heads[1], plain, 1.0, 1.0, 1.0)
    for work in heads:
        found = attention_times(work, eight, 1.0, 1.0, 1.0)
        close(found[0] / usual[0], 0.5)
        close(found[1] / usual[1], 3.0)
    windowed = heads[1]._replace(span=whole.seq_len / 8.0)
    back = attention_times(windowed, eight, 1.0, 1.0, 1.0)[1]
    close(back / attention_times(windowed, plain, 1.0, 1.0, 1.0)[1], 3.0 * 4.0)
    streams = ideal(bandwidth=1.0, memory_efficiency=1.0, score_forward=1.0, score_backward=1.0)
    converted = attention_times(whole, streams, 1.0, 1.0, 1.0)  # read in 16 bit, written twice in 8
    close(converted[0], 4.0 * whole.seq_len * (whole.d_query + whole.d_kv))
    close(converted[1], 4.0 * whole.seq_len * whole.d_context)


def test_heads_that_are_no_multiple_of_eight_wide_are_slower() -> None:
    whole = work_of(DENSE)
    odd = whole._replace(d_query=whole.n_heads * 145.0)
    times = [
        attention_times(w, ideal(peak_attention=1.0), 1.0, 1.0, 1.0)[0]
        for w in (whole._replace(d_query=whole.n_heads * 144.0), odd)
    ]
    assert float(times[1]) > 2.0 * float(times[0])
