"""Reference pages of the Python API: one for every layer, written anew by each build; nothing public may be missing."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from sitegen.package import borrowed_names, layers, modules, own_names
from sitegen.tasks import tasks_page

__all__ = ["check_complete", "missing", "write_pages"]

LOG = logging.getLogger(__name__)


def _section(module: ModuleType) -> str:
    """Return the part of a page about one module."""
    title = module.__name__.removeprefix("carbonscaling.")
    own, borrowed = own_names(module), borrowed_names(module)
    lines = [f"## {title}", "", "```{eval-rst}", f".. automodule:: {module.__name__}"]
    if own:
        lines.append(f"   :members: {', '.join(own)}")
    lines += ["```", ""]
    if borrowed:
        lines += ["Also here: " + ", ".join(f"{{py:obj}}`{name} <{home}>`" for name, home in borrowed.items()), ""]
    return "\n".join(lines)


def _page(layer: str) -> str:
    name = f"carbonscaling.{layer}"
    found = [m for n, m in sorted(modules().items()) if n == name or n.startswith(f"{name}.")]
    return f"# {layer}\n\n" + "\n".join(_section(m) for m in found)


def write_pages(app: Sphinx) -> None:
    """Write ``reference/api/``: an index by task, and a page for each layer."""
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    toc = "\n".join(layers())
    intro = (
        "By task: the names of `import carbonscaling as cs`. Below them every module, generated from the docstrings."
    )
    texts = {
        "index": f"# Python API\n\n{intro}\n\n{tasks_page()}\n## Every module\n\n```{{toctree}}\n:maxdepth: 1\n\n{toc}\n```\n"
    }
    texts |= {layer: _page(layer) for layer in layers()}
    for path in folder.glob("*.md"):
        if path.stem not in texts:  # of a package that has another name now
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def missing(documented: set[str]) -> list[str]:
    """Return the public functions and classes that `documented` (full names) lacks."""
    wanted = {
        f"{name}.{public}"
        for name, module in modules().items()
        for public in own_names(module)
        if inspect.isfunction(getattr(module, public)) or inspect.isclass(getattr(module, public))
    }
    return sorted(wanted - documented)


def check_complete(_app: Sphinx, env: BuildEnvironment) -> None:
    """Warn, and so fail the build, for everything public that no page documents."""
    for name in missing(set(env.domains.python_domain.objects)):
        LOG.warning("public, and on no page: %s", name)
