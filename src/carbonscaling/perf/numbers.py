"""The plain numbers the step-time and memory formulas work on; every field may be a float or an array."""

from __future__ import annotations

from typing import Literal, get_args

from carbonscaling.arrays import Number
from carbonscaling.hints import NamedTuple

__all__ = ["Number", "Recompute", "RecomputeName", "RecomputeSaid", "Schedule", "ScheduleName", "Setting", "Workload"]

RecomputeName = Literal["none", "selective", "full", "feed-forward"]
RecomputeSaid = Literal["none", "selective", "full", "feed-forward", "partial"]
"""As people say it: full recomputation in a share of the layers is a way of its own."""
ScheduleName = Literal["1f1b", "zb1p", "dualpipe", "combined-1f1b"]


class Recompute:
    """Codes of `Setting.recompute`.

    ``feed-forward`` repeats those blocks whole, experts' exchanges with them, beside what selective recomputation repeats
    (Megatron-Core's modules ``moe`` and ``mlp``).
    """

    NONE = 0
    SELECTIVE = 1
    FULL = 2
    FEED_FORWARD = 3
    NAMES: tuple[RecomputeName, ...] = get_args(RecomputeName)

    @staticmethod
    def said(setting: Setting) -> RecomputeSaid:
        """Return what one setting recomputes, as a scenario states it."""
        code = int(setting.recompute)
        return "partial" if code == Recompute.FULL and setting.recompute_percent < 100 else Recompute.NAMES[code]


class Schedule:
    """Codes of `Setting.schedule`; ``1f1b`` is interleaved where ``vpp > 1``.

    ``combined-1f1b`` is the same with each forward pass beside another micro-batch's backward one, layer by layer, so that
    each hides the other's expert traffic; it needs no pipeline (Megatron-Core, docs/user-guide/features/moe_a2a_overlap.md).
    """

    ONE_F_ONE_B = 0
    ZERO_BUBBLE = 1
    DUALPIPE = 2
    COMBINED = 3
    NAMES: tuple[ScheduleName, ...] = get_args(ScheduleName)


class Setting(NamedTuple):
    """One way, or many, to lay a model out on devices. ``n_devices = tp * cp * dp * pp``.

    Attributes
    ----------
    tp, pp, dp, cp : tensor, pipeline, data and context parallel degrees; `dp` counts every dense-layer replica.
    ep, etp : expert parallel degree and tensor parallelism inside an expert; ``ep * etp`` divides ``tp * cp * dp``.
        The papers' notation N = TP·DP·PP·EP has DP = dp / ep (ruling R9).
    vpp : model chunks per pipeline stage (interleaving).
    zero : ZeRO stage 0-3.
    shard : devices over which ZeRO shards (the whole data-parallel group, or less: hybrid sharding).
    micro_batch : sequences of one micro-batch of one replica.
    n_micro : micro-batches per replica and step.
    recompute, schedule : codes of `Recompute` and `Schedule`.
    sp : 1 where norms and residuals are sharded over the sequence (Megatron sequence parallelism), else 0.
    recompute_percent : share of a stage's layers that `recompute` applies to, rounded up to whole layers.
    """

    tp: Number
    pp: Number
    dp: Number
    cp: Number
    ep: Number
    etp: Number
    vpp: Number
    zero: Number
    shard: Number
    micro_batch: Number
    n_micro: Number
    recompute: Number
    schedule: Number
    sp: Number
    recompute_percent: Number = 100

    @property
    def n_devices(self) -> Number:
        """Devices the setting occupies."""
        return self.tp * self.cp * self.dp * self.pp

    @property
    def sequences(self) -> Number:
        """Sequences of a step."""
        return self.dp * self.micro_batch * self.n_micro


class Workload(NamedTuple):
    """A model at a sequence length as matrix shapes and parameter counts.

    Attributes
    ----------
    seq_len : tokens of a sequence; of an encoder-decoder those that pass the mean of all layers, both stacks together.
    n_dense, n_moe : layers with a dense and with an expert feed-forward block.
    d_model, vocab_size : widths.
    d_latent : width of MLA's joint down-projection (0 without MLA).
    k_query, n_query : inner and outer width of the query (or fused QKV) projection.
    k_value, n_value : inner and outer width of MLA's key/value up-projection (0 without MLA).
    d_query, d_context : summed query width of all heads (scores), summed value width (context, output projection).
    d_kv : width of keys and values together, before any expansion, as exchanged by context parallelism.
    n_heads : query heads.
    span : mean number of keys a query sees (causal, windows counted).
    d_ff, d_ff_expert, d_ff_shared : inner widths.
    matrices : weight matrices of a feed-forward block (3 gated, 2 plain).
    n_experts, top_k : routed experts; 0 for a dense model. node_limit : most domains one token is sent to.
    reduces : tensor-parallel all-reduces of a layer's forward pass (2; 1 for parallel or attention-free blocks).
    p_attention, p_dense, p_shared, p_expert, p_embedding, p_head : parameters of a layer's attention and norms, of a
        dense feed-forward block, of router and shared experts, of one routed expert, of embedding and output head.
        Tied weights still need a copy on the first and the last stage.
    model_flops : training FLOPs per token by the model-FLOPs convention (causal half), for MFU.
    n_logits : output heads evaluated per token (1, and one for every multi-token-prediction module; their layers are
        counted in `n_dense` or `n_moe`; less where only a decoder's tokens meet one).
    n_bare : layers with neither kind of feed-forward block, less those with both.
    unattended, mixed : shares of the layers without attention, and with a state space, linear attention or convolution.
        Widths and heads of attention are those of the mean layer that has it.
    n_mix, d_mix : width that such a mixer projects its input to, and width of what it projects back.
    mix_flops, mix_vector, mix_width, mix_kept : FLOPs that its scan executes for a token on matrix units and outside them,
        elements that its convolution, scan and gate move, and elements that it keeps for the backward pass.
    d_routed : width that routed experts work in, between two projections; 0 where it is the model's.
    frozen, frozen_embedding, frozen_head : share of a layer's parameters, and of those of embedding and head, that are not
        trained: no gradients, no optimizer states, no update (0: none).
    stopped : share of the layers that no gradient flows through: the first ones, frozen with the embedding.
    packed : bytes that a frozen weight of a layer is held in (0: held like the others). unpacks : 1 where it is unpacked to
        16 bit for every use, 0 where products take it as it is.
    beside_forward, beside_backward : FLOPs a token of other networks that run beside the layers, spread evenly over them: a
        teacher, towers. p_beside, beside_trained : their parameters, and the share of these that is trained. beside_kept :
        bytes a token that they keep for the backward pass. beside_logits : 1 where a teacher's logits are held too.
    dealt : 1 where context ranks deal out heads and each sees whole sequences, 0 where they split the sequence.
    uneven : share of the scores whose number grows along the sequence, where each context rank holds one piece of it; 0 where
        pieces from both ends make the ranks equal.
    biased : 1 where the products of routed experts have biases.
    crossed : share of the layers that have a cross-attention beside their own: those of a decoder behind an encoder. Shares and
        widths of blocks are those of the mean token that passes a layer, of which the decoder has fewer.
    thin : blocks, over two, that kernels are launched for beyond `halves`, because fewer tokens pass them than the mean layer.
    counted : tokens that pass the mean layer for one that is counted.
    joined : summed widths into and out of the matrices of the mean layer's attention, where its blocks have them whatever
        tokens pass (0: as `n_query` and `d_context` say).
    keyed : mean number of keys that explicit attention multiplies a query with, masked ones among them, over `seq_len`.
    bare_dense, bare_experts : 1 where feed-forward blocks, or experts, are frozen and without adapters, so that nothing needs
        the inputs of their products.
    """

    seq_len: Number
    n_dense: Number
    n_moe: Number
    d_model: Number
    vocab_size: Number
    d_latent: Number
    k_query: Number
    n_query: Number
    k_value: Number
    n_value: Number
    d_query: Number
    d_context: Number
    d_kv: Number
    n_heads: Number
    span: Number
    d_ff: Number
    d_ff_expert: Number
    d_ff_shared: Number
    matrices: Number
    n_experts: Number
    top_k: Number
    node_limit: Number
    reduces: Number
    p_attention: Number
    p_dense: Number
    p_shared: Number
    p_expert: Number
    p_embedding: Number
    p_head: Number
    model_flops: Number
    n_logits: Number
    n_bare: Number
    unattended: Number
    mixed: Number
    n_mix: Number
    d_mix: Number
    mix_flops: Number
    mix_vector: Number
    mix_width: Number
    mix_copied: Number
    mix_normed: Number
    mix_kept: Number
    d_routed: Number
    frozen: Number
    frozen_embedding: Number = 0.0
    frozen_head: Number = 0.0
    stopped: Number = 0.0
    packed: Number = 0.0
    unpacks: Number = 1.0
    beside_forward: Number = 0.0
    beside_backward: Number = 0.0
    p_beside: Number = 0.0
    beside_trained: Number = 0.0
    beside_kept: Number = 0.0
    beside_logits: Number = 0.0
    dealt: Number = 0.0
    uneven: Number = 0.0
    biased: Number = 0.0
    crossed: Number = 0.0
    thin: Number = 0.0
    keyed: Number = 1.0
    counted: Number = 1.0
    joined: Number = 0.0
    bare_dense: Number = 0.0
    bare_experts: Number = 0.0

    @property
    def n_layers(self) -> Number:
        """All layers."""
        return self.n_dense + self.n_moe + self.n_bare

    @property
    def trained(self) -> Number:
        """Share of the layers' parameters that are trained."""
        return (1.0 - self.frozen) * (1.0 - self.stopped)

    @property
    def attended(self) -> Number:
        """Share of the layers with attention."""
        return 1.0 - self.unattended

    @property
    def plain(self) -> Number:
        """Share of the layers with a dense feed-forward block."""
        return self.n_dense / self.n_layers

    @property
    def moe(self) -> Number:
        """Share of the layers with experts."""
        return self.n_moe / self.n_layers

    @property
    def halves(self) -> Number:
        """Blocks of the mean layer over the two of a plain one: attention or another mixer, and feed-forward."""
        return (self.attended + self.mixed + self.plain + self.moe) / 2.0
