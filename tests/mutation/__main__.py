"""Try every mutant and write the page: ``python -m mutation [part of a name ...] [--page docs/mutation.md]``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ABOUT = (
    "perf_* carbon_* adapters context experts_beside formula hybrids packed_samples rwkv software_by_hand software_kernels "
    "towers training"
)
TESTS = tuple(f"tests/test_{part}.py" for part in ABOUT.split())
DOCTESTS = ("src/carbonscaling/perf", "src/carbonscaling/carbon")


def main() -> int:
    """Return 0 where every survivor has a reason."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("only", nargs="*", default=[], help="parts of the mutants' names")
    parser.add_argument("--page", type=Path, help="write the page here")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    os.environ["CARBONSCALING_COMPILE"] = "0"  # compiled twins would be made from the mutants
    os.chdir(ROOT)
    from mutation.page import page, unexplained
    from mutation.runner import Mutation

    plugin = Mutation(tuple(options.only) or ("",), options.workers)
    files = [str(path.relative_to(ROOT)) for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        pytest.main(["-p", "no:xdist", "--no-header", "--no-summary", *files, *DOCTESTS], plugins=[plugin])
    if plugin.broken or not plugin.verdicts:
        print("these tests fail without any mutant:", *plugin.broken, sep="\n  ", file=sys.stderr)
        return 1
    text = page(plugin.verdicts)
    if options.page:
        options.page.write_text(text, encoding="utf-8")
    left = unexplained(plugin.verdicts)
    caught = sum(v.caught_by is not None for v in plugin.verdicts)
    print(f"{len(plugin.verdicts)} mutants, {caught} caught, {len(left)} survive without a reason, "
          f"{time.perf_counter() - start:.0f} s")  # fmt: skip
    for verdict in left:
        print(f"  line {verdict.mutant.line:4} {verdict.mutant.name} [{verdict.note}]")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
