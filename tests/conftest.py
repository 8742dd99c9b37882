"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# Shared machines stall for longer than an example takes: no deadline, and the same examples every time.
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("steady")
