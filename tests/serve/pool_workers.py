"""Processes that answer, or die, as a job's name says; each notes in its pool's folder what it was asked."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from carbonscaling.serve.jobs import Job, Reply

NOTES = "asked"


def work(conn: Connection, folder: str, _threads: int, _job_bytes: int) -> None:
    """Answer; a job named "killer" kills every process, "unlucky" the first, and "endless" waits to be left."""
    notes = Path(folder).parent / NOTES
    conn.send((0, None))
    while True:
        try:
            number, job = conn.recv()
        except EOFError:
            return
        if job is not None:
            _noted(notes, job, Path(folder))
            left = job.format == "endless" and conn.recv() == (number, None)
            conn.send((number, None if left else Reply(200, str(os.getpid()))))


def work_at_some_starts(conn: Connection, folder: str, threads: int, job_bytes: int) -> None:
    """As `work`; the first, third and fourth process of a folder is killed before it is ready."""
    with Path(folder).with_suffix(".started").open("a", encoding="utf-8") as file:
        file.write(".")
        start = file.tell()
    if start in (1, 3, 4):
        os.kill(os.getpid(), signal.SIGKILL)
    work(conn, folder, threads, job_bytes)


def _noted(notes: Path, job: Job, folder: Path) -> None:
    with notes.open("a+", encoding="utf-8") as file:
        file.seek(0)
        before = file.read().split().count(job.format)
        file.write(f"{job.format}\n")
    (folder / "left behind").mkdir()  # fails where the folder is not a fresh one
    if job.format == "killer" or (job.format == "unlucky" and not before):
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "left behind").rmdir()
