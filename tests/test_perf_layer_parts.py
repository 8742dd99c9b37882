"""What single terms of a layer add to its times: one term changed, its part worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carbonscaling.perf.kernels import head_gemm, linear, stream
from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Workload
from samples import machine_of, work_of

ONE = LayerKey(tp=1.0, cp=1.0, ep=1.0, etp=1.0, sp=0.0, micro_batch=2.0)
H100 = machine_of("h100-sxm")
TOKENS = 2.0 * 2048.0


def _machine(**software: float) -> Machine:
    return H100._replace(software=H100.software._replace(**software))


def _times(work: Workload, machine: Machine = H100, key: LayerKey = ONE) -> LayerTimes:
    return layer_times(work, machine, key)


def _added(name: str, less: Any, more: Any) -> float:
    return float(getattr(more, name)) - float(getattr(less, name))


def test_logits_of_other_networks_are_read_with_the_loss() -> None:
    work = work_of("llama-3-8b")
    alone, beside = _times(work), _times(work._replace(beside_logits=1.0))
    read = float(stream(H100, TOKENS * work.vocab_size * H100.software.loss_bytes))
    for name in ("head_forward", "head_backward"):
        assert _added(name, alone, beside) == pytest.approx(work.n_logits * read)


def test_a_frozen_head_has_no_weight_gradient_and_no_sum() -> None:
    work, machine = work_of("llama-3-8b"), _machine(sum_bytes=10.0)
    trained, frozen = _times(work, machine), _times(work._replace(frozen_head=1.0), machine)
    gradient = float(head_gemm(machine, work.d_model, work.vocab_size, TOKENS))
    assert _added("head_backward", frozen, trained) == pytest.approx(work.n_logits * gradient)
    assert float(trained.head_summed) == pytest.approx(float(stream(machine, 10.0 * work.vocab_size * work.d_model)))
    assert float(frozen.head_summed) == 0.0


def test_networks_beside_take_the_rate_of_large_products() -> None:
    work, halved = work_of("llama-3-8b"), ONE._replace(tp=2.0)
    own = work._replace(beside_forward=1e9, beside_backward=3e9)
    rate = float(H100.formats.peak * H100.formats.gemm_efficiency * work.n_layers)
    assert float(_times(own).beside) == pytest.approx(TOKENS * 1e9 / rate)
    assert float(_times(own, key=halved).beside) == pytest.approx(TOKENS / 2.0 * 1e9 / rate)
    assert _added("matmul", _times(work).forward, _times(own).forward) == pytest.approx(TOKENS * 1e9 / rate)
    assert _added("matmul", _times(work).backward, _times(own).backward) == pytest.approx(TOKENS * 3e9 / rate)


@pytest.mark.parametrize("tp", [1.0, 4.0])
def test_a_mixers_products_are_split_over_tensor_ranks(tp: float) -> None:
    work = work_of("nemotron-3-nano")
    without = work._replace(n_mix=0.0, d_mix=0.0)
    e, key = H100.formats.gemm_efficiency, ONE._replace(tp=tp)
    pair = (
        linear(H100, 1.0, TOKENS, work.d_model, work.n_mix / tp, e),
        linear(H100, 1.0, TOKENS, work.d_mix / tp, work.d_model, e),
    )
    nothing = (linear(H100, 1.0, TOKENS, work.d_model, 0.0, e), linear(H100, 1.0, TOKENS, 0.0, work.d_model, e))
    added = sum(float(a[0]) - float(b[0]) for a, b in zip(pair, nothing, strict=True))
    assert added > 0.0
    assert _added("matmul", _times(without, key=key).forward, _times(work, key=key).forward) == pytest.approx(
        float(work.mixed) * added
    )


def test_what_is_done_again_is_as_much_of_the_forward_products() -> None:
    work = work_of("llama-3-8b")._replace(d_latent=0.0)
    none, some = _times(work, _machine(repeated=0.0)), _times(work, _machine(repeated=0.3))
    assert _added("selective", none, some) == pytest.approx(0.3 * float(none.forward.matmul))


def test_biases_of_experts_are_passes_of_their_own() -> None:
    work = work_of("mixtral-8x7b")
    machine = _machine(bias_passes=17.0, imbalance=1.0)
    plain, biased = _times(work, machine), _times(work._replace(biased=1.0), machine)
    rows = TOKENS * work.top_k * work.moe
    bytes_moved = machine.formats.comm_bytes * 17.0 * rows * work.d_model
    once = float(stream(machine, bytes_moved))
    assert _added("elementwise", plain.forward, biased.forward) == pytest.approx(once)
    assert _added("elementwise", plain.backward, biased.backward) == pytest.approx(2.0 * once)
    assert _added("selective", plain, biased) == pytest.approx(0.0, abs=1e-12), "what is repeated leaves them out"


def test_products_of_experts_wait_for_the_host_that_launches_each() -> None:
    work, slow = work_of("mixtral-8x7b"), 1e-2
    quick, waited = _times(work), _times(work, _machine(product_launch=slow))
    two = 2.0 * work.n_experts * slow
    e = np.where(work.n_experts > 1.0, H100.formats.grouped_efficiency, H100.formats.gemm_efficiency)
    rows, up = TOKENS * work.top_k * H100.software.imbalance / work.n_experts, work.matrices - 1.0
    took = sum(
        float(linear(H100, work.n_experts, rows, k, n, e)[0])
        for k, n in ((work.d_model, up * work.d_ff_expert), (work.d_ff_expert, work.d_model))
    )
    assert _added("matmul", quick.forward, waited.forward) == pytest.approx(float(work.moe) * (two - took))
    assert _added("matmul", quick.backward, waited.backward) == pytest.approx(0.0, abs=1e-12)


def test_latent_experts_are_entered_and_left_by_products_of_their_own() -> None:
    work = work_of("mixtral-8x7b")
    at_once, latent = _times(work), _times(work._replace(d_routed=work.d_model))
    e = H100.formats.gemm_efficiency
    square, nothing = (float(linear(H100, 1.0, TOKENS, work.d_model, n, e)[0]) for n in (work.d_model, 0.0))
    assert _added("matmul", at_once.forward, latent.forward) == pytest.approx(
        float(work.moe) * 2.0 * (square - nothing)
    )


@pytest.mark.parametrize("model", ["llama-3-8b", "nemotron-3-nano"])
def test_a_layer_has_eight_small_kernels_for_two_halves_and_twenty_for_experts(model: str) -> None:
    work, silicon = work_of(model), H100.silicon
    slow = H100._replace(silicon=silicon._replace(kernel_latency=silicon.kernel_latency + 1e-3))
    kernels = 8.0 * float(work.halves) + 20.0 * float(work.moe)
    assert _added("elementwise", _times(work).forward, _times(work, slow).forward) == pytest.approx(kernels * 1e-3)


def test_what_a_host_launches_beside_the_exchange_is_waited_for() -> None:
    """A pass takes its launches where they are longer than its work; both passes' without the exchange of experts."""
    work, machine = work_of("mixtral-8x7b"), _machine(moe_launch=10.0, layer_launch=0.0, expert_launch=0.0)
    t = _times(work, machine, ONE._replace(ep=8.0))
    launches = float(work.moe) * 10.0
    forward, backward = t.forward, t.backward
    busy = [float(p.total - p.launch - p.ep_comm) for p in (forward, backward)]
    assert float(t.waits) == pytest.approx(launches - busy[0] + 2.0 * launches - busy[1])
