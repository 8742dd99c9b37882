"""The code blocks of a Markdown page, with what their marks say about running them.

A comment on the line before a block marks it: ``<!-- slow -->`` takes more than some seconds, ``<!-- exit: 3 -->`` ends with
that code, ``<!-- not run: reason -->`` cannot run unattended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "blocks"]

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<head>[^`\n]*)\n(?P<body>.*?)^(?P=ticks)\s*$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!--\s*(slow|exit:\s*(\d+)|not run:\s*(\S.*?))\s*-->\s*\Z")
KINDS = {"bash": "bash", "{run}": "bash", "python": "python", "{file}": "file"}


@dataclass(frozen=True)
class Block:
    """A block that can be run, or a file that those after it use.

    Attributes
    ----------
    kind : {"bash", "python", "file"}
    text : str
    line : int
        Where it stands on the page.
    name : str
        Of a file.
    slow : bool
    exit : int
        Expected exit code of its commands.
    not_run : str
        Why nothing runs it; empty where it runs.
    """

    kind: str
    text: str
    line: int
    name: str = ""
    slow: bool = False
    exit: int = 0
    not_run: str = ""

    @property
    def commands(self) -> list[str]:
        """Command lines of a shell block; lines that end in a backslash go on."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that run, and the files they use."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, _, name = match["head"].strip().partition(" ")
        if language not in KINDS:
            continue
        body = re.sub(r"\A(:\w+:[^\n]*\n)+\n?", "", match["body"])
        mark = _MARK.search(text[: match.start()])
        options = dict(re.findall(r"^:(\w+):\s*(\S+)", match["body"], re.MULTILINE)) if language == "{run}" else {}
        found.append(
            Block(
                kind=KINDS[language],
                text=body,
                line=text.count("\n", 0, match.start()) + 1,
                name=name,
                slow=bool(mark and mark[1] == "slow"),
                exit=int(options.get("exit") or (mark and mark[2]) or 0),
                not_run=(mark and mark[3]) or "",
            )
        )
    return found
