"""A YAML file of a training, as a scenario."""

from __future__ import annotations

from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.exchange.bridge import SECTIONS, read_sections
from carbonscaling.exchange.launch import Launch, Reading
from carbonscaling.exchange.maxtext.launch import read_keys
from carbonscaling.exchange.release import known_names, release
from carbonscaling.platform import need

__all__ = ["yaml_launch"]


def yaml_launch(text: str, where: str, devices: int | None) -> Launch:
    """Read MaxText's keys, or Megatron-Bridge's sections.

    Raises
    ------
    InputError
        It is not YAML, or neither's; or PyYAML is not installed (extra ``exchange``).
    """
    yaml = need("yaml", "exchange")
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(
            f"not valid YAML: {' '.join(str(error).split())}",
            where=where,
            remedy="correct it at the line that is named",
        ) from error
    if isinstance(said, dict) and sum(isinstance(said.get(section), dict) for section in SECTIONS) and "model" in said:
        found = Reading(where, release("megatron-bridge"))
        read_sections(said, found, devices)
        return found.done()
    if isinstance(said, dict) and len(known_names("maxtext").keys() & said.keys()) > 1:
        found = Reading(where, release("maxtext"))
        read_keys(said, found, devices)
        return found.done()
    raise InputError(
        f"no settings of MaxText or Megatron-Bridge are in {Path(where).name}", where=where,
        allowed="keys of MaxText's base.yml, or sections model, train, ddp of Megatron-Bridge",
        remedy="give the file that holds them",
    )  # fmt: skip
