"""Processes that answer, each one job at a time; one that takes too long is ended and replaced, one that died too.

Clients take turns (`Turns`). Plans and whole spaces never hold every process, so that an estimate waits for no plan; a plan
has the processors that the others leave, and a process that has answered a question is asked what stands beside its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import shutil
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carbonscaling.platform import n_processors, shielded_from_interrupts
from carbonscaling.serve.jobs import KEPT, Job, Reply
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.others import Other
from carbonscaling.serve.problem import Problem
from carbonscaling.serve.question import Asked
from carbonscaling.serve.turns import Turns
from carbonscaling.serve.worker import FAILED, work

__all__ = ["Pool"]

_CONTEXT = multiprocessing.get_context("spawn")
TRIES = 2
"""Processes that a request may have: the death of one may be another's fault, that of a second is likely the request's."""
START_S = 0.2
"""Seconds between starts, where processes die as they start."""


class _Worker:
    """One process and the pipe to it; restarted, another process in the same empty folder."""

    def __init__(self, folder: Path, threads: int, job_bytes: int, calls: ThreadPoolExecutor) -> None:
        self._folder, self._of_a_process, self._calls = folder, (threads, job_bytes), calls
        self.known: deque[Any] = deque(maxlen=KEPT)
        self._start()

    def _start(self) -> None:
        self._folder.mkdir()
        self.known.clear()
        self._numbers, self._ready, self._number, self._left = itertools.count(1), False, 0, False
        conn, theirs = _CONTEXT.Pipe()
        args = (theirs, str(self._folder), *self._of_a_process)
        process = _CONTEXT.Process(target=work, args=args, daemon=True)
        with shielded_from_interrupts():  # a process that still loads its modules would not take one well
            process.start()
        theirs.close()
        self._conn, self.process = conn, process

    async def _receive(self) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._calls, self._conn.recv)

    def take(self) -> None:
        """Prepare for another job."""
        self._left = False

    async def ready(self) -> None:
        """Wait until the process has warmed up; one that is dead is replaced first.

        Raises
        ------
        EOFError, OSError
            The process died, or none could be started.
        """
        if not self.process.is_alive():
            self.restart()
        if not self._ready:
            await self._receive()
            self._ready = True

    async def reply(self, job: Job) -> Reply | None:
        """Answer a job; None where it was left.

        Raises
        ------
        EOFError, OSError
            The process died.
        """
        if self._left:
            return None
        self._number = next(self._numbers)
        self._conn.send((self._number, job))
        _, reply = await self._receive()
        return reply  # type: ignore[no-any-return]

    def leave(self) -> None:
        """Ask the process to leave its job."""
        self._left = True
        with contextlib.suppress(OSError):  # it may have died just now
            self._conn.send((self._number, None))

    def restart(self) -> None:
        """End the process, and whatever it left behind, and start another."""
        left = self._left
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)  # gone where an earlier start failed
        self._start()
        self._left = left

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join(5)
        self._conn.close()


@dataclass(eq=False)
class _Waits:
    """A request that waits for a process: what it asks, whether it is heavy, and its turn."""

    question: tuple[str, Asked | Other]
    heavy: bool
    turn: asyncio.Future[_Worker] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Pool:
    """Some workers and those who wait for one.

    Parameters
    ----------
    n : int
        Processes.
    limits : Limits
    """

    def __init__(self, n: int, limits: Limits) -> None:
        self.n, self._limits = n, limits
        self._home = tempfile.TemporaryDirectory(prefix="carbonscaling-")
        self._calls = ThreadPoolExecutor(2 * n, "reply")
        self._names = itertools.count()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._light, self._heavy = Turns[_Waits](), Turns[_Waits]()
        self._most_heavy, self._n_heavy = max(1, n - 1), 0

    def _worker(self) -> _Worker:
        threads = max(1, n_processors() // self._most_heavy)
        given = os.environ.get("CARBONSCALING_THREADS", "")
        folder = Path(self._home.name) / str(next(self._names))
        return _Worker(folder, int(given) if given.isdigit() else threads, self._limits.job_bytes, self._calls)

    async def start(self) -> None:
        """Start the processes and wait until they are ready."""
        for _ in range(self.n):
            worker = self._worker()
            self._busy.add(worker)
            try:
                await worker.ready()
            except (EOFError, OSError):  # killed meanwhile: once may be chance
                worker.end()
                await worker.ready()
            self._give_back(worker, heavy=False)

    def close(self) -> None:
        """End the processes and remove their folders."""
        for worker in (*self._idle, *self._busy):
            worker.end()
        self._calls.shutdown(wait=False)
        self._home.cleanup()

    async def run(self, job: Job, client: str = "", page: str = "") -> Reply:
        """Return the reply to a job of a client.

        Where the caller is cancelled, the process is asked to leave the job, and is ended if it does not in time.

        Raises
        ------
        Problem
            Too many wait, or it took too long (503); two processes died of it (500).
        """
        waits = _Waits((job.kind, job.asked), heavy=self.n > 1 and job.heavy)
        worker = await self._wait(waits, client, page)
        asking = asyncio.ensure_future(self._ask(worker, job, waits.heavy))
        asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if not asking.done():
                worker.leave()
            raise

    async def _wait(self, waits: _Waits, client: str, page: str) -> _Worker:
        """Wait for a process; where too many wait, one more may of every client that has none waiting."""
        turns, waiting = self._heavy if waits.heavy else self._light, len(self._light) + len(self._heavy)
        if waiting >= self._limits.queue and (client in turns or waiting >= 2 * self._limits.queue):
            raise Problem(503, "too many requests wait for an answer", remedy="try again in a while")
        turns.add(client, waits, page)
        self._hand_out()
        try:
            async with asyncio.timeout(self._limits.queue_s):
                return await asyncio.shield(waits.turn)
        except BaseException as error:
            if waits.turn.done():
                self._give_back(waits.turn.result(), waits.heavy)
            else:
                turns.drop(client, waits, page)
            if isinstance(error, TimeoutError):
                raise Problem(503, "the service is busy", remedy="try again in a while") from error
            raise

    def _hand_out(self) -> None:
        """Give idle processes to those whose turn it is."""
        while self._idle:
            heavy = len(self._heavy) > 0 and self._n_heavy < self._most_heavy
            if not heavy and not self._light:
                return
            waits = (self._heavy if heavy else self._light).next()
            worker = next((w for w in self._idle if waits.question in w.known), self._idle[-1])
            self._idle.remove(worker)
            self._busy.add(worker)
            self._n_heavy += heavy
            worker.known.append(waits.question)
            waits.turn.set_result(worker)

    def _give_back(self, worker: _Worker, heavy: bool) -> None:
        self._busy.discard(worker)
        self._idle.append(worker)
        self._n_heavy -= heavy
        self._hand_out()

    async def _ask(self, worker: _Worker, job: Job, heavy: bool) -> Reply:
        try:
            worker.take()
            for _ in range(TRIES):
                try:
                    return await self._answer(worker, job)
                except (EOFError, OSError):
                    worker.end()
            raise Problem(
                500, "the process that answered this request died, and so did the next", value=job.kind,
                remedy="narrow the search; report what the service printed if a narrow one dies too",
            )  # fmt: skip
        finally:
            self._give_back(worker, heavy)

    async def _ready(self, worker: _Worker) -> None:
        """Wait for a process; one that dies while it starts has not seen the request, which is not to blame."""
        try:
            async with asyncio.timeout(self._limits.queue_s):
                while True:
                    try:
                        return await worker.ready()
                    except (EOFError, OSError):
                        worker.end()
                        await asyncio.sleep(START_S)
        except TimeoutError as error:
            worker.end()
            raise Problem(503, "the service is busy", remedy="try again in a while") from error

    async def _answer(self, worker: _Worker, job: Job) -> Reply:
        await self._ready(worker)
        try:
            async with asyncio.timeout(self._limits.job_s):
                return await worker.reply(job) or FAILED
        except TimeoutError as error:
            with contextlib.suppress(OSError):  # the next request tries again
                worker.restart()
            raise Problem(
                503, f"no answer within {self._limits.job_s:g} s", remedy="narrow the search: fewer devices, a fixed layout"
            ) from error  # fmt: skip
