"""What a row does not say, filled in the way its software stack would choose it, and said so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting, Workload
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.validate.row import RunRow, Unusable

__all__ = ["Replay", "infer"]

_PRECISION = {
    "": "bf16", "fp8-cs": "fp8", "fp8-blockwise": "fp8", "fp8-mx": "mxfp8", "fp8-mx/blockwise": "mxfp8",
}  # fmt: skip
"""Names in measurements that differ from the recipes' own; a blank means 16 bit."""

_SHARDED = ("fsdp", "xla")
"""Stacks whose default is fully sharded data parallelism without gradient accumulation."""

_EXPLICIT_ATTENTION = ("megatron-deepspeed",)
"""Stacks of the years before fused attention."""


@dataclass(frozen=True)
class Replay:
    """A row made complete: everything the formulas need, and what was inferred.

    Attributes
    ----------
    row : RunRow
    spec : ModelSpec
    cluster : Cluster
    precision : str
    efficiency : Efficiency
    work, machine, setting : plain numbers for the formulas.
    batch : float
        Sequences of a step.
    inferred : tuple of str
        What the row left open, in words.
    """

    row: RunRow
    spec: ModelSpec
    cluster: Cluster
    precision: str
    efficiency: Efficiency
    work: Workload
    machine: Machine
    setting: Setting
    batch: float
    inferred: tuple[str, ...]

    @property
    def tokens_per_step(self) -> float:
        """Tokens of a step."""
        return self.batch * float(self.work.seq_len)


@lru_cache(maxsize=1)
def _by_shape() -> dict[tuple[int, ...], ModelSpec]:
    """Catalogue models by (layers, width, heads, experts): a row that matches one gets what a row cannot say."""
    found: dict[tuple[int, ...], ModelSpec] = {}
    for name in models.model_names():
        spec = models.model(name)
        if spec.attention is not None:
            key = (spec.n_layers, spec.d_model, spec.attention.n_heads, spec.experts.n_routed if spec.experts else 0)
            found.setdefault(key, spec)
    return found


def _count(value: float | None) -> int:
    return int(value) if value else 0


def _named(row: RunRow, seq_len: int, notes: list[str]) -> ModelSpec:
    """Model of the catalogue by the row's name, where the row has no shape."""
    try:
        spec = models.model(row.model)
    except InputError as error:
        if row.params_b and not row.n_experts and (row.active_params_b or row.params_b) == row.params_b:
            notes.append(f"a Llama-like shape of {row.params_b:g}B parameters")
            return spec_for_params(row.params_b * 1e9, seq_len=seq_len)
        raise Unusable("no model shape (n_layers, d_model) and the model's name is not in the catalogue") from error
    notes.append(f"shape of {spec.name}")
    return replace(spec, seq_len=seq_len or spec.seq_len, n_positions=0)


def _spec(row: RunRow, notes: list[str]) -> ModelSpec:
    n_layers, d_model, seq_len = _count(row.n_layers), _count(row.d_model), _count(row.seq_len)
    if not seq_len:
        seq_len = 2048
        notes.append("sequence length 2048")
    if not n_layers or not d_model:
        return _named(row, seq_len, notes)
    n_heads = _count(row.n_heads) or max(1, d_model // 128)
    n_experts = _count(row.n_experts) if _count(row.n_experts) > 1 else 0
    vocab = _count(row.vocab) or 51200
    if not row.vocab:
        notes.append("vocabulary 51200")
    known = _by_shape().get((n_layers, d_model, n_heads, n_experts))
    if known is not None and known.attention is not None and known.attention.kind == "mla":
        return replace(known, seq_len=seq_len, vocab_size=vocab if row.vocab else known.vocab_size, n_positions=0)
    n_kv = _count(row.n_kv_heads) or n_heads
    if n_kv > n_heads or n_heads % n_kv:
        raise Unusable(f"{n_kv} key/value heads do not divide {n_heads} heads")
    gated = row.ffn_type in ("swiglu", "geglu", "reglu")
    d_ff = _count(row.d_ff) or (4 * d_model if not gated else 8 * d_model // 3)
    experts = None
    if n_experts:
        if not row.top_k:
            raise Unusable("experts without top_k")
        width = _count(row.d_ff_expert) or d_ff
        experts = Experts(
            n_routed=n_experts,
            top_k=min(_count(row.top_k), n_experts),
            d_ff=width,
            d_ff_shared=_count(row.n_shared_experts) * width,
            n_dense_layers=min(_count(row.n_dense_layers), n_layers - 1),
            gated=gated,
            node_limit=known.experts.node_limit if known and known.experts else None,
        )
    window = known.attention if known else None
    return ModelSpec(
        name=row.model,
        n_layers=n_layers,
        d_model=d_model,
        vocab_size=vocab,
        seq_len=seq_len,
        attention=Attention(
            n_heads=n_heads,
            n_kv_heads=n_kv,
            head_dim=_count(row.head_dim) or max(1, d_model // n_heads),
            window=window.window if window else None,
            n_window_layers=window.n_window_layers if window else 0,
        ),
        ffn=FeedForward(d_ff=d_ff, gated=gated),
        experts=experts,
        tied_embeddings=bool(row.tied_embeddings),
        parallel_block=known.parallel_block if known else False,
        source=row.source,
    )


def _cluster(row: RunRow, notes: list[str]) -> Cluster:
    """Device by name; host and network from what the row says of its interconnect."""
    try:
        device = hardware.device(row.device)
    except InputError as error:
        raise Unusable(f"unknown device {row.device!r}") from error
    text = row.interconnect.lower()
    host = None
    if "jean zay" in text:
        host = "jean-zay-v100" if device.architecture == "Volta" else "jean-zay-a100"
    cluster = hardware.cluster(device, host)
    per_host = cluster.host.devices_per_host
    # "Gb" are bits, "GB" bytes; a node's compute network has four cards or more.
    cards = [
        int(k) * float(g) * (8 if unit == "GB" else 1)
        for k, g, unit in re.findall(r"(\d+)\s*[x×]\s*(?:[A-Za-z0-9 -]*?)(\d{2,3})\s*(G[bB])", row.interconnect)
        if int(k) >= 4
    ]
    total = re.search(r"(\d{3,4})\s*gb/s\s*(?:node-to-node|inter)|inter-node\s*(\d{3,4})\s*gb/s", text)
    each = re.search(r"(\d{3})\s*gb/s\s*(?:ib|roce|ndr|hdr)?[a-z ]*per gpu", text)
    gbps = None
    if host is None and device.kind == "gpu":
        if each:
            gbps = float(each.group(1))
        elif total:
            gbps = float(total.group(1) or total.group(2)) / per_host
        elif cards and device.vendor == "NVIDIA":
            gbps = max(cards) / per_host
    if gbps:
        return hardware.cluster(device, host, nic_gbps=gbps)
    if row.n_devices and row.n_devices > cluster.host.domain_size:
        notes.append(f"network of {cluster.host.name}")
    return cluster


def _degrees(row: RunRow, notes: list[str]) -> tuple[int, int, int, int, int]:
    """(n, tp, pp, cp, dp); degrees that are not given count 1."""
    tp, pp, cp = (_count(v) or 1 for v in (row.tp, row.pp, row.cp))
    n = _count(row.n_devices)
    if not n:
        if not row.dp:
            raise Unusable("no device count")
        n = tp * pp * cp * _count(row.dp)
        notes.append("devices from the degrees")
    if n % (tp * pp * cp):
        raise Unusable(f"tp {tp} x pp {pp} x cp {cp} does not divide {n} devices")
    return n, tp, pp, cp, n // (tp * pp * cp)


def infer(row: RunRow) -> Replay:
    """Complete a row.

    Raises
    ------
    Unusable
        The row lacks something that no convention supplies, or contradicts itself.
    """
    notes: list[str] = []
    spec = _spec(row, notes)
    cluster = _cluster(row, notes)
    recipe = _PRECISION.get(row.precision, row.precision)
    if recipe not in PRECISIONS:
        raise Unusable(f"unknown precision {row.precision!r}")
    if PRECISIONS[recipe].format not in cluster.device.peak:
        raise Unusable(f"{cluster.device.name} has no {PRECISIONS[recipe].format} peak")
    if row.stack == "hai-llm" and recipe == "fp8":
        recipe = "fp8-deepseek"
    constants = efficiency(cluster.device)
    machine = build.machine(cluster, precision(recipe), constants)
    megatron = row.stack in ("megatron", "mlperf", "nanotron", "")
    if row.stack in _EXPLICIT_ATTENTION or (row.stack == "megatron" and row.precision == "fp16"):
        machine = machine._replace(flash=0.0)
    work = build.workload(spec, spec.seq_len)

    sharded = row.stack in _SHARDED or cluster.device.kind == "tpu"
    n, tp, pp, cp, dp = _degrees(row, notes)
    ep = _count(row.ep) or 1
    if not row.tp and not row.pp and not sharded and n > 1:
        tp, pp, ep = _model_parallel(work, machine, n, notes)
        dp = n // (tp * pp * cp)
    if (tp * cp * dp) % ep:
        raise Unusable(f"ep {ep} does not divide the {tp * cp * dp} devices of a stage")
    zero = row.zero_stage
    if zero is None:
        zero = 3.0 if sharded else 1.0
        notes.append(f"ZeRO-{zero:.0f}")
    batch, micro = _batch(row, dp, pp, sharded, notes)
    recompute = {"none": 0, "selective": 1, "full": 2}.get(row.recompute)
    schedule = Schedule.DUALPIPE if row.stack == "hai-llm" and pp > 1 and pp % 2 == 0 else Schedule.ONE_F_ONE_B
    n_micro = max(1.0, batch / (dp * micro))
    sharded_sequence = tp > 1 and megatron and not (row.precision == "fp16" and row.recompute == "full")
    vpp = _count(row.vpp) or _interleaving(row, work, pp, n_micro, notes)
    degrees = (tp, pp, dp, cp, ep, 1, vpp, zero, dp * cp)
    setting = Setting(*(float(v) for v in (*degrees, micro, n_micro, recompute or 0, schedule, sharded_sequence)))
    if recompute is None:
        setting = _recompute(work, machine, setting, notes)
    return Replay(row, spec, cluster, recipe, constants, work, machine, setting, batch, tuple(notes))


def _batch(row: RunRow, dp: int, pp: int, sharded: bool, notes: list[str]) -> tuple[float, float]:
    """Global batch and micro-batch in sequences."""
    micro, batch = row.micro_batch or None, row.global_batch_seqs or None
    if batch is None:
        n_micro = 1 if sharded else max(8, 4 * pp)
        batch = dp * (micro or max(1.0, 4096.0 / (row.seq_len or 4096.0))) * n_micro
        notes.append(f"{n_micro} micro-batches a replica")
    if micro is None:
        micro = max(1.0, batch / dp) if sharded else 1.0
        notes.append(f"micro-batch {micro:g}")
    return batch, micro


def _interleaving(row: RunRow, work: Workload, pp: int, n_micro: float, notes: list[str]) -> int:
    """Chunks a stage: Megatron's recipes since 2022 interleave down to about two layers a chunk where they can."""
    if row.stack not in ("megatron", "mlperf", "") or row.precision == "fp16" or pp == 1 or n_micro % pp:
        return 1
    chunks = max(1, -(-int(work.n_layers) // pp) // 2)
    if chunks > 1:
        notes.append(f"{chunks} chunks a stage")
    return chunks


def _fits(work: Workload, machine: Machine, setting: Setting) -> bool:
    need = memory(work, machine, setting)
    return float(need.total) <= float(need.limit)


def _recompute(work: Workload, machine: Machine, setting: Setting, notes: list[str]) -> Setting:
    """Least recomputation that fits; full where nothing does."""
    for code in (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL):
        tried = setting._replace(recompute=float(code))
        if code == Recompute.FULL or _fits(work, machine, tried):
            notes.append(f"{Recompute.NAMES[code]} recomputation")
            return tried
    return setting


def _model_parallel(work: Workload, machine: Machine, n: int, notes: list[str]) -> tuple[int, int, int]:
    """Least model parallelism that fits with ZeRO-1 and selective recomputation.

    Dense models: tensor inside a host first, then pipeline. Experts: spread over a scale-up domain first, then pipeline.
    """
    host = int(min(float(machine.domain), 8))
    ep = 1
    if work.n_experts:
        ep = max(
            d for d in range(1, int(min(work.n_experts, machine.domain, n)) + 1) if work.n_experts % d == n % d == 0
        )
    tensor = (1,) if ep > 1 else tuple(t for t in (1, 2, 4, 8) if t <= host)
    ways = [(t, 1) for t in tensor] + [(tensor[-1], p) for p in (2, 4, 8, 16, 32, 64)]
    for tp, pp in ways:
        stage = n // pp
        if n % (tp * pp) or stage % ep or pp > work.n_layers:
            continue
        dp = stage // tp
        tried = Setting(*(float(v) for v in (tp, pp, dp, 1, ep, 1, 1, 1, dp, 1, max(1, pp), 1, 0, tp > 1)))
        if _fits(work, machine, tried):
            notes.append(f"TP{tp} PP{pp} EP{ep}: least that fits")
            return tp, pp, ep
    return 1, 1, 1


def parameter_gap(replay: Replay) -> float | None:
    """Relative gap between the row's own parameter count and the inferred model's, None where it states none."""
    if not replay.row.params_b:
        return None
    return float(total_params(replay.spec)) / (replay.row.params_b * 1e9) - 1.0
