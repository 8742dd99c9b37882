"""What someone means who writes another tool's word: options, keys of files, values.

An option, or the key of a file, is taken apart into words; it means one of ours where all its words but those that say
nothing (``num``, ``of``) are those of a phrase below. So ``--num-gpus``, ``--gpuCount`` and ``--n_accelerators`` are one, and
``--gpu-memory``, which has a word too many, is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from carbonscaling.errors import misspelt, nearest, plain_name

__all__ = ["choice_meant", "key_meant", "option_meant", "value_meant", "words_in"]

SAME: dict[str, str] = {
    "device": "gpu accelerator chip tpu card hardware xpu npu",
    "devices": "gpus accelerators chips tpus cards ngpu ngpus nproc ranks npus ntasks procs processes",
    "node": "nodes host hosts machine machines server servers instances",
    "parallel": "parallelism par",
    "tensor": "tp mp",
    "pipeline": "pp pipe",
    "data": "dataset corpus",
    "token": "tokens toks",
    "seq": "sequence context ctx",
    "length": "len size window",
    "batch": "bs batchsize",
    "micro": "mini",
    "day": "days deadline duration week weeks month months hour hours second seconds sec minute minutes time timelimit",
    "usd": "dollar dollars money spend spending",
    "cost": "costs price expense",
    "carbon": "co2 co2e co2eq emission emissions footprint ghg",
    "energy": "kwh mwh electricity",
    "limit": "cap budget maximum most max",
    "place": "country region location zone city datacenter site state where",
    "param": "params parameter parameters weight weights",
    "flop": "flops compute",
    "checkpoint": "checkpointing recomputation recompute remat rematerialization",
    "activation": "activations gradient gradients",
    "precision": "dtype datatype amp",
    "layer": "layers",
    "head": "heads",
    "iteration": "iterations iters iter steps step",
    "power": "watts watt tdp",
    "flash": "flashattention flashattn",
    "attention": "attn",
    "optimise": "optimize minimise minimize objective goal target metric criterion",
    "request": "requests query queries reqs",
    "prompt": "prompts input inputs",
    "speculative": "spec draft",
    "cache": "caching cached",
    "file": "filename path to",
    "write": "out output save export outfile dump destination",
}
"""Words that stand for another."""
COUNTS = frozenset(["num", "n", "nr", "number", "count", "total"])
"""Words that ask how many."""
EMPTY = COUNTS | {
    "of",
    "the",
    "use",
    "enable",
    "with",
    "my",
    "per",
    "model",
    "train",
    "training",
    "a",
    "for",
    "run",
    "is",
}
"""Words that say nothing more."""
PHRASES: dict[str, str] = {
    "--devices": "devices | world size",
    "--devices, nodes times the devices of each": "node | nnodes | nnode | device node | devices node",
    "--max-devices": "limit devices",
    "--device": "device | device type | device name | device kind",
    "--tp": "tensor length | tensor degree | tensor | tensor parallel | tensor parallel length | tensor parallel degree",
    "--pp": "pipeline length | pipeline degree | pipeline | pipeline parallel | pipeline parallel length | "
    "pipeline parallel degree | pipeline stages | stages",
    "--dp": "dp length | dp degree | data parallel | data parallel length | data parallel degree | "
    "data parallel replicate degree | replicas",
    "--cp": "cp length | cp degree | context parallel | seq parallel length | seq parallel degree",
    "--etp": "etp length | etp degree | expert tensor parallel | expert tensor parallel length",
    "--ep": "ep length | ep degree | expert parallel | expert parallel length | expert parallel degree",
    "--vpp": "virtual pipeline parallel length | pipeline interleaving | interleaving | virtual pipeline | "
    "virtual stages | virtual pipeline stages | interleave",
    "--zero": "zero stage | zero optimization stage | zero optimization | sharding stage | zero level",
    "--zero 1": "distributed optimizer | optimizer sharding",
    "--zero 3": "fsdp2 | torch fsdp | torch fsdp2 | fsdp | fully sharded data parallel | zero3",
    "--batch": "global batch | global batch length | batch length | gbs | effective batch length",
    "--micro-batch": "microbatch | microbatch length | micro batch length | mbs | device batch | device batch length | "
    "local batch length",
    "--seq-len": "seq | seq length | limit seq length | limit length | block length | limit position embeddings | sl",
    "--max-days": "day | limit day | day limit | finish in",
    "--budget-usd": "limit | usd | limit usd | limit cost | cost limit | usd limit",
    "--budget-carbon": "carbon limit | limit carbon",
    "--budget-energy": "energy limit | limit energy",
    "--region": "place iso | cloud | provider | cloud provider | place 2letter iso code | place | place iso code | "
    "iso code | cloud region | cloud place | grid | data center | grid place | place code",
    "--carbon-intensity-g-per-kwh": "carbon intensity | grid intensity | carbon factor | grid carbon intensity | intensity",
    "--tokens, iterations times the tokens of each": "iteration | limit iteration",
    "--tokens": "token | data token | data | data length | token limit | limit token",
    "--model config.json": "layer | hidden length | ffn hidden length | attention head | head | vocab | vocab length | "
    "query groups | key value head | kv head | experts | moe | routed experts",
    "--model": "arch | architecture | name | name or file | param | length | param length | config | hf | checkpoint name",
    "--precision": "quantize | quantization | precision | mixed precision | torch precision | param precision",
    "--precision bf16": "bf16 | bfloat16",
    "--precision fp16": "fp16 | float16 | half",
    "--precision fp8": "fp8 | float8 | fp8 format",
    "--precision fp32": "fp32 | float32",
    "--precision tf32": "tf32 | allow tf32",
    "--recompute": "activation checkpoint | checkpoint | checkpoint granularity | checkpoint activation | "
    "ac | activation checkpoint mode | checkpoint method",
    "--flash": "flash | flash attention | flash2",
    "--train lora": "lora | peft | adapter | adapters",
    "--train qlora": "qlora | load in 4bit | 4bit",
    "--train sft": "finetune | finetuning | fine tune | fine tuning | sft | full finetune",
    "--train full": "pretrain",
    "--lora-rank": "lora r | lora dim | rank lora | r",
    "--lora-on": "target modules | lora target | lora target modules | lora targets",
    "--offload activations": "activation offload | offload activation",
    "--offload": "cpu offload | param offload | offload optimizer | offload cpu | offload param",
    "--objective": "optimise | optimise by | optimise what | rank by | best",
    "--target-loss": "loss | limit loss | optimise loss",
    "--compute": "flop | flop limit | limit flop",
    "--price-usd-per-device-hour": "cost | cost day | day cost | device cost | device day cost | hourly cost | hourly rate | "
    "cost device day | device cost day | cost hourly | device hourly cost | usd day",
    "--stack": "framework | library | backend | engine | trainer | stack name",
    "--output": "write dir | write directory | write | write file | file | write json | format | write format",
    "--output answer.csv": "csv | xlsx | parquet",
    "--picture": "plot | figure | draw | diagram",
    "--power-limit": "power | power limit | limit power",
    "--price-basis low": "spot | preemptible | interruptible",
    "--price-basis list": "on demand",
    "--price-basis committed": "reserved | committed",
    "--contract-kind ppa": "ppa",
    "--finish-by": "end | end date | finish | finish date | due | due date | until",
    "--start-date": "start | begin | start day | begin date",
    "--nic-gbps": "network | bandwidth | network bandwidth | interconnect | nic | network speed | "
    "interconnect bandwidth | nic bandwidth",
    "--lifetime-years": "lifetime | device lifetime | device life | amortization years | amortisation years | life",
    "--law": "scaling law | scaling | law name",
    "--emit": "launch | script | launch script | launch file | command line",
    "--emit megatron": "megatron",
    "--emit deepspeed": "deepspeed",
    "--emit torchtitan": "torchtitan",
    "--software optimizer=adamw": "optimizer | optim | adam | adamw",
    "--run-overhead": "overhead | goodput | downtime | failures",
    "--pue": "power usage effectiveness | cooling",
    "--device-hours": "devices day | device day",
    "--terabytes, gigabytes divided by 1,000": "gigabytes | gb",
    "--terabytes, petabytes times 1,000": "petabytes | pb",
    "--in-flight": "limit seqs | seqs | concurrency | limit concurrency | request in flight | concurrent request | "
    "limit concurrent request | running request | limit running request | batch length | limit batch | limit batch length",
    "--prompt": "prompt length | prompt token | isl | random prompt length | limit prompt length",
    "--output-tokens": "write token | write length | osl | random write length | generated token | new token | "
    "limit new token | limit token | completion token | limit completion token | answer token | answer length | "
    "gen length | limit gen length | decode length",
    "--weights": "precision | quantization | quantize | param precision | param quantization | param format",
    "--weights fp8": "fp8 | float8",
    "--weights bf16": "bf16 | bfloat16",
    "--weights int4": "load in 4bit | int4",
    "--weights int8": "load in 8bit | int8",
    "--kv-cache": "kv | kv precision | kv cache precision | kv cache format | kv cache free quantization | "
    "kv cache quantization | kv quantization",
    "--requests-per-day": "request day | request",
    "--requests-per-day, per second times 86,400": "qps | rps | request rate | queries rate | arrival rate",
    "--draft": "speculative | speculative name | speculative file | speculative speculative file",
    "--draft-tokens": "speculative token | speculative speculative token | speculative length | limit speculative length | "
    "limit speculative token",
    "--acceptance": "acceptance rate | accept rate | acceptance chance | speculative acceptance rate",
    "--prefix-hit": "prefix cache | prefix cache hit | prefix cache hit rate | prefix hit rate | cache hit rate | cache hit",
    "--ttft-s": "ttft | limit ttft | time to first token | limit time to first token",
    "--ttft-s, milliseconds divided by 1,000": "ttft ms | limit ttft ms",
    "--tpot-s": "tpot | itl | limit tpot | limit itl | inter token latency | time per write token | time between token",
    "--tpot-s, milliseconds divided by 1,000": "tpot ms | itl ms | limit tpot ms | limit itl ms",
    "--engine": "backend | runtime | framework | library | serving engine | inference engine | engine name",
    "--disaggregated": "disaggregation | disaggregation mode | disaggregate | prefill decode disaggregation",
}
DAYS: dict[str, float] = {
    "second": 1 / 86400,
    "sec": 1 / 86400,
    "minute": 1 / 1440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "year": 365.25,
}
"""Units of time that names end with, in days."""
NO_DEGREE = frozenset(["sequence-parallel", "use-sequence-parallel", "sequence-parallelism"])
"""Megatron's switch, which splits norms over the tensor degree."""
VALUES: dict[str, dict[str, str]] = {
    "objective": {
        "cost": "cheapest cheap money price dollars usd budget spend min-cost lowest-cost",
        "time": "fastest fast speed duration quickest days throughput latency shortest soonest",
        "carbon": "green greenest co2 co2e emissions climate footprint sustainable eco ghg cleanest",
        "energy": "kwh power electricity watts joules efficient efficiency",
        "paper": "devices gpus fewest smallest min-gpus min-devices fewest-devices fewest-gpus",
    },
    "precision": {
        "bf16": "bfloat16 bf16-mixed bfloat mixed amp 16 bf-16",
        "fp16": "float16 half fp16-mixed 16-mixed f16 fp-16",
        "fp32": "float32 single full float 32 f32 32-true",
        "fp8": "float8 e4m3 e5m2 fp8-e4m3 8 f8 fp-8",
        "nvfp4": "fp4 float4 4 f4 e2m1",
        "int8": "i8 8bit",
        "": "int4 fp64 float64 64 double nf4",
    },
    "recompute": {
        "full": "all yes true on always",
        "none": "off no false never",
        "selective": "some auto selected",
        "partial": "block blocks part",
        "feed-forward": "mlp moe ffn experts feedforward",
    },
    "offload": {"optimizer": "cpu true yes on adam states", "none": "no off false", "activations": "activation acts"},
    "law": {
        "hoffmann_2022": "chinchilla hoffmann chinchilla-2022 chinchilla-scaling",
        "besiroglu_2024": "besiroglu epoch chinchilla-replication",
        "kaplan_2020": "kaplan",
        "sardana_2024": "sardana mosaic",
    },
    "stack": {
        "megatron": "megatron-lm megatron-core mcore megatron-lm-core nvidia-megatron",
        "megatron-deepspeed": "deepspeed-megatron",
        "xla": "jax jax-xla flax",
        "fsdp": "pytorch torch pytorch-fsdp torch-fsdp fsdp1",
        "torchtitan": "titan torch-titan",
        "gpt-neox": "neox gptneox deeperspeed",
        "llm-foundry": "composer mosaicml foundry",
        "colossalai": "colossal-ai colossal",
        "litgpt": "lit-gpt",
        "pax": "paxml praxis",
        "": "llama-factory axolotl transformers trl accelerate levanter nemo",
    },
    "kind": {
        "rl": "ppo grpo rlhf rlvr reinforcement reinforcement-learning reinforce",
        "dpo": "ipo kto orpo simpo preference",
        "pretraining": "pretrain pre-training",
        "sft": "finetuning fine-tuning finetune instruction-tuning",
        "serving": "inference deployment deploy serve",
        "evaluation": "eval evals",
        "synthetic-data": "synthetic data-generation synthesis rewriting",
        "storage": "data disk disks",
    },
    "train": {"lora": "peft adapter adapters", "sft": "finetune", "full": "pretrain pretraining scratch all"},
}
"""Values of options by what people write for them."""


def words_in(text: str) -> list[str]:
    """Return the words of a name as any convention joins them.

    >>> words_in("--numGpus"), words_in("tensor_model-parallel")
    (['num', 'gpus'], ['tensor', 'model', 'parallel'])
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return [word for word in re.split(r"[^a-z0-9]+", parted.lower()) if word]


@lru_cache(maxsize=1)
def _same() -> dict[str, str]:
    return {word: one for one, words in SAME.items() for word in words.split()}


def _said(text: str) -> frozenset[str]:
    """Return the words of a name that say something, each as one of its like."""
    words = words_in(text)
    found = frozenset(_same().get(word, word) for word in words)
    if COUNTS & found and "device" in found:
        found = found - {"device"} | {"devices"}
    return found - EMPTY or found


@lru_cache(maxsize=1)
def _phrases() -> dict[frozenset[str], list[str]]:
    found: dict[frozenset[str], list[str]] = {}
    for option, phrases in PHRASES.items():
        for phrase in phrases.split("|"):
            found.setdefault(_said(phrase), []).append(option)
    return found


def _time(words: list[str]) -> str | None:
    """Return the unit of time that is among words."""
    return next((one for word in words if (one := word.removesuffix("s")) in DAYS), None)


def _factor(words: list[str], meant: str) -> str:
    """Return what makes a value of the name with these words one of the option that is meant, as words behind a comma."""
    ours, given = words_in(meant), _time(words)
    own = _time(ours)
    if "mwh" in words and meant == "--budget-energy":
        return ", MWh times 1,000"
    if not own or not given or own == given:
        return ""
    per = "per" in ours
    ratio = DAYS[own] / DAYS[given] if per else DAYS[given] / DAYS[own]
    number = f"times {round(ratio, 1):,g}" if ratio >= 1.0 else f"divided by {round(1.0 / ratio, 1):,g}"
    return f", per {given} {number}" if per else f", {given}s {number}"


def option_meant(option: str, known: Iterable[str]) -> str | None:
    """Return the option that is meant by another tool's, or misspelt; None where that is not clear.

    A value, or what to do with the given one, stands behind it: ``--train lora``, ``--max-days, hours divided by 24``.

    Parameters
    ----------
    option : str
        As typed, ``--num-gpus``.
    known : iterable of str
        The options that the command has.

    >>> option_meant("--num_gpus", ["--devices", "--device"]), option_meant("--gpu", ["--devices", "--device"])
    ('--devices', '--device')
    """
    name, names = option.partition("=")[0], list(known)
    words = words_in(name)
    plain = "-".join(words)
    near = misspelt(plain, [one.removeprefix("--") for one in names])
    for meant in [] if plain in NO_DEGREE else _phrases().get(_said(name), []):
        if (
            near and near.startswith(words[0]) and " " in meant and near not in meant
        ):  # --lora-n is --lora-on, not --train lora
            continue
        if meant == "--in-flight" and "batch" in words and "--params" in names:  # or the batch of a training
            continue
        if re.split(r"[ ,]", meant)[0] in names and (meant != "--device-hours" or _time(words) == "hour"):
            return meant + _factor(words, meant)
    if (same := "--sequence-parallel" if plain in NO_DEGREE else f"--{plain}") in names:
        return same
    return near and f"--{near}"


VAGUE = frozenset(["name", "names"])
"""Keys that could name anything."""
OPTIONS_OF = {"output": "output_tokens"}
"""Keys of files whose options have another name on the command line."""
TABLES = {"contracts": "contract_"}
"""Tables of files, and what their keys begin with where they are options."""


def key_meant(key: str, known: Iterable[str], elsewhere: Iterable[str] = ()) -> str | None:
    """Return the key of a file that is meant by another tool's, or misspelt; None where that is not clear.

    Parameters
    ----------
    key : str
        As it stands in the file.
    known : iterable of str
        The keys of its table.
    elsewhere : iterable of str
        Keys of other tables, as ``layout.tp``.

    >>> key_meant("num_gpus", ["devices", "device"]), key_meant("fsdp", ["model"], ["layout.zero"])
    ('devices', 'layout.zero = 3')
    """
    paths = {OPTIONS_OF.get(name, name): name for name in known}
    for path in elsewhere:
        table, _, name = path.rpartition(".")
        paths.setdefault(TABLES.get(table, "") + name, path)
    plain = "_".join(words_in(key))
    if plain in paths or plain in VAGUE:
        return paths.get(plain)
    meant = option_meant(f"--{plain}", [f"--{name.replace('_', '-')}" for name in paths])
    if meant is None:
        return None
    option, value = re.fullmatch(r"--([a-z0-9-]+)(.*)", meant).groups()  # type: ignore[union-attr]
    path = paths[option.replace("-", "_")]
    if not value.startswith(" "):
        return f"{path}{value}"
    inner, equals, text = value.strip().rpartition("=")
    text = text if text.isdigit() else f'"{text}"'
    return f"{path}.{inner} = {text}" if equals else f"{path} = {text}"


def value_meant(key: str, value: str) -> str | None:
    """Return the value of an option that is meant by another word: empty where there is none like it, None where unknown."""
    word = plain_name(value)
    return next((one for one, words in VALUES.get(key, {}).items() if word in words.split()), None)


def choice_meant(key: str, value: str, known: Iterable[str]) -> str | None:
    """Return the value of a key that is meant by another word, or misspelt; None where that is not clear."""
    meant = value_meant(key, value)
    return nearest(value, known) if meant is None else meant or None
