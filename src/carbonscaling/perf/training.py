"""What of a model is trained, and what runs beside it, as changes to its workload: adapters, frozen parts, a teacher."""

from __future__ import annotations

from carbonscaling.perf.numbers import Number, Workload
from carbonscaling.sources import Datum

__all__ = [
    "FROZEN_8_BIT",
    "NF4",
    "adapted",
    "done_flops",
    "embeddings_frozen",
    "held_in_8_bit",
    "language_frozen",
    "layers_frozen",
    "packed",
    "taught",
    "towered",
]

NF4 = Datum(
    (4.0 + 0.127) / 8.0, "B", "dettmers_2023", (4.0 + 0.127) / 8.0, (4.0 + 0.5) / 8.0,
    remark='section 3, "Double Quantization": 0.127 bits a weight for the scales of blocks of 64, 0.5 without',
)  # fmt: skip
"""Bytes of a weight in 4-bit NormalFloat with its scales."""

FROZEN_8_BIT = Datum(
    1.0, "B", "mlperf_lora_2025", 1.0, 2.0,
    remark="AMD/benchmarks/llama2_70b_lora: fp8_params (src/conf/megatron_gpt_peft_tuning_config.yaml line 85), no cached "
    "transpose (config_MI300X_1x8x1.sh); NVIDIA/benchmarks/llama2_70b_lora/implementations/nemo/custom_llama.py line 99: "
    "fp8_model_init. 70B parameters on one device of 141 GB",
)  # fmt: skip
"""Bytes of a frozen weight where a stack keeps weights in 8 bit: one copy, which no update needs in more."""


def done_flops(work: Workload) -> Number:
    """Return the FLOPs that training on a token does, without repeated work and other networks.

    Of three times the forward pass, frozen weights save their gradients (a third of their products), and layers that no
    gradient reaches the whole of their backward pass; attention's two gradients are of no weights.

    Parameters
    ----------
    work : Workload
        `model_flops` are those of training every weight.
    """
    scores = 2.0 * work.counted * work.span * (work.d_query + work.d_context) * work.attended * work.n_layers
    scan = work.mixed * work.n_layers * work.mix_flops
    head = 2.0 * work.counted * work.n_logits * work.d_model * work.vocab_size
    products = work.model_flops / 3.0 - scores - scan - head
    saved = work.stopped * (products + 2.0 * (scores + scan)) + (1.0 - work.trained) * products
    return work.model_flops - saved - work.frozen_head * head


def _counted(work: Workload) -> Workload:
    return work._replace(model_flops=float(done_flops(work)))


def adapted(work: Workload, rank: int, attention_alone: bool = False) -> Workload:
    """Return a workload whose weights are frozen, with low-rank adapters of `rank` beside its matrices.

    LoRA (Hu et al. 2021, arXiv 2106.09685): gradients and states of the adapters alone; the backward pass makes input
    gradients of the frozen matrices, so that a token costs 4 FLOPs a parameter instead of 6. Adapters are taken to be as
    wide as the layer's matrices: queries, keys, values, output, feed-forward blocks; experts, embedding and head have none.
    A frozen product without an adapter keeps no inputs: its gradient is made of its weights alone.

    Parameters
    ----------
    attention_alone : bool
        No adapters on feed-forward blocks.
    """
    h, blocks = work.d_model, 0.0 if attention_alone else 1.0
    attended = work.joined or work.attended * (2.0 * h + work.n_query + work.d_context)
    attention = attended + work.mixed * (2.0 * h + work.n_mix + work.d_mix)
    dense = blocks * work.plain * work.matrices * (h + work.d_ff)
    layer = work.p_attention + work.plain * work.p_dense + work.moe * (work.p_shared + work.n_experts * work.p_expert)
    share = min(1.0, float(rank * (attention + dense) / layer))
    frozen = work._replace(frozen=1.0 - share, frozen_embedding=1.0, frozen_head=1.0)
    return _counted(frozen._replace(bare_dense=1.0 - blocks, bare_experts=1.0))


def packed(work: Workload, rank: int, attention_alone: bool = False) -> Workload:
    """Return a workload with adapters beside frozen weights in 4 bits, unpacked for every multiplication.

    QLoRA (Dettmers et al. 2023, arXiv 2305.14314, section 3): NormalFloat of 4 bits with doubly quantised scales; products
    in 16 bits; embedding, norms and head stay as they are.
    """
    return adapted(work, rank, attention_alone)._replace(packed=NF4.si)


def held_in_8_bit(work: Workload) -> Workload:
    """Return a workload whose frozen layers are held in 8 bit alone, as products take them."""
    return work._replace(packed=FROZEN_8_BIT.si, unpacks=0.0)


def language_frozen(work: Workload) -> Workload:
    """Return a workload whose weights are all frozen, with gradients flowing through them to what lies below."""
    return _counted(work._replace(frozen=1.0, frozen_embedding=1.0, frozen_head=1.0))


def embeddings_frozen(work: Workload, tied: bool) -> Workload:
    """Return a workload whose token embedding is frozen, and with it the head where both are one."""
    return _counted(work._replace(frozen_embedding=1.0, frozen_head=float(tied)))


def layers_frozen(work: Workload, n: int, tied: bool) -> Workload:
    """Return a workload whose embedding and first `n` layers are frozen: no gradient flows through them.

    A tied embedding stays trained as the head; below, nothing needs a gradient of it.
    """
    stopped = min(1.0, n / float(work.n_layers))
    return _counted(work._replace(stopped=stopped, frozen_embedding=float(not tied)))


def taught(work: Workload, forward_flops: float, params: float) -> Workload:
    """Return a workload with a teacher's forward pass beside every micro-batch, its weights and logits held.

    Distillation from logits (Hinton et al. 2015, arXiv 1503.02531, section 2): the student meets the teacher's distribution
    over the same vocabulary.

    Parameters
    ----------
    forward_flops : float
        FLOPs of the teacher's forward pass, per token.
    params : float
        Parameters of the teacher.
    """
    return work._replace(
        model_flops=work.model_flops + forward_flops, beside_forward=work.beside_forward + forward_flops,
        p_beside=work.p_beside + params, beside_logits=1.0,
    )  # fmt: skip


def towered(work: Workload, forward_flops: float, params: float, kept: float, trained: bool) -> Workload:
    """Return a workload whose tokens come in part from a tower, trained along or frozen.

    Parameters
    ----------
    forward_flops : float
        FLOPs of the towers' forward passes, per token of the language model.
    params : float
        Parameters of the towers.
    kept : float
        Bytes that their layers keep for the backward pass, per token of the language model; a frozen tower keeps none.
    trained : bool
    """
    share = float(trained)
    total = work.p_beside + params
    return work._replace(
        model_flops=work.model_flops + (1.0 + 2.0 * share) * forward_flops,
        beside_forward=work.beside_forward + forward_flops,
        beside_backward=work.beside_backward + 2.0 * share * forward_flops,
        beside_trained=(work.beside_trained * work.p_beside + share * params) / total if total else 0.0,
        p_beside=total,
        beside_kept=share * kept,
    )
