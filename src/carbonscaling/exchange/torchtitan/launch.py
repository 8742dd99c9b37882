"""torchtitan's job configuration in the words of a scenario."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from carbonscaling.catalog.models import model_aliases
from carbonscaling.errors import InputError
from carbonscaling.exchange.flavors import flavors
from carbonscaling.exchange.launch import Launch, Reading
from carbonscaling.exchange.release import known_names, release
from carbonscaling.perf.numbers import Recompute
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.words import counted

__all__ = ["torchtitan_launch"]


def torchtitan_launch(text: str, where: str, devices: int | None) -> Launch:
    """Read a job configuration.

    Raises
    ------
    InputError
        It is not TOML, or holds no table of torchtitan's.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not valid TOML: {error}", where=where, remedy="correct it at the line that is named"
        ) from error
    said = dict(_flat(tables))
    if not any(key.startswith(("parallelism.", "training.", "activation_checkpoint.")) for key in said):
        raise InputError(
            "no table of torchtitan's job configuration is in the file", where=where,
            allowed="[training], [parallelism], [activation_checkpoint] and others",
            remedy="a scenario of this project is given without --from",
        )  # fmt: skip
    _check_counts(said, where)
    found = Reading(where, release("torchtitan"))
    _read_model(said, found)
    _read_degrees(said, found, devices)
    for part in (_read_batch, _read_pipeline, _read_recomputation):
        part(said, found)
    found.leave(said, _why_not)
    return found.done()


def _why_not(key: str) -> str | None:
    if key not in known_names("torchtitan"):
        return "no setting of torchtitan"
    matters = (key.startswith("parallelism.") and not key.endswith("loss_parallel")) or key == "training.dtype"
    return "not counted here" if matters else None


def _check_counts(said: Mapping[str, Any], where: str) -> None:
    for key, value in said.items():
        counts = key.endswith(
            ("_degree", "batch_size", "microbatch_size", ".seq_len", ".steps", "_layers", "layers_per_stage")
        )
        if not counts or key.partition(".")[0] not in ("training", "parallelism"):
            continue
        least = 0 if key.endswith("less_layers") else -1
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not least <= value <= MOST_WHOLE
            or (value == 0 and least < 0)
        ):
            raise InputError(
                "not a count", where=where, key=key, value=value, allowed="a whole number from one up, or -1 for what is left",
                remedy="correct it",
            )  # fmt: skip


def _flat(tables: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _read_model(said: Mapping[str, Any], found: Reading) -> None:
    wanted = f"{said.get('model.name', 'llama3')}/{said.get('model.flavor', 'debugmodel')}"
    stem = wanted.split("_flex", maxsplit=1)[0].split("_varlen", maxsplit=1)[0]
    shipped = {name.lower(): known for name, known in flavors("torchtitan").items()}
    known = shipped.get(stem.lower()) or model_aliases().get(wanted.partition("/")[2].lower())
    for key in ("model.name", "model.flavor"):
        if key in said and known:
            found.take(key, f"model {known}", model=known)
        elif key in said:
            found.not_understood[key] = f"the catalogue has no {wanted}; add --model"
    recipe = "fp32" if said.get("training.mixed_precision_param") == "float32" else "bf16"
    converters = said.get("model.converters", [])
    for converter in map(str, converters if isinstance(converters, list) else [converters]):
        recipe = "fp8" if "float8" in converter else "mxfp8" if "mx" in converter else recipe
    found.scenario["precision"] = recipe
    if recipe == "fp8" and str(said.get("quantize.linear.float8.recipe_name")).startswith("rowwise"):
        found.software["row_scales"] = True
    formats = ("training.mixed_precision_param", "training.mixed_precision_reduce", "model.converters")
    found.mark(said, f"precision {recipe}", *formats, *(key for key in said if key.startswith("quantize.")))
    if (optimizer := str(said.get("optimizer.name", "AdamW"))) not in ("AdamW", "Adam"):
        found.not_understood["optimizer.name"] = f"{optimizer} is counted as adamw"
    if said.get("training.dtype") == "bfloat16":
        found.take("training.dtype", "everything of 2 bytes", software_optimizer="adamw-bf16")
    if "compile.enable" in said:
        found.take("compile.enable", f"compile {said['compile.enable']}", software_compile=bool(said["compile.enable"]))
    if said.get("training.enable_cpu_offload"):
        found.take("training.enable_cpu_offload", "weights and states in the host's memory", offload="weights")


def _read_degrees(said: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    for name, field in (("tensor", "tp"), ("pipeline", "pp"), ("context", "cp")):
        key = f"parallelism.{name}_parallel_degree"
        degree = int(said.get(key, 1))
        found.layout[field] = degree
        found.mark(said, f"{field} {degree}", key)
    tp, cp = found.layout["tp"], found.layout["cp"]
    found.layout["sequence_parallel"] = tp > 1
    copies, shard = (int(said.get(f"parallelism.data_parallel_{kind}_degree", usual))
                     for kind, usual in (("replicate", 1), ("shard", -1)))  # fmt: skip
    taken = tp * cp * found.layout["pp"] * max(1, copies)
    if shard < 0 and devices is not None and devices % taken == 0:
        shard = devices // taken
    _read_experts(said, found)
    if shard > 0:
        found.layout["dp"] = copies * shard
        if copies > 1 and shard * cp > 1:
            found.layout["shard"] = shard * cp
    elif copies > 1:
        found.notes.append(f"{copies} copies, each sharded over the devices that are left: --shard says over how many")
    policy = said.get("parallelism.fsdp_reshard_after_forward", "default")
    piped = found.layout["pp"] > 1  # a step's gradients meet after its last micro-batch, its weights stay: stage 1
    later = policy == "never" or (policy == "default" and piped)
    found.layout["zero"] = 0 if shard == 1 and cp == 1 else (1 if piped else 2) if later else 3
    found.mark(
        said, f"ZeRO stage {found.layout['zero']}" + (f", dp {found.layout['dp']}" if shard > 0 else ""),
        "parallelism.data_parallel_replicate_degree", "parallelism.data_parallel_shard_degree",
        "parallelism.fsdp_reshard_after_forward",
    )  # fmt: skip
    if said.get("parallelism.enable_async_tensor_parallel"):
        found.taken["parallelism.enable_async_tensor_parallel"] = "as the stack hides tensor-parallel traffic"
    elif "parallelism.enable_async_tensor_parallel" in said or tp > 1:
        found.software["tp_overlap"] = 0.0
        found.taken |= {k: "nothing of it hidden" for k in said if k.endswith("enable_async_tensor_parallel")}


def _read_experts(said: Mapping[str, Any], found: Reading) -> None:
    """Take over how experts are spread; where they are not, tensor parallelism splits them as it does all else."""
    key = "parallelism.expert_parallel_degree"
    degree, inner = int(said.get(key, 1)), "parallelism.expert_tensor_parallel_degree"
    found.layout["ep"] = degree
    if found.spec is not None and found.spec.experts:
        found.layout["etp"] = int(said.get(inner, 1)) if degree > 1 else found.layout["tp"]
    found.mark(said, f"ep {degree}", key)
    found.mark(said, f"etp {found.layout.get('etp', 1)}", inner)


def _read_batch(said: Mapping[str, Any], found: Reading) -> None:
    local = said.get("training.local_batch_size", said.get("training.batch_size", 8))
    found.scenario["seq_len"] = said.get("training.seq_len", 2048)
    whole = said.get("training.global_batch_size", -1)
    dp = found.layout.get("dp")
    pipelined = found.layout["pp"] > 1
    found.layout["micro_batch"] = said.get("parallelism.pipeline_parallel_microbatch_size", 1) if pipelined else local
    if whole > 0:
        found.scenario["batch"] = whole
    elif dp:
        found.scenario["batch"] = local * dp
    else:
        found.notes.append(
            f"the batch is {counted(local, 'sequence')} of every data-parallel rank: --devices says how many there are"
        )
    if pipelined and whole > 0 and dp and local * dp < whole:
        found.notes.append(f"{whole // (local * dp)} pipelines run one after the other in a step; one is counted")
    keys = ("training.local_batch_size", "training.batch_size", "training.global_batch_size", "training.seq_len",
            "parallelism.pipeline_parallel_microbatch_size")  # fmt: skip
    found.taken |= {key: str(said[key]) for key in keys if key in said}
    if said.get("training.steps", 0) > 0:
        found.lasts("training.steps", steps=said["training.steps"])


def _read_pipeline(said: Mapping[str, Any], found: Reading) -> None:
    stages, name = found.layout["pp"], str(said.get("parallelism.pipeline_parallel_schedule", "1F1B"))
    plain = {"1f1b": "1f1b", "interleaved1f1b": "1f1b", "gpipe": "1f1b", "loopedbfs": "1f1b", "interleavedzerobubble": "zb1p",
             "zbvzerobubble": "zb1p", "dualpipev": "dualpipe"}  # fmt: skip
    schedule = plain.get(name.lower(), "1f1b")
    several = name.lower() not in ("1f1b", "gpipe")
    chunks = 1
    if stages > 1:
        parts, each = (
            said.get("parallelism.module_fqns_per_model_part"),
            said.get("parallelism.pipeline_parallel_layers_per_stage"),
        )
        layers = found.spec.n_layers if found.spec else 0
        if isinstance(parts, list) and parts:
            chunks = max(1, len(parts) // stages)
        elif each and layers:
            less = [said.get(f"parallelism.pipeline_parallel_{end}_stage_less_layers", 1) for end in ("first", "last")]
            chunks = max(1, math.ceil((layers + sum(less)) / each) // stages)
        elif several:
            chunks = 2
        found.software["head_placement"] = "balanced"
    found.layout |= {"schedule": schedule, "vpp": chunks}
    piped = [key for key in said if key.startswith(("parallelism.pipeline_parallel_", "parallelism.module_fqns"))]
    became = f"schedule {schedule}, vpp {chunks}" if stages > 1 else "nothing, since pp is 1"
    found.mark(said, became, *(key for key in piped if key not in found.taken))
    if stages > 1 and name.lower() in ("gpipe", "loopedbfs", "zbvzerobubble", "dualpipev"):
        found.notes.append(f"the schedule {name} is counted as {schedule}")


def _read_recomputation(said: Mapping[str, Any], found: Reading) -> None:
    mode, option = (
        said.get("activation_checkpoint.mode", "selective"),
        str(said.get("activation_checkpoint.selective_ac_option", "2")),
    )
    if mode == "memory_budget":
        found.not_understood["activation_checkpoint.mode"] = (
            "a memory budget is the compiler's to spend; counted as selective"
        )
        mode, option = "selective", "op"
    kind, percent = mode, 100
    if mode == "selective" and option.isdigit():  # every n-th layer as a whole
        kind, percent = "full", max(1, 100 // max(1, int(option)))
    if kind not in Recompute.NAMES:
        found.not_understood["activation_checkpoint.mode"] = f"{kind} is no mode of torchtitan"
        return
    found.layout["recompute"] = kind
    if kind == "full":
        found.layout["recompute_percent"] = percent
    became = f"recompute {kind}" + (f", {percent} percent of the layers" if kind == "full" else "")
    found.mark(said, became, "activation_checkpoint.mode", "activation_checkpoint.selective_ac_option")
