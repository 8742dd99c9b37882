"""Measured servings become questions: what a row leaves open is settled as its engine does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Cells, Unusable
from carbonscaling.evidence.serving_row import ServingRow, parse_serving
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.serving.build import serving
from carbonscaling.serving.engine import engine_named
from carbonscaling.serving.factors import unfitted
from carbonscaling.serving.formats import format_named
from carbonscaling.serving.limits import Limits, kept
from carbonscaling.serving.numbers import Layout
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Mode, Question, kept_in
from carbonscaling.serving.search import spread_over
from carbonscaling.validate.serving.mlperf import limits, scenario
from carbonscaling.validate.serving.shape import serving_shape
from carbonscaling.validate.serving.waves import as_one_wave, wave

__all__ = ["asked"]

DIES = {"mi250x": "mi250x-gcd"}
"""Modules whose dies software sees as devices: a rank of an engine is one of them, and so is what a row counts."""
MODES: dict[str, Mode] = {
    "static": "static", "offline": "saturated", "saturated": "saturated", "disaggregated": "disaggregated",
    "disagg": "disaggregated",
}  # fmt: skip


def _cluster(name: str) -> Cluster:
    cluster = hardware.cluster(name)
    return hardware.cluster(DIES[cluster.device.id]) if cluster.device.id in DIES else cluster


def _mode(row: ServingRow) -> Mode:
    if scenario(row):
        return "saturated"  # the load generator is a library of the process that serves
    return "static" if row.concurrency_basis.startswith("static") else MODES.get(row.mode.lower(), "continuous")


def _drawn(row: ServingRow) -> bool:
    """Whether tokens were drawn: MLPerf, and benchmarks that ask for a number of tokens, take the most probable ones."""
    return not (scenario(row) or any(word in row.tokens_basis.lower() for word in ("exact", "nominal")))


def _layout(row: ServingRow) -> Layout:
    n = row.n_devices or (row.tp or 1.0) * (row.pp or 1.0) * (row.dp or 1.0)
    pp = row.pp or 1.0
    tp = row.tp or max(1.0, n / pp)
    if row.dp and row.ep == n / pp and tp * pp * row.dp < n and _mode(row) != "disaggregated":
        # Experts over all devices and fewer replicas of attention than these: the same ranks split its tensors (vLLM's
        # --tensor-parallel-size with --enable-expert-parallel, where leaderboards print the experts' degree alone).
        tp = n / (pp * row.dp)
    return Layout(tp, pp, max(row.ep or 1.0, 1.0), max(1.0, n / (tp * pp)))


def _settled(question: Question, layouts: Sequence[Layout], promised: Limits | None) -> Question:
    """Return the serving with the layout that makes the most of its devices, by the physics before any row.

    Who says how many devices serve, and not how they are split, ran copies side by side where one fits on fewer: so do the
    makers' submissions to MLPerf, whose rows state no degrees.
    """
    tried = [replace(question, layout=layout) for layout in layouts] or [question]
    if promised is not None and question.in_flight is None:
        tried = kept(tried, promised)
    return tried[int(np.argmax(predict(worked(tried), unfitted()).speed))] if len(tried) > 1 else tried[0]


def asked(cells: Cells) -> tuple[ServingRow, Question]:
    """Return a row and the serving that it measured.

    Raises
    ------
    Unusable
        It cannot be answered, with the reason.
    """
    row = parse_serving(cells)
    if row.mode == "prefill":
        raise Unusable("prompts alone: no output tokens")
    if not row.output_tokens:
        raise Unusable("no output_tokens")
    try:
        weights, engine = format_named(row.weights or "bf16"), engine_named(row.framework)
        kept = row.kv_cache.lower() in ("", "auto")
        question = Question(
            serving_shape(row), _cluster(row.device), weights,
            kept_in(weights, engine) if kept else format_named(row.kv_cache, "kv_cache"), _layout(row), engine, _mode(row),
            row.output_tokens, row.input_tokens, row.concurrency or None, _drawn(row),
            like=row.source,
        )  # fmt: skip
        serving(question.spec, question.cluster, question.weights, question.kv, question.layout)
        told = row.tp or row.pp or row.ep or row.dp or (row.n_devices or 1.0) <= 1.0
        question = _settled(question, [] if told else spread_over(question, row.n_devices or 1.0), limits(row))
        if at_once := wave(row):
            question = as_one_wave(question, at_once)
    except InputError as error:
        raise Unusable(f"{error.problem}: {error.value}") from error
    return row, question
