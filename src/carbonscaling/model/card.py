"""Everything worth saying about a model on one page, as data."""

from __future__ import annotations

from carbonscaling.model.flops import ForwardFlops, forward_flops, training_flops_per_token
from carbonscaling.model.params import ParameterCount, active_params, mtp_params, parameter_count
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass

__all__ = ["ModelCard", "model_card"]


@dataclass(frozen=True)
class ModelCard:
    """A model in figures.

    Attributes
    ----------
    spec : ModelSpec
    seq_len : int
        Sequence length of the FLOP figures, in tokens.
    params : ParameterCount
        Parameters by part.
    active_params, mtp_params : int
    forward_flops : ForwardFlops
        FLOPs of one token's forward pass by part, causal half.
    training_flops_per_token : dict
        By convention: "causal", "full", "6N".
    kv_width, kv_cache_width : int
        Key and value elements of a token and layer in training, and in the inference cache.
    patches : int, optional
        Patches of the image that figures of towers are for; as many as each is made for if not given.
    """

    spec: ModelSpec
    seq_len: int
    params: ParameterCount
    active_params: int
    mtp_params: int
    forward_flops: ForwardFlops
    training_flops_per_token: dict[str, float]
    kv_width: int
    kv_cache_width: int
    patches: int | None = None

    @property
    def total_params(self) -> int:
        """Sum of the parts."""
        return self.params.total


def model_card(spec: ModelSpec, seq_len: int | None = None, patches: int | None = None) -> ModelCard:
    """Return the figures of `spec` at a sequence length, its own if none is given, and of its towers for an image."""
    s = spec.seq_len if seq_len is None else seq_len
    return ModelCard(
        spec=spec,
        seq_len=s,
        params=parameter_count(spec),
        active_params=active_params(spec),
        mtp_params=mtp_params(spec),
        forward_flops=forward_flops(spec, s),
        training_flops_per_token={
            "causal": training_flops_per_token(spec, s, "causal"),
            "full": training_flops_per_token(spec, s, "full"),
            "6N": training_flops_per_token(spec, s, "6N"),
        },
        kv_width=0 if spec.attention is None else spec.attention.kv_width,
        kv_cache_width=0 if spec.attention is None else spec.attention.kv_cache_width,
        patches=patches,
    )
