"""No test's outcome depends on the clock: a busy machine makes none fail. Work is counted, waiting is done in virtual time."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "getrusage"}
TOOLS = {"fuzz", "metamorphic", "mutation", "play"}
MAY = {
    "serve/serve_helpers.py": "tells what hangs from what is slow",
    "serve/test_serve_load.py": "prints what it measured",
}


def _clocks(source: str) -> set[str]:
    """Names of clocks that a module reads, however imported."""
    if not any(name in source for name in CLOCKS):
        return set()
    found = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("time", "resource")
        ):
            found |= {node.attr} & CLOCKS
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "resource", "timeit"):
            found |= {alias.name for alias in node.names}
    return found - {"sleep"}


def test_no_test_reads_a_clock() -> None:
    paths = (p for p in HERE.rglob("*.py") if p.relative_to(HERE).parts[0] not in TOOLS)
    found = {str(p.relative_to(HERE)): clocks for p in paths if (clocks := _clocks(p.read_text(encoding="utf-8")))}
    assert set(found) == set(MAY), found


def test_clocks_are_seen_however_they_are_imported() -> None:
    assert _clocks("import time\nbegin = time.perf_counter()") == {"perf_counter"}
    assert _clocks("from time import monotonic, sleep") == {"monotonic"}
    assert _clocks("import time\ntime.sleep(1)") == set()
