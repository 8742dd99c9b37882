"""A plan as a file that other software reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carbonscaling import files
from carbonscaling.errors import InputError, nearest
from carbonscaling.exchange.read import named
from carbonscaling.exchange.readback import READ, read_back
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible, run_of

__all__ = ["FORMATS", "SEVERAL", "Picture", "check_format", "emit", "emit_files", "picture", "remarks"]

FORMATS: dict[str, str] = {
    "megatron": "megatron.script:megatron_script",
    "megatron-bridge": "bridge:bridge_overrides",
    "torchtitan": "torchtitan.plan:torchtitan_config",
    "deepspeed": "deepspeed.plan:deepspeed_config",
    "maxtext": "maxtext.plan:maxtext_config",
    "simai": "simai.plan:simai_workload",
    "trace": "timeline.trace:chrome_trace",
    "svg": "picture.plan:plan_picture",
}
"""Formats that are one text, and the function below this package that writes each."""
SEVERAL: dict[str, dict[str, Any]] = {"chakra": {}, "chakra-ranks": {"every_rank": True}}
"""Formats that are several files, with how their writer is asked."""


def check_format(to: str) -> None:
    """Refuse a format that is none.

    Raises
    ------
    InputError
        It is unknown.
    """
    if to not in FORMATS and to not in SEVERAL:
        known = (*FORMATS, *SEVERAL)
        raise InputError(
            "unknown format of a plan", key="emit", value=to, allowed=", ".join(known), suggestion=nearest(to, known),
            remedy="choose one of these",
        )  # fmt: skip


def _feasible(answer: Estimate | Infeasible, to: str) -> Estimate:
    check_format(to)
    answer = run_of(answer, "plan to write", "emit", to)
    if not all(
        float(size).is_integer() for size in (answer.setting.micro_batch, answer.setting.n_micro, answer.resolved.batch)
    ):
        raise InputError(
            "the batch does not split evenly over the replicas, as no launch file can say", key="batch",
            value=answer.resolved.batch, remedy="choose a batch that micro-batch x replicas divide",
        )  # fmt: skip
    s = answer.scenario
    plain = {"train": ("full", "continued", "sft"), "teacher": (None,), "towers": ("none",)}
    said = next((key for key, values in plain.items() if getattr(s, key) not in values), None)
    if said is not None and to not in ("svg", "trace"):
        raise InputError(
            "what is written trains every weight of a language model, nothing frozen and nothing beside it", key=said,
            value=getattr(s, said), remedy="add --train full and leave teacher and towers out, or --emit svg",
        )  # fmt: skip
    if answer.resolved.spec.encoder is not None and to not in ("svg", "trace"):
        raise InputError(
            "what is written trains a decoder, not an encoder beside it", key="model", value=answer.resolved.spec.name,
            remedy="choose --emit svg, or a model without an encoder",
        )  # fmt: skip
    if answer.setting.cp > 1 and to not in ("svg", "trace"):
        _check_context(answer, to)
    return answer


def _check_context(answer: Estimate, to: str) -> None:
    """Refuse to write a sharing of sequences that other software does not do."""
    options = answer.scenario.software
    if options.context_split == "contiguous" or (
        options.context_exchange == "all-to-all" and not to.startswith("megatron")
    ):
        said = "context_split" if options.context_split == "contiguous" else "context_exchange"
        raise InputError(
            "what is written shares sequences in balanced pieces around a ring", key=f"software.{said}",
            value=getattr(options, said), remedy=f"leave {said} out, or --cp 1",
        )  # fmt: skip


def emit(answer: Estimate | Infeasible, to: str) -> str:
    """Return a plan as the text of a file for other software.

    Parameters
    ----------
    answer : Estimate
        What `plan` or `estimate` gave.
    to : {"megatron", "megatron-bridge", "torchtitan", "deepspeed", "maxtext", "simai", "trace", "svg"}
        Launch settings of training software; a workload of the simulator SimAI; one step as a trace for Chrome's viewer and
        Perfetto; a picture.

    Raises
    ------
    InputError
        No such format, one that is several files, nothing is feasible, the software has no setting for something in the
        plan, or the file would read back as another run.
    """
    plan = _feasible(answer, to)
    if to in SEVERAL:
        raise InputError(
            f"{to} is several files", key="emit", value=to, remedy="add --output NAME; in Python: emit_files"
        )
    write = named(FORMATS[to])
    more = remarks(plan, to)
    text: str = write(plan, more) if more else write(plan)
    return text


def remarks(answer: Estimate | Infeasible, to: str) -> tuple[str, ...]:
    """Return what differs between a plan and what a file of it says, in sentences; nothing where it says the plan.

    Raises
    ------
    InputError
        As `emit`.
    """
    plan = _feasible(answer, to)
    return read_back(plan, to, named(FORMATS[to])(plan)) if to in READ else ()


class Picture(str):
    """The text of a picture (SVG), which notebooks show as one."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def picture(answer: Estimate | Infeasible) -> Picture:
    """Return a plan as a picture (SVG): the pipeline on the clock, where a step's time goes, which ranks lie where.

    Notebooks show it; ``Path("plan.svg").write_text(picture(answer))`` keeps it.

    Raises
    ------
    InputError
        Nothing is feasible, or the step has more passes than a picture can hold.
    """
    return Picture(emit(answer, "svg"))


def emit_files(answer: Estimate | Infeasible, to: str, path: str | Path) -> list[str]:
    """Write a plan for other software, and return the names of the files.

    Parameters
    ----------
    answer : Estimate
    to : str
        A format of `emit`, "chakra" (an execution trace for each pipeline stage), or "chakra-ranks" (for each rank).
    path : str or Path
        The file; of several the beginning of their names.

    Raises
    ------
    InputError
        As `emit`, or a file cannot be written.
    """
    plan = _feasible(answer, to)
    contents: dict[str, str | bytes]
    if to in SEVERAL:
        contents = {
            str(path).removesuffix(".et") + end: content
            for end, content in named("chakra.plan:chakra_traces")(plan, **SEVERAL[to]).items()
        }
    else:
        contents = {str(path): emit(plan, to)}
    for name, content in contents.items():
        files.write_file(name, content)
    return list(contents)
