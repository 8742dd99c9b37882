"""A shell script that launches a training, as a scenario."""

from __future__ import annotations

import json
import re
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.devices import device_asked, device_count
from carbonscaling.exchange.launch import Launch, Reading, some_of
from carbonscaling.exchange.maxtext.launch import read_keys, words_of
from carbonscaling.exchange.megatron.arguments import LEAST, behind_script, flat, parsed, trainer
from carbonscaling.exchange.megatron.understand import shape_names, understand
from carbonscaling.exchange.release import known_names, release
from carbonscaling.exchange.shell import Script, read_script

__all__ = ["script_launch"]

_OTHER = re.compile(r"bert|_t5|retro|vision|_vlm|_ict|mimo|mamba|hybrid|multimodal|diffusion")
"""In the name of a trainer: what it trains is no decoder of attention and feed-forward blocks alone."""


def script_launch(text: str, where: str, devices: int | None) -> Launch:
    """Read a script: its trainer's arguments, the devices it asks for, and DeepSpeed's configuration where it writes one.

    Raises
    ------
    InputError
        No command of it has arguments of a trainer that is known here.
    """
    try:
        script = read_script(text)
    except RecursionError as error:
        raise InputError(
            "brackets or quotes of the script lie too deep in each other",
            where=where,
            remedy="check that it is a script",
        ) from error
    keys = _maxtext(script)
    command = trainer(script.commands)
    if keys and len(keys) >= LEAST:
        found = Reading(where, release("maxtext"))
        found.notes += script.notes
        read_keys(keys, found, devices)
        return found.done()
    if not command:
        raise InputError(
            "no command of the script has arguments of Megatron-LM or MaxText", where=where,
            remedy="give the file that holds the trainer's arguments; "
            + ("; ".join(script.notes) or "those that stand in another file are not read"),
        )  # fmt: skip
    said, strange = parsed(behind_script(command))
    found = Reading(where, release("megatron"))
    found.notes += script.notes
    if other := next(
        (word for word in command if word.endswith(".py") and _OTHER.search(word.rpartition("/")[2])), None
    ):
        shape = shape_names(said)
        found.notes.append(
            f"{other.rpartition('/')[2]} trains a model of another kind: add --model, whose shape counts in the place of "
            f"what the file says of it ({some_of(shape)})"
        )
        said = {name: value for name, value in said.items() if name not in shape}
    count = device_count(script, command) if devices is None else None
    if count:
        found.take("devices", f"{count} devices", devices=count)
    if device := device_asked(script):
        found.take("scheduler", f"device {device}", device=device)
    if said.pop("deepspeed", None) or "deepspeed_config" in {*said, *strange}:
        found.take("deepspeed", "stack megatron-deepspeed", stack="megatron-deepspeed")
        said = {**_zero_stage(script), **said}
    understand(said, found, devices, strange)
    if found.scenario.get("stack") == "megatron-deepspeed" and "zero_stage" not in said:
        found.layout.pop("zero", None)
        found.notes.append("the ZeRO stage stands in DeepSpeed's configuration, another file: --zero says it")
    return found.done()


def _maxtext(script: Script) -> dict[str, Any]:
    """Return the keys of the command that starts MaxText; nothing where none does."""
    known = known_names("maxtext")
    best: dict[str, Any] = {}
    for words in script.commands:
        keys = {key: value for key, value in words_of(flat(words)).items() if key in known}
        if len(keys) > len(best):
            best = words_of(flat(words))
    return best


def _zero_stage(script: Script) -> dict[str, int]:
    """Return the ZeRO stage of a DeepSpeed configuration that the script writes."""
    for text in script.files.values():
        try:
            stage = json.loads(text)["zero_optimization"]["stage"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(stage, int):
            return {"zero_stage": stage}
    return {}
