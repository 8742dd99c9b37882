"""A plan as torchtitan's job configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from carbonscaling.exchange.flavors import flavors
from carbonscaling.exchange.line import (
    Line,
    cannot_say,
    header,
    of_batch,
    of_layout,
    of_model,
    of_tokens,
    refuse,
    whole_or_refused,
)
from carbonscaling.exchange.release import release
from carbonscaling.exchange.stages import layers_by_stage
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.study.estimate import Estimate

__all__ = ["torchtitan_config"]

SCHEDULES = {("1f1b", False): "1F1B", ("1f1b", True): "Interleaved1F1B", ("zb1p", False): "InterleavedZeroBubble",
             ("zb1p", True): "InterleavedZeroBubble", ("dualpipe", True): "DualPipeV"}  # fmt: skip
"""Pipeline schedules by ours and whether a stage holds several chunks."""
CONVERTERS = {"fp8": "quantize.linear.float8", "mxfp8": "quantize.linear.mx"}


def torchtitan_config(answer: Estimate, more: Sequence[str] = ()) -> str:
    """Return a job configuration with one setting a line, each with where its value comes from.

    Raises
    ------
    InputError
        The plan has something that torchtitan does not do.
    """
    what = release("torchtitan")
    tables = {
        "model": _model(answer, what.title),
        "training": _training(answer, what.title),
        "parallelism": _parallelism(answer, what.title),
        "activation_checkpoint": _recomputation(answer, what.title),
        "compile": [_compiled(answer)],
    }  # fmt: skip
    if answer.scenario.software.row_scales and answer.resolved.recipe.name == "fp8":
        tables[CONVERTERS["fp8"]] = [Line("recipe_name", "rowwise", "a scale for each row, as stated")]
    found = [f"# {line}" for line in header(answer, what.title, more)]
    found.append(
        f"# Launch on {int(answer.setting.n_devices):,} devices with torchrun; add dataset, optimizer and checkpoints."
    )
    for table, lines in tables.items():
        found += ["", f"[{table}]", *(f"{line.name} = {json.dumps(line.value)}  # {line.why}" for line in lines)]
    return "\n".join([*found, ""])


def _compiled(answer: Estimate) -> Line:
    """Return whether the model is compiled: as stated, else as the stack's runs are, where some are and some are not."""
    stated, stack = answer.scenario.software.compile, answer.resolved.stack
    if stated is not None:
        return Line("enable", stated, "compile as stated")
    return Line("enable", stack.fuses.value > 0.0, f"software stack {stack.name}")


def _model(answer: Estimate, title: str) -> list[Line]:
    spec, recipe, why = answer.resolved.spec, answer.resolved.recipe.name, of_model(answer)
    known = {model: name for name, model in flavors("torchtitan").items()}
    if recipe not in ("bf16", "fp32", *CONVERTERS):
        raise cannot_say(title, f"the precision {recipe}", ["precision"], "choose bf16, fp32, fp8 or mxfp8")
    if spec.mixer is not None:
        raise cannot_say(title, f"layers of {spec.mixer.kind}", ["model"], "choose a model of attention alone")
    name, _, flavor = known.get(spec.name, f"llama3/{spec.name}").partition("/")
    own = "" if spec.name in known else "; torchtitan ships none of this name: register it"
    found = [Line("name", name, why), Line("flavor", flavor, why + own)]
    if recipe in CONVERTERS:
        found.append(Line("converters", [CONVERTERS[recipe]], f"precision {recipe}"))
    return found


def _training(answer: Estimate, title: str) -> list[Line]:
    r, s = answer.resolved, answer.setting
    local = int(s.micro_batch * s.n_micro) if s.pp > 1 else int(s.micro_batch)
    why = (
        "all micro-batches of a replica: they run through the pipeline together"
        if s.pp > 1
        else of_layout(answer, "micro_batch")
    )
    found = [
        Line("local_batch_size", local, why),
        Line("global_batch_size", int(r.batch), of_batch(answer)),
        Line("seq_len", r.seq_len, "the sequence length of the question, or the model's own"),
        Line("steps", math.ceil(r.n_steps), of_tokens(answer)),
        Line(
            "mixed_precision_param", "float32" if r.recipe.name == "fp32" else "bfloat16", f"precision {r.recipe.name}"
        ),
    ]
    match answer.scenario.offload:
        case "weights":
            found.append(Line("enable_cpu_offload", True, "offload as stated"))
        case "optimizer" | "activations":
            raise cannot_say(
                title, f"the offload of {answer.scenario.offload} alone", ["offload"], "add --offload none"
            )
    return found


def _parallelism(answer: Estimate, title: str) -> list[Line]:
    s, spec = answer.setting, answer.resolved.spec
    dp, cp = int(s.dp), int(s.cp)
    _sharded_there(answer, title)
    shard = 1 if s.zero == 0 else min(dp, max(1, int(s.shard) // cp))
    if s.tp > 1 and not s.sp:
        raise cannot_say(title, "tensor parallelism without sequence parallelism", ["sequence_parallel"],
                         "leave out --sequence-parallel no")  # fmt: skip
    found = [
        Line("data_parallel_replicate_degree", dp // shard, of_layout(answer, "shard")),
        Line("data_parallel_shard_degree", shard, of_layout(answer, "dp")),
        Line("tensor_parallel_degree", int(s.tp), of_layout(answer, "tp")),
        Line("pipeline_parallel_degree", int(s.pp), of_layout(answer, "pp")),
        Line("context_parallel_degree", cp, of_layout(answer, "cp")),
    ]
    if s.zero:
        policy = "always" if s.zero == 3 else "never"
        found.append(
            Line("fsdp_reshard_after_forward", policy, f"ZeRO stage {int(s.zero)}: {of_layout(answer, 'zero')}")
        )
    if spec.experts:
        if s.etp not in (1, s.tp) or (s.ep == 1 and s.etp != s.tp):
            raise cannot_say(
                title, f"etp {int(s.etp)} beside tp {int(s.tp)}", ["etp"], "etp is 1 or tp there, and tp where ep is 1"
            )
        found.append(Line("expert_parallel_degree", int(s.ep), of_layout(answer, "ep")))
        found.append(Line("expert_tensor_parallel_degree", int(s.etp), of_layout(answer, "etp")))
    return [*found, *_pipeline(answer, title)]


def _sharded_there(answer: Estimate, title: str) -> None:
    """Refuse what FSDP2 does not do: it always shards over context-parallel ranks; without a pipeline gradients too."""
    s = answer.setting
    refuse(
        title,
        (s.zero == 0 and s.cp > 1, "context parallelism without sharding", "zero",
         "add --zero 3, or --zero 1 with a pipeline"),
        (s.zero == 1 and s.pp == 1 and s.dp * s.cp > 1, "ZeRO stage 1 without a pipeline", "zero",
         "add --zero 2 or --zero 3, or --zero 0 for replicas"),
        (s.zero == 2 and s.pp > 1, "ZeRO stage 2 with a pipeline", "zero", "add --zero 1"),
    )  # fmt: skip


def _pipeline(answer: Estimate, title: str) -> list[Line]:
    s, spec = answer.setting, answer.resolved.spec
    schedule = Schedule.NAMES[int(s.schedule)]
    if s.pp == 1 and s.schedule != Schedule.COMBINED:
        return []
    name = SCHEDULES.get((schedule, bool(s.vpp > 1)))
    if name is None:
        raise cannot_say(
            title, f"the schedule {schedule} with {int(s.vpp)} chunks a stage", ["schedule"], "add --schedule 1f1b"
        )
    layers = layers_by_stage(answer)
    order = [layers[stage][chunk] for chunk in range(int(s.vpp)) for stage in range(int(s.pp))]
    order[-1] -= spec.n_predicted  # modules that torchtitan does not train
    ends = iter(_parts(order))
    return [
        Line("pipeline_parallel_schedule", name, of_layout(answer, "schedule")),
        Line("pipeline_parallel_microbatch_size", int(s.micro_batch), of_layout(answer, "micro_batch")),
        Line(
            "module_fqns_per_model_part",
            [*ends],
            f"{spec.n_layers} layers over {len(order)} chunks, none longer than need be",
        ),
    ]


def _parts(order: list[int]) -> Iterator[list[str]]:
    """Name the modules of each chunk, in the order of the model."""
    first = 0
    for place, n in enumerate(order):
        layers = [f"layers.{layer}" for layer in range(first, first + n)]
        first += n
        yield [
            *(["tok_embeddings"] if place == 0 else []),
            *layers,
            *(["norm", "output"] if place == len(order) - 1 else []),
        ]


def _recomputation(answer: Estimate, title: str) -> list[Line]:
    s, why = answer.setting, of_layout(answer, "recompute")
    if s.recompute == Recompute.NONE:
        return [Line("mode", "none", why)]
    if s.recompute == Recompute.FEED_FORWARD:
        raise cannot_say(
            title, "recomputation of feed-forward blocks", ["recompute"], "add --recompute selective or full"
        )
    if s.recompute == Recompute.SELECTIVE:
        whole_or_refused(answer, title)
        return [Line("mode", "selective", why), Line("selective_ac_option", "op", "operation by operation")]
    if s.recompute_percent == 100:
        return [Line("mode", "full", why)]
    every = round(100 / float(s.recompute_percent))
    if int(100 / every) != int(s.recompute_percent):
        raise cannot_say(title, f"recomputation of {int(s.recompute_percent)} percent of the layers", ["recompute_percent"],
                         "choose 100, 50, 33, 25 or 20")  # fmt: skip
    return [Line("mode", "selective", why), Line("selective_ac_option", str(every), f"every {every}. layer, whole")]
