"""``python -m carbonscaling``."""

from __future__ import annotations

import sys

from carbonscaling.cli import main

if __name__ == "__main__":
    sys.exit(main())
