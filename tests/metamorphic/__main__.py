"""Answer random scenarios: ``python -m metamorphic [--cases N] [--seed N] [--workers N]``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from metamorphic.drive import BLOCK, run_block


def main() -> int:
    """Return 0 where every invariant held."""
    os.environ.setdefault("CARBONSCALING_THREADS", "1")  # as many processes as there are processors
    parser = argparse.ArgumentParser(prog="python -m metamorphic", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="the first case")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    blocks = [(options.seed + at, min(BLOCK, options.cases - at)) for at in range(0, options.cases, BLOCK)]
    start = time.perf_counter()
    ends: Counter[str] = Counter()
    violations: list[str] = []
    pool = ProcessPoolExecutor(options.workers)
    try:
        for counts, found in pool.map(run_block, *zip(*blocks, strict=True)):
            ends += counts
            violations += found
            for text in found:
                print(f"\n{text}", file=sys.stderr, flush=True)
            print(f"\r{ends.total():,} cases ", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("ended early", file=sys.stderr)
    finally:
        pool.shutdown(cancel_futures=True)
    told = ", ".join(f"{n:,} {end}" for end, n in sorted(ends.items()))
    print(f"{ends.total():,} scenarios: {told}; {time.perf_counter() - start:.0f} s")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
