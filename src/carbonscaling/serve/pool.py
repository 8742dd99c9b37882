"""Processes that answer, each one job at a time; one that takes too long is ended and replaced."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from carbonscaling.serve.jobs import Job, Reply
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.problem import Problem
from carbonscaling.serve.worker import FAILED, work

__all__ = ["Pool"]

_CONTEXT = multiprocessing.get_context("spawn")


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, folder: Path, threads: int, job_bytes: int, calls: ThreadPoolExecutor) -> None:
        folder.mkdir()
        self._calls, self._numbers, self._ready, self.number = calls, itertools.count(1), False, 0
        self._conn, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=work, args=(theirs, str(folder), threads, job_bytes), daemon=True)
        self.process.start()
        theirs.close()

    async def _receive(self) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._calls, self._conn.recv)

    async def ready(self) -> None:
        """Wait until the process has warmed up."""
        if not self._ready:
            await self._receive()
            self._ready = True

    async def reply(self, job: Job) -> Reply | None:
        """Answer a job; None where it was stopped."""
        await self.ready()
        self.number = next(self._numbers)
        self._conn.send((self.number, job))
        _, reply = await self._receive()
        return reply  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Ask the process to leave its job."""
        with contextlib.suppress(OSError):  # it may have died just now
            self._conn.send((self.number, None))

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join(5)
        self._conn.close()


class Pool:
    """Some workers and those who wait for one.

    Parameters
    ----------
    n : int
        Processes.
    limits : Limits
    """

    def __init__(self, n: int, limits: Limits) -> None:
        self.n, self._limits, self._waiting = n, limits, 0
        self._home = tempfile.TemporaryDirectory(prefix="carbonscaling-")
        self._calls = ThreadPoolExecutor(2 * n, "reply")
        self._names = itertools.count()
        self._idle: list[_Worker] = []
        self._free = asyncio.Semaphore(0)
        self._busy: set[_Worker] = set()

    def _worker(self) -> _Worker:
        threads = max(1, len(os.sched_getaffinity(0)) // self.n)
        given = os.environ.get("CARBONSCALING_THREADS", "")
        folder = Path(self._home.name) / str(next(self._names))
        return _Worker(folder, int(given) if given.isdigit() else threads, self._limits.job_bytes, self._calls)

    async def start(self) -> None:
        """Start the processes and wait until they are ready; the first may have to compile the search."""
        for _ in range(self.n):
            worker = self._worker()
            self._idle.append(worker)
            await worker.ready()
            self._free.release()

    def close(self) -> None:
        """End the processes and remove their folders."""
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._calls.shutdown(wait=False)
        self._home.cleanup()

    async def run(self, job: Job) -> Reply:
        """Return the reply to a job.

        Where the caller is cancelled, the process is asked to leave the job, and is ended if it does not in time.

        Raises
        ------
        Problem
            Too many wait, or it took too long (503).
        """
        if self._waiting >= self._limits.queue:
            raise Problem(503, "too many requests wait for an answer", remedy="try again in a while")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.queue_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise Problem(503, "the service is busy", remedy="try again in a while") from error
        finally:
            self._waiting -= 1
        worker = self._idle.pop()
        asking = asyncio.ensure_future(self._ask(worker, job))
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if not asking.done():
                worker.stop()
            raise

    async def _ask(self, worker: _Worker, job: Job) -> Reply:
        self._busy.add(worker)
        kept = worker
        try:
            async with asyncio.timeout(self._limits.job_s):
                return await worker.reply(job) or FAILED
        except TimeoutError as error:
            kept = self._replaced(worker)
            raise Problem(
                503, f"no answer within {self._limits.job_s:g} s", remedy="narrow the search: fewer devices, a fixed layout"
            ) from error  # fmt: skip
        except (EOFError, OSError):
            kept = self._replaced(worker)
            return FAILED
        finally:
            self._busy.discard(worker)
            self._idle.append(kept)
            self._free.release()

    def _replaced(self, worker: _Worker) -> _Worker:
        worker.end()
        return self._worker()
