"""The figures of a serving in words, for the terminal and for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.words import plain

__all__ = ["served_rows", "serving_rows"]

SERVES = {
    "model": "model", "device": "device", "engine": "engine", "weights": "weights", "kv_cache": "keys and values",
    "n_devices": "devices", "copies": "copies of the model", "prompt_copies": "of these for prompts",
    "tp": "tensor-parallel ranks", "pp": "pipeline stages", "ep": "ranks of experts",
    "in_flight": "requests in flight on a copy", "requests_per_day": "requests a day", "tokens_per_day": "output tokens a day",
    "n_ways": "layouts and numbers in flight compared", "known": "intervals as for",
}  # fmt: skip
"""What serves, by the key of a summary."""


def _range(ends: Sequence[float]) -> str:
    return f"{plain(ends[0])} to {plain(ends[1])}"


def served_rows(a: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what a serving takes, from its summary: what it is, the value, its interval."""
    rows = [
        ("output tokens/s a device", plain(a["tokens_per_s_per_device"]), _range(a["tokens_per_s_interval"])),
        ("time between tokens", f"{plain(1e3 * a['tpot_s'])} ms", ""),
        ("time to the first token", f"{plain(a['ttft_s'])} s", ""),
        ("watts a device at peak", plain(a["watts_per_device"]), _range(a["watts_interval"])),
        ("J an output token, devices at peak", plain(a["joules_per_token"]), _range(a["joules_interval"])),
        ("  at mean load", plain(a["mean_joules_per_token"]), ""),
        ("Wh a request, devices alone", plain(a["device_wh_per_request"]), ""),
        ("  with hosts, network and PUE", plain(a["wh_per_request"]), _range(a["wh_per_request_interval"])),
        ("g CO2e a request", plain(a["g_co2e_per_request"]), _range(a["g_co2e_per_request_interval"])),
        ("kg CO2e a million output tokens", plain(a["kg_co2e_per_million_tokens"]), ""),
        ("litres of water a request", plain(a["water_l_per_request"]), ""),
    ]
    if a["usd_per_million_tokens"] is not None:
        rows.append(("USD a million output tokens", plain(a["usd_per_million_tokens"]), ""))
    return rows


def serving_rows(a: Mapping[str, Any]) -> dict[str, Any]:
    """Return what serves, from the same summary."""
    return {words: a[key] for key, words in SERVES.items() if key in a}
