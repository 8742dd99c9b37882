"""A user's own training log as a measured run: step time from the log, everything else from the scenario beside it."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import replace
from pathlib import Path

from carbonscaling.calibration.emissions import is_emissions, read_emissions
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import parse_row
from carbonscaling.files import LOG, read_text
from carbonscaling.study.practice import settle
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.setup import setup
from carbonscaling.validate.replay import Replay
from carbonscaling.validate.speed.measured import FASTEST

__all__ = ["OWN", "log_run", "step_seconds"]

_MEGATRON = re.compile(r"elapsed time per iteration \(ms\):\s*([0-9]+(?:\.[0-9]+)?)")
_TORCHTITAN = re.compile(r"\btps:\s*([0-9][0-9,]*)")
OWN = "own logs"
"""All logs of a calibration are of one source: what is odd about a machine is in each of them."""
WARM_UP = 5
"""Steps at the beginning that are not counted: compilation, caches, first allocations."""


def _steady(values: list[float]) -> float:
    return statistics.median(values[WARM_UP:] if len(values) > 2 * WARM_UP else values)


def _numbers(line: re.Pattern[str], text: str) -> list[float]:
    """Return what the log says on such lines, where it is more than nought."""
    found = (float(number.replace(",", "")) for number in line.findall(text))
    return [number for number in found if 0.0 < number < math.inf]


def step_seconds(text: str, tokens_per_step: float, n_devices: int) -> float | None:
    """Return the median steady step time in a log, or None where no known line is found.

    Megatron-LM prints milliseconds per iteration; torchtitan tokens per second and device (``tps``).
    """
    times = [ms / 1000.0 for ms in _numbers(_MEGATRON, text)]
    if times:
        return _steady(times)
    speeds = _numbers(_TORCHTITAN, text)
    return tokens_per_step / (_steady(speeds) * n_devices) if speeds else None


def _tracked(file: Path, scenario: Scenario) -> float:
    """Return the seconds of the one run that a tracker saw from beginning to end."""
    runs = read_emissions(file)
    if scenario.tokens is None:
        raise InputError(
            "a tracker's file knows no tokens, so that no speed follows from it", where=str(file), key="tokens",
            remedy="give tokens in the scenario: those that this run trained on",
        )  # fmt: skip
    if len(runs) > 1:
        raise InputError(
            "several runs in one file: which one the scenario describes is not known", where=str(file),
            value=f"{len(runs)} runs", remedy="keep the row of one run, the slowest where several processes wrote one",
        )  # fmt: skip
    return runs[0].seconds


def log_run(log: Path, scenario: Scenario) -> tuple[Replay, float]:
    """Return a logged run as a measurement: its scenario settled as people settle one, and its tokens/s/device.

    Parameters
    ----------
    log : Path
        Output of Megatron-LM or torchtitan; or codecarbon's ``emissions.csv`` of one run whose tokens the scenario states.
    scenario : Scenario
        Its model, device, device count, batch, layout and software.

    Raises
    ------
    InputError
        The log has no known line, or the scenario names no device count.
    """
    r = resolve(scenario)
    if scenario.devices is None:
        raise InputError("a log needs the number of devices", key="devices", remedy="give devices in the scenario file")
    if r.spec.attention is None:
        raise InputError("a model without attention cannot have been trained", key="model", value=r.spec.name)
    tokens = r.batch * r.seq_len
    if is_emissions(log):
        seconds: float | None = _tracked(log, scenario) * tokens / r.tokens
    else:
        seconds = step_seconds(read_text(log, LOG), tokens, scenario.devices)
    speed = tokens / seconds / scenario.devices if seconds else 0.0
    if not 1.0 / FASTEST < speed < FASTEST:
        raise InputError(
            "no step times found in the log",
            where=str(log),
            allowed="'elapsed time per iteration (ms): …' (Megatron-LM) or 'tps: …' (torchtitan)",
            remedy="give the log of such a run, or write a CSV with the columns of runs.csv",
        )
    row = parse_row({"id": log.stem, "source": OWN, "device": r.cluster.device.id, "kind": "benchmark"})
    found = setup(replace(scenario, batch=int(r.batch), seq_len=r.seq_len, practice="typical"))
    return Replay(row, found, settle(found), ()), speed
