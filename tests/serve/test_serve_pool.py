"""Processes that die: their request is asked once more, and no request ends more than two."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from pathlib import Path

import pool_workers
import pytest

from carbonscaling.serve import pool as pools
from carbonscaling.serve.jobs import Job
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.pool import TRIES, Pool
from carbonscaling.serve.problem import Problem
from carbonscaling.serve.question import Asked, Kind
from carbonscaling.serve.turns import Turns
from carbonscaling.study.scenario import Scenario


def job(name: str, kind: Kind = "estimate") -> Job:
    return Job("answer", kind, Asked(Scenario()), name)


def notes(pool: Pool) -> list[str]:
    return (Path(pool._home.name) / pool_workers.NOTES).read_text(encoding="utf-8").split()


WithPool = Callable[[Callable[[Pool], Awaitable[None]]], None]


@pytest.fixture
def with_pool(monkeypatch: pytest.MonkeyPatch) -> WithPool:
    context = multiprocessing.get_context("forkserver")  # starts one after another quicker than anew
    context.set_forkserver_preload(["carbonscaling.serve.jobs"])
    monkeypatch.setattr(pools, "_CONTEXT", context)
    monkeypatch.setattr(pools, "work", pool_workers.work)

    def run(main: Callable[[Pool], Awaitable[None]]) -> None:
        async def around() -> None:
            pool = Pool(2, Limits(job_s=1e6, queue_s=1e6))
            try:
                await pool.start()
                await main(pool)
            finally:
                pool.close()

        asyncio.run(around())

    return run


def test_a_request_whose_process_died_is_asked_once_more(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        assert (await pool.run(job("unlucky"))).status == 200
        assert notes(pool) == ["unlucky"] * 2
        assert (await pool.run(job("other"))).status == 200

    with_pool(main)


def test_a_request_that_kills_is_not_asked_again_and_again(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        with pytest.raises(Problem) as refused:
            await pool.run(job("killer"))
        assert refused.value.status == 500
        assert "died" in str(refused.value)
        assert refused.value.error.remedy
        assert notes(pool) == ["killer"] * TRIES
        replies = await asyncio.gather(*(pool.run(job(f"after-{i}")) for i in range(6)))
        assert {reply.status for reply in replies} == {200}
        assert sorted(notes(pool)[TRIES:]) == [f"after-{i}" for i in range(6)], "each once"

    with_pool(main)


def test_processes_that_died_while_idle_cost_nobody_a_try(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        for worker in pool._idle:
            worker.process.kill()
            worker.process.join()
        replies = [await pool.run(job(name)) for name in ("a", "unlucky", "b")]
        assert {reply.status for reply in replies} == {200}
        assert notes(pool) == ["a", "unlucky", "unlucky", "b"]

    with_pool(main)


def test_processes_killed_while_they_start_cost_nobody_a_try(
    monkeypatch: pytest.MonkeyPatch, with_pool: WithPool
) -> None:
    async def main(pool: Pool) -> None:
        assert (await pool.run(job("unlucky"))).status == 200
        assert notes(pool) == ["unlucky"] * 2
        starts = sorted(len(path.read_text(encoding="utf-8")) for path in Path(pool._home.name).glob("*.started"))
        assert starts == [2, 5]

    monkeypatch.setattr(pools, "work", pool_workers.work_at_some_starts)
    with_pool(main)


def test_who_hangs_up_frees_a_process(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        for _ in range(3):
            left = [asyncio.ensure_future(pool.run(job("endless"))) for _ in range(2 * pool.n)]
            while len(pool._busy) < pool.n:
                await asyncio.sleep(0.01)
            for task in left:
                task.cancel()
            await asyncio.wait(left)
        assert (await pool.run(job("good"))).status == 200

    with_pool(main)


def test_clients_take_turns_and_an_estimate_waits_for_no_plan(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        first = asyncio.ensure_future(pool.run(job("endless", "plan"), "many"))
        names = ("many-1", "many-2", "many-3", "one")
        plans = [asyncio.ensure_future(pool.run(job(n, "plan"), n.partition("-")[0])) for n in names]
        assert (await pool.run(job("light"), "many")).status == 200
        assert not any(task.done() for task in (first, *plans))
        first.cancel()
        assert {reply.status for reply in await asyncio.gather(*plans)} == {200}
        assert [n for n in notes(pool) if n in names] == ["many-1", "one", "many-2", "many-3"]

    with_pool(main)


def test_what_stands_beside_an_answer_is_asked_where_it_was_found(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        asked = [Job("answer", "estimate", Asked(Scenario(devices=n)), "x") for n in (8, 16)]
        first, second = (reply.text for reply in await asyncio.gather(*map(pool.run, asked)))
        assert first != second, "two processes"
        again = [(await pool.run(j._replace(task="regions"))).text for j in asked for _ in range(3)]
        assert again == [first] * 3 + [second] * 3

    with_pool(main)


def test_many_die_under_load(with_pool: WithPool) -> None:
    async def main(pool: Pool) -> None:
        jobs = [job("killer" if i % 5 == 0 else f"good-{i}") for i in range(10)]
        replies = await asyncio.gather(*map(pool.run, jobs), return_exceptions=True)
        for asked, reply in zip(jobs, replies, strict=True):
            assert isinstance(reply, Problem) if asked.format == "killer" else not isinstance(reply, BaseException)
        assert len(pool._idle) == pool.n
        assert not pool._busy
        assert notes(pool).count("killer") == 2 * TRIES

    with_pool(main)


def test_pages_of_one_address_take_turns_and_gain_nothing_on_another() -> None:
    turns = Turns[str]()
    for i in range(40):
        turns.add("a", f"a{i}", page=str(i % 20))
    turns.add("a", "late", page="new")
    for i in range(3):
        turns.add("b", f"b{i}")
    order = [turns.next() for _ in range(len(turns))]
    assert [order.index(f"b{i}") for i in range(3)] == [1, 3, 5]
    assert order.index("late") < order.index("a20")
    assert order.index("a0") < order.index("a20")
