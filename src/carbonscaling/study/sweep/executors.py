"""Executors behind one seam, ``submit(fn, *args) -> Future``: in this process, in processes, on a Ray cluster.

A worker that dies makes its own future fail with `WorkerDiedError` and is replaced; nothing else is lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from carbonscaling.garbage import collect_seldom
from carbonscaling.platform import n_processors, need, shield_from_interrupts
from carbonscaling.search.cache import private_folder

__all__ = ["Executor", "InProcess", "Processes", "RayCluster", "WorkerDiedError", "executor"]


class WorkerDiedError(Exception):
    """The process that ran a task ended before the task did."""


class Executor(Protocol):
    """Runs functions somewhere."""

    n_workers: int

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start `fn(*args)`."""

    def close(self) -> None:
        """End the workers; what they were at is given up."""


class InProcess:
    """Everything at once, in this process."""

    n_workers = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run `fn(*args)` now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing to end."""


def _serve(pipe: Any) -> None:
    """Run tasks from a pipe until its other end is gone (the driver closed it, or was killed)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    loaded = False
    while True:
        try:
            fn, args = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[bool, Any] = (True, fn(*args))
        except Exception as error:
            answer = (False, error)
        if not loaded:  # most of what stays came with the first task
            collect_seldom()
            loaded = True
        try:
            pipe.send(answer)
        except (BrokenPipeError, OSError):
            return
        except Exception as error:
            pipe.send((False, RuntimeError(f"{type(error).__name__}: {error}")))


class Processes:
    """Processes of this machine, each with a thread here that hands it tasks and replaces it where it dies."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        private_folder()  # says once what each of the processes would
        self._context = multiprocessing.get_context("spawn")
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closing = False
        self.processes: dict[int, Any] = {}
        self._threads = [threading.Thread(target=self._tend, args=(i,), daemon=True) for i in range(n_workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Hand `fn(*args)` to the next free process."""
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args))
        return future

    def _start(self, place: int) -> Any:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there,), daemon=True)
        process.start()
        there.close()
        self.processes[place] = process
        return here

    def _tend(self, place: int) -> None:
        shield_from_interrupts()  # a process that still loads its modules would not take one well
        pipe = None
        while (task := self._tasks.get()) is not None and not self._closing:
            future, fn, args = task
            if pipe is None:
                pipe = self._start(place)
            try:
                pipe.send((fn, args))
                done, value = pipe.recv()
            except (EOFError, OSError):
                pipe.close()
                pipe = None
                process = self.processes[place]
                process.join(5)
                future.set_exception(WorkerDiedError(f"the worker process ended with code {process.exitcode}"))
                continue
            if done:
                future.set_result(value)
            else:
                future.set_exception(value)

    def close(self) -> None:
        """End the processes."""
        self._closing = True
        for _ in self._threads:
            self._tasks.put(None)
        for process in self.processes.values():
            with contextlib.suppress(Exception):
                process.terminate()
        for thread in self._threads:
            thread.join(5)


class RayCluster:
    """Workers of a Ray cluster: a local one, or the one at `address`."""

    def __init__(self, n_workers: int | None = None, address: str | None = None) -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        self._ray = need("ray", "cluster")
        options: dict[str, Any] = (
            {"address": address} if address else {"num_cpus": n_workers, "include_dashboard": False}
        )
        self._ray.init(logging_level="ERROR", log_to_driver=False, configure_logging=False, **options)
        self._remote = self._ray.remote(max_retries=0, num_cpus=1)(_call)
        self.n_workers = n_workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start `fn(*args)` on a node."""
        inner: Future[Any] = self._remote.remote(fn, args).future()
        future: Future[Any] = Future()

        def hand_on(done: Future[Any]) -> None:
            error = done.exception()
            if error is None:
                future.set_result(done.result())
            elif isinstance(error, self._ray.exceptions.RayTaskError):
                future.set_exception(error.cause if isinstance(error.cause, Exception) else error)
            else:
                future.set_exception(WorkerDiedError(f"{type(error).__name__}: the worker was lost"))

        inner.add_done_callback(hand_on)
        return future

    def close(self) -> None:
        """Leave the cluster."""
        self._ray.shutdown()


def _call(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return fn(*args)


def executor(name: str, n_workers: int | None, address: str | None = None) -> Executor:
    """Return an executor by name.

    Raises
    ------
    InputError
        Ray is asked for and not installed.
    """
    if name == "inprocess":
        return InProcess()
    if name == "ray":
        return RayCluster(n_workers, address)
    return Processes(n_workers or n_processors())
