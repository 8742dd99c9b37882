"""An event loop whose clock jumps to the next timer, so that waiting takes no time and needs no luck."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        ready = selector.select

        def select(timeout: float | None) -> Any:
            assert timeout is not None, "everything waits, and for nothing"
            self._now += timeout
            return ready(0)

        selector.select = select

    def time(self) -> float:
        return self._now


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for timers alone."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(main)
