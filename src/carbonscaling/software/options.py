"""What one run changes about its stack: the table ``[software]`` of a scenario, ``--software KEY=VALUE``."""

from __future__ import annotations

import typing
from functools import lru_cache
from typing import Any, Literal

from carbonscaling.errors import InputError, nearest
from carbonscaling.fields import check_fields
from carbonscaling.hints import hints_of
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["OPTIMIZERS", "Optimizer", "Software", "option_kinds", "option_value"]

LEAST_PLACES, MOST_PLACES = 0.1, 64.0
"""Bounds on an expert's places over its mean load."""
MOST_BYTES = 1000.0
"""More than anybody keeps a parameter or a logit."""


@dataclass(frozen=True)
class Optimizer:
    """Bytes a parameter that an optimizer keeps.

    Attributes
    ----------
    states : Datum
        Beside weights and gradients: float32 master weights where there are any, and moments.
    weights, gradients : Datum, optional
        None for the precision recipe's or the stack's.
    """

    states: Datum
    weights: Datum | None = None
    gradients: Datum | None = None


OPTIMIZERS: dict[str, Optimizer | None] = {
    "adamw": None,
    "adamw-bf16": Optimizer(
        Datum(4, "B", "nemo_automodel", remark="both moments in 16 bit, no other copy of the weights"),
        Datum(2, "B", "nemo_automodel"),
        Datum(2, "B", "nemo_automodel"),
    ),
    "adamw-8bit": Optimizer(Datum(6, "B", "dettmers_2021", remark="float32 master weights, two moments of one byte")),
    "adafactor": Optimizer(
        Datum(
            4,
            "B",
            "shazeer_2018",
            4,
            8,
            remark="float32 master weights; the second moment by rows and columns, no first",
        )
    ),
    "muon": Optimizer(
        Datum(
            8,
            "B",
            "liu_muon_2025",
            8,
            8.5,
            remark="float32 master weights and one momentum; embedding and head by AdamW",
        )
    ),
}
"""Optimizers by name; AdamW with float32 master weights and moments is what precision recipes count (12 bytes)."""


@dataclass(frozen=True)
class Software:
    """Options of a run's software; what is left out is as the stack has it.

    Attributes
    ----------
    attention_kernel : {"explicit", "explicit-separate", "flash1", "flash2", "native"}, optional
        Scores written by one softmax kernel or by separate ones, FlashAttention-1 or 2, or the device generation's best.
    norm_kernel : {"fused", "separate"}, optional
        Whether norms have a kernel of their own.
    compile : bool, optional
        Compile the model: norms, rotary embeddings and gates fused, and launched as few kernels.
    cuda_graphs : {"none", "router", "attention", "full"}, optional
        What captured graphs hold: nothing, the router, attention and router (nothing where layers are recomputed whole), or the
        whole step.
    dispatcher : {"alltoall", "allgather", "deepep", "hybridep"}, optional
        How tokens get to their experts.
    expert_overlap : bool, optional
        Hide expert traffic behind another micro-batch's passes (the schedule ``combined-1f1b``) wherever its rules hold; left
        out, a search may where the stack can, and what people run does not.
    expert_balance : {"learnt", "forced", "in-turn"}, optional
        Whether experts get equal loads by force, as in benchmarks; in turn, a token's experts are neighbours besides, so that a
        dispatcher that relays sends it to few hosts.
    expert_capacity : float, optional
        Places of an expert over its mean load, all of them sent and computed; tokens beyond are dropped (Fedus et al. 2022,
        arXiv 2101.03961, equation 3). Without it none is dropped, and all wait for the fullest expert.
    expert_kernels : {"separate", "fused", "looped"}, optional
        Whether experts' products apply the activation function and convert its result themselves, as Transformer Engine's
        grouped products in MXFP8 on Blackwell do (its op fuser with CuteDSL), or kernels of their own do (default); or the
        host launches one expert after another, as models of Transformers before version 5 do.
    expert_permutation : {"fused", "separate"}, optional
        Whether tokens are brought into the order of their experts, and back, by kernels of their own (default), or by PyTorch's
        indexing, which sums them element by element: Megatron without ``--moe-permute-fusion``.
    bf16_share : float, optional
        Share of the blocks' products that an 8- or 4-bit recipe leaves in 16 bit: layers at the ends, attention, latent
        projections, prediction modules (NVIDIA 2025, arXiv 2509.25149, on 4 bit: about 15 % of the layers, which stacks
        leave unless their makers' recipes leave none).
    row_scales : bool, optional
        Give each row of an 8-bit product a scale of its own, as torchao's recipe *rowwise* does; one a tensor otherwise.
    attention_8bit, head_8bit : bool, optional
        Take an 8-bit recipe's format for attention's scores and contexts, or for the output head, which recipes keep out of it
        unless told otherwise.
    dp_overlap : bool, optional
        Hide gradients before and weights after the update behind the passes.
    tp_overlap : float, optional
        Share of tensor-parallel traffic hidden inside a layer.
    tp_beside : bool, optional
        Sum input gradients over the tensor ranks beside weight gradients.
    optimizer : {"adamw", "adamw-bf16", "adamw-8bit", "adafactor", "muon"}, optional
        States kept: float32 master weights and both moments; all in 16 bit; 8-bit moments; factored; one momentum.
    weight_bytes, gradient_bytes, optimizer_bytes : float, optional
        Bytes kept a parameter, in place of the recipe's, the stack's and the optimizer's.
    logit_bytes : float, optional
        Bytes kept a logit at the loss, in place of the stack's: 0 where a kernel fuses the loss with the head's product and
        writes none, as Liger's does, with which come kernels of gates.
    moved_activations : float
        Share of the layers whose activations the host keeps under ``offload = "activations"``.
    zero3_gather : {"layer", "parameter"}, optional
        Whether ZeRO-3 collects whole layers beside compute, or parameters one after the other with the device idle.
    context_exchange : {"ring", "all-to-all"}, optional
        What context-parallel ranks exchange: keys and values around a ring beside the scores (default), or pieces of the
        sequence for heads (DeepSpeed-Ulysses), of which there must be enough.
    context_split : {"balanced", "contiguous"}, optional
        Whether a rank of the ring holds pieces from both ends of a sequence (default), or one piece, the last of which sees the
        most keys.
    sequence_parallel : bool, optional
        Shard norms and residuals over the sequence wherever tensors are split.
    head_placement : {"balanced", "last"}, optional
        Deal layers around embedding and head, or evenly with the head on the last stage besides.
    """

    attention_kernel: Literal["explicit", "explicit-separate", "flash1", "flash2", "native"] | None = None
    norm_kernel: Literal["fused", "separate"] | None = None
    compile: bool | None = None
    cuda_graphs: Literal["none", "router", "attention", "full"] | None = None
    dispatcher: Literal["alltoall", "allgather", "deepep", "hybridep"] | None = None
    expert_overlap: bool | None = None
    expert_balance: Literal["learnt", "forced", "in-turn"] | None = None
    expert_capacity: float | None = None
    expert_kernels: Literal["separate", "fused", "looped"] | None = None
    expert_permutation: Literal["fused", "separate"] | None = None
    bf16_share: float | None = None
    row_scales: bool | None = None
    attention_8bit: bool | None = None
    head_8bit: bool | None = None
    dp_overlap: bool | None = None
    tp_overlap: float | None = None
    tp_beside: bool | None = None
    optimizer: Literal["adamw", "adamw-bf16", "adamw-8bit", "adafactor", "muon"] | None = None
    weight_bytes: float | None = None
    gradient_bytes: float | None = None
    optimizer_bytes: float | None = None
    logit_bytes: float | None = None
    moved_activations: float = 1.0
    zero3_gather: Literal["layer", "parameter"] | None = None
    context_exchange: Literal["ring", "all-to-all"] | None = None
    context_split: Literal["balanced", "contiguous"] | None = None
    sequence_parallel: bool | None = None
    head_placement: Literal["balanced", "last"] | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown choice, and shares and bytes that cannot be."""
        check_fields(self, "software.")
        for key in ("weight_bytes", "gradient_bytes", "optimizer_bytes"):
            self._within(key, MOST_BYTES, f"0 to {MOST_BYTES:g} bytes kept a parameter")
        self._within("logit_bytes", MOST_BYTES, f"0 to {MOST_BYTES:g} bytes kept a logit")
        for key in ("tp_overlap", "moved_activations", "bf16_share"):
            self._within(key, 1.0, "a share from 0 to 1")
        self._within(
            "expert_capacity", MOST_PLACES, f"{LEAST_PLACES:g} to {MOST_PLACES:g} times the mean load", LEAST_PLACES
        )

    def _within(self, key: str, most: float, allowed: str, least: float = 0.0) -> None:
        value = getattr(self, key)
        if value is not None and not least <= value <= most:
            raise InputError(
                f"{key} is out of range", key=f"software.{key}", value=value, allowed=allowed,
                remedy="correct the value, or leave it out",
            )  # fmt: skip


@lru_cache(maxsize=1)
def option_kinds() -> dict[str, Any]:
    """Return what each option takes: bool, float, or the names that it chooses from."""
    found: dict[str, Any] = {}
    for key, hint in hints_of(Software).items():
        kind = next((k for k in typing.get_args(hint) if k is not type(None)), hint)
        found[key] = typing.get_args(kind) or kind
    return found


def option_value(text: str) -> tuple[str, bool | float | str]:
    """Read an option as people write it on a command line; what it may be is checked where it is used.

    >>> option_value("compile=yes"), option_value("gradient_bytes=2"), option_value("attention_kernel=flash2")
    (('compile', True), ('gradient_bytes', 2.0), ('attention_kernel', 'flash2'))

    Raises
    ------
    InputError
        Not KEY=VALUE, an unknown key, or a value of the wrong kind.
    """
    key, equals, value = text.partition("=")
    key, value, kinds = key.strip().replace("-", "_"), value.strip(), option_kinds()
    if not equals or key not in kinds:
        raise InputError(
            "unknown option of the software" if equals else "an option of the software is KEY=VALUE",
            key="software", value=text, suggestion=nearest(key, kinds) if equals else None, allowed=", ".join(kinds),
            remedy="for instance attention_kernel=flash2",
        )  # fmt: skip
    if kinds[key] is bool:
        words = {"true": True, "yes": True, "false": False, "no": False}
        if value.lower() not in words:
            raise _unreadable(key, value, "true, false, yes, no")
        return key, words[value.lower()]
    if kinds[key] is float:
        try:
            return key, float(value)
        except ValueError:
            raise _unreadable(key, value, "a number") from None
    return key, value


def _unreadable(key: str, value: str, allowed: str) -> InputError:
    return InputError(
        f"not a value of {key}", key=f"software.{key}", value=value, allowed=allowed,
        remedy="correct it, or leave it out for what the stack does",
    )  # fmt: skip
