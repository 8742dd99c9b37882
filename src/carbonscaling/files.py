"""Files as every command reads and writes them: read within bounds, written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import NamedTuple
from carbonscaling.platform import sync_folder, take_rights

__all__ = [
    "CONFIG",
    "LOG",
    "PACKAGE",
    "SAVED",
    "SETTINGS",
    "TABLE",
    "Kind",
    "csv_text",
    "make_folder",
    "read_bytes",
    "read_regular",
    "read_table",
    "read_text",
    "replace_file",
    "write_figure",
    "write_file",
]


PACKAGE = Path(__file__).parent
"""Folder of this package and of the data that it ships (`importlib.resources` takes as long to load as a search)."""


class Kind(NamedTuple):
    """A kind of file that people give.

    Attributes
    ----------
    name : str
        As in "a scenario file".
    most_bytes : int
        Larger ones are refused before they are read.
    """

    name: str
    most_bytes: int


SETTINGS = Kind("a TOML file", 4 << 20)
CONFIG = Kind("a config.json", 16 << 20)
SAVED = Kind("a saved answer", 64 << 20)
TABLE = Kind("a CSV table", 256 << 20)
LOG = Kind("a training log", 512 << 20)

_SPECIAL = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LEAST, _MOST = 1 << 12, 1 << 24
"""Bytes read at once."""
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
_REMEDIES = {
    errno.ENOSPC: "make room, or name a file on another disk",
    errno.EDQUOT: "make room, or name a file on another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "name a file, not a folder",
}
_REMEDY = "name a file in a folder that exists and that you may write to"


def read_regular(path: str | Path, kind: Kind | None = None) -> bytes:
    """Return the content of a regular file; what else has a name (a device, a pipe, a socket) is not even opened.

    Parameters
    ----------
    kind : Kind, optional
        What it should be, with the size it may have; without one any size is read.

    Raises
    ------
    OSError
        As the system says it.
    InputError
        It is no regular file, or larger than its kind may be.
    """
    try:
        found = os.stat(path)
    except ValueError as error:  # a NUL
        raise FileNotFoundError(errno.ENOENT, "no file can have this name", str(path)) from error
    if not stat.S_ISREG(found.st_mode):
        what = next((name for holds, name in _SPECIAL if holds(found.st_mode)), "something else")
        raise InputError(
            f"expected a file, found {what}", where=str(path),
            remedy="name a file in it" if stat.S_ISDIR(found.st_mode) else "save what it gives in a file, and name that",
        )  # fmt: skip
    if kind and found.st_size > kind.most_bytes:
        raise _too_large(path, kind)
    parts, n_read = [], 0
    with open(path, "rb", buffering=0) as file:
        while part := file.read(min(max(found.st_size, _LEAST) + 1, _MOST)):
            parts.append(part)
            n_read += len(part)
            if kind and n_read > kind.most_bytes:  # it grows meanwhile, or told no size
                raise _too_large(path, kind)
    return b"".join(parts)


def _too_large(path: str | Path, kind: Kind) -> InputError:
    return InputError(
        f"the file is larger than {kind.name} may be", where=str(path), allowed=f"up to {kind.most_bytes:,} bytes",
        remedy=f"check that this is {kind.name}; if it is, shorten it",
    )  # fmt: skip


def read_bytes(path: Path, kind: Kind) -> bytes:
    """Return a user's file.

    Raises
    ------
    InputError
        There is no such file, it is a directory, a device or larger than its kind may be, or it cannot be read.
    """
    try:
        return read_regular(path, kind)
    except OSError as error:
        if error.errno in _MISSING:
            raise InputError(
                "no such file",
                where=str(path),
                suggestion=nearest(path.name, _beside(path)),
                remedy="check the path",
            ) from error
        raise InputError(
            f"the file cannot be read: {_words(error)}", where=str(path),
            remedy="let yourself read it (chmod u+r)" if isinstance(error, PermissionError) else "check the disk",
        ) from error  # fmt: skip


def read_text(path: Path, kind: Kind) -> str:
    """Return a user's file as text: UTF-8, with or without a byte order mark, lines ended as any system does.

    Raises
    ------
    InputError
        As `read_bytes`, or it is not UTF-8.
    """
    try:
        text = read_bytes(path, kind).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "the file is not UTF-8 text", where=str(path),
            remedy="save it as UTF-8; of a model give its config.json, not its weights",
        ) from error  # fmt: skip
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_table(path: Path, needed: Sequence[str], known: Sequence[str] = (), remedy: str = "") -> list[dict[str, str]]:
    """Return the rows of a user's CSV table by column, cells as text; cells beyond the header are left out.

    Parameters
    ----------
    needed : sequence of str
        Columns that it must have.
    known : sequence of str, optional
        Columns that it may have; those needed if not given.
    remedy : str, optional
        What to do about columns that are missing.

    Raises
    ------
    InputError
        As `read_text`, or it is no CSV table with these columns.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, TABLE), newline=""))
    try:
        have, rows = reader.fieldnames or [], list(reader)
    except csv.Error as error:
        raise InputError(f"not a usable CSV: {error}", where=str(path), remedy="check quotes and line ends") from error
    missing = [name for name in needed if name not in have]
    if missing:
        raise InputError(
            "missing columns" if have else "the file is empty",
            where=str(path),
            key=", ".join(missing),
            suggestion=nearest(missing[0], have) if have else None,
            allowed=", ".join(known or needed),
            remedy=remedy or f"add a header line with at least {', '.join(needed)}",
        )
    return [{k: v for k, v in row.items() if isinstance(k, str) and isinstance(v, str)} for row in rows]


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV text, one line each in the order of the columns; None is a blank.

    >>> csv_text(("a", "b"), [{"a": 1, "b": None, "c": 3}]).split()
    ['a,b', '1,']
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except (OSError, ValueError):
        return []


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def replace_file(path: str | Path, content: bytes) -> None:
    """Put `content` in a file so that it is the old one or the new one, whole, whatever happens: full disk, kill, power cut.

    It is written beside under another name, brought to the disk, and renamed. A link stays a link; what is no regular
    file (``/dev/null``, a pipe) is written into, not replaced.

    Raises
    ------
    OSError
        As the system says it; what was there before is unchanged, and nothing is left beside it.
    """
    try:
        before = os.stat(path)
    except FileNotFoundError:
        before = None
    except ValueError as error:  # a NUL
        raise FileNotFoundError(errno.ENOENT, "no file can have this name", str(path)) from error
    if before and not stat.S_ISREG(before.st_mode):
        with open(path, "wb") as file:
            file.write(content)
        return
    if before and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    final = Path(os.path.realpath(path))
    part = final.with_name(f".{os.urandom(6).hex()}.part")
    try:
        with open(part, "xb") as file:
            if before:
                take_rights(part, before)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(final)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(final.parent)


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a user's file, whole or not at all.

    Raises
    ------
    InputError
        It cannot be written; what was there before is unchanged.
    """
    try:
        replace_file(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
    except OSError as error:
        raise InputError(
            f"the file cannot be written: {_words(error)}",
            where=str(path),
            remedy=_REMEDIES.get(error.errno or 0, _REMEDY),
        ) from error


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a figure of matplotlib as PNG, SVG or PDF, by the name's ending; the same figure is the same bytes.

    Raises
    ------
    InputError
        As `write_file`.
    """
    import matplotlib as mpl

    kind, drawn = Path(path).suffix.removeprefix("."), io.BytesIO()
    stamp = {"svg": "Date", "png": "Software", "pdf": "CreationDate"}[kind]
    with mpl.rc_context({"svg.hashsalt": "carbonscaling"}):
        figure.savefig(drawn, format=kind, dpi=dpi, metadata={stamp: None})
    write_file(path, drawn.getvalue())


def make_folder(path: str | Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises
    ------
    InputError
        It cannot be made.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = _words(error) if isinstance(error, OSError) else "no folder can have this name"
        raise InputError(
            f"the folder cannot be made: {why}", where=str(path), remedy="name a folder that you may write to"
        ) from error
