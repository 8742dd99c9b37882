"""What not every system has, each with what is done where it is missing. Nothing else asks which system it is on."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from carbonscaling.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "ENDING_SIGNALS",
    "browser",
    "cache_folder",
    "children_processor_s",
    "fill_standard_streams",
    "give_way",
    "held_by_others",
    "limit_memory",
    "n_processors",
    "need",
    "peak_memory_bytes",
    "shield_from_interrupts",
    "shielded_from_interrupts",
    "sync_folder",
    "take_rights",
    "takes_escapes",
]

ENDING_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end, beside the Ctrl-C of a terminal."""
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM)
"""Errors of file systems that know no flushing of folders."""


def need(module: str, extra: str) -> Any:
    """Return a library that an extra brings.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"this needs {module.partition('.')[0]}", key=extra, remedy=f"pip install 'carbonscaling[{extra}]'"
        ) from error


BROWSERS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
    "chrome", "msedge", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)  # fmt: skip


def browser() -> str | None:
    """Return a browser of this machine that prints pages without a window; None where there is none."""
    import shutil  # slow to load, and nothing else needs it

    return next(filter(None, map(shutil.which, BROWSERS)), None)


def n_processors() -> int:
    """Processors that this process may use; all of the machine where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held, in bytes; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def children_processor_s() -> float:
    """Return the processor seconds of the processes that this one started and that ended; to the 10 ms on some systems."""
    try:
        import resource
    except ImportError:
        times = os.times()
        return times.children_user + times.children_system
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def limit_memory(n_bytes: int) -> None:
    """Let this process hold no more memory than `n_bytes`; without effect where the system has no such limit."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (n_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def give_way() -> None:
    """Let every other process go first, where the system knows of that."""
    if hasattr(os, "nice"):
        os.nice(10)


def shield_from_interrupts() -> None:
    """Keep Ctrl-C from this thread and from the processes that it starts: they end when their parent does.

    Without effect where the system knows no masks of signals; a process minds Ctrl-C there until it sees to it itself.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # started later, it would lift the mask
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextlib.contextmanager
def shielded_from_interrupts() -> Iterator[None]:
    """As `shield_from_interrupts`, for the processes that are started within; this thread hears Ctrl-C afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    shield_from_interrupts()
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, so that a rename in it outlives a power cut.

    Without effect where a folder cannot be opened (Windows) or its file system knows no such thing.

    Raises
    ------
    OSError
        The disk reports an error.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def cache_folder() -> Path:
    """Return the folder of what may be kept: ``$XDG_CACHE_HOME/carbonscaling`` or ``~/.cache/carbonscaling``.

    Raises
    ------
    RuntimeError
        There is no home, and the system does not know this user.
    """
    from pathlib import Path

    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "carbonscaling"


def held_by_others(path: Path) -> str | None:
    """Say who else rules over a file or folder: its owner, or who may write to it; None where this user alone does.

    None as well where the system knows no owners.

    Raises
    ------
    OSError
        There is no such file.
    """
    if not hasattr(os, "geteuid"):
        return None
    found = path.stat()
    if found.st_uid != os.geteuid():
        return f"belongs to another user (number {found.st_uid})"
    return "may be written by other users" if found.st_mode & 0o022 else None


def takes_escapes() -> bool:
    """Whether standard output is a terminal that knows styles by escape sequences (those of Windows may not)."""
    return (
        os.name == "posix" and sys.stdout.isatty() and os.environ.get("TERM", "dumb").lower() not in ("dumb", "unknown")
    )


def take_rights(path: Path, of: os.stat_result) -> None:
    """Give a file the owner and mode of another, where this user may and the file system knows them."""
    with contextlib.suppress(PermissionError):
        if hasattr(os, "chown"):
            os.chown(path, of.st_uid, of.st_gid)
    with contextlib.suppress(PermissionError):
        path.chmod(stat.S_IMODE(of.st_mode))


def fill_standard_streams() -> None:
    """Open the null device where this process was started without standard input, output or error.

    Otherwise the next file that is opened takes the number, and what is printed goes into it. Output still cannot be
    written to, so that nothing is lost without a word; errors go nowhere.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
