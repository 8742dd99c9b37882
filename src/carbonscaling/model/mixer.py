"""Mixers of tokens other than attention: state spaces, linear attention, delta rules, short convolutions."""

from __future__ import annotations

from typing import Literal

from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = ["Mixer", "MixerKind", "chunk_flops", "conv_channels", "mixer_matrices", "mixer_params", "scan_flops"]

MixerKind = Literal["mamba", "mamba2", "delta", "kda", "lightning", "conv"]


@dataclass(frozen=True)
class Mixer:
    """A mixer whose state has a fixed size: a matrix of `d_key` by `d_value` for each head.

    Attributes
    ----------
    kind : {"mamba", "mamba2", "delta", "kda", "lightning", "conv"}
        Mamba (Gu & Dao 2023, arXiv 2312.00752), Mamba-2 (Dao & Gu 2024, arXiv 2405.21060), gated delta rule (Yang et al.
        2024, arXiv 2412.06464), Kimi delta attention (arXiv 2510.26692), lightning attention (MiniMax-01, arXiv
        2501.08313), gated short convolution (LFM2).
    n_layers : int
        Layers with this mixer.
    n_heads, d_value : int
        Heads of the inner stream and their width; ``n_heads·d_value`` is its width.
    d_key : int
        Width of keys and queries, or of the state of a state space; 0 for a convolution.
    n_groups : int
        Heads of keys and queries (of B and C in a state space).
    conv : int
        Taps of the short convolution; 0 for none.
    chunk : int
        Tokens that a scan works on at a time.
    rank : int
        Of the projections of time steps (Mamba) or of decays and gate (Kimi; 0 where each is one matrix, as in Ling 3).
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
    bias: bool = False
    conv_bias: bool = False
    inner_norm: bool = True
    full_gate: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that no mixer can have."""
        check_fields(self)
        at_least(self, 1, "n_heads", "d_value", "n_groups", "chunk")
        at_least(self, 0, "n_layers", "d_key", "conv", "rank")

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
        """Elements of a layer's state for one sequence, with what the convolution remembers."""
        memory = max(self.conv - 1, 0) * conv_channels(self)
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

    into = {
        "mamba": 2 * d * inner + inner * (m.rank + 2 * m.d_key) + m.rank * inner,
        "mamba2": d * (2 * inner + 2 * keys + heads),
        "delta": d * (2 * inner + 2 * keys + 2 * heads),
        "kda": d * (inner + 2 * keys + heads) + narrow(keys) + (d * inner if m.full_gate else narrow(inner)),
        "lightning": d * (2 * inner + 2 * keys),
        "conv": 3 * d * inner,
    }
    return into[m.kind], inner * d


def mixer_params(m: Mixer, d_model: int) -> int:
    """Return the parameters of one layer's mixer: matrices, biases, convolution, decays, skips, norms.

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
    }
    wide = {"mamba": 2 * inner, "mamba2": 2 * inner + 2 * m.d_keys + heads, "conv": 3 * inner}.get(m.kind, 0)
    return sum(mixer_matrices(m, d)) + m.bias * (wide + d) + channels * (m.conv + m.conv_bias) + vectors[m.kind]


def scan_flops(m: Mixer) -> float:
    """Return the model FLOPs of a token in one layer beside its matrices: the scan and the convolution.

    As Megatron-LM counts them: 7 an element of the state for a state space, ``2·4`` for a delta rule with its convolution
    (``num_floating_point_operations``); 4 for linear attention, an update and a read-out.

    >>> scan_flops(Mixer("mamba2", 1, n_heads=64, d_value=64, d_key=128))
    3670016.0
    """
    each = {"mamba": 7.0, "mamba2": 7.0, "delta": 8.0, "kda": 8.0, "lightning": 4.0, "conv": 0.0}[m.kind]
    counted = m.kind in ("delta", "kda", "conv")
    return each * m.d_inner * m.d_key + counted * 2.0 * m.conv * conv_channels(m)


def chunk_flops(m: Mixer) -> float:
    """Return the FLOPs that the chunked scan of one layer executes for a token: products inside chunks and with states.

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
    return scan_flops(m)
