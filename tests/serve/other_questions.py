"""Questions beside plan and estimate, as requests ask them."""

from __future__ import annotations

from typing import Any

__all__ = ["FILES", "QUESTIONS"]

HOURS = "time,A,B\n" + "".join(
    f"2025-01-{1 + h // 24:02d}T{h % 24:02d}:00,{250 + h % 24 * 9},{200 + h % 24 * 5}\n" for h in range(14 * 24)
)
FILES = {
    "hours.csv": HOURS,
    "meter.csv": "month,kwh\n2025-01,30000\n",
    "jobs.csv": "job,device_hours\na,20000\nb,10000\n",
}
RUN: dict[str, Any] = {"model": "llama-3-8b", "tokens": 1e11, "device": "h100-sxm", "devices": 64}
QUESTIONS: dict[str, dict[str, Any]] = {
    "inference": {"model": "llama-3-8b", "requests_per_day": 1e6},
    "schedule": {**RUN, "hourly": "hours.csv:A", "timetable": {"within_days": 6, "released": True},
                 "files": {"hours.csv": HOURS}},
    "chances": {**RUN, "chances": {"write_s": 30, "restart_s": 300, "within_days": 2}},
    "decide": {"law": "sardana_2024", "served_tokens": 2e12, "candidates": [7e9, 13e9]},
    "project": {"project": "tulu-3", "region": "France"},
    "attribute": {"readings": "meter.csv", "jobs": ["jobs.csv"], "energy_scope": "it", "device": "h100-sxm", "devices": 64,
                  "region": "France", "load": {"storage": 2.0},
                  "files": {name: FILES[name] for name in ("meter.csv", "jobs.csv")}},
}  # fmt: skip
