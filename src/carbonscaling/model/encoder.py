"""The encoder of an encoder-decoder: a stack of layers whose result every layer of the decoder attends to."""

from __future__ import annotations

from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = ["Encoder"]


@dataclass(frozen=True)
class Encoder:
    """Layers in front of the model's own, which are the decoder's then: each has a cross-attention and a norm more.

    An encoder's layers have the heads, widths and norms of the decoder's, and see the whole sequence. A sequence of the
    training is that of the encoder, and its tokens are those that are counted (Raffel et al. 2020, arXiv 1910.10683,
    section 3.1.2; Xue et al. 2021, arXiv 2010.11934, section 3.2).

    Attributes
    ----------
    n_layers : int
    target_len : int
        Tokens of the decoder's sequence where the encoder's has the model's `seq_len`; in proportion at another length, as
        spans of noise and translations are.
    score_bias : bool
        A learned bias on every score of self-attention (T5), which fused kernels do not take.
    """

    n_layers: int
    target_len: int
    score_bias: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that no encoder can have."""
        check_fields(self)
        at_least(self, 1, "n_layers", "target_len")
