"""Many at once: nothing fails, memory stays bounded; the times are printed (run with -s)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import httpx
import pytest
from serve_helpers import Service

MODELS = ("llama-3-8b", "llama-3-70b", "mixtral-8x7b")


def estimates(n: int) -> list[dict[str, Any]]:
    """So many different questions."""
    one = {"device": "h100-sxm"}
    return [
        {**one, "model": MODELS[i % len(MODELS)], "tokens": 1e12 + 1e9 * i, "devices": 2 ** (6 + i % 4)}
        for i in range(n)
    ]


def searches(n: int) -> list[dict[str, Any]]:
    return [{"model": "llama-3.1-405b", "tokens": 15e12, "device": "h100-sxm", "max_days": 60 + i} for i in range(n)]


async def ask(client: httpx.AsyncClient, path: str, scenario: dict[str, Any]) -> tuple[int, float, dict[str, Any]]:
    begin = time.perf_counter()
    reply = await client.post(path, json=scenario)
    return reply.status_code, time.perf_counter() - begin, reply.json()


async def together(url: str) -> tuple[list[tuple[int, float, dict[str, Any]]], list[tuple[int, float, dict[str, Any]]]]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=180, limits=limits) as client:
        small = [ask(client, "/api/v1/estimate", s) for s in estimates(200)]
        large = [ask(client, "/api/v1/plan", s) for s in searches(10)]
        done = await asyncio.gather(*small, *large)
    return done[:200], done[200:]


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))]


def test_two_hundred_estimates_and_ten_searches_at_once(service: Service) -> None:
    before = service.memory_mb()
    begin = time.perf_counter()
    small, large = asyncio.run(together(service.url))
    wall = time.perf_counter() - begin
    after = service.memory_mb()
    for found in (small, large):
        assert {status for status, *_ in found} == {200}
        assert all("feasible" in data for *_, data in found)
    models = {data["summary"]["n_devices"] for *_, data in small if data["feasible"]}
    assert models == {64, 128, 256, 512}
    print(
        f"\n200 estimates and 10 searches at once, 2 processes, load {os.getloadavg()[0]:.1f}: {wall:.1f} s in all; "
        f"p95 {p95([t for _, t, _ in small]):.1f} s and {p95([t for _, t, _ in large]):.1f} s; "
        f"memory {before:.0f} MB before, {after:.0f} MB after"
    )
    assert after < 1500
    assert wall < 170


def test_the_same_question_at_once_is_answered_once(service: Service) -> None:
    async def many() -> list[tuple[int, float, dict[str, Any]]]:
        scenario = {"model": "llama-3-8b", "tokens": 3.21e12, "device": "h100-sxm", "devices": 96}
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            return await asyncio.gather(*(ask(client, "/api/v1/estimate", scenario) for _ in range(100)))

    begin = time.perf_counter()
    found = asyncio.run(many())
    wall = time.perf_counter() - begin
    assert all(data == found[0][2] for *_, data in found)
    print(f"\n100 times the same question: {wall:.2f} s in all")
    assert wall < 20


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/catalog"])
def test_light_requests_are_answered_while_heavy_ones_run(service: Service, path: str) -> None:
    async def beside() -> list[float]:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            heavy = [asyncio.ensure_future(ask(client, "/api/v1/plan", {**s, "tokens": 7e12})) for s in searches(8)]
            times = []
            for _ in range(10):
                begin = time.perf_counter()
                assert (await client.get(path)).status_code == 200
                times.append(time.perf_counter() - begin)
            await asyncio.gather(*heavy)
        return times

    assert sorted(asyncio.run(beside()))[5] < 1.0
