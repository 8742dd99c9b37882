"""How many devices a launch command asks for, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.exchange.megatron.arguments import flat
from carbonscaling.exchange.shell import Script

__all__ = ["device_asked", "device_count"]

_NODES = ("nnodes", "num-nodes", "nodes", "N", "worker-num")
_ALL = ("np", "ntasks", "n", "gpus", "G")
_ON_NODE = ("nproc-per-node", "num-gpus", "gpus-per-node", "ntasks-per-node", "gpu-num")


def device_count(script: Script, command: Sequence[str]) -> int | None:
    """Return nodes times devices a node, by the launcher's options or the scheduler's; None where it is not said."""
    own = _options(command)
    for other in script.commands:  # srun and mpirun may stand before a wrapped command
        if other and other[0].rpartition("/")[2] in ("srun", "torchrun", "deepspeed", "mpirun"):
            own = _options(flat(other)) | own
    asked = dict(script.scheduler)
    if gpus := re.search(r"gpu(?::\w+)?:(\d+)", asked.get("gres", "")):
        asked.setdefault("gpus-per-node", gpus[1])
    on_node = _number(own, _ON_NODE) or _number(asked, _ON_NODE)
    nodes = _number(own, _NODES) or _number(asked, _NODES)
    if on_node == 1 and (there := _number(asked, ("gpus-per-node",))):  # one task a node starts the rest
        on_node = there
    if on_node is None and not any("torchrun" in word or "torch.distributed" in word for word in command):
        return _number(own, _ALL) or _number(asked, _ALL)  # a task for each device
    return on_node * (nodes or 1) if on_node else None


def device_asked(script: Script) -> str | None:
    """Return the device that the scheduler is asked for by a name of the catalogue: ``--gres=gpu:a100:8``, ``-C v100``."""
    asked = dict(script.scheduler)
    for name in ("gres", "gpus-per-node", "gpus-per-task", "gpus", "G", "constraint", "C"):
        for word in re.split(r"[:&|,\[\]*()]", asked.get(name, "")):
            if re.search("[a-zA-Z].*[0-9]|[0-9].*[a-zA-Z]", word):
                try:
                    return hardware.device(re.sub(r"(?<=\d)g$", "", word)).id
                except InputError:
                    continue
    return None


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.endswith(".py"):
            break
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-"):
            found[name.replace("_", "-")] = value if equals else after
    return found


def _number(options: Mapping[str, str], names: Sequence[str]) -> int | None:
    for name in names:
        value = options.get(name, "")
        if value.partition(":")[2].isdigit():  # torchrun's range of nodes
            value = value.partition(":")[2]
        if value.isdigit() and int(value) > 0:
            return int(value)
    return None
