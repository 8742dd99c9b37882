"""Known models by name, each with the parameter count its makers published; or a model from a user's file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from carbonscaling.catalog.read import build, read_toml, shipped
from carbonscaling.errors import InputError, plain_name, respelt
from carbonscaling.model.check import located
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = [
    "ModelEntry",
    "load_model",
    "model",
    "model_aliases",
    "model_entry",
    "model_meant",
    "model_names",
    "model_spec",
]


@dataclass(frozen=True)
class ModelEntry:
    """A model of the catalogue.

    Attributes
    ----------
    spec : ModelSpec
    parameters : Datum
        Published parameter count; its range is the printed precision or the stated tolerance.
    active : Datum, optional
        Published parameters a token meets, for mixtures of experts.
    aliases : tuple of str
        Other names, as measurements and papers write them.
    """

    spec: ModelSpec
    parameters: Datum
    active: Datum | None = None
    aliases: tuple[str, ...] = ()


def _paths() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.toml"))


def _table(name: str) -> dict[str, Any] | None:
    """Return the table of a model by its own name, from the one file that holds it: reading all takes ten times as long."""
    heading = f'\n["{name}"]\n'
    for path in _paths():
        if heading in path.read_text(encoding="utf-8"):
            return read_toml(path).get(name)
    return None


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    """Every model's table by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in _paths():
        for name, table in read_toml(path).items():
            if name in found:
                raise InputError("a model is defined twice", where=path.name, key=name)
            found[name] = table
    return found


_STAGES = re.compile(
    r"-(instruct|base|chat|hf|it|pt|thinking|preview|bf16|fp8|fp4|nvfp4|mxfp4|awq|gptq|int4|int8|\d{4}|8k|v0\.\d)$"
)
"""What model hubs write behind a name: stage of training, number format, date; none of it changes the shape."""
_DATE = re.compile(r"-(\d{4})$")


def _known(name: str) -> str | None:
    """Return the catalogue's name for a name, an alias or an id as on a model hub (``maker/Model-Instruct-FP8``).

    A model whose names hold dates is of these dates only: Mistral Large of 2407 and of 2512 are two models.
    """
    known, plain, dates = model_aliases(), plain_name(name), set[str]()
    if plain.count("/") == 1:
        plain = plain.partition("/")[2]
    plain = plain.removeprefix("meta-")
    while plain not in known:
        shorter = _STAGES.sub("", plain)
        if shorter == plain:
            return None
        dates |= {*_DATE.findall(plain[len(shorter) :])}
        plain = shorter
    of = _dates(known[plain])
    return known[plain] if not of or dates <= of else None


@lru_cache(maxsize=256)
def _dates(name: str) -> frozenset[str]:
    """Return the dates among a model's names."""
    return frozenset(date for alias, of in model_aliases().items() if of == name for date in _DATE.findall(alias))


MOST_ALIKE = 12
_SIZE = re.compile(r"\d+(?:\.\d+)?[bmt]")


def _parts(name: str) -> tuple[str, list[str]]:
    """Return the family at the head of a name, in letters, and the sizes that it holds (``llama``, ``8b``)."""
    head = re.match(r"[a-z]+(?![a-z0-9.]*\d[bmt])", name)
    return head[0] if head else "", [part for part in name.split("-") if _SIZE.fullmatch(part)]


def model_meant(name: str) -> str | None:
    """Return the accepted name that another respells; a size that another generation has too is another shape."""
    return respelt(plain_name(name), model_aliases())


def _alike(name: str) -> str | None:
    """Return the catalogue's names of a name's family, or else of its size: other models, which nobody is to take for it."""
    family, sizes = _parts(plain_name(name))
    of_size = [one for one in model_names() if {*sizes} & {*one.split("-")}]
    found = [one for one in model_names() if family and one.startswith(family)] or of_size
    found = sorted(found, key=lambda one: one not in of_size)[:MOST_ALIKE]
    return f"other shapes of the catalogue: {', '.join(found)}" if found else None


@lru_cache(maxsize=1)
def model_aliases() -> Mapping[str, str]:
    """Every accepted spelling in lower case with hyphens, and the name it stands for."""
    names = {plain_name(alias): name for name, table in _tables().items() for alias in table.get("aliases", ())}
    return {**names, **{plain_name(name): name for name in _tables()}}


def model_names() -> list[str]:
    """Return the catalogue's names, sorted."""
    return sorted(_tables())


@lru_cache(maxsize=256)
def model_entry(name: str) -> ModelEntry:
    """Return a model with its published counts.

    Parameters
    ----------
    name : str
        A name or alias, or an id as on a model hub; case, blanks and underscores do not matter.

    Raises
    ------
    InputError
        No such model.
    """
    full: str | None = plain_name(name)
    table = _table(plain_name(name))
    if table is None:
        full = _known(name)
        table = None if full is None else dict(_tables()[full])
    if full is None or table is None:
        is_size, meant = bool(_SIZE.fullmatch(plain_name(name))), model_meant(name)
        raise InputError(
            "a size is no model" if is_size else "unknown model",
            value=name,
            suggestion=meant,
            allowed=None if meant else _alike(name),
            remedy="carbonscaling catalog list models; a config.json or a TOML file describes another, and --law with "
            "--compute sets a model's size",
        )
    own: dict[str, Any] = {key: table.pop(key) for key in ("parameters", "active", "aliases") if key in table}
    return shipped(ModelEntry, {**own, "spec": {"name": full, **_bare(table), **table}})


def model(name: str) -> ModelSpec:
    """Return the architecture of a model of the catalogue.

    Raises
    ------
    InputError
        No such model.

    >>> model("Llama 3.1 405B").n_layers
    126
    """
    return model_entry(name).spec


def model_spec(name: str) -> ModelSpec:
    """Return a model of the catalogue, or the one that a file describes.

    Parameters
    ----------
    name : str
        A name, or the path of a Hugging Face ``config.json`` or of a model TOML file.

    Raises
    ------
    InputError
        No such model, or an unusable file.
    """
    path = Path(name)
    is_file = path.suffix in (".json", ".toml") or os.path.exists(path)
    return load_model(path) if is_file else model(name)


def _bare(table: Mapping[str, Any]) -> dict[str, None]:
    """Return no attention for a model with another mixer; one without either has forgotten it."""
    return {"attention": None} if "mixer" in table else {}


def _as_trained(spec: ModelSpec) -> ModelSpec:
    """Return a model whose training length is assumed with that of the catalogue's model of the same width and heads."""
    if not spec.seq_len_range or spec.attention is None:
        return spec

    def shape(one: ModelSpec) -> tuple[object, ...]:
        a, x = one.attention, one.experts
        heads = a and (a.n_heads, a.n_kv_heads, a.d_query_key, a.qk_norm)
        return one.d_model, one.vocab_size, heads, one.ffn.gated, x and (x.n_routed, x.d_ff)

    alike = [known for known in map(model, model_names()) if shape(known) == shape(spec) and not known.seq_len_why]
    if not alike:
        return spec
    nearest_depth = min(alike, key=lambda known: abs(known.n_layers - spec.n_layers))
    why = f"as {nearest_depth.name} of the catalogue, of the same width, heads and vocabulary, was trained"
    return replace(spec, seq_len=nearest_depth.seq_len, seq_len_why=f"{why}; {spec.seq_len_why.rpartition(': ')[2]}")


def load_model(path: str | Path) -> ModelSpec:
    """Return the model a user's file describes.

    Parameters
    ----------
    path : str or Path
        A TOML file with the fields of `ModelSpec` (``name`` defaults to the file's), or a Hugging Face ``config.json``
        (or a directory that holds one).

    Raises
    ------
    InputError
        The file cannot be read, has an unknown or missing key, or a wrong value.
    """
    path = Path(path)
    if path.suffix != ".toml":
        from carbonscaling.model.huggingface import from_config

        return _as_trained(from_config(path))
    own = read_toml(path)
    table = {"name": path.stem, **_bare(own), **own}
    try:
        spec = build(ModelSpec, table, str(path))
    except InputError as error:
        raise located(error, str(path)) from error
    return replace(spec, source=spec.source or str(path))
