"""What a device holds: small numbers, counted by hand."""

from __future__ import annotations

import pytest

from carbonscaling.catalog import models
from carbonscaling.perf.memory import least_held, memory, rank_params, state_bytes, with_margin, work_bytes
from counted import close, ideal, kept_by_hand, toy
from samples import machine_of, setting, work_of


@pytest.mark.parametrize(
    ("layers", "pp", "schedule", "most"),
    [
        (8.0, 1.0, 0, 8 * 10 + 50 + 30),  # all of it on one stage
        (8.0, 4.0, 0, 2 * 10 + 50),  # the embedding's stage
        (8.0, 2.0, 0, 4 * 10 + 50),
        (9.0, 8.0, 0, 50),  # seven short of sixteen: the ends hold no layer at all
        (7.0, 4.0, 0, 2 * 10 + 50),  # one layer short: both ends keep their two
        (6.0, 4.0, 0, 1 * 10 + 50),  # two short: an end holds one layer and the embedding
        (4.0, 4.0, 2, 2 * 1 * 10 + 50 + 30),  # DualPipe: two stages, the first and the last together
    ],
)
def test_parameters_on_the_fullest_stage(layers: float, pp: float, schedule: int, most: float) -> None:
    w = toy(layers, p_attention=4.0, p_dense=6.0, p_embedding=50.0, p_head=30.0)
    for tp in (1.0, 2.0):
        close(rank_params(w, setting(pp=pp, tp=tp, schedule=float(schedule))).dense, most / tp)
    swapped = w._replace(p_embedding=30.0, p_head=50.0)
    close(rank_params(swapped, setting(pp=pp, schedule=float(schedule))).dense, most)


def test_a_full_middle_stage_beats_an_end_that_misses_layers() -> None:
    """Nine layers on four stages of three: the ends hold two and the embedding, the middle three layers."""
    w = toy(9.0, p_dense=10.0, p_embedding=7.0, p_head=3.0)
    close(rank_params(w, setting(pp=4.0)).dense, 3 * 10)
    close(rank_params(w._replace(p_embedding=12.0), setting(pp=4.0)).dense, 2 * 10 + 12)


def test_the_stage_that_holds_most_bytes_need_not_have_most_parameters() -> None:
    """As above with an embedding of 12: frozen, it has weights alone, and sharded states of the layers weigh less again."""
    w = toy(9.0, p_dense=10.0, p_embedding=12.0, p_head=3.0)
    machine = ideal(weight_bytes=2.0, grad_bytes=4.0, optimizer_bytes=12.0)
    s = setting(pp=4.0, dp=12.0, zero=1.0)
    for frozen, zero, want in (
        (0.0, 0.0, (2 * 32, 4 * 32, 12 * 32)),
        (1.0, 0.0, (2 * 30, 4 * 30, 12 * 30)),
        (1.0, 1.0, (2 * 30, 4 * 30, 30)),
        (1.0, 2.0, (2 * 30, 10, 30)),
    ):
        states = state_bytes(w._replace(frozen_embedding=frozen), machine, s._replace(zero=zero))
        assert tuple(map(float, states)) == pytest.approx(want)
    wide = w._replace(frozen_embedding=1.0, p_embedding=40.0)  # 120 bytes of weights and 27 of layers, against 100
    assert float(state_bytes(wide, machine, s._replace(zero=2.0)).weights) == pytest.approx(2 * 60)


@pytest.mark.parametrize(("ends", "dense", "expert"), [(20.0, 3 * 5, 3 * 8), (50.0, 2 * 5 + 25, 2 * 8)])
def test_experts_count_in_the_choice_of_the_fullest_stage(ends: float, dense: float, expert: float) -> None:
    """Nine layers of 10 shared over two ranks and of 8 experts; the ends miss one layer and hold 20 or 50."""
    w = toy(9.0, n_dense=0.0, n_moe=9.0, p_attention=10.0, n_experts=8.0, p_expert=1.0, p_embedding=ends)
    found = rank_params(w, setting(pp=4.0, tp=2.0))
    assert (float(found.dense), float(found.expert)) == (dense, expert)


def test_experts_are_spread_over_their_ranks() -> None:
    """Half of the layers have eight experts of 100 parameters, and a shared one of 6."""
    w = toy(8.0, n_dense=4.0, n_moe=4.0, p_attention=10.0, p_dense=20.0, p_shared=6.0, n_experts=8.0, p_expert=100.0)
    for ep, etp, tp in ((1.0, 1.0, 1.0), (4.0, 1.0, 1.0), (2.0, 2.0, 4.0)):
        found = rank_params(w, setting(ep=ep, etp=etp, tp=tp, dp=8.0))
        close(found.dense, (8 * 10 + 4 * 20 + 4 * 6) / tp)
        close(found.expert, 4 * 8 * 100 / (ep * etp))
        close(found.layer, (10 + 10 + 3) / tp + 400 / (ep * etp))


@pytest.mark.parametrize("zero", range(4))
def test_states_are_sharded_by_stage(zero: int) -> None:
    w = toy(4.0, n_dense=0.0, n_moe=4.0, p_attention=16.0, n_experts=8.0, p_expert=100.0)
    q = ideal(weight_bytes=2.0, grad_bytes=4.0, optimizer_bytes=12.0).changed(gathered=2.0)
    s = setting(tp=2.0, cp=2.0, dp=8.0, ep=4.0, zero=float(zero))
    dense, expert = 4 * 16.0 / 2, 4 * 8 * 100.0 / 4
    whole, split = dense + expert, dense / 16 + expert / 8
    found = state_bytes(w, q, s)
    close(found.optimizer, 12 * (split if zero >= 1 else whole))
    close(found.gradients, 4 * (split if zero >= 2 else whole))
    close(found.weights, 2 * (split if zero >= 3 else whole) + (2 * 2 * (16 / 2 + 800 / 4) if zero >= 3 else 0))
    inside = state_bytes(w, q, s._replace(ep=2.0, etp=2.0))
    close(inside.optimizer, float(found.optimizer))
    hybrid = state_bytes(w, q, s._replace(shard=2.0))
    close(hybrid.optimizer, 12 * ((dense + expert) / 2 if zero else whole))


@pytest.mark.parametrize("model", ["llama-3-8b", "gpt-3-1.3b", "mixtral-8x7b", "palm-8b"])
@pytest.mark.parametrize(("tp", "sp"), [(1.0, 0.0), (4.0, 0.0), (4.0, 1.0)])
def test_activations_are_those_of_the_layer_formulas(model: str, tp: float, sp: float) -> None:
    """Korthikanti 2022: tensors counted one by one, a parallel block too; a stage holds as many layers as are in flight."""
    spec, w = models.model(model), work_of(model)
    q = machine_of("h100-sxm").changed(imbalance=1.0)
    one = kept_by_hand(spec, 2048, 2, tp, bool(sp))
    for pp, n_micro, flight in ((1.0, 4.0, 1.0), (4.0, 8.0, 4.0), (4.0, 2.0, 2.0)):
        held = memory(w, q, setting(tp=tp, sp=sp, pp=pp, n_micro=n_micro, micro_batch=2.0))
        close(held.activations, one * w.n_layers / pp * flight)
    close(memory(w, q, setting(tp=tp, sp=sp, cp=2.0, micro_batch=4.0)).activations, one * w.n_layers)
    eight = q.changed(act_bytes=1.0, kept=3.0)
    close(memory(w, eight, setting(tp=tp, sp=sp, micro_batch=2.0)).activations, 1.5 * one * w.n_layers)


def test_full_recomputation_keeps_inputs_and_one_layer() -> None:
    """Two bytes an element of each layer's input, and the one layer that is being repeated."""
    spec, w, q = models.model("llama-3-8b"), work_of("llama-3-8b"), machine_of("h100-sxm")
    one = kept_by_hand(spec, 2048)
    held = memory(w, q, setting(recompute=2.0))
    close(held.activations, 32 * 2 * 2048 * 4096 + one)
    half = memory(w, q, setting(recompute=2.0, recompute_percent=50.0))
    close(half.activations, 16 * 2 * 2048 * 4096 + 16 * one + one)
    thrice = q.changed(plain_checkpoints=3.0)
    close(memory(w, thrice, setting(recompute=2.0)).activations, 32 * 6 * 2048 * 4096 + one)


def test_selective_recomputation_drops_norms_and_activation_functions() -> None:
    """Of 4 widths outside and the gate, its product and its input inside, half and two thirds stay."""
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm")
    h, heads, result, ff = 4096, 4096 + 2048, 4096, 14336
    held = memory(w, q, setting(recompute=1.0))
    close(held.activations, 32 * 2 * 2048 * (2 * h + heads + result + 2 * ff))
    x = work_of("mixtral-8x7b")
    busy = q.changed(imbalance=1.5)
    routed = 2 * 1.5
    close(memory(x, busy, setting()).activations,
          32 * 2 * 2048 * ((4 + 2 * routed) * h + heads + result + 3 * routed * ff))  # fmt: skip
    close(memory(x, busy, setting(recompute=1.0)).activations,
          32 * 2 * 2048 * ((2 + routed) * h + heads + result + 2 * routed * ff))  # fmt: skip


def test_recomputation_of_feed_forward_blocks_keeps_their_inputs_and_one_block() -> None:
    """Of hidden elements and of tokens at their experts nothing stays, and what one layer does not keep is there once more."""
    w, q = work_of("mixtral-8x7b"), machine_of("h100-sxm").changed(imbalance=1.5)
    h, heads, result, ff, routed = 4096, 4096 + 2048, 4096, 14336, 2 * 1.5
    least = 2 * h + heads + result
    whole = (4 + 2 * routed) * h + heads + result + 3 * routed * ff
    close(memory(w, q, setting(recompute=3.0)).activations, 2 * 2048 * (32 * least + whole - least))


def test_selective_recomputation_of_every_second_product() -> None:
    """Of wq, wk, wv, wo, w1, w3 and w2 the first, third, fifth and seventh result stay, in 16 bit, and attention's."""
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm").changed(repeated=0.36)
    h, query, value, ff = 4096, 4096, 1024, 14336
    one = 2 * 2048 * (h + query + value + h + ff + h)
    for act_bytes in (2.0, 1.0):
        close(memory(w, q.changed(act_bytes=act_bytes), setting(recompute=1.0)).activations, 32 * one)
    close(memory(w, q, setting()).activations, memory(w, machine_of("h100-sxm"), setting()).activations)


def test_norms_without_a_kernel_keep_float32_copies_unless_they_are_repeated() -> None:
    """Eight bytes a token and width of both norms: nothing where selective or full recomputation makes them again."""
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm")
    apart = q.changed(unfused_bytes=8.0)
    kept = [[float(memory(w, m, setting(recompute=r)).activations) for r in (0.0, 1.0, 2.0)] for m in (q, apart)]
    one = 2048 * 8 * 4096
    assert [b - a for a, b in zip(*kept, strict=True)] == pytest.approx([32 * one, 0, one])


def test_gates_in_two_operations_keep_their_activation_unless_it_is_repeated() -> None:
    """The activated gate beside gate, input and product, of dense blocks and of experts; a block without a gate has none."""
    q = machine_of("h100-sxm").changed(imbalance=1.0)
    apart = q.changed(gate_bytes=2.0)
    for name, one in (("llama-3-8b", 14336), ("mixtral-8x7b", 2 * 14336), ("gpt-3-175b", 0)):
        w = work_of(name)
        kept = [[float(memory(w, m, setting(recompute=r)).activations) for r in (0.0, 1.0, 2.0)] for m in (q, apart)]
        wanted = 2048 * 2 * one
        assert [b - a for a, b in zip(*kept, strict=True)] == pytest.approx([w.n_layers * wanted, 0, wanted])


def test_selective_recomputation_of_mla_keeps_latents_on_every_rank() -> None:
    w, q = work_of("deepseek-v2-lite"), machine_of("h100-sxm").changed(imbalance=1.0)
    ff, routed = (10944 + 26 * (6 * 1408 + 2816)) / 27, 26 / 27 * 6
    for tp in (1.0, 4.0):
        held = memory(w, q, setting(tp=tp, sp=1.0, recompute=1.0))
        inner = 576 * tp + 2048 + 2 * ff
        close(held.activations, 27 * 2 * 2048 * ((2 + routed) * 2048 / tp + inner / tp))
        whole = memory(w, q, setting(tp=tp, sp=1.0))
        close(
            whole.activations,
            27 * 2 * 2048 * ((4 + 2 * routed) * 2048 / tp + (3072 + 5120 + 2048 + 3 * ff) / tp + 2 * 576),
        )


def test_logits_of_the_last_stage() -> None:
    """Six bytes a logit. A stage that holds p micro-batches on the first has room for them on the last."""
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm")
    for tp in (1.0, 4.0):
        close(memory(w, q, setting(tp=tp, cp=2.0, micro_batch=3.0)).buffers, 6 * 3 * 1024 * 128256 / tp)
    whole = q.changed(logit_split=0.0, logit_bytes=10.0)
    close(memory(w, whole, setting(tp=4.0)).buffers, 10 * 2048 * 128256)
    staged = memory(w, whole.changed(logit_bytes=1000.0), setting(pp=4.0, n_micro=3.0))
    close(staged.buffers, 1000 * 2048 * 128256 - float(staged.activations) * 2 / 3)
    assert float(memory(w, q, setting(pp=4.0, n_micro=8.0)).buffers) == 0.0
    two = memory(w, whole.changed(logit_bytes=1000.0), setting(pp=2.0, n_micro=8.0))
    close(two.buffers, 1000 * 2048 * 128256 - float(two.activations) / 2)


def test_dropout_masks_and_unfused_kernels_of_older_stacks() -> None:
    """Korthikanti 2022, equation 1: sbh(34 + 5as/h) for a GPT layer with explicit attention and dropout."""
    w = work_of("gpt-3-1.3b")
    h, heads = 2048, w.n_heads
    q = machine_of("v100-sxm2-32", "fp16").changed(flash=0.0, unfused_bytes=0.0, kept=1.0)
    close(memory(w, q, setting()).activations, 24 * 2048 * h * (34 + 5 * heads * 2048 / h))
    close(memory(w, q.changed(unfused_bytes=3.0), setting()).activations,
          24 * 2048 * h * (34 + 3 + 5 * heads * 2048 / h))  # fmt: skip
    close(memory(w, q, setting(recompute=1.0)).activations, 24 * 2048 * h * 34)


def test_everything_a_device_holds() -> None:
    w = toy(4.0, p_dense=10.0)
    q = ideal(capacity=1000.0, reserve=0.1, framework_bytes=7.0, weight_bytes=2.0, grad_bytes=4.0, optimizer_bytes=12.0)
    need = memory(w, q, setting())
    assert (float(need.weights), float(need.gradients), float(need.optimizer)) == (80.0, 160.0, 480.0)
    assert (float(need.framework), float(need.limit)) == (7.0, 900.0)
    held = work_bytes(work_of("llama-3-8b"), q.changed(kept=1.0), setting())
    all_of_it = memory(work_of("llama-3-8b"), q.changed(kept=1.0), setting())
    assert (all_of_it.activations, all_of_it.buffers) == (held.activations, held.logits)
    assert held.activations > 0 < held.logits
    assert held.inputs == 0
    close(need.total, 80 + 160 + 480 + 7 + float(need.activations) + float(need.buffers))


# Inputs of layers that are recomputed, moved away


@pytest.mark.parametrize(("zero", "left"), [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 0.25)])
def test_a_stack_moves_the_inputs_of_recomputed_layers_under_zero_3_alone(zero: float, left: float) -> None:
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm").changed(checkpoints=0.25)
    inputs, one = 32 * 2 * 2048 * 4096, kept_by_hand(models.model("llama-3-8b"), 2048)
    s = setting(dp=8.0, zero=zero, recompute=2.0)
    close(memory(w, q, s).activations, left * inputs + one)
    half = s._replace(recompute_percent=50.0)
    close(memory(w, q, half).activations, left * inputs / 2 + 16 * one + one)
    for kept in (s._replace(recompute=0.0), s._replace(recompute=1.0)):
        assert memory(w, q, kept) == memory(w, q.changed(checkpoints=1.0), kept), "what is not recomputed stays"


def test_inputs_moved_away_whatever_the_stage() -> None:
    w, q = work_of("llama-3-8b"), machine_of("h100-sxm").changed(checkpoints=0.0, plain_checkpoints=0.0)
    one = kept_by_hand(models.model("llama-3-8b"), 2048)
    for zero in range(4):
        close(memory(w, q, setting(dp=8.0, zero=float(zero), recompute=2.0)).activations, one)
    close(memory(w, q, setting(pp=4.0, n_micro=8.0, recompute=2.0)).activations, one)


def test_logits_find_less_room_where_inputs_are_away() -> None:
    """With a pipeline the logits lie where the last stage holds fewer micro-batches: what was moved makes no room twice."""
    w = work_of("llama-3-8b")
    q = machine_of("h100-sxm").changed(logit_bytes=1000.0, checkpoints=0.0)
    s = setting(pp=4.0, n_micro=8.0, recompute=2.0, dp=2.0)
    for zero, kept in ((1.0, memory(w, q, s).activations), (3.0, memory(w, q, s._replace(zero=3.0)).activations)):
        close(memory(w, q, s._replace(zero=zero)).buffers, 1000 * 2048 * 128256 - float(kept) * 3 / 4)


@pytest.mark.parametrize("zero", range(4))
@pytest.mark.parametrize(("checkpoints", "plain"), [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.25, 3.0)])
def test_what_stays_whatever_the_stage_is_no_more_than_what_is_held(
    zero: int, checkpoints: float, plain: float
) -> None:
    w = work_of("llama-3-8b")
    q = machine_of("h100-sxm").changed(checkpoints=checkpoints, plain_checkpoints=plain)
    for pp in (1.0, 4.0):
        s = setting(pp=pp, n_micro=8.0, dp=2.0, zero=float(zero), recompute=2.0)
        need, least = memory(w, q, s), float(least_held(q, work_bytes(w, q, s)))
        assert least <= float(need.activations + need.buffers) * (1 + 1e-12)
        if checkpoints == plain:
            close(need.activations + need.buffers, least)


def test_a_margin_is_a_share_of_what_is_needed() -> None:
    """Of 100 bytes 20 are reserved: what needs 64 fits with a quarter more, and nothing that needs more."""
    machine, s = ideal(capacity=100.0, reserve=0.2), setting()
    close(memory(toy(), machine, s).limit, 80.0)
    close(memory(toy(), with_margin(machine, 0.25), s).limit, 64.0)
    assert with_margin(machine, 0.0) is machine
