"""Layers on machines so simple that the answer is counted by hand: products, attention, element-wise work."""

from __future__ import annotations

import pytest

from counted import DENSE, MLA, MOE, S, close, ideal, layer, layer_weights, toy
from samples import work_of

# FLOPs


@pytest.mark.parametrize("model", [DENSE, MOE, MLA])
def test_two_flops_a_weight_forward_and_four_backward(model: str) -> None:
    q = ideal(peak=1.0)
    found = layer(work_of(model), q, micro_batch=3.0)
    weights = sum(layer_weights(model))
    close(found.forward.matmul, 2 * 3 * S * weights)
    close(found.backward.matmul, 4 * 3 * S * weights)
    close(found.weight, 2 * 3 * S * weights)


@pytest.mark.parametrize("degree", [dict(tp=4.0), dict(cp=4.0)])
@pytest.mark.parametrize("model", [DENSE, MOE])
def test_splitting_splits_the_flops(model: str, degree: dict[str, float]) -> None:
    q, w = ideal(peak=1.0), work_of(model)
    whole, part = layer(w, q), layer(w, q, **degree)
    close(part.forward.matmul * 4, float(whole.forward.matmul))
    close(part.backward.matmul * 4, float(whole.backward.matmul))
    close(part.head_forward * 4, float(whole.head_forward))
    close(part.boundary_bytes * 4, float(whole.boundary_bytes))


def test_the_latent_projection_is_not_split() -> None:
    """Megatron-LM computes MLA's joint down-projection on every tensor rank."""
    q, w = ideal(peak=1.0), work_of(MLA)
    latent = 2 * S * 2048 * (512 + 64)
    whole, part = (float(layer(w, q, tp=t).forward.matmul) for t in (1.0, 4.0))
    close(4 * (part - latent), whole - latent)


def test_experts_run_at_their_own_efficiency_and_imbalance() -> None:
    """Mixtral: each rank computes its tokens' two experts, and 1.25 times that on the busiest; one alone is not grouped."""
    w = work_of(MOE)
    routed = 2 * S * 2 * 3 * 4096 * 14336
    rest = 2 * S * (layer_weights(MOE)[0] + 4096 * 8)
    for ep, efficiency in ((1.0, 0.5), (2.0, 0.5), (4.0, 0.5), (8.0, 1.0)):
        q = ideal(peak=1.0, grouped_efficiency=0.5, imbalance=1.25)
        close(layer(w, q, ep=ep).forward.matmul, rest + routed * 1.25 / efficiency)
    close(layer(w, ideal(peak=1.0), ep=4.0, etp=2.0, tp=2.0).forward.matmul, (rest + routed) / 2)


@pytest.mark.parametrize(("model", "width", "tied_logits"), [(DENSE, 4096 * 128256, 1), (MOE, 4096 * 32000, 1)])
def test_head_flops(model: str, width: float, tied_logits: int) -> None:
    found = layer(work_of(model), ideal(peak_head=1.0), micro_batch=2.0, tp=2.0)
    close(found.head_forward, 2 * 2 * S * width * tied_logits / 2)
    close(found.head_backward, 4 * 2 * S * width * tied_logits / 2)
    twice = layer(work_of(model)._replace(n_logits=2.0), ideal(peak_head=1.0), micro_batch=2.0, tp=2.0)
    close(twice.head_forward, 2 * float(found.head_forward))
    close(twice.head_backward, 2 * float(found.head_backward))


def test_attention_flops_fused_and_explicit() -> None:
    """Half the scores are masked: fused kernels skip them and compute 2.5 times forward again, explicit ones do neither."""
    w = work_of(DENSE)
    span = S / 2
    assert w.span == span
    flops = 2 * 2 * S * span * 4096 / 4
    fused = layer(w, ideal(peak_attention=1.0, attention_forward=0.5, attention_backward=0.25), tp=4.0)
    close(fused.forward.attention, flops / 0.5)
    close(fused.backward.attention, flops * 2.5 / 0.25)
    explicit = layer(w, ideal(peak_attention=1.0, flash=0.0, batched_efficiency=0.5), tp=4.0)
    close(explicit.forward.attention, flops * S / span / 0.5)
    close(explicit.backward.attention, 2 * flops * S / span / 0.5)
    assert float(fused.selective) < 1e-9
    close(explicit.selective, float(explicit.forward.attention))


def test_explicit_attention_moves_its_operands_and_scores() -> None:
    """Two products forward and four backward, each with its operands and result; 8 and 9 bytes a score between them.

    18 and 20 where scale, mask and softmax are kernels of their own.
    """
    w, heads = work_of(DENSE), 32 / 2
    product = 2 * heads * (S * 128 + 128 * S + S * S)
    for separate, forward, backward in ((0.0, 8, 9), (1.0, 18, 20)):
        q = ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=3.0, flash=0.0, separate=separate)
        found = layer(w, q, tp=2.0)
        close(found.forward.attention, (2 * product + forward * heads * S * S) / 0.5)
        close(found.backward.attention, (4 * product + backward * heads * S * S) / 0.5)


# Element-wise traffic


def _wide(h: float, tp: float = 1.0, sp: float = 0.0, cast: float = 0.0) -> float:
    """Two norms read and write, two sums read two and write one: ten passes."""
    return (2 * 2 + 2 * 3 + cast) * h / (tp if sp else 1.0)


@pytest.mark.parametrize(("tp", "sp", "cast"), [(1.0, 0.0, 0.0), (4.0, 0.0, 0.0), (4.0, 1.0, 0.0), (4.0, 1.0, 6.0)])
def test_elementwise_bytes_of_a_dense_layer(tp: float, sp: float, cast: float) -> None:
    """Rotary embeddings read and write queries, keys and values; the gated activation reads two and writes one."""
    w = work_of(DENSE)
    q = ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=1.5, cast_passes=cast, comm_bytes=2.0)
    width = _wide(4096, tp, sp, cast) + (2 * (4096 + 2 * 1024) + (3 + cast / 2) * 14336) / tp
    found = layer(w, q, tp=tp, sp=sp, micro_batch=2.0)
    close(found.forward.elementwise, 2 * 2 * S * width * 1.5 / 0.5)
    close(found.backward.elementwise, 2 * float(found.forward.elementwise))
    close(found.selective, 0.5 * float(found.forward.elementwise))


@pytest.mark.parametrize(("sp", "ranks"), [(0.0, 1), (1.0, 2)])
def test_norms_without_a_kernel_pass_over_the_residual_stream(sp: float, ranks: int) -> None:
    q = ideal(bandwidth=1.0, comm_bytes=2.0)
    fused, unfused = (layer(work_of(DENSE), q.changed(norm_passes=n), tp=2.0, sp=sp) for n in (0.0, 32.0))
    close(unfused.forward.elementwise - fused.forward.elementwise, 2 * S * 32 * 4096 / ranks)


def test_rotary_embeddings_and_gates_operation_by_operation() -> None:
    """Llama-3-8B: 4,096 query and 1,024 key elements a token, 14,336 gated ones; tensor ranks share them."""
    q = ideal(bandwidth=1.0, comm_bytes=2.0)
    fused, eager = (layer(work_of(DENSE), q.changed(head_passes=n, gate_passes=n / 4), tp=2.0) for n in (0.0, 8.0))
    close(eager.forward.elementwise - fused.forward.elementwise, 2 * S * (8 * (4096 + 1024) + 2 * 14336) / 2)
    plain, same = (layer(work_of("gpt-3-175b"), q.changed(gate_passes=n)) for n in (0.0, 2.0))
    assert plain == same


def test_elementwise_bytes_of_an_expert_layer() -> None:
    """Tokens are permuted there and back: read and written twice for each of their experts, rows beyond the mean included."""
    w = work_of(MOE)
    q = ideal(bandwidth=1.0, imbalance=1.5)
    for ep in (1.0, 8.0):
        width = _wide(4096) + 2 * (4096 + 2048) + 3 * 14336 * 2 * 1.5 + 4 * 2 * 4096
        close(layer(w, q, ep=ep).forward.elementwise, 2 * S * width)
        split = _wide(4096) + (2 * (4096 + 2048) + 3 * 14336 * 2 * 1.5 + 4 * 2 * 4096) / 2
        close(layer(w, q, ep=ep, tp=2.0).forward.elementwise, 2 * S * split)


def test_conversions_of_experts_and_products_that_make_them() -> None:
    """In 8 bit tokens are converted where they arrive, and activated ones too, unless the products do it (decision 0359)."""
    w, cast = work_of(MOE), 4.0
    q = ideal(bandwidth=1.0, imbalance=1.5, cast_passes=cast)
    arrived = (4 + cast / 2) * 2 * 4096
    shared = _wide(4096, cast=cast) + 2 * (4096 + 2048)
    separate = shared + (3 + cast / 2) * 14336 * 2 * 1.5 + arrived
    close(layer(w, q).forward.elementwise, 2 * S * separate)
    close(layer(w, q.changed(expert_fused=1.0)).forward.elementwise, 2 * S * (shared + arrived))
    close(layer(w, q.changed(dispatch_bytes=1.0)).forward.elementwise, 2 * S * (separate - cast / 2 * 2 * 4096))
    dense = work_of(DENSE)
    assert layer(dense, q.changed(expert_fused=1.0)) == layer(dense, q)


def test_biases_of_experts_pass_over_all_that_they_receive() -> None:
    """GPT-OSS 20B: four experts a token, 2,880 wide, the fullest half as much again; not repeated by choice."""
    w, q = work_of("gpt-oss-20b"), ideal(bandwidth=1.0, imbalance=1.5)
    for ep in (1.0, 8.0):
        none, some = (layer(w, q.changed(bias_passes=n), ep=ep) for n in (0.0, 17.0))
        close(some.forward.elementwise - none.forward.elementwise, 2 * S * 17 * 4 * 1.5 * 2880)
        close(some.selective, none.selective)
    unbiased = work_of(MOE)
    assert layer(unbiased, q.changed(bias_passes=17.0)) == layer(unbiased, q)


def test_indexing_passes_over_the_copies_that_it_brings_back() -> None:
    """Mixtral: two experts a token, 4,096 wide, the fullest half as much again; twice backward, not repeated by choice."""
    w, q = work_of(MOE), ideal(bandwidth=1.0, imbalance=1.5)
    for ep in (1.0, 8.0):
        fused, separate = (layer(w, q.changed(permute_passes=n), ep=ep) for n in (0.0, 16.0))
        more = 2 * S * 16 * 2 * 1.5 * 4096
        close(separate.forward.elementwise - fused.forward.elementwise, more)
        close(separate.backward.elementwise - fused.backward.elementwise, 2 * more)
        close(separate.selective, fused.selective)


def test_a_plain_all_to_all_leaves_copies_to_be_sorted() -> None:
    """Read and written before the products of several experts and after them, as often backward; on one rank none travels."""
    w, q = work_of(MOE), ideal(bandwidth=1.0, imbalance=1.5)
    sorting = q.changed(sorts=1.0)
    found, without = layer(w, sorting, ep=4.0), layer(w, q, ep=4.0)
    for name in ("forward", "backward"):
        more = getattr(found, name).elementwise - getattr(without, name).elementwise
        close(more, 2 * S * 4 * 2 * 1.5 * 4096)
    close(found.selective, without.selective)
    for ep in (1.0, 8.0):
        assert layer(w, sorting, ep=ep) == layer(w, q, ep=ep)


def test_a_loop_launches_each_expert_of_a_rank() -> None:
    w, q = work_of(MOE), ideal(peak=1e15, moe_launch=1.0, expert_launch=10.0)
    for ep, n in ((1.0, 8), (4.0, 2)):
        found = layer(w, q, ep=ep)
        close(found.forward.total, 1 + n * 10)
        close(found.backward.total, 2 * (1 + n * 10))


def test_products_of_experts_are_launched_one_by_one() -> None:
    """Two products an expert, none quicker than the host forward, which waits for counts; the backward pass knows them."""
    w, q = work_of(MOE), ideal()
    for ep, n in ((1.0, 8), (4.0, 2)):
        found = layer(w, q.changed(product_launch=10.0), ep=ep)
        close(found.forward.matmul, 2 * n * 10)
        assert found.backward == layer(w, q, ep=ep).backward
    slow = q.changed(peak=1.0)
    assert layer(w, slow.changed(product_launch=10.0)) == layer(w, slow)


def test_shared_and_dense_blocks_count_in_their_shares() -> None:
    """DeepSeek-V2-Lite: 26 of 27 layers have experts, two of them shared; 64 of a query head's elements are turned in place."""
    w = work_of(MLA)
    ff = (1 * 10944 + 26 * (6 * 1408 + 2 * 1408)) / 27
    heads = 16 * (
        2 * 64 + (128 + 128) + (128 + 64 + 128)
    )  # keys and values are read joint, and written with their own turned
    width = _wide(2048) + heads + 3 * ff + 26 / 27 * 4 * 6 * 2048
    close(layer(w, ideal(bandwidth=1.0)).forward.elementwise, 2 * S * width)
    split = _wide(2048) + (heads + 3 * ff + 26 / 27 * 4 * 6 * 2048) / 2
    close(layer(w, ideal(bandwidth=1.0), tp=2.0, etp=2.0).forward.elementwise, 2 * S * split)


def test_selective_recomputation_repeats_the_up_projections_of_mla() -> None:
    again = 2 * S * (2048 * 16 * 192 + 512 * 16 * (128 + 128))
    close(layer(work_of(MLA), ideal(peak=1.0)).selective, again)


def test_recomputed_feed_forward_blocks_repeat_products_exchanges_and_passes() -> None:
    """Routed, shared and dense products, the router; what selective recomputation leaves of activations and permutation."""
    w = work_of(MLA)
    shares = (1 * 3 * 10944 + 26 * (3 * (6 + 2) * 1408 + 64)) / 27
    close(layer(w, ideal(peak=1.0)).blocks, 2 * S * 2048 * shares)
    ff, permuted = (1 * 10944 + 26 * (6 + 2) * 1408) / 27, 26 / 27 * 4 * 6 * 2048
    once, twice = (layer(w, ideal(bandwidth=1.0, elementwise=e)).blocks for e in (1.0, 2.0))
    close(twice - once, 0.5 * 2 * S * (3 * ff + permuted))
    sent = layer(w, ideal(link=1.0), ep=2.0)
    assert float(sent.forward.ep_comm) > 0
    close(sent.blocks, float(sent.forward.ep_comm))
    dense = layer(work_of(DENSE), ideal(link=1.0), tp=2.0)
    close(dense.blocks, 0.5 * float(dense.forward.tp_comm))  # the sum of the feed-forward block, of two


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        (DENSE, 4096 * 14336),
        ("palm-8b", 4096 * 16384 + 4096 * 4096),  # one sum of feed-forward and attention: both last products
        (MOE, 0),  # the gates' gradient needs the experts' results
    ],
)
def test_the_last_products_are_those_that_nothing_in_the_layer_reads(model: str, weights: float) -> None:
    close(layer(work_of(model), ideal(peak=1.0)).last, 2 * S * weights)


def test_shared_experts_and_dense_blocks_end_in_products_of_their_own() -> None:
    w = work_of(MLA)
    moe = w.n_moe / (w.n_moe + w.n_dense)
    close(layer(w, ideal(peak=1.0)).last, 2 * S * 2048 * (moe * w.d_ff_shared + (1 - moe) * w.d_ff))


@pytest.mark.parametrize(("sp", "share"), [(0.0, 1.0), (1.0, 0.5)])
def test_input_gradients_are_summed_beside_weight_gradients(sp: float, share: float) -> None:
    """Queries, keys, values and both gates: 2·S·4096·(6144 + 2·14336)/4 FLOP hide it, a quarter slower."""
    q = ideal(link=1.0, domain=8.0, peak=1.0, overlap=0.5, contention=1.25)
    w = work_of(DENSE)
    plain, beside = (layer(w, q.changed(tp_beside=on), tp=4.0, sp=sp) for on in (0.0, 1.0))
    sums, window = float(plain.backward.tp_comm), 0.5 * 2 * S * 4096 * (6144 + 2 * 14336) / 4
    scattered = share * sums
    hidden = min(scattered, window)
    close(beside.backward.tp_comm, sums - scattered + (scattered - hidden) + 0.25 * hidden)
    assert beside.forward == plain.forward
    faster = layer(w, q.changed(tp_beside=1.0, tp_overlap=0.99), tp=4.0, sp=sp)
    close(faster.backward.tp_comm, 0.01 * sums)


@pytest.mark.parametrize(("sp", "share"), [(0.0, 1.0), (1.0, 0.5)])
def test_the_last_reduction_goes_with_the_last_product(sp: float, share: float) -> None:
    """Of two reductions a pass the last; split sequences still gather what the layer starts from."""
    found = layer(work_of(DENSE), ideal(link=1.0, domain=8.0, tp_overlap=0.25), tp=4.0, sp=sp)
    close(found.last, share * float(found.forward.tp_comm) / 2)


def test_a_reduction_that_follows_routed_experts_alone_is_not_the_last() -> None:
    """Two of three layers have experts: shared ones end in a reduction of 2·3/4·2 bytes a token, routed ones do not."""
    q = ideal(link=1.0, domain=8.0)
    w = toy(n_dense=1.0, n_moe=2.0, reduces=2.0, n_experts=8.0, top_k=1.0)
    for shared, layers in ((0.0, 1), (5.0, 3)):
        for sp, kept in ((0.0, 1.0), (1.0, 0.5)):
            close(layer(w._replace(d_ff_shared=shared), q, tp=4.0, sp=sp).last, kept * layers / 3 * 2 * 3 / 4 * 2)


def test_the_last_residual_sum_reads_two_and_writes_one() -> None:
    """Tensor ranks share it where they split sequences."""
    q = ideal(bandwidth=1.0, elementwise=1.5, act_bytes=0.0)
    for tp, sp, ranks in ((1.0, 0.0, 1), (4.0, 0.0, 1), (4.0, 1.0, 4)):
        close(layer(work_of(DENSE), q, tp=tp, sp=sp).last, 2 * S * 3 * 4096 * 1.5 / ranks)


def test_the_head_in_a_format_of_its_own() -> None:
    """A quarter of the peak, at half the efficiency: eight times as long; its prologue is that of the slower format."""
    fast = layer(work_of(DENSE), ideal(peak=4.0, peak_head=4.0, gemm_k_half=4096.0), tp=2.0)
    slow = layer(work_of(DENSE), ideal(peak=4.0, peak_head=1.0, head_efficiency=0.5, gemm_k_half=4 * 4096.0), tp=2.0)
    close(slow.head_forward, 8 * float(fast.head_forward))
    close(slow.head_backward, 8 * float(fast.head_backward))
    close(fast.forward.matmul, float(layer(work_of(DENSE), ideal(peak=4.0, gemm_k_half=4096.0), tp=2.0).forward.matmul))


def test_a_head_in_a_faster_format_keeps_its_prologue() -> None:
    fast = layer(work_of(DENSE), ideal(peak=4.0, peak_head=4.0, gemm_k_half=4096.0))
    faster = layer(work_of(DENSE), ideal(peak=2.0, peak_head=4.0, gemm_k_half=4096.0))
    close(faster.head_forward, float(fast.head_forward))


@pytest.mark.parametrize(("tp", "ep", "etp"), [(1.0, 1.0, 1.0), (2.0, 4.0, 1.0), (4.0, 2.0, 2.0)])
def test_sums_of_gradients_move_every_weight_of_the_rank(tp: float, ep: float, etp: float) -> None:
    """Mixtral: attention, norms (32 layers share the last), router, a share of the experts: 10 bytes a backward pass."""
    w, q = work_of(MOE), ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=1.5)
    key = dict(tp=tp, ep=ep, etp=etp)
    plain, summed = layer(w, q, **key), layer(w, q.changed(sum_bytes=10.0), **key)
    shared = 4096 * (2 * 4096 + 2 * 1024) + (2 + 1 / 32) * 4096 + 8 * 4096
    weights = shared / tp + 3 * 4096 * 14336 * 8 / (ep * etp)
    close(summed.summed, 10 * weights * 1.5 / 0.5)
    close(summed.head_summed, 10 * 32000 / tp * 4096 * 1.5 / 0.5)
    assert float(plain.summed) == float(plain.head_summed) == 0.0
    assert summed._replace(summed=0.0, head_summed=0.0) == plain._replace(summed=0.0, head_summed=0.0)


def test_sums_of_gradients_of_dense_blocks_and_shared_experts() -> None:
    """A dense block of 40 and three of experts: (10 + 40/4 + 16·3/4)/2 for the rank, and half of one expert in 3/4 of them."""
    w = toy(n_dense=1.0, n_moe=3.0, p_attention=10.0, p_dense=40.0, p_shared=16.0, p_expert=6.0, n_experts=8.0)
    for ep in (8.0, 16.0):
        key = dict(tp=2.0, ep=ep, etp=2.0)
        close(layer(w, ideal(bandwidth=1.0, sum_bytes=10.0), **key).summed, 10 * (32 / 2 + 0.75 * 6 / 2))


def test_launches_of_kernels() -> None:
    """Eight element-wise kernels a dense block, twenty more for gating, sorting and index kernels of an expert block."""
    q = ideal(kernel_latency=1.0)
    for model, kernels in ((DENSE, 8.0), (MOE, 28.0), (MLA, 8 + 20 * 26 / 27)):
        close(layer(work_of(model), q).forward.elementwise, kernels)


def test_bytes_of_both_ends() -> None:
    """The loss reads 16-bit logits and works on them in float32: 14 bytes a logit; the embedding moves three widths.

    Each product of the head moves its operands and result in the format of the residual stream.
    """
    q = ideal(bandwidth=1.0, memory_efficiency=0.5).changed(act_bytes=0.0)
    found = layer(work_of(DENSE), q, tp=2.0, micro_batch=3.0)
    tokens, split = 3 * S, 128256 / 2
    product = 2 * (tokens * 4096 + 4096 * split + tokens * split)
    close(found.head_forward, (14 * tokens * split + product) / 0.5)
    close(found.head_backward, (14 * tokens * split + 2 * product) / 0.5)
    close(found.embedding, 3 * 2 * 3 * S * 4096 / 0.5)
    assert float(layer(work_of(DENSE)._replace(vocab_size=0.0), q).embedding) == 0.0


def test_boundary_bytes() -> None:
    """Each tensor rank sends its share of the activations (Narayanan 2021, section 4.1)."""
    close(layer(work_of(DENSE), ideal(comm_bytes=2.0), tp=4.0, micro_batch=3.0, cp=2.0).boundary_bytes,
          3 * S / 2 * 4096 * 2 / 4)  # fmt: skip


def test_explicit_attention_of_split_sequences_and_of_a_single_head() -> None:
    w, q = work_of(DENSE), ideal(peak_attention=1.0, flash=0.0)
    whole = 2 * 2 * S * S * 4096
    close(layer(w, q, cp=2.0).forward.attention, whole / 2)
    close(layer(w._replace(n_heads=1.0), q).forward.attention, whole)


def test_explicit_attention_over_a_single_key() -> None:
    w = work_of(DENSE)._replace(span=1.0)
    close(layer(w, ideal(peak_attention=1.0, flash=0.0)).forward.attention, 2 * 2 * S * S * 4096)


def test_tokens_of_one_expert_share_its_tiles() -> None:
    """Eight experts of 512 rows, or one of 4,096: whole tiles either way. Rows that fill half a tile cost a whole one."""
    w = work_of(MOE)._replace(n_experts=8.0)
    q = ideal(peak=1.0, tile_m=256.0, tile_n=256.0)
    one, spread = (float(layer(w, q, ep=ep).forward.matmul) for ep in (1.0, 8.0))
    assert spread == pytest.approx(one, rel=1e-9)
