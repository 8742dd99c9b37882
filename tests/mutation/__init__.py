"""Does a test notice when a formula changes? Every function of `perf` and `carbon`, changed in one place at a time.

``python -m mutation`` (with ``tests`` on the path) writes ``docs/mutation.md``.
"""
