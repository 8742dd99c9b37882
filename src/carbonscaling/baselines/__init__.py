"""What others would predict for the same runs: a regression over history, LLMCarbon before the fact, a constant MFU."""

from __future__ import annotations

from carbonscaling.baselines.compare import BASELINES, Comparison, compare, predict
from carbonscaling.baselines.constant_mfu import constant_mfu_speed
from carbonscaling.baselines.llmcarbon import llmcarbon_speed
from carbonscaling.baselines.regression import Regression, fit_regression, history

__all__ = [
    "BASELINES",
    "Comparison",
    "Regression",
    "compare",
    "constant_mfu_speed",
    "fit_regression",
    "history",
    "llmcarbon_speed",
    "predict",
]
