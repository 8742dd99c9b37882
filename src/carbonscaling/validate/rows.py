"""A measured row as the scenario that it states: what it leaves open stays open, what its years decide is written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

from carbonscaling.catalog.stacks import stack
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import RunRow, Unusable, count
from carbonscaling.hardware.device import Device
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, RecomputeSaid, Setting
from carbonscaling.perf.precision import PRECISIONS
from carbonscaling.perf.stacked import RELAYING
from carbonscaling.software.options import Software
from carbonscaling.study.practice import open_settings, settle, split_experts, taken
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.setup import Setup, setup
from carbonscaling.validate.named import kernels_named, recipe_named, software_named, stack_named, states_named
from carbonscaling.validate.place import Place, place
from carbonscaling.validate.shape import shape

__all__ = ["setup_of"]

EARLY = ("Volta", "Ampere")
"""Architectures before Megatron had fused attention, and fully sharded data parallelism of its own."""

UNFUSED = ("Trainium",)
"""Architectures whose libraries had no fused attention at first: NeMo Megatron for Trainium got its kernel in July 2024."""

OF_DEEPSPEED = ("megatron-deepspeed", "gpt-neox", "deepspeed")
"""Stacks whose optimizer is DeepSpeed's."""

GATED = ("swiglu", "geglu", "reglu")
"""Feed-forward blocks of Llama's kind of model, which comes with rotary embeddings and norms by the root mean square."""

OF_MAKERS = ("NVIDIA", "yanring/Megatron-MoE-ModelZoo")
"""How sources of Megatron's makers begin, who run their own recipes; others run its defaults unless they say otherwise."""

NAME_NORMS = ("aleph-alpha",)
"""Stacks whose measurements name the kernel of their norms where there is one: there no name is PyTorch's own."""

BEYOND = 1.25
"""Need over limit that no error of the memory model explains (decision 0030): such a row ran, so its states were elsewhere."""


SUPERCHIPS = ("gb200", "gb300")
"""Devices beside a host with a link of their own, to which the maker's recipes move activations of 10 to 92 layers."""


def _precision(row: RunRow, device: Device, notes: list[str]) -> str:
    recipe = recipe_named(row.precision, device)
    if row.stack == "mlperf" and not row.precision and "fp8" in device.peak:
        recipe = "fp8"
        notes.append("fp8, the fastest format that benchmark submissions use")
    if recipe not in PRECISIONS:
        raise Unusable(f"unknown precision {row.precision!r}: one of {', '.join(PRECISIONS)}, or fp8 with its scaling")
    if PRECISIONS[recipe].format not in device.peak:
        raise Unusable(f"{device.name} has no {PRECISIONS[recipe].format} peak")
    return recipe


def _gated(row: RunRow, spec: ModelSpec) -> bool:
    """Whether feed-forward blocks are of Llama's kind, as the row says or else as its model is known."""
    return row.ffn_type in GATED if row.ffn_type else spec.ffn is not None and spec.ffn.gated


def _stack(row: RunRow, spec: ModelSpec, device: Device) -> str:
    """Return the stack of the catalogue that a row's name stands for on its device, for its model and number format."""
    if device.kind == "tpu":
        return {"mlperf": "mlperf-tpu", "jax-2023": "jax-2023"}.get(row.stack, "xla")
    if row.stack == "megatron" and row.precision == "fp16" and row.recompute != "none" and not _gated(row, spec):
        return "megatron-2021" if row.recompute == "full" else "megatron-2022"
    if row.stack == "megatron" and device.architecture.startswith("Blackwell"):
        return "megatron-bridge"  # the makers' own recipes; nobody else has published runs there
    if row.stack == "fsdp" and _gated(row, spec):
        return "fsdp-llama"
    if row.stack == "fsdp2" and not _gated(row, spec):
        return "fsdp"
    return row.stack or "community"


def _software(row: RunRow, spec: ModelSpec, device: Device) -> Software:
    """Return what a row says of its software, and what its years say: kernels, graphs, dispatch, gathers, balance.

    Before Hopper plain feed-forward blocks are models of the years before fused attention, and so are float16 runs of nobody's
    stack; fully sharded Megatron was DeepSpeed's. Recipes of Megatron's makers balance the experts by force or by a capacity in
    their benchmarks, and hide tensor-parallel traffic; neither is on by default, nor is a dispatcher that relays.
    """
    early = device.architecture in EARLY
    kernel, norms = kernels_named(row.attention_kernel)
    if kernel is None and device.architecture in UNFUSED:
        kernel = "explicit"
    if kernel is None and early:
        plain = spec.ffn is not None and not spec.ffn.gated
        if row.stack == "megatron" and row.precision != "fp16" and plain:
            kernel = "explicit"
        elif not row.stack and row.precision == "fp16":
            kernel = "explicit-separate"
    llama = _gated(row, spec) and row.ffn_type != "geglu"
    later = not early or (llama and device.architecture != "Volta")
    if kernel is None and row.stack == "megatron-deepspeed" and later:
        kernel = "flash2"  # those years' --use-flash-attn
    experts = spec.experts is not None and row.stack == "megatron"
    fp16_whole = row.precision == "fp16" and row.recompute == "full"
    others = _stack(row, spec, device) == "megatron" and not row.source.startswith(OF_MAKERS)
    scaled = row.stack == "torchtitan" and ("8" in row.precision or "4" in row.precision)
    usual = Software(
        compile=True if scaled else None,  # the compiler fuses torchtitan's scaling: its docs/float8.md
        attention_kernel=kernel,
        norm_kernel=norms if row.stack in NAME_NORMS else None,
        cuda_graphs=_graphs(row.cuda_graphs.lower()),
        dispatcher=_dispatcher(row.dispatcher.lower(), others) if experts else None,
        expert_overlap=True if experts and row.expert_overlap.lower() == "yes" else None,
        expert_balance="forced" if experts and row.kind == "benchmark" and not others else None,
        tp_overlap=0.0 if others and not early else None,
        zero3_gather="parameter" if row.stack == "megatron" and early else None,
        sequence_parallel=False if fp16_whole else None,
    )
    return replace(usual, **software_named(row.software))  # type: ignore[arg-type]


def _offload(row: RunRow, compiled: bool) -> Literal["none", "optimizer", "activations", "weights"] | None:
    """Return what a row says lies in the host; nothing where a compiler recomputes in full, so that no policy decides."""
    if row.offload:
        return row.offload.lower()  # type: ignore[return-value]
    return "none" if compiled and row.recompute == "full" else None


def _dispatcher(name: str, others: bool) -> Literal["alltoall", "allgather", "deepep", "hybridep"] | None:
    names: tuple[Literal["alltoall", "allgather", "deepep"], ...] = ("alltoall", "allgather", "deepep")
    if not name:
        return "alltoall" if others else None
    return next((known for known in names if known == name), "hybridep")


def _graphs(text: str) -> Literal["none", "router", "attention", "full"] | None:
    names: tuple[Literal["none", "router", "full"], ...] = ("none", "router", "full")
    return "attention" if "attention" in text else next((name for name in names if name == text), None)


def _layout(row: RunRow) -> Layout:
    """Return the degrees of a row; replicas that contradict its device count are those that the others leave."""
    tp, pp, cp, dp = (count(v) or None for v in (row.tp, row.pp, row.cp, row.dp))
    used = (tp or 1) * (pp or 1) * (cp or 1) * (dp or 1)
    contradicts = dp is not None and tp is not None and pp is not None and row.n_devices and used != row.n_devices
    zero = None if row.zero_stage is None else int(row.zero_stage)
    if zero == 0 and row.stack in OF_DEEPSPEED and row.precision == "bf16":
        zero = 1  # its bfloat16 optimizer shards the states at stage 0 too: deepspeed/runtime/engine.py since 2022-04
    if zero in (2, 3) and (pp or 1) > 1:
        zero = 1  # FSDP under a pipeline keeps weights gathered and reduces gradients with the last micro-batch
    micro = count(row.micro_batch)
    if row.stack == "torchtitan" and (pp or 1) > 1 and micro * (dp or 1) == row.global_batch_seqs:
        micro = max(1, micro // (pp or 1))  # its local batch, which a pipeline cuts into as many as it has stages
    return Layout(
        tp=tp,
        pp=pp,
        cp=cp,
        dp=None if contradicts else dp,
        ep=count(row.ep) or None,
        vpp=count(row.vpp)
        or (1 if row.precision == "fp16" else None),  # interleaved recipes are of the years of bfloat16
        zero=zero,
        shard=count(row.shard) or None,
        micro_batch=micro or None,
        recompute=row.recompute if row.recompute in get_args(RecomputeSaid) else None,  # type: ignore[arg-type]
        recompute_percent=count(row.recompute_percent) or None,
    )


def _split(u: Setup, settings: Sequence[Setting]) -> bool:
    """Whether Megatron's run of experts that fit whole split them all the same over its tensor ranks.

    It does so unless told otherwise (its expert tensor parallelism defaults to the tensor parallelism, and expert groups
    then lie inside data parallelism). Whoever leaves that default pays for each tensor rank in the all-to-all and takes as
    few as fit; a row that states more than it needs, or an expert group beyond data parallelism or a scale-up domain, keeps
    its experts whole.
    """
    split = [s for s in split_experts(u.work, settings) if 1 < s.ep <= u.plain.silicon.domain and s.dp % s.ep == 0]
    fewer = [
        s._replace(tp=s.tp / 2, etp=s.tp / 2, dp=2 * s.dp, shard=2 * s.shard, sp=s.sp * float(s.tp > 2))
        for s in split
        if u.scenario.layout.recompute == "full" or s.recompute != Recompute.FULL
    ]
    return bool(split) and taken(u, split).fits and not (fewer and taken(u, fewer).fits)


def _with_experts(row: RunRow, spec: ModelSpec, s: Scenario) -> Scenario:
    """Return the scenario with its experts whole or split over the tensor ranks, where Megatron states both degrees.

    Split experts go with its plain all-to-all, which sends a copy to every expert; DeepEP's and HybridEP's recipes, 137 in
    Megatron-Bridge at 067f987d and all of Megatron-MoE-ModelZoo, have an expert tensor parallelism of 1.
    """
    if not (spec.n_moe_layers and row.stack == "megatron"):
        return s
    u = setup(
        replace(s, software=replace(s.software, expert_balance=None))
    )  # room is made for experts as they are used
    settings = open_settings(u)
    whole = taken(u, settings).fits
    plain = s.software.dispatcher not in RELAYING
    etp = s.layout.tp if row.tp and row.ep and plain and whole and _split(u, settings) else 1 if whole else None
    s = replace(s, layout=replace(s.layout, etp=etp))
    if s.software.dispatcher is not None:
        return s
    chosen = settle(setup(s)).setting
    if chosen.etp > 1 and chosen.ep > 1:
        return replace(s, software=replace(s.software, dispatcher="alltoall"))
    return s


def _in_host(s: Scenario, notes: list[str]) -> Setup:
    """Look a scenario up, with activations or states in the host where its devices could not hold them: it ran."""
    u = setup(s)
    grace = s.stack == "megatron-bridge" and u.cluster.device.id in SUPERCHIPS
    sharded = u.cluster.device.kind != "tpu" and (u.stack.fully_sharded.value > 0 or s.layout.zero == 3)
    if not (grace or sharded):
        return u
    need = memory(u.work, u.plain, settle(u).setting)
    if grace and need.total > need.limit:
        notes.append("activations in the host, as the maker's recipes have it: the devices cannot hold them")
        for share in (0.25, 0.5, 0.75, 1.0):
            u = setup(replace(s, offload="activations", software=replace(s.software, moved_activations=share)))
            if settle(u).fits:
                break
        return u
    if sharded and need.total > BEYOND * need.limit:
        notes.append("weights and states in the host: the devices cannot hold them")
        return setup(replace(s, offload="weights"))
    return u


def setup_of(row: RunRow) -> tuple[Setup, tuple[str, ...]]:
    """Return the scenario of a row, looked up, and what had to be assumed.

    Raises
    ------
    Unusable
        The row lacks something that no convention supplies, or contradicts itself.
    """
    notes: list[str] = []
    spec = shape(row, notes)
    where: Place = place(row, notes)
    row = replace(row, stack=stack_named(row.stack))
    if row.precision:
        recipe, states = recipe_named(row.precision, where.device), states_named(row.precision)
        row = replace(row, precision=recipe, software=states + row.software)
    try:
        name = _stack(row, spec, where.device)
        compiled = stack(name).compiled.value > 0
        s = Scenario(
            model=spec,
            tokens=row.tokens_b * 1e9 if row.tokens_b else None,
            device=where.device.id,
            host=where.host,
            nic_gbps=where.nic_gbps,
            fabric=where.fabric,
            devices=count(row.n_devices) or None,
            batch=count(row.global_batch_seqs) or None,
            seq_len=spec.seq_len,
            sample_len=count(row.sample_len) or None,
            train="qlora" if row.mode.startswith("qlora") else "lora" if row.mode.startswith("lora") else "full",
            lora_on=row.lora_on or None,  # type: ignore[arg-type]
            precision=_precision(row, where.device, notes),
            layout=_layout(row),
            stack=name,
            software=_software(row, spec, where.device),
            offload=_offload(row, compiled),
            practice="typical",
            pace="calendar" if row.calendar else "steady",
        )
        s = _with_experts(row, spec, s)
        return _in_host(s, notes), tuple(notes)
    except InputError as error:
        value = "" if error.value is None else f" ({error.value})"
        raise Unusable(f"{error.problem}{value}") from error
