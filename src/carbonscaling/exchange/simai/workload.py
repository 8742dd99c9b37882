"""SimAI's workload: a header, and one row for each piece of work with its time and its traffic."""

from __future__ import annotations

import re
from collections.abc import Mapping

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple

__all__ = ["COLLECTIVES", "HEADER", "Item", "Workload", "read_workload", "write_workload"]

HEADER = "HYBRID_TRANSFORMER_FWD_IN_BCKWD"
COLLECTIVES = tuple(
    kind + where
    for kind in ("ALLREDUCE", "ALLGATHER", "REDUCESCATTER", "ALLTOALL", "ALLREDUCEALLTOALL")
    for where in ("", "_EP", "_DP_EP")
)
"""Kinds of traffic; NONE beside them, BROADCAST in old files."""
_NAMES = {"model_parallel_NPU_group": "tp", "expert_parallel_npu_group": "ep"}
MOST_ROWS = 5_000_000


class Item(NamedTuple):
    """A piece of work; times in ns, sizes in bytes.

    Attributes
    ----------
    name : str
    forward, backward, update : int
        Compute time: forward, gradients of inputs, gradients of weights.
    forward_comm, backward_comm, update_comm : str
        Traffic behind it.
    forward_size, backward_size, update_size : int
    """

    name: str
    forward: int = 1
    forward_comm: str = "NONE"
    forward_size: int = 0
    backward: int = 1
    backward_comm: str = "NONE"
    backward_size: int = 0
    update: int = 1
    update_comm: str = "NONE"
    update_size: int = 0


class Workload(NamedTuple):
    """A workload.

    Attributes
    ----------
    header : mapping of str to int
        Degrees: tp, ep, pp, vpp (layers), ga (micro-batches), all_gpus, pp_comm (bytes between stages) and others.
    items : list of Item
    """

    header: Mapping[str, int]
    items: list[Item]


def write_workload(workload: Workload) -> str:
    """Return a workload as text."""
    first = " ".join(
        f"{'model_parallel_NPU_group' if key == 'tp' else key}: {value}" for key, value in workload.header.items()
    )
    rows = [
        "\t".join(map(str, (item.name, -1, *item[1:], 100)))  # a placeholder, and the time of a step of the simulator
        for item in workload.items
    ]
    return "\n".join([f"{HEADER} {first}", str(len(rows)), *rows, ""])


def read_workload(text: str, where: str) -> Workload:
    """Read a workload.

    Raises
    ------
    InputError
        Another kind of file, or a row that is not one; the message names the line.
    """
    lines = text.splitlines()
    if not lines or not lines[0].startswith(HEADER):
        raise InputError(f"not a workload of SimAI: its first line does not begin with {HEADER}", where=where,
                         remedy="give the .txt file that AICB wrote")  # fmt: skip
    header = {
        _NAMES.get(key, key): int(float(value)) for key, value in re.findall(r"(\w+):\s*(\d{1,18}(?:\.\d+)?)", lines[0])
    }
    items = []
    for n, line in enumerate(lines[2:], 3):
        if line.strip():
            items.append(_item(line, n, where))
    if not lines[1:] or not lines[1].strip().isdigit() or int(lines[1]) != len(items):
        raise InputError(
            "the number of rows is not that of line 2", where=f"{where}, line 2", value=lines[1].strip() if lines[1:] else None,
            allowed=str(len(items)), remedy="check that the file is whole",
        )  # fmt: skip
    return Workload(header, items)


def _item(line: str, n: int, where: str) -> Item:
    fields = line.split()
    try:
        name, _, forward, comm, size, backward, comm_back, size_back, update, comm_update, size_update = fields[:11]
        return Item(
            name, int(forward), comm, int(float(size)), int(backward), comm_back, int(float(size_back)), int(update),
            comm_update,
            int(float(size_update)),
        )  # fmt: skip
    except (ValueError, OverflowError) as error:
        raise InputError(
            "not a row of a workload", where=f"{where}, line {n}", value=line.strip(),
            allowed="name, placeholder, and time, traffic and size of three passes", remedy="check that the file is whole",
        ) from error  # fmt: skip
