"""Many at once: nothing fails, memory stays bounded; the times are printed (run with -s)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import httpx
import pytest
from serve_helpers import HANGS_S, Service

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


Asked = list[tuple[int, float, dict[str, Any]]]


async def together(url: str, n: int, n_searches: int) -> tuple[Asked, Asked]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=HANGS_S, limits=limits) as client:
        small = [ask(client, "/api/v1/estimate", s) for s in estimates(n)]
        large = [ask(client, "/api/v1/plan", s) for s in searches(n_searches)]
        done = await asyncio.gather(*small, *large)
    return done[:n], done[n:]


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))]


@pytest.mark.parametrize(("n", "n_searches"), [(48, 3), pytest.param(200, 10, marks=pytest.mark.slow)])
def test_estimates_and_searches_at_once(service: Service, n: int, n_searches: int) -> None:
    before = service.memory_mb()
    begin = time.perf_counter()
    small, large = asyncio.run(together(service.url, n, n_searches))
    wall = time.perf_counter() - begin
    after = service.memory_mb()
    for found in (small, large):
        assert {status for status, *_ in found} == {200}
        assert all("feasible" in data for *_, data in found)
    models = {data["summary"]["n_devices"] for *_, data in small if data["feasible"]}
    assert models == {64, 128, 256, 512}
    print(
        f"\n{n} estimates and {n_searches} searches at once, 2 processes, load {os.getloadavg()[0]:.1f}: {wall:.1f} s in all; "
        f"p95 {p95([t for _, t, _ in small]):.1f} s and {p95([t for _, t, _ in large]):.1f} s; "
        f"memory {before:.0f} MB before, {after:.0f} MB after"
    )
    assert after < 1500


def test_the_same_question_at_once_has_one_answer(service: Service) -> None:
    async def many() -> Asked:
        scenario = {"model": "llama-3-8b", "tokens": 3.21e12, "device": "h100-sxm", "devices": 96}
        async with httpx.AsyncClient(base_url=service.url, timeout=HANGS_S) as client:
            return await asyncio.gather(*(ask(client, "/api/v1/estimate", scenario) for _ in range(100)))

    found = asyncio.run(many())
    assert all(data == found[0][2] for *_, data in found)


def test_light_requests_are_answered_while_heavy_ones_run(service: Service) -> None:
    """None waits for a search: some are still under way when all light requests have been answered."""

    async def beside() -> int:
        async with httpx.AsyncClient(base_url=service.url, timeout=HANGS_S) as client:
            heavy = [
                asyncio.ensure_future(ask(client, "/api/v1/plan", {**s, "tokens": 7e12, "space": "full"}))
                for s in searches(12)
            ]
            await asyncio.wait(heavy, return_when=asyncio.FIRST_COMPLETED)
            for path in ("/", "/health", "/api/v1/catalog"):
                assert (await client.get(path)).status_code == 200
            under_way = sum(not f.done() for f in heavy)
            for f in heavy:
                f.cancel()
        return under_way

    assert asyncio.run(beside()) > 0
