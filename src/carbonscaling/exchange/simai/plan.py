"""A plan as SimAI's workload: the sizes are AICB's own, the times this project's."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.exchange.simai.workload import MOST_ROWS, Item, Workload, write_workload
from carbonscaling.exchange.stages import timed_layer
from carbonscaling.perf.layer import Pass
from carbonscaling.perf.memory import rank_params
from carbonscaling.perf.numbers import Setting
from carbonscaling.study.estimate import Estimate

__all__ = ["plan_workload", "simai_workload"]

Times = tuple[int, int, int]
"""ns of a block: forward, gradients of its inputs, gradients of its weights."""
NANO = 1e-9
"""Seconds of SimAI's unit of time."""


def simai_workload(answer: Estimate) -> str:
    """Return a plan as the text of a workload.

    Raises
    ------
    InputError
        It would have more rows than a file can hold.
    """
    return write_workload(plan_workload(answer))


def plan_workload(answer: Estimate) -> Workload:
    """Return a plan as a workload of one rank: the layers of its pipeline stage, once for each micro-batch.

    Raises
    ------
    InputError
        It would have more rows than a file can hold, or the model has layers of another kind.
    """
    s, r = answer.setting, answer.resolved
    if r.spec.mixer is not None or r.spec.attention is None:
        raise InputError(
            "AICB's workloads know no layers but those of attention and feed-forward blocks or experts", key="model",
            value=r.spec.name, remedy="use --emit chakra",
        )  # fmt: skip
    n_layers = int(r.work.n_layers) // int(s.pp)
    message = _message(answer)
    header = {
        "tp": int(s.tp), "ep": int(s.ep), "pp": int(s.pp), "vpp": int(r.work.n_layers), "ga": int(s.n_micro),
        "all_gpus": int(s.n_devices), "checkpoints": 0, "checkpoint_initiates": 0,
        "pp_comm": 0 if s.pp == 1 else message // (int(s.tp) if s.sp else 1),
    }  # fmt: skip
    micro = [_embedding(answer, message), *_layers(answer, n_layers, message)]
    n_rows = len(micro) * int(s.n_micro)
    if n_rows > MOST_ROWS:
        raise InputError(
            f"{n_rows:,} rows are too many for a workload", key="batch", allowed=f"up to {MOST_ROWS:,}",
            remedy="choose a smaller batch or more replicas",
        )  # fmt: skip
    entropy = [
        Item(f"cross_entropy{n}", 0, "ALLREDUCE", int(4 * s.micro_batch * r.seq_len), 0, update=0) for n in (1, 2, 3)
    ]
    ends = [Item(f"optimizer{n}", 0, "ALLREDUCE", 4, 0, update=0) for n in (1, 2, 3, 4)]
    return Workload(header, [*_states(answer, message), *(micro * int(s.n_micro)), *entropy, *ends])


def _message(answer: Estimate) -> int:
    """Return the bytes of a micro-batch's residual stream on a context-parallel rank."""
    s, r = answer.setting, answer.resolved
    return int(2 * s.micro_batch * r.seq_len * r.work.d_model / s.cp)


def _ns(seconds: float) -> int:
    return max(1, round(seconds / NANO))


def _states(answer: Estimate, message: int) -> list[Item]:
    """Return what is sent once a step: weights gathered, gradients reduced, of dense layers and of experts."""
    s = Setting(*(float(v) for v in answer.setting))
    params = rank_params(answer.resolved.work, s)
    dense, experts = round(float(params.dense)), round(float(params.expert))
    found = [
        Item("grad_gather", update_comm="ALLGATHER", update_size=2 * dense),
        Item("grad_param_comm", update_comm="REDUCESCATTER", update_size=4 * dense),
        Item("grad_param_compute", backward=_ns(float(answer.step.optimizer))),
    ]
    if not s.sp:
        found.append(Item("layernorm", backward_comm="ALLREDUCE", backward_size=2 * (dense + experts)))
    found.append(_if_split(answer, Item("embedding_grads", backward_comm="ALLREDUCE", backward_size=message)))
    if experts and s.ep * s.etp != s.dp * s.cp * s.tp:
        found.append(Item("moe_grad_norm1", update_comm="ALLGATHER_DP_EP", update_size=2 * experts))
        found.append(Item("moe_grad_norm2", update_comm="REDUCESCATTER_DP_EP", update_size=4 * experts))
    return found


def _if_split(answer: Estimate, item: Item) -> Item:
    """Drop traffic of tensor parallelism where nothing splits tensors."""
    if answer.setting.tp > 1:
        return item
    return item._replace(forward_comm="NONE", forward_size=0, backward_comm="NONE", backward_size=0)


def _embedding(answer: Estimate, message: int) -> Item:
    times, _ = timed_layer(answer)
    item = Item("embedding_layer", _ns(float(times.embedding)), "ALLREDUCE", message)
    return _if_split(answer, item)


def _block(one: Pass, attention: float) -> tuple[float, float]:
    """Split a layer's pass into attention and feed-forward, by the share of products that are attention's."""
    other = float(one.elementwise + one.launch) / 2.0
    first = float(one.attention) + attention * float(one.matmul) + other
    return first, (1.0 - attention) * float(one.matmul) + other


def _layers(answer: Estimate, n_layers: int, message: int) -> list[Item]:
    s, work = answer.setting, answer.resolved.work
    times, one = timed_layer(answer)
    moe = float(work.n_moe / work.n_layers)
    inner = (1.0 - moe) * work.p_dense + moe * (work.p_shared + work.top_k * work.p_expert)
    share = float(work.p_attention / (work.p_attention + inner))
    forward, backward = _block(times.forward, share), _block(times.backward, share)
    again, weight = float(one.redo) / 2.0, float(times.weight)
    attention = (_ns(forward[0] + again), _ns(backward[0] - share * weight), _ns(share * weight))
    feed = (_ns(forward[1] + again), _ns(backward[1] - (1.0 - share) * weight), _ns((1.0 - share) * weight))
    found: list[Item] = []
    n_dense = round((1.0 - moe) * n_layers)
    for layer in range(n_layers):
        found += _rows(answer, "attention", attention, message)
        found += _rows(answer, "mlp", feed, message) if layer < n_dense else _experts(answer, feed, message)
    return [_if_split(answer, item) if "moelayer" not in item.name else item for item in found] if s.tp == 1 else found


def _rows(answer: Estimate, name: str, time: Times, message: int) -> list[Item]:
    """Return a block's rows: with sequence parallelism its column and its row part, half of the time each."""
    forward, backward, weight = time
    if not answer.setting.sp:
        return [Item(f"{name}_layer", forward, "ALLREDUCE", message, backward, update=weight)]
    half, back, late = (max(1, part // 2) for part in time)
    return [
        Item(f"{name}_column", half, "ALLGATHER", message, back, "REDUCESCATTER", message, late),
        Item(f"{name}_row", half, "REDUCESCATTER", message, back, "ALLGATHER", message, late),
    ]


def _experts(answer: Estimate, time: Times, message: int) -> list[Item]:
    """Return a block of experts: router's gather, dispatch, tensors gathered and reduced, combine."""
    s, work = answer.setting, answer.resolved.work
    tp, ep, top_k = int(s.tp), int(s.ep), int(work.top_k)
    routed, whole = message * top_k // tp, message * top_k
    out = "ALLTOALL_EP" if ep > 1 else "NONE"
    gather, scatter = ("ALLGATHER", "REDUCESCATTER") if tp > 1 else ("NONE", "NONE")
    first = "ALLGATHER" if tp > 1 or ep > 1 else "NONE"
    router = 2 * ep * int(work.n_experts) * tp
    rows = [
        Item("mlp_moelayer", time[0], first, router, time[1], update=time[2]),
        Item("mlp_moelayer", 1, out, routed, 1, out, routed),
        Item("mlp_moelayer", 1, gather, whole, 1, scatter, whole),
        Item("mlp_moelayer", 1, scatter, whole, 1, gather, whole),
        Item("mlp_moelayer", 1, out, routed, 1, out, routed),
    ]
    return [
        row._replace(forward_size=0 if row.forward_comm == "NONE" else row.forward_size,
                     backward_size=0 if row.backward_comm == "NONE" else row.backward_size)
        for row in rows
    ]  # fmt: skip
