"""Commands after one another on a study that is edited, damaged and mended."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from random import Random

from carbonscaling.errors import ExitCode
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.studyfile import load_study
from fuzz.commands import inside, option_words, ran
from fuzz.damage import spoilt_text, toml_text
from fuzz.studies import FILE, OUT, VIEWS, study

__all__ = ["sequence"]

VARIANTS = (study(), study(tokens=2e10), study(regions=("france", "poland", "germany")), study(regions=("poland",)))
"""What a study file is edited to: other values, more cases, fewer."""

Row = tuple[int, float | None]


@cache
def _rows(variant: int, folder: Path) -> frozenset[Row]:
    """Return case and carbon of every case of a variant, made anew."""
    file = folder / f"variant-{variant}.toml"
    file.write_text(toml_text(VARIANTS[variant]), encoding="utf-8")
    found = load_study(file)
    table = Answers(found).table(range(found.n_cases))
    return frozenset(zip(table["case"].to_list(), table["carbon_total_tco2e"].to_list(), strict=True))


def sequence(rng: Random, folder: Path) -> object:
    """Up to nine commands, edits and accidents after one another."""
    home = folder / "sequence"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    session = Session(folder)
    with inside(home):
        session.edit(rng)
        if rng.random() < 0.8:
            session.sweep(rng)
        for _ in range(rng.randrange(1, 9)):
            getattr(session, rng.choice(STEPS))(rng)
    return session


class Session:
    """Somebody at work in the present folder on one study."""

    def __init__(self, folder: Path) -> None:
        self.rows = [_rows(variant, folder) for variant in range(len(VARIANTS))]
        self.now = 0

    def edit(self, rng: Random) -> None:
        """Change the study file, perhaps to what it was before."""
        self.now = rng.choice((0, *range(len(VARIANTS))))
        Path(FILE).write_text(toml_text(VARIANTS[self.now]), encoding="utf-8")

    def sweep(self, rng: Random) -> None:
        more = ("--retry-errors",) if rng.random() < 0.3 else ()
        ran(["sweep", OUT if rng.random() < 0.1 else FILE, "--executor", "inprocess", *more])

    def cases(self, _rng: Random) -> None:
        """Ask for every case: they are those of the study file as it stands, or something is said; none is invented."""
        said = ran(["query", FILE, 'SELECT "case", carbon_total_tco2e FROM cases', "--json"])
        if said.code == ExitCode.OK:
            found = {(row["case"], row["carbon_total_tco2e"]) for row in json.loads(said.out)}
            assert any(found <= rows for rows in self.rows), "numbers that no study has"
            assert found == self.rows[self.now] or said.err, "another study's rows, or a part, without a word"

    def view(self, rng: Random) -> None:
        ran(["query", rng.choice((FILE, OUT)), "--view", rng.choice(VIEWS), *option_words(rng, ("--by", ("region",)))])

    def plot(self, rng: Random) -> None:
        ran(["plot", rng.choice((FILE, OUT)), rng.choice(("curve", "front", "tornado")), "-o", "figure.svg"])

    def report(self, rng: Random) -> None:
        ran(["report", rng.choice((FILE, OUT)), "--format", "html", "-o", "page.html"])

    def delete(self, rng: Random) -> None:
        """Lose one file, or all that a sweep made."""
        files = _made()
        if files and rng.random() < 0.9:
            rng.choice(files).unlink()
        else:
            shutil.rmtree(OUT, ignore_errors=True)

    def damage(self, rng: Random) -> None:
        """Have one file cut off, a bit of it flipped, or something else in its place."""
        if not (files := _made()):
            return
        file = rng.choice(files)
        content = bytearray(file.read_bytes())
        match rng.randrange(4):
            case 0:
                del content[rng.randrange(len(content) + 1) :]
            case 1 if content:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            case 2:
                content = bytearray(rng.choice(INSTEAD))
            case _:
                content = bytearray(spoilt_text(rng, content.decode("utf-8", "replace")))
        file.write_bytes(content)


STEPS = ("edit", "edit", "sweep", "sweep", "cases", "cases", "cases", "view", "plot", "report", "delete", "damage")
"""What may come next, the likely ones more than once."""
INSTEAD = (b"", b"[]", b"{}", b"null", b"\xff\xfe", b"PAR1", b'{"stamp": 1}', b'{"stamp": null, "study": []}')


def _made() -> list[Path]:
    return sorted(p for p in Path(OUT).rglob("*") if p.is_file())
