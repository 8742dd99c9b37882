"""Run the fuzzer: ``python -m fuzz [NAME ...] [--cases N] [--seed N] [--workers N]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor


def main() -> int:
    """Return 0 where every case ended as it should."""
    os.environ.setdefault("CARBONSCALING_COMPILE", "0")  # one search at a time: compiling would take longer
    from fuzz.drive import BLOCK, run_block
    from fuzz.targets import TARGETS

    known = {target.name: target for target in TARGETS}
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--cases", type=int, help="cases of each kind (default: its share of a whole run)")
    parser.add_argument("--seed", type=int, default=0, help="the first case")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    wanted = [known[name] for name in options.names or known]
    blocks = []
    for target in wanted:
        cases = options.cases or target.cases
        blocks += [(target.name, options.seed + at, min(BLOCK, cases - at)) for at in range(0, cases, BLOCK)]
    start = time.perf_counter()
    ends: dict[str, Counter[str]] = {target.name: Counter() for target in wanted}
    crashes: list[str] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for (name, _, _), (counts, found) in zip(blocks, pool.map(run_block, *zip(*blocks, strict=True)), strict=True):
            ends[name] += counts
            crashes += found
            if sys.stderr.isatty():
                print(f"\r{sum(c.total() for c in ends.values()):,} cases ", end="", file=sys.stderr, flush=True)
    print(f"{'input':16}{'cases':>9}{'answered':>10}{'refused':>9}{'crashed':>9}")
    total: Counter[str] = Counter()
    for name, counts in ends.items():
        total += counts
        print(f"{name:16}{counts.total():9,}{counts['answered']:10,}{counts['refused']:9,}{counts['crashed']:9,}")
    print(f"{'all':16}{total.total():9,}{total['answered']:10,}{total['refused']:9,}{total['crashed']:9,}"
          f"   in {time.perf_counter() - start:.0f} s")  # fmt: skip
    for text in crashes[:40]:
        print(f"\n{text}", file=sys.stderr)
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main())
