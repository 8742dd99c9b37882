"""A workload of SimAI as a run: its degrees as a scenario, its times as a profile of what matrices reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.exchange.launch import Launch, Reading
from carbonscaling.exchange.release import release
from carbonscaling.exchange.simai.plan import NANO, plan_workload
from carbonscaling.exchange.simai.workload import Workload, read_workload
from carbonscaling.exchange.stages import timed_layer
from carbonscaling.files import LOG, read_text
from carbonscaling.study.estimate import Estimate

__all__ = ["layer_seconds", "workload_launch", "workload_profile"]


LOOKS = 6
"""Times that the rate of products is set against a workload's layers."""


def workload_launch(text: str, where: str, devices: int | None) -> Launch:
    """Read the degrees of a workload; its model, its sequence length and its micro-batch are not in it.

    Raises
    ------
    InputError
        It is no workload.
    """
    workload = read_workload(text, where)
    head, found = workload.header, Reading(where, release("simai"))
    tp, pp, ep = (max(1, head.get(name, 1)) for name in ("tp", "pp", "ep"))
    found.take("model_parallel_NPU_group", f"tp {tp}", layout_tp=tp)
    for name, degree, field in (("pp", pp, "layout_pp"), ("ep", ep, "layout_ep")):
        if name in head:
            found.take(name, f"{name} {degree}", **{field: degree})
    found.layout |= {"cp": 1, "zero": 1, "sequence_parallel": any("column" in item.name for item in workload.items)}
    count = devices or head.get("all_gpus")
    if count:
        found.take("all_gpus", f"{count} devices", devices=count)
        if "ga" in head and count % (tp * pp) == 0:
            replicas = count // (tp * pp)
            batch = head["ga"] * replicas
            found.take("ga", f"batch {batch}, of micro-batches of one sequence", batch=batch, layout_micro_batch=1)
            found.layout["dp"] = replicas
    sizes = {item.forward_size for item in workload.items if item.name.startswith(("attention", "mlp"))} - {0}
    if sizes:
        found.notes.append(f"its messages are {max(sizes):,} bytes: 2 x micro-batch x sequence length x width")
    return found.done()


def layer_seconds(workload: Workload) -> float:
    """Return the seconds of compute of one layer: forward, gradients of its inputs and of its weights.

    Raises
    ------
    InputError
        No row is a layer's.
    """
    layers = [item for item in workload.items if item.name.startswith(("attention", "mlp"))]
    starts = sum(item.name.startswith("attention") and "row" not in item.name for item in layers)
    if not starts:
        raise InputError("no row of the workload is an attention block's", remedy="give a workload that AICB wrote")
    return NANO * sum(item.forward + item.backward + item.update for item in layers) / starts


def workload_profile(path: str | Path, answer: Estimate) -> str:
    """Return what a workload's times say of matrix multiplication, as the text of a profile (``--profile``).

    The times of a layer that are not products (attention, element-wise work) are taken as the formulas have them at device
    level; the rest is set against their products. Fitted factors would count twice: use the profile with ``calibration =
    "none"``.

    Parameters
    ----------
    path : str or Path
        A workload that was measured or simulated for the same model, degrees and micro-batch.
    answer : Estimate
        The run that it is of.

    Raises
    ------
    InputError
        It is no workload, its messages are of another size, or its times leave none for products.
    """
    workload, mine = read_workload(read_text(Path(path), LOG), str(path)), plan_workload(answer)
    size, own = (
        max((i.forward_size for i in w.items if i.name.startswith(("attention", "mlp"))), default=0)
        for w in (workload, mine)
    )
    if size != own and size and own:
        raise InputError(
            f"the workload is of another run: its messages are {size:,} bytes, the estimate's {own:,}", where=str(path),
            remedy="give the same model, sequence length and micro-batch",
        )  # fmt: skip
    recipe, efficiency = answer.resolved.recipe.format, answer.resolved.efficiency
    taken = layer_seconds(workload)
    for _ in range(LOOKS):  # slower products leave less to wait for the host: what is beside them depends on their rate
        times = timed_layer(answer, answer.resolved.setup.plain_with(efficiency))[0]  # of the device: no fitted factor
        products = float(times.forward.matmul + times.backward.matmul)
        beside = sum(float(one.attention + one.elementwise + one.launch) for one in (times.forward, times.backward))
        left = taken - beside
        if left <= 0:
            raise InputError(
                f"its layers take {taken:.3g} s, less than attention, element-wise work and launches alone ({beside:.3g} s)",
                where=str(path), remedy="check that it is of this device, and of this model's layers",
            )  # fmt: skip
        reached = efficiency.gemm[recipe].si * products / left
        rate = replace(efficiency.gemm[recipe], value=reached, low=None, high=None)
        efficiency = replace(efficiency, gemm={**efficiency.gemm, recipe: rate})
    if not 0.0 < reached <= 1.0:
        raise InputError(
            f"its times ask for {reached:.2f} of the peak of {recipe}", where=str(path), allowed="0 to 1",
            remedy="check that it is of this device, and of this model's layers",
        )  # fmt: skip
    remark = f"a layer of {answer.resolved.spec.name} takes {taken:.3g} s both ways in {Path(path).name}"
    return f'gemm.{recipe} = {{ value = {reached:.4f}, unit = "1", source = "user", remark = "{remark}" }}\n'
