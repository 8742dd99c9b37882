"""MLPerf's scenarios: how requests come in a row that was measured in one, and which latencies it asks for."""

from __future__ import annotations

from carbonscaling.evidence.serving_row import ServingRow
from carbonscaling.serving.limits import Limits

__all__ = ["limits", "scenario"]

LIMITS: dict[str, dict[str, Limits]] = {
    "(Offline)": {},
    "(Server)": {
        "llama2-70b": Limits(2.0, 0.2), "llama-2-70b": Limits(2.0, 0.2), "mixtral-8x7b": Limits(2.0, 0.2),
        "llama3.1-405b": Limits(6.0, 0.175), "llama3.1-8b": Limits(2.0, 0.1), "deepseek-r1": Limits(2.0, 0.08),
    },
    "(Interactive)": {
        "llama2-70b": Limits(0.45, 0.04), "llama3.1-405b": Limits(4.5, 0.08), "llama3.1-8b": Limits(0.5, 0.03),
        "deepseek-r1": Limits(1.5, 0.015),
    },
}  # fmt: skip
"""What a scenario asks of 99 requests in 100, by how a model's name begins (mlperf_inference_reference)."""


def scenario(row: ServingRow) -> str:
    """Return the scenario that a row was measured in; "" for none."""
    return next((name for name in LIMITS if name in row.concurrency_basis), "")


def limits(row: ServingRow) -> Limits | None:
    """Return the latencies that its scenario asks of a row's model; None where it asks for none."""
    own = LIMITS.get(scenario(row), {})
    return next((asked for name, asked in own.items() if row.model.lower().startswith(name)), None)
