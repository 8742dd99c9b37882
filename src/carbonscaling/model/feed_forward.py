"""Feed-forward blocks of a transformer: dense ones, and experts."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = ["Experts", "FeedForward"]


@dataclass(frozen=True)
class FeedForward:
    """Feed-forward block of a dense layer: two matrices, or three when gated (SwiGLU, GeGLU).

    Attributes
    ----------
    d_ff : int
        Inner width; where blocks differ, their mean.
    gated, bias : bool
    n_blocks : int, optional
        Blocks of the model; one in every layer without experts if not given.
    """

    d_ff: int
    gated: bool
    bias: bool = False
    n_blocks: int | None = None

    def __post_init__(self) -> None:
        """Refuse a width that is not positive."""
        check_fields(self)
        at_least(self, 1, "d_ff")
        at_least(self, 0, "n_blocks", optional=True)

    @property
    def n_matrices(self) -> int:
        """Weight matrices of the block: 3 when gated, else 2."""
        return 2 + self.gated


@dataclass(frozen=True)
class Experts:
    """Routed and shared experts of a mixture-of-experts layer.

    Attributes
    ----------
    n_routed, top_k : int
        Routed experts of a layer, and how many of them a token visits.
    d_ff : int
        Inner width of one routed expert.
    d_ff_shared : int
        Summed inner width of the shared experts, which every token visits; 0 for none.
    n_dense_layers : int
        Layers that keep the dense feed-forward block (leading ones in DeepSeek, interleaved ones elsewhere).
    gated, bias : bool
        As in `FeedForward`, for routed and shared experts alike.
    router_bias : bool
        A bias or score correction per routed expert.
    shared_gate : bool
        A gate of d_model weights on the shared expert (Qwen2-MoE).
    node_limit : int, optional
        Most nodes the experts of one token lie on (DeepSeek's node-limited routing).
    n_zero : int
        Experts of no size beside the routed ones, which return their input (LongCat-Flash): chosen like them, they lower
        the mean number that a token visits.
    d_latent : int, optional
        Width that routed experts work in, with a projection there and back (Nemotron 3 Super); d_model if not given.
    """

    n_routed: int
    top_k: int
    d_ff: int
    d_ff_shared: int = 0
    n_dense_layers: int = 0
    gated: bool = True
    bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    node_limit: int | None = None
    n_zero: int = 0
    d_latent: int | None = None

    def __post_init__(self) -> None:
        """Refuse counts that no mixture can have."""
        check_fields(self)
        at_least(self, 1, "n_routed", "top_k", "d_ff")
        at_least(self, 0, "d_ff_shared", "n_dense_layers", "n_zero")
        at_least(self, 1, "d_latent", optional=True)
        if self.top_k > self.n_routed:
            raise InputError(
                "a token cannot visit more experts than there are",
                key="top_k",
                value=self.top_k,
                allowed=f"1 to n_routed = {self.n_routed}",
            )

    @property
    def n_matrices(self) -> int:
        """Weight matrices of one expert: 3 when gated, else 2."""
        return 2 + self.gated

    @property
    def visited(self) -> float:
        """Mean number of routed experts with weights that a token visits."""
        return self.top_k * self.n_routed / (self.n_routed + self.n_zero)
