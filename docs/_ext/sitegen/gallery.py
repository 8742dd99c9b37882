"""The gallery: scripts beside the page, run when the site is built; the figures are in no checkout."""

from __future__ import annotations

import ast
import hashlib
import runpy
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

__all__ = ["draw_gallery", "gallery_page", "scripts"]


def scripts(folder: Path) -> list[Path]:
    """Return the gallery's scripts in their order."""
    return sorted(folder.glob("[0-9]*-*.py"))


def caption(script: Path) -> str:
    """Return what a script says it shows."""
    return (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").strip()


def drawn(script: Path) -> Any:
    """Return the figure that a script makes."""
    return runpy.run_path(str(script))["figure"]


def gallery_page(folder: Path) -> str:
    """Return the page: every figure with what it shows and the script that makes it."""
    parts = ["# Gallery\n", "Each figure is made by the script below it when this site is built. Copy one to begin.\n"]
    for script in scripts(folder):
        title = script.stem.partition("-")[2].replace("-", " ")
        code = script.read_text(encoding="utf-8").partition('"""\n\n')[2]
        said = caption(script)
        parts += [
            f"## {title[0].upper()}{title[1:]}\n", f"{said}\n", f"![{said}]({script.stem}.png)\n",
            f"```python\n{code}```\n",
        ]  # fmt: skip
    return "\n".join(parts)


def draw_gallery(app: Sphinx) -> None:
    """Draw what is not drawn yet, or was by another script or another package, and write the page."""
    folder = Path(app.srcdir) / "gallery"
    made = hashlib.sha256()
    for source in sorted((Path(app.srcdir).parent / "src" / "carbonscaling").rglob("*.*")):
        if source.suffix in (".py", ".toml", ".csv"):
            made.update(source.read_bytes())
    for script in scripts(folder):
        state = made.copy()
        state.update(script.read_bytes())
        stamp, file = script.with_suffix(".stamp"), script.with_suffix(".png")
        if not file.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != state.hexdigest():
            drawn(script).savefig(file, dpi=110)
            stamp.write_text(state.hexdigest(), encoding="utf-8")
    (folder / "index.md").write_text(gallery_page(folder), encoding="utf-8")
