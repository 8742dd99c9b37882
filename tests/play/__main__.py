"""Play the pages for newcomers in a bare environment: ``python -m play [--suite] [PAGE ...]``.

The tree as it is committed is cloned, nothing but a shell, make and Python is at hand, and every command stands on the page.
Blocks of a page run in one shell after the other, those included that tests leave out because they install or serve.
``--suite`` runs the README's second command too.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from sitegen.blocks import Block, blocks  # noqa: E402

PAGES = (
    "docs/start.md", "docs/howto/plan-a-run.md", "docs/howto/describe-a-model.md", "docs/howto/stacks.md",
    "docs/howto/compare-regions.md", "docs/howto/report-carbon.md", "docs/howto/planner-page.md",
)  # fmt: skip
SERVES_S = 30.0
"""How long a command that serves until it is stopped may take to say where."""


class Player:
    """A newcomer's shell: an environment of its own in a clone of its own."""

    def __init__(self, home: Path) -> None:
        self.clone = home / "carbonscaling"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        plain = [part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(sys.prefix)]
        base = str(Path(sys.base_prefix) / "bin")
        self.env = {"HOME": str(home), "PATH": os.pathsep.join((base, *plain)), "LANG": "C.UTF-8"}
        self.env |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "HTTPS_", "REQUESTS_"))}
        self.failed: list[str] = []
        self.played = 0

    def enter(self) -> None:
        """Have the clone's environment active from here on, as `source .venv/bin/activate` does."""
        self.env["PATH"] = str(self.clone / ".venv" / "bin") + os.pathsep + self.env["PATH"]

    def shell(self, command: str, folder: Path, expected: int, where: str) -> None:
        """Run one command; another exit code than the expected one, or silence, is a failure."""
        print(f"{where}: {command}", flush=True)
        self.played += 1
        if command.startswith("carbonscaling serve"):
            code, said = self._serve(command, folder)
        else:
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=self.env, text=True, capture_output=True, check=False
            )
            code, said = done.returncode, done.stdout + done.stderr
        quiet = re.match(r"source |pip install", command) or " -o " in command or ">" in command
        if code != expected or not (said.strip() or quiet):
            self.failed.append(f"{where}: {command}\n  exit code {code}, {expected} expected\n{said[-1500:]}")

    def _serve(self, command: str, folder: Path) -> tuple[int, str]:
        log = folder / "served.txt"
        with log.open("w") as out:
            served = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=folder, env=self.env, stdout=out, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + SERVES_S
        while "http" not in log.read_text() and served.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        said = log.read_text()
        served.send_signal(signal.SIGINT)
        try:
            served.wait(SERVES_S)
        except subprocess.TimeoutExpired:
            served.kill()
        return (0 if "http" in said and served.returncode == 130 else served.returncode or 1), said

    def page(self, page: str) -> None:
        """Play a page in a folder that holds the examples; the README in the clone itself."""
        folder = self.clone
        if page != "README.md":
            folder = self.clone.parent / page.replace("/", "-")
            folder.mkdir()
            (folder / "examples").symlink_to(self.clone / "examples")
        session: list[str] = []
        for block in blocks(self.clone / page):
            self._block(block, folder, f"{page}, line {block.line}", session)

    def _block(self, block: Block, folder: Path, where: str, session: list[str]) -> None:
        if block.kind == "file":
            (folder / block.name).write_text(block.text, encoding="utf-8")
        elif block.kind == "python":
            session.append(block.text)  # a page's Python is one session
            script = folder / f"line_{block.line}.py"
            script.write_text("\n".join(session), encoding="utf-8")
            self.shell(f"python {script.name} && echo done", folder, 0, where)
        else:
            for command in block.commands:
                here = self.clone if command.startswith(("source", "pip")) else folder
                self.shell(command, here, block.exit, where)


def first_commands(readme: Path) -> Iterator[str]:
    """Yield the commands of the README's first block."""
    match = re.search(r"^```\n(make .*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert match
    for line in match[1].splitlines():
        yield line.partition("#")[0].strip()


def main() -> int:
    """Return 0 where nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m play", description=__doc__)
    parser.add_argument("pages", nargs="*", default=PAGES)
    parser.add_argument("--suite", action="store_true", help="run make test as well")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started can be stopped, in the background too
    with tempfile.TemporaryDirectory() as home:
        player = Player(Path(home))
        for command in first_commands(player.clone / "README.md"):
            if options.suite or command != "make test":
                player.shell(command, player.clone, 0, "README.md")
        player.enter()
        player.page("README.md")
        player.shell("pip install '.[all]'", player.clone, 0, "docs/install.md")
        for page in options.pages:
            player.page(page)
    print("\n".join(player.failed))
    print(f"{player.played} commands played, {len(player.failed)} failed")
    return 1 if player.failed else 0


if __name__ == "__main__":
    sys.exit(main())
