"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter

from carbonscaling.cli.answers import hand_over, saved_beside
from carbonscaling.errors import InputError
from carbonscaling.reporting.suffixes import ANSWERS, FIGURES, PAGES, TABLES, check_suffix

__all__ = [
    "DrawnFile",
    "Emit",
    "Json",
    "Output",
    "PageFile",
    "Picture",
    "PictureOrPage",
    "ScenarioFile",
    "TableFile",
    "TomlFile",
    "asked",
    "hand_over",
    "one_format",
    "saved_beside",
]

OUTPUT = Group("Output", sort_key=0)

ScenarioFile = Annotated[str | None, Parameter(help="Scenario file (TOML); options override it.", group=OUTPUT)]
Json = Annotated[bool, Parameter(negative=(), help="Print JSON.", group=OUTPUT)]
Output = Annotated[
    str | None,
    Parameter(
        name=("--output", "-o"),
        help=f"Write the answer to this file as well, as its suffix says: {', '.join(ANSWERS)} (a picture of the "
        "plan); with --emit, what other software reads.",
        group=OUTPUT,
    ),
]
Picture = Annotated[
    str | None,
    Parameter(
        help="Draw the plan into this file (SVG): the pipeline on the clock, which ranks lie where.", group=OUTPUT
    ),
]
Emit = Annotated[
    str | None,
    Parameter(
        help="Write what other software reads, into the file of --output or in the answer's place: megatron, megatron-bridge, "
        "torchtitan, deepspeed, maxtext (launch settings); simai (a workload), chakra, chakra-ranks (execution traces, several "
        "files); trace (one step for Chrome and Perfetto), svg; profile (with --from a workload of SimAI).",
        group=OUTPUT,
    ),
]


def one_format(json: bool, csv: bool, more: str = "") -> None:
    """Refuse JSON and CSV on one output, before anything is asked."""
    if json and csv:
        raise InputError("two formats at once", value="--json --csv", remedy=f"choose one{more}")


def asked(said: Mapping[str, object], questions: Mapping[str, Sequence[str]], usual: str) -> str:
    """Return what the options of a command ask, and refuse those that say nothing about it.

    Parameters
    ----------
    said : mapping
        Values of the options by name; one that is nothing was not given.
    questions : mapping
        Options that ask something of their own, the first first, and those that may stand beside each.
    usual : str
        The question that is asked where none of them is given.
    """
    given = [name for name, value in said.items() if value]
    question = next((name for name in questions if name in given), usual)
    for name in given:
        if name not in (question, *questions[question]):
            raise InputError(
                f"{name} says nothing about what {question} asks", key=name, value=said[name],
                allowed=", ".join(questions[question]) or "nothing beside it", remedy=f"leave {name} or {question} out",
            )  # fmt: skip
    return question


def _file_of(*suffixes: str) -> Parameter:
    """Return the option that names a file to write, of one of these suffixes."""

    def read(_type: Any, tokens: Sequence[Any]) -> str:
        check_suffix(tokens[0].value, suffixes)
        return str(tokens[0].value)

    said = f"Write the result to this file as well, as its suffix says: {', '.join(suffixes)}."
    return Parameter(name=("--output", "-o"), help=said, group=OUTPUT, converter=read, n_tokens=1)


PageFile = Annotated[str | None, _file_of(*PAGES)]
PictureOrPage = Annotated[str | None, _file_of(*PAGES, ".svg")]
TomlFile = Annotated[str | None, _file_of(".toml")]
TableFile = Annotated[str | None, _file_of(*PAGES, *TABLES)]
DrawnFile = Annotated[str | None, _file_of(*PAGES, *TABLES, *FIGURES)]
