"""Mixers of tokens other than attention: state spaces, linear attention, delta rules, RWKV, short convolutions."""

from __future__ import annotations

from typing import Literal

from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = [
    "Mixer",
    "MixerKind",
    "chunk_flops",
    "conv_channels",
    "copied_width",
    "kept_width",
    "mixer_matrices",
    "mixer_params",
    "moved_width",
    "of_all_layers",
    "scan_flops",
    "vector_flops",
]

MixerKind = Literal["mamba", "mamba2", "delta", "kda", "lightning", "conv", "rwkv4", "rwkv5", "rwkv6", "rwkv7"]


@dataclass(frozen=True)
class Mixer:
    """A mixer whose state has a fixed size: a matrix of `d_key` by `d_value` for each head.

    Attributes
    ----------
    kind : {"mamba", "mamba2", "delta", "kda", "lightning", "conv", "rwkv4", "rwkv5", "rwkv6", "rwkv7"}
        Mamba (Gu & Dao 2023, arXiv 2312.00752), Mamba-2 (Dao & Gu 2024, arXiv 2405.21060), gated delta rule (Yang et al.
        2024, arXiv 2412.06464), Kimi delta attention (arXiv 2510.26692), lightning attention (MiniMax-01, arXiv
        2501.08313), gated short convolution (LFM2), RWKV-4 (Peng et al. 2023, arXiv 2305.13048), Eagle and Finch (2024, arXiv
        2404.05892), Goose (2025, arXiv 2503.14456). The receptance of an RWKV layer's channel mix, a square matrix, and its
        token shift count here: its two other matrices are a plain feed-forward block.
    n_layers : int
        Layers with this mixer.
    n_heads, d_value : int
        Heads of the inner stream and their width; ``n_heads·d_value`` is its width.
    d_key : int
        Width of keys and queries, or of the state of a state space; 0 for a convolution. RWKV-4 holds 3 numbers a channel.
    n_groups : int
        Heads of keys and queries (of B and C in a state space).
    conv : int
        Taps of the short convolution; 0 for none.
    chunk : int
        Tokens that a scan works on at a time.
    rank : int
        Of the projections of time steps (Mamba) or of decays and gate (Kimi; 0 where each is one matrix, as in Ling 3); of
        decays (Finch); of decays, learning rates and gate together (Goose).
    shift_rank : int
        Of what mixes a token with the one before it (Finch).
    value_rank : int
        Of what mixes values with those of the first layer, which has none of it (Goose).
    full_gate : bool
        Whether Kimi's output gate is one matrix, where only its decays have a rank (Kimi K3).
    bias, conv_bias : bool
        On projections; on the convolution.
    inner_norm : bool
        A norm before the output projection; in "mamba" on time steps, B and C (Jamba).
    """

    kind: MixerKind
    n_layers: int
    n_heads: int
    d_value: int
    d_key: int = 0
    n_groups: int = 1
    conv: int = 0
    chunk: int = 64
    rank: int = 0
    shift_rank: int = 0
    value_rank: int = 0
    bias: bool = False
    conv_bias: bool = False
    inner_norm: bool = True
    full_gate: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that no mixer can have."""
        check_fields(self)
        at_least(self, 1, "n_heads", "d_value", "n_groups", "chunk")
        at_least(self, 0, "n_layers", "d_key", "conv", "rank", "shift_rank", "value_rank")

    @property
    def d_inner(self) -> int:
        """Width of the inner stream."""
        return self.n_heads * self.d_value

    @property
    def d_keys(self) -> int:
        """Width of all keys."""
        return self.n_groups * self.d_key

    @property
    def state_size(self) -> int:
        """Elements of a layer's state for one sequence, with what convolution or token shifts remember."""
        memory = max(self.conv - 1, 0) * conv_channels(self) + 2 * self.d_inner * self.kind.startswith("rwkv")
        return memory if self.kind == "conv" else self.d_inner * self.d_key + memory


def conv_channels(m: Mixer) -> int:
    """Return the channels of the short convolution."""
    return m.d_inner + (0 if m.kind in ("mamba", "conv") else 2 * m.d_keys) if m.conv else 0


def mixer_matrices(m: Mixer, d_model: int) -> tuple[int, int]:
    """Return the weights of the matrices into and out of a mixer, biases left out.

    >>> mixer_matrices(Mixer("mamba2", 1, n_heads=80, d_value=64, d_key=128), 2560)
    (27074560, 13107200)
    """
    d, inner, keys, heads = d_model, m.d_inner, m.d_keys, m.n_heads

    def narrow(width: int) -> int:
        return m.rank * (d + width) if m.rank else d * width

    eagle = 2 * d * keys + 2 * d * inner + d * d
    into = {
        "mamba": 2 * d * inner + inner * (m.rank + 2 * m.d_key) + m.rank * inner,
        "mamba2": d * (2 * inner + 2 * keys + heads),
        "delta": d * (2 * inner + 2 * keys + 2 * heads),
        "kda": d * (inner + 2 * keys + heads) + narrow(keys) + (d * inner if m.full_gate else narrow(inner)),
        "lightning": d * (2 * inner + 2 * keys),
        "conv": 3 * d * inner,
        "rwkv4": 3 * d * inner + d * d,
        "rwkv5": eagle,
        "rwkv6": eagle + 10 * m.shift_rank * d + m.rank * (d + keys),
        "rwkv7": 2 * d * keys + d * inner + (m.rank + m.value_rank) * (d + inner),
    }
    return into[m.kind], inner * d


def mixer_params(m: Mixer, d_model: int) -> int:
    """Return the parameters of one layer's mixer: matrices, biases, convolution, decays, skips, shifts, norms.

    >>> mixer_params(Mixer("delta", 1, n_heads=32, d_value=128, d_key=128, n_groups=16, conv=4), 2048)
    33718464
    """
    d, inner, heads = d_model, m.d_inner, m.n_heads
    channels = conv_channels(m)
    vectors = {
        "mamba": inner * (m.d_key + 2) + m.inner_norm * (m.rank + 2 * m.d_key),
        "mamba2": 3 * heads + m.inner_norm * inner,
        "delta": 2 * heads + m.d_value,
        "kda": heads + m.d_keys + m.d_value,
        "lightning": inner,
        "conv": 0,
        "rwkv4": 2 * inner + 5 * d,
        "rwkv5": 2 * m.d_keys + 2 * inner + 6 * d,
        "rwkv6": 2 * m.d_keys + 2 * inner + 8 * d,
        "rwkv7": 5 * m.d_keys + 3 * inner + 7 * d,
    }
    wide = {"mamba": 2 * inner, "mamba2": 2 * inner + 2 * m.d_keys + heads, "conv": 3 * inner}.get(m.kind, 0)
    return sum(mixer_matrices(m, d)) + m.bias * (wide + d) + channels * (m.conv + m.conv_bias) + vectors[m.kind]


def of_all_layers(m: Mixer, d_model: int) -> tuple[int, int]:
    """Return the weights of all matrices of a model's mixers, and all their parameters.

    >>> of_all_layers(Mixer("rwkv7", 24, 16, 64, 64, 16, rank=256, value_rank=32), 1024)
    (114753536, 115121152)
    """
    lacking = m.value_rank * (d_model + m.d_inner) if m.n_layers else 0
    matrices = m.n_layers * sum(mixer_matrices(m, d_model)) - lacking
    bias = m.d_inner if lacking else 0
    return matrices, m.n_layers * mixer_params(m, d_model) - lacking - bias


def scan_flops(m: Mixer) -> float:
    """Return the model FLOPs of a token in one layer beside its matrices: the scan and the convolution.

    As Megatron-LM counts them: 7 an element of the state for a state space, ``2·4`` for a delta rule with its convolution
    (``num_floating_point_operations``); 4 for linear attention, an update and a read-out. RWKV's are one or the other.

    >>> scan_flops(Mixer("mamba2", 1, n_heads=64, d_value=64, d_key=128))
    3670016.0
    """
    each = {"mamba": 7.0, "mamba2": 7.0, "delta": 8.0, "kda": 8.0, "conv": 0.0, "rwkv7": 8.0}.get(m.kind, 4.0)
    counted = m.kind in ("delta", "kda", "conv")
    return each * m.d_inner * m.d_key + counted * 2.0 * m.conv * conv_channels(m)


def chunk_flops(m: Mixer) -> float:
    """Return the FLOPs that matrix units execute in the chunked scan of one layer for a token: inside chunks and with states.

    Mamba-2 (Dao & Gu 2024, section 6): scores of a chunk for every key head, times the inputs, and the states made and
    read; a delta rule reads the states once more (Yang et al. 2024, section 3.3). A convolution has no chunks.

    >>> chunk_flops(Mixer("mamba2", 1, n_heads=64, d_value=64, d_key=128, n_groups=8, chunk=128))
    3407872.0
    """
    state = m.d_inner * m.d_key
    if m.kind == "mamba2":
        return 2.0 * m.chunk * (m.d_keys + m.d_inner) + 4.0 * state
    if m.kind in ("delta", "kda", "lightning"):
        return 2.0 * m.chunk * m.n_heads * (m.d_key + m.d_value) + (4.0 if m.kind == "lightning" else 6.0) * state
    return scan_flops(m) if m.kind == "conv" else 0.0


def vector_flops(m: Mixer) -> float:
    """Return the FLOPs that one layer's scan executes for a token in 32 bits, outside matrix units.

    For each number of the state: Mamba an exponential, which takes as long as 16, two products, a sum of pairs both up and down
    the scan, and its read-out (csrc/selective_scan of state-spaces/mamba); RWKV-4 the same exponential for its decays (as
    wkv_cuda.cu); Eagle and Finch 7 and Goose 9, as wkv6_cuda.cu and rwkv7_clampw.cu of BlinkDL/RWKV-LM count.

    >>> vector_flops(Mixer("rwkv6", 1, n_heads=64, d_value=64, d_key=64))
    1835008.0
    """
    each = {"mamba": 26.0, "rwkv4": 26.0, "rwkv5": 7.0, "rwkv6": 7.0, "rwkv7": 9.0}.get(m.kind, 0.0)
    return each * m.d_inner * m.d_key


_RWKV = {"rwkv4": (16.0, 12.0), "rwkv5": (18.0, 14.0), "rwkv6": (27.0, 22.0), "rwkv7": (36.0, 28.0)}
"""Inner widths that an RWKV layer's kernels read and write beside its products, and that it keeps for the backward pass:
shifted tokens, one for each product, what the scan reads and makes, its norm and gate, and the channel mix's shift and
receptance (BlinkDL/RWKV-LM, RWKV-v5/src/model.py and RWKV-v7/train_temp/src/model.py)."""
_STATES = {"mamba": 0.0, "rwkv4": 0.0, "rwkv5": 0.0, "rwkv6": 0.0, "rwkv7": 2.0}


def moved_width(m: Mixer) -> float:
    """Return the elements of 2 bytes that convolution, scan and gate of one layer move for a token.

    States of 4 bytes are written, passed on and read, four times two elements a chunk; Goose's kernel writes them once, and
    others that go token by token keep them in registers.
    """
    inner = float(m.d_inner)
    states = _STATES.get(m.kind, 8.0) * inner * m.d_key / m.chunk
    if m.kind in _RWKV:
        return _RWKV[m.kind][0] * inner + states
    return 2.0 * conv_channels(m) + 7.0 * inner + 4.0 * m.d_keys + states


def copied_width(m: Mixer) -> float:
    """Return the elements that copies between convolution and delta rule move for a token, where they are kernels of their own.

    Queries and keys are copied or repeated for every head, which the scan then reads four times; values and gate are copied.
    """
    if m.kind != "delta":
        return 0.0
    keys, repeated = float(m.d_keys), float(m.n_heads * m.d_key)
    return 2.0 * (keys + repeated) + 4.0 * (repeated - keys) + 4.0 * m.d_inner


def kept_width(m: Mixer) -> float:
    """Return the elements that one layer keeps of a token for the backward pass.

    >>> kept_width(Mixer("mamba2", 1, n_heads=64, d_value=64, d_key=128, n_groups=8))
    24576.0
    """
    if m.kind not in _RWKV:
        return 5.0 * m.d_inner + 4.0 * m.d_keys
    return _RWKV[m.kind][1] * m.d_inner + _STATES[m.kind] * m.d_inner * m.d_key / m.chunk
