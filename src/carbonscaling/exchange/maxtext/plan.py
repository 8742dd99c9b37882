"""A plan as MaxText's configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from carbonscaling.exchange.flavors import flavors
from carbonscaling.exchange.line import Line, cannot_say, header, of_batch, of_layout, of_model, of_tokens, refuse
from carbonscaling.exchange.release import release
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.study.estimate import Estimate

__all__ = ["POLICIES", "QUANTIZATION", "maxtext_config"]

POLICIES = {"none": "none", "selective": "minimal_with_context", "full": "full",
            "feed-forward": "save_dot_with_context_except_mlp"}  # fmt: skip
"""Policies by ours; the middle one keeps every product and attention's result, and makes the rest again."""
QUANTIZATION = {"bf16": "", "fp32": "", "int8": "int8", "fp8": "fp8", "mxfp8": "te_mxfp8", "nvfp4": "te_nvfp4"}


def maxtext_config(answer: Estimate, more: Sequence[str] = ()) -> str:
    """Return a configuration with one key a line, each with where its value comes from.

    Raises
    ------
    InputError
        The plan has something that MaxText does not do.
    """
    what = release("maxtext")
    lines = [*_model(answer, what.title), *_axes(answer, what.title), *_batch(answer), *_rest(answer, what.title)]
    return "\n".join([
        *(f"# {line}" for line in header(answer, what.title, more)),
        "# Start it with: python3 -m maxtext.trainers.pre_train.train FILE.yml run_name=... base_output_directory=...",
        'base_config: "base.yml"',
        *(f"{line.name}: {json.dumps(line.value)}  # {line.why}" for line in lines),
        "",
    ])  # fmt: skip


def _model(answer: Estimate, title: str) -> list[Line]:
    spec, recipe = answer.resolved.spec, answer.resolved.recipe.name
    if recipe not in QUANTIZATION:
        raise cannot_say(title, f"the precision {recipe}", ["precision"], "choose bf16, int8 or fp8")
    known = {model: name for name, model in reversed([*flavors("maxtext").items()])}
    own = "" if spec.name in known else "; MaxText ships none of this name: add configs/models/NAME.yml"
    return [
        Line("model_name", known.get(spec.name, spec.name), of_model(answer) + own),
        Line("dtype", "float32" if recipe == "fp32" else "bfloat16", f"precision {recipe}"),
        Line("quantization", QUANTIZATION[recipe], f"precision {recipe}"),
    ]


def _axes(answer: Estimate, title: str) -> list[Line]:
    s, spec = answer.setting, answer.resolved.spec
    experts = spec.experts is not None
    refuse(
        title,
        (s.zero == 2, "ZeRO stage 2", "zero", "add --zero 3, or --zero 1"),
        (experts and s.ep > 1 and s.zero != 3,
         f"ZeRO stage {int(s.zero)} beside experts over {int(s.ep)} devices: its expert axis shards every weight, as ZeRO "
         "stage 3 does", "zero", "add --zero 3, or --ep 1"),
        (s.zero == 1 and s.shard < s.dp * s.cp, f"ZeRO stage 1 over {int(s.shard)} devices, a part of the replicas", "shard",
         "leave --shard out, or add --zero 3"),
        (experts and (s.etp != s.tp or s.dp % s.ep > 0),
         f"ep {int(s.ep)} and etp {int(s.etp)} beside dp {int(s.dp)} and tp {int(s.tp)}", "ep",
         "choose ep that divides dp, and etp = tp"),
    )  # fmt: skip
    ep = int(s.ep) if spec.experts else 1
    shard = int(s.shard) if s.zero == 3 else ep * int(s.cp)
    if shard % (ep * s.cp) or (s.dp * s.cp) % shard:
        raise cannot_say(
            title, f"sharding over {shard} devices beside ep {ep} and cp {int(s.cp)}", ["shard"], "add --shard 0"
        )
    fsdp = shard // (ep * int(s.cp))
    axes = {  # innermost first
        "tensor_sequence" if s.sp else "tensor": (int(s.tp), "tp"), "context": (int(s.cp), "cp"), "expert": (ep, "ep"),
        "fsdp": (fsdp, "zero"), "data": (int(s.dp) // (ep * fsdp), "dp"), "pipeline": (int(s.pp), "pp"),
    }  # fmt: skip
    room = min(int(answer.resolved.cluster.host.domain_size), int(s.n_devices))
    inner, outer = [], []
    for axis, (degree, field) in axes.items():
        near = math.gcd(degree, room)
        room //= near
        why = of_layout(answer, field)
        inner.append(Line(f"ici_{axis}_parallelism", near, f"inside a domain of fast links: {why}"))
        outer.append(Line(f"dcn_{axis}_parallelism", degree // near, f"over the network: {why}"))
    if s.zero == 1:
        outer.append(Line("shard_optimizer_over_data", True, f"ZeRO stage 1: {of_layout(answer, 'zero')}"))
    return [*inner, *outer]


def _batch(answer: Estimate) -> list[Line]:
    r, s = answer.resolved, answer.setting
    on_replica = float(s.tp * s.cp * s.pp)
    piped = s.pp > 1
    together = float(s.micro_batch * (s.n_micro if piped else 1))
    found = [
        Line(
            "per_device_batch_size",
            together / on_replica,
            f"{of_batch(answer)}: {r.batch:g} over {int(s.n_devices):,} devices",
        ),
        Line("gradient_accumulation_steps", 1 if piped else int(s.n_micro), of_layout(answer, "micro_batch")),
        Line("max_target_length", r.seq_len, "the sequence length of the question, or the model's own"),
        Line("steps", math.ceil(r.n_steps), of_tokens(answer)),
    ]
    if piped:
        layers = math.ceil(r.spec.n_layers / float(s.pp * s.vpp))
        found += [
            Line("num_pipeline_microbatches", int(s.n_micro), of_layout(answer, "micro_batch")),
            Line("num_layers_per_pipeline_stage", layers, of_layout(answer, "vpp")),
            Line("num_pipeline_repeats", int(s.vpp), of_layout(answer, "vpp")),
        ]
    return found


def _rest(answer: Estimate, title: str) -> list[Line]:
    s, r = answer.setting, answer.resolved
    uneven = s.pp > 1 and r.spec.n_layers % (s.pp * s.vpp) > 0
    refuse(
        title,
        (uneven or s.schedule != Schedule.ONE_F_ONE_B, "this pipeline", "pp",
         "choose stages that divide the layers, and --schedule 1f1b"),
        (s.recompute != Recompute.NONE and s.recompute_percent != 100, "recomputation in a part of the layers",
         "recompute_percent", "add --recompute full"),
    )  # fmt: skip
    kind = Recompute.NAMES[int(s.recompute)]
    found = [Line("remat_policy", POLICIES[kind], f"recompute {kind}: {of_layout(answer, 'recompute')}")]
    match answer.scenario.offload:
        case "optimizer" | "weights" as what:
            moved = ("parameter", "optimizer") if what == "weights" else ("optimizer",)
            found += [Line(f"{one}_memory_host_offload", True, "offload as stated") for one in moved]
        case "activations":
            raise cannot_say(
                title, "all activations in the host's memory", ["offload"], "add --offload none or optimizer"
            )
    return found
