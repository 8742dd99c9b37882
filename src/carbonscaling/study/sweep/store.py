"""Where results lie: a folder of this machine, or any place fsspec knows (``s3://…``, ``memory://…``).

A file appears whole or not at all: written under another name and renamed, or put as one object.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.files import read_regular, replace_file
from carbonscaling.platform import need

__all__ = ["Store", "is_remote"]


def is_remote(url: str) -> bool:
    """Return whether a path is one for fsspec."""
    return "://" in url


def _version(info: Mapping[str, Any]) -> str | None:
    marks = [str(info[key]) for key in ("ETag", "etag", "LastModified", "mtime", "created") if info.get(key)]
    return f"{info.get('size')}-{marks[0]}" if marks else None


def _local_version(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"


def _local_listing(folder: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # a part of another sweep, renamed meanwhile
            found[name] = _local_version(os.stat(f"{folder}/{name}"))
    return found


class Store:
    """Files of a study by name.

    Parameters
    ----------
    url : str
        A folder, or a URL for fsspec (extra ``sweep``).
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") or "/"
        self.fs: Any = None
        if is_remote(url):
            try:
                self.fs, self.root = need("fsspec.core", "sweep").url_to_fs(self.url)
            except (ImportError, OSError, TypeError, ValueError) as error:
                raise InputError(
                    f"this place cannot be opened: {error}", where=url, remedy="check the URL, or install what it needs"
                ) from error
        else:
            self.root = self.url

    def path(self, name: str) -> str:
        """Return the whole path, for readers that open it themselves."""
        if self.fs is None:
            return f"{self.root}/{name}"
        whole: str = self.fs.unstrip_protocol(f"{self.root}/{name}")
        return whole

    def listing(self, folder: str) -> dict[str, str | None]:
        """Return the names in a folder, sorted, none where it does not exist; each with its size, times and inode.

        A remote file has its size and its version instead; None where the file system tells nothing that a change would
        change.
        """
        at = f"{self.root}/{folder}".rstrip("/")
        found: dict[str, str | None]
        try:
            if self.fs is None:
                found = _local_listing(at)
            else:
                found = {i["name"].rpartition("/")[2]: _version(i) for i in self.fs.ls(at, detail=True, refresh=True)}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return dict(sorted(found.items()))

    def state(self, name: str) -> str | None:
        """Return size, times and inode (or version) of a file, as `listing` does."""
        if self.fs is None:
            return _local_version(os.stat(f"{self.root}/{name}"))
        return _version(self.fs.info(f"{self.root}/{name}"))

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none where it does not exist."""
        return list(self.listing(folder))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        if self.fs is None:
            return read_regular(f"{self.root}/{name}")
        content: bytes = self.fs.cat_file(f"{self.root}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it is whole or absent, even where this process is killed."""
        if self.fs is not None:
            self.fs.makedirs(f"{self.root}/{name}".rpartition("/")[0], exist_ok=True)
            self.fs.pipe_file(f"{self.root}/{name}", content)
            return
        final = Path(self.root, name)
        final.parent.mkdir(parents=True, exist_ok=True)
        replace_file(final, content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            if self.fs is None:
                Path(self.root, name).unlink()
            else:
                self.fs.rm_file(f"{self.root}/{name}")
