"""A training stack: what its software keeps, sends, fuses, hides and lays out, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TypeVar

from carbonscaling.hardware.device import Device
from carbonscaling.record import altered, dataclass
from carbonscaling.software.check import check
from carbonscaling.sources import Choice, Datum

__all__ = ["Stack", "by_generation"]

T = TypeVar("T")


@dataclass(frozen=True)
class Stack:
    """What a software stack does, beside what the device and the number format decide.

    Maps by generation have the key ``default`` and beginnings of architectures ("Hopper"), or those with a recipe behind a
    slash ("Blackwell/nvfp4"); maps by number format have names of precision recipes. None, or a missing key, is the
    device's or the recipe's own value.

    Attributes
    ----------
    name, title : str
    family : str
        Stack whose measured runs its fitted factors come from.
    based_on : str
        Stack that it equals in everything it does not say; "" for none.
    since : str
        Releases or dates that it describes.
    attention : Mapping[str, Choice]
        Kernel by generation, one of those of `Software.attention_kernel`.
    launch : Choice
        "fused" or "eager": whether a layer's small operations are kernels of their own, each launched by the host.
    graphs : Choice
        What captured graphs hold: as `Software.cuda_graphs`; "usual" (attention and router whatever is recomputed), or "open"
        (attention and router where a search may choose, nothing as people run it).
    tp_overlap : Mapping[str, Datum]
        Share of tensor-parallel traffic hidden inside a layer, by generation.
    tp_beside : Datum
        1 where the input gradients of products split by columns are summed over the tensor ranks beside their weight gradients.
    norm_passes, head_passes, gate_passes : Datum
        Passes beyond one read and write, where no compiler fuses them: over the residual stream by norms without a kernel of
        their own, over queries and keys by rotary embeddings and copies, over gated activations.
    mixer_copies, mixer_norms : Datum
        1 where kernels of their own copy what a delta rule reads, and norm its queries and keys; 0 where its kernels do.
    bias_passes : Datum
        Those over every copy of a token that an expert receives, by the biases of experts' products and the clamp before their
        gate, unless the products apply them.
    products_apart : Datum
        1 where each expert's product is a launch of its own, 0 where one kernel takes all of them.
    fuses : Datum
        Share of the runs whose models are compiled unless they say otherwise, which fuses those passes and launches them as
        few kernels.
    optimizer : Choice
        Optimizer unless a run says otherwise, one of `OPTIMIZERS`.
    gradient_sum : Mapping[str, Datum]
        Bytes moved a parameter to add a micro-batch's gradient to the sum, by number format; none where the multiplication
        does it.
    gradient_traffic, gradients, weights : Mapping[str, Datum]
        Bytes of a reduced gradient, a kept gradient, a kept weight, by number format.
    bf16_share : Mapping[str, Datum]
        Share of the blocks' products that a number format of 8 or 4 bit leaves in 16, unless a run says so; none where all
        are in the format.
    update_beside : Datum
        Share of gradients before and weights after the update that travel beside the passes.
    master_apart : Datum
        1 where 16-bit weights live beside the float32 ones, 0 where the sharded float32 weights are the only copy.
    kept : Datum
        Activations kept over those that fused kernels need.
    logit : Datum
        Bytes per logit at the end of the forward pass.
    logit_compiled : Datum, optional
        The same where the loss is compiled with the model; `logit` unless it says otherwise.
    loss : Datum
        Bytes moved a logit by the loss, as much in the forward as in the backward pass, where no compiler fuses it.
    logit_split : Datum
        1 where tensor-parallel ranks split the vocabulary, 0 where each holds all logits.
    unfused : Datum
        Bytes per token and width that norms without a kernel of their own, of a stack or a run, keep beside their inputs.
    gate_kept : Datum
        Bytes an element of activated gates that stay beside a gated block's other elements, where activation and product are
        two operations and no compiler fuses them.
    framework, reserve : Datum
        Context, communicators and workspaces; share of memory lost to fragmentation.
    sequence_parallel : Datum
        1 where norms and residuals are sharded over the sequence wherever tensors are.
    zero2 : Datum
        1 where a search may shard gradients and not weights (ZeRO stage 2), 0 where that has to be stated.
    zero3_gather : Choice
        "layer": whole layers beside compute; "parameter": one after the other, the device idle.
    zero3_checkpoints : Datum
        Share of the recomputed layers' inputs that stay on the device under ZeRO-3.
    copies : Datum
        1 where, under ZeRO-3, gathered weights are copied out of their collective's buffer and gradients into one.
    gathered : Datum
        Layers whose weights ZeRO-3 holds whole at a time.
    repeated : Datum
        Share of a layer's forward products that selective recomputation repeats beside norms and activation functions.
    redo_last : Datum, optional
        1 where full recomputation repeats whole layers, 0 where it leaves out what no backward rule needs.
    relay : Datum
        1 where experts get a token once a node, 0 where a copy goes to every expert.
    expert_overlap : Datum
        1 where the stack can hide expert traffic behind another micro-batch's passes (the schedule ``combined-1f1b``), which
        a search takes wherever it pays.
    head_last : Datum
        1 where the last pipeline stage holds the head beside its share of the layers, 0 where layers are dealt around it.
    fully_sharded : Datum
        1 where states are fully sharded and nothing else splits the model, unless a run says so.
    hybrid : Datum
        1 where states are sharded inside a host and every host has a copy, unless a run says so.
    whole_blocks : Datum
        1 where all layers are recomputed or none.
    interleaves : Datum
        1 where pipelines are interleaved as far as layers divide.
    compiled : Datum
        1 where one compiled program holds a step, whose policies recompute or move each tensor to the host.
    schedule : Choice
        Pipeline schedule.
    recipes : Mapping[str, Choice]
        Number formats that the stack realises by a recipe of its own.
    """

    name: str
    title: str
    family: str
    since: str
    attention: Mapping[str, Choice] = field(hash=False)
    launch: Choice
    graphs: Choice
    tp_overlap: Mapping[str, Datum] = field(hash=False)
    tp_beside: Datum
    norm_passes: Datum
    head_passes: Datum
    gate_passes: Datum
    mixer_copies: Datum
    mixer_norms: Datum
    bias_passes: Datum
    products_apart: Datum
    fuses: Datum
    optimizer: Choice
    gradient_sum: Mapping[str, Datum] = field(hash=False)
    gradient_traffic: Mapping[str, Datum] = field(hash=False)
    gradients: Mapping[str, Datum] = field(hash=False)
    weights: Mapping[str, Datum] = field(hash=False)
    bf16_share: Mapping[str, Datum] = field(hash=False)
    update_beside: Datum
    master_apart: Datum
    kept: Datum
    logit: Datum
    loss: Datum
    logit_split: Datum
    unfused: Datum
    gate_kept: Datum
    framework: Datum
    reserve: Datum
    sequence_parallel: Datum
    zero2: Datum
    zero3_gather: Choice
    zero3_checkpoints: Datum
    copies: Datum
    gathered: Datum
    repeated: Datum
    relay: Datum
    expert_overlap: Datum
    head_last: Datum
    fully_sharded: Datum
    hybrid: Datum
    whole_blocks: Datum
    interleaves: Datum
    compiled: Datum
    schedule: Choice
    recipes: Mapping[str, Choice] = field(hash=False)
    based_on: str = ""
    redo_last: Datum | None = None
    logit_compiled: Datum | None = None

    @property
    def lineage(self) -> str:
        """Family and name, with a slash between; "" without a family."""
        return f"{self.family}/{self.name}" if self.family else ""

    def settled(self, practice: str) -> Stack:
        """Return the stack with the graphs that a practice captures where they are open."""
        if self.graphs.value != "open":
            return self
        return altered(self, graphs=replace(self.graphs, value="attention" if practice == "best" else "none"))

    def __post_init__(self) -> None:
        """Refuse values that make no sense, each by name."""
        check(self)


def by_generation(table: Mapping[str, T], device: Device, recipe: str) -> T | None:
    """Return the entry of a map by generation that names a device and a recipe most closely; None where none holds.

    >>> from carbonscaling.catalog.hardware import device
    >>> by_generation({"default": 1, "Blackwell": 2, "Blackwell/nvfp4": 3}, device("b200"), "nvfp4")
    3
    """
    architecture = f"TPU {device.architecture}" if device.kind == "tpu" else device.architecture

    def closeness(key: str) -> int:
        name, _, fmt = key.partition("/")
        if (fmt and fmt != recipe) or not (name == "default" or architecture.startswith(name)):
            return -1
        return (0 if name == "default" else 2 * len(name)) + bool(fmt)

    best = max(table, key=closeness, default="")
    return table[best] if best and closeness(best) >= 0 else None
