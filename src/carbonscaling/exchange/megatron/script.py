"""A plan as a shell script that launches Megatron-LM."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from carbonscaling.exchange.line import Line, header
from carbonscaling.exchange.megatron.architecture import unsaid
from carbonscaling.exchange.megatron.plan import arguments
from carbonscaling.exchange.release import release
from carbonscaling.study.estimate import Estimate

__all__ = ["megatron_script"]


def megatron_script(answer: Estimate, more: Sequence[str] = ()) -> str:
    """Return a script with one argument a line, each with where its value comes from.

    Raises
    ------
    InputError
        The plan has something that Megatron-LM does not do.
    """
    what = release("megatron")
    host = answer.resolved.cluster.host
    used = int(answer.setting.n_devices)
    on_node = max(n for n in range(1, host.devices_per_host + 1) if used % n == 0)
    nodes = used // on_node
    flags = [_flag(line) for line in arguments(answer, what.title)]
    width = min(48, max(len(flag) for flag, _ in flags))
    missing = unsaid(answer.resolved.spec)
    return "\n".join([
        "#!/bin/bash",
        *(f"# {line}" for line in header(answer, what.title, more)),
        *([f"# Add the model's own arguments: those known here cannot say its {', '.join(missing)}"] if missing else []),
        "# Add data, tokenizer and checkpoints behind the script's name: bash train.sh --data-path ...",
        "",
        "export CUDA_DEVICE_MAX_CONNECTIONS=1",
        f"NNODES={nodes}  # {used:,} devices, {on_node} a node",
        f"GPUS_PER_NODE={on_node}  # {host.name}",
        "",
        "ARGS=(",
        *(f"    {flag:<{width}}  # {why}" for flag, why in flags),
        ")",
        "",
        'torchrun --nnodes "$NNODES" --nproc-per-node "$GPUS_PER_NODE" --node-rank "${NODE_RANK:-0}" \\',
        '    --master-addr "${MASTER_ADDR:-localhost}" --master-port "${MASTER_PORT:-29500}" \\',
        '    pretrain_gpt.py "${ARGS[@]}" "$@"',
        "",
    ])  # fmt: skip


def _flag(line: Line) -> tuple[str, str]:
    """Return an argument as a shell takes it, and where it comes from."""
    name = "--" + line.name.replace("_", "-")
    values = [] if line.value is True else line.value if isinstance(line.value, list) else [line.value]
    return " ".join([name, *(shlex.quote(str(value)) for value in values)]), line.why
