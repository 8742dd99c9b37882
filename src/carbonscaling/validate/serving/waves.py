"""Requests that all come at once, and none after: their figure is divided by the time of the longest answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carbonscaling.evidence.serving_row import ServingRow
from carbonscaling.serving.factors import unfitted
from carbonscaling.serving.predict import ANY_PROMPT, predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.serving.search import steps_to
from carbonscaling.study.project.drain import drained

__all__ = ["as_one_wave", "wave"]

CONVERSATION = 2048.0
"""Tokens of prompt and answer at most, of the conversations that vLLM's benchmark takes (vllm_datasets_2025)."""


def wave(row: ServingRow) -> float | None:
    """Return the requests that came at once, with answers as conversations have them; None where they did not."""
    alike = any(word in row.tokens_basis for word in ("exact", "nominal"))
    return row.concurrency if "requests at once" in row.concurrency_basis and not alike else None


def as_one_wave(q: Question, requests: float) -> Question:
    """Return a serving with as many in flight as make the speed of so many that start together and end one by one.

    By the physics before any row; lengths are taken as a wave of rollouts has them (decision 292).
    """
    tried = sorted({*steps_to(requests), requests})
    p = predict(worked([replace(q, in_flight=n) for n in tried]), unfitted())
    between = np.array(tried) / (p.speed * q.layout.devices)  # with the wait of those that found no place
    limit = CONVERSATION - (ANY_PROMPT if q.prompt is None else q.prompt)
    slower = drained(q.output, limit, requests, tried, between.tolist(), p.watts.tolist()).time
    speeds = np.maximum.accumulate(p.speed)
    return replace(q, in_flight=float(np.interp(speeds[-1] / slower, speeds, tried)), worked_out=True)
