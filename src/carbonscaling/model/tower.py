"""Vision and audio towers beside a language model: encoders of patches or frames, and what projects these to its width."""

from __future__ import annotations

from typing import Literal

from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = ["Tower", "tower_flops", "tower_kept", "tower_params"]

NORM_VECTORS = {"rmsnorm": 1, "layernorm": 2}


@dataclass(frozen=True)
class Tower:
    """An encoder whose tokens are patches of an image or frames of a sound.

    Attributes
    ----------
    n_layers, d_model, d_ff : int
    stem : int
        Weights that a patch is multiplied with to become a token.
    projector : int
        Weights that a token of the language model is multiplied with on its way there.
    n_patches : int
        Patches of the image (or frames of the clip) that the tower is made for; 1,024 where any size goes.
    merge : int
        Patches that become one token of the language model.
    gated : bool
        Feed-forward blocks of three matrices.
    norm : {"layernorm", "rmsnorm"}
    attention_biases : int
        Biases of the tower's width in the attention of a layer: 4, or fewer.
    ffn_bias : bool
    n_positions : int
        Learned positions.
    window : int, optional
        Patches that a patch sees in `n_window_layers`; all of its image elsewhere.
    n_window_layers : int
    extra_params : int
        Norms, biases and tokens outside the layers.
    """

    n_layers: int
    d_model: int
    d_ff: int
    stem: int
    projector: int
    n_patches: int = 1024
    merge: int = 1
    gated: bool = False
    norm: Literal["layernorm", "rmsnorm"] = "layernorm"
    attention_biases: int = 4
    ffn_bias: bool = True
    n_positions: int = 0
    window: int | None = None
    n_window_layers: int = 0
    extra_params: int = 0

    def __post_init__(self) -> None:
        """Refuse counts that no tower can have."""
        check_fields(self)
        at_least(self, 1, "n_layers", "d_model", "d_ff", "n_patches", "merge")
        at_least(self, 0, "stem", "projector", "attention_biases", "n_positions", "n_window_layers", "extra_params")
        at_least(self, 1, "window", optional=True)

    @property
    def layer_weights(self) -> int:
        """Weights of the matrices of one layer."""
        return self.d_model * (4 * self.d_model + (2 + self.gated) * self.d_ff)


def tower_params(t: Tower) -> int:
    """Return the parameters of a tower, its projector included.

    >>> tower_params(Tower(24, 1024, 4096, 588 * 1024, 0, n_positions=577, extra_params=5 * 1024))  # CLIP ViT-L/14 at 336
    303507456
    """
    d = t.d_model
    vectors = t.attention_biases * d + t.ffn_bias * ((1 + t.gated) * t.d_ff + d) + 2 * NORM_VECTORS[t.norm] * d
    return t.n_layers * (t.layer_weights + vectors) + t.stem + t.n_positions * d + t.projector + t.extra_params


def tower_flops(t: Tower, n_patches: int | None = None) -> float:
    """Return the FLOPs of one image's or clip's forward pass: products of weights, and scores of every pair of patches.

    Parameters
    ----------
    t : Tower
    n_patches : int, optional
        Its patches (frames); those that the tower is made for if not given.

    >>> tower_flops(Tower(2, 8, 32, 100, 50, merge=4), 16) == 2 * (16 * (2 * 768 + 100) + 4 * 50 + 2 * 2 * 16 * 16 * 8)
    True
    """
    n = t.n_patches if n_patches is None else n_patches
    seen = (t.n_layers - t.n_window_layers) * n + t.n_window_layers * min(t.window or n, n)
    weights = n * (t.n_layers * t.layer_weights + t.stem) + n / t.merge * t.projector
    return 2.0 * (weights + 2.0 * n * seen * t.d_model)


def tower_kept(t: Tower) -> float:
    """Return the bytes that a tower keeps of one patch for its backward pass, in 16 bits with fused attention.

    Korthikanti et al. 2022 (arXiv 2205.05198), section 4, without dropout.
    """
    return 2.0 * t.n_layers * (8.0 * t.d_model + (2 + t.gated) * t.d_ff)
