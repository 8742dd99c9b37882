"""``python -m carbonscaling``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from carbonscaling.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # before the command could mind it
        sys.exit(130)
