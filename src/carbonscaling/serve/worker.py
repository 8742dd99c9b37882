"""A process that answers one job after another; it dies alone."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from carbonscaling.garbage import collect_seldom
from carbonscaling.platform import limit_memory
from carbonscaling.search.evaluate import load_made
from carbonscaling.serve.jobs import Job, Reply, do
from carbonscaling.serve.question import Asked

__all__ = ["EXAMPLE", "FAILED", "work"]

EXAMPLE: dict[str, Any] = {"model": "llama-3.1-405b", "tokens": 15.6e12, "device": "h100-sxm", "max_days": 90.0}
"""The question a fresh page shows; a process answers it once before it takes others."""

FAILED = Reply(500, '{"error": {"problem": "this is a bug in carbonscaling, not in your input"}}\n')


class _Stopped(Exception):  # noqa: N818 - nobody waits for the answer any more
    pass


def work(conn: Connection, folder: str, threads: int, job_bytes: int) -> None:
    """Answer jobs from a pipe until it closes.

    Parameters
    ----------
    conn : Connection
        Receives ``(number, Job)`` or ``(number, None)``, which ends the job of that number; sends ``(number, Reply)``.
    folder : str
        An empty folder of this process's own; it becomes the working directory, so that no name is a file's by chance.
    threads : int
        Of a search.
    job_bytes : int
        Memory that the process may hold, where the system knows such a limit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["CARBONSCALING_THREADS"] = str(threads)
    os.chdir(folder)
    _warm(Path(folder))
    load_made()
    limit_memory(job_bytes)
    collect_seldom()
    conn.send((0, None))
    while True:
        try:
            if not conn.poll():
                load_made()
            number, job = conn.recv()
        except (EOFError, OSError):
            return
        if job is not None:
            reply = _reply(conn, number, job, Path(folder))
            try:
                conn.send((number, reply))
            except OSError:
                return


def _warm(folder: Path) -> None:
    from carbonscaling.study.scenario import Scenario

    for task in ("answer", "regions", "evidence"):
        do(Job(task, "plan", Asked(Scenario(**EXAMPLE))), folder, lambda *_: None)


def _reply(conn: Connection, number: int, job: Job, folder: Path) -> Reply | None:
    def progress(_decided: int, _share: float) -> None:
        while conn.poll():
            if conn.recv() == (number, None):
                raise _Stopped

    try:
        return do(job, folder, progress)
    except _Stopped:
        return None
    except MemoryError:
        text = '{"error": {"problem": "this takes more memory than a request may", "remedy": "narrow the search"}}\n'
        return Reply(503, text)
    except Exception:  # a defect of ours: its traceback for the operator, a 500 for the client, and the worker lives on
        traceback.print_exc(file=sys.stderr)
        return FAILED
