"""The same question asked twice is answered once: replies kept in memory, requests under way shared."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from carbonscaling.serve.jobs import Reply

__all__ = ["Shared"]


class _Flight:
    def __init__(self, task: asyncio.Task[Reply]) -> None:
        self.task, self.waiting = task, 0


class Shared:
    """Replies by a digest of their question, the oldest forgotten first.

    Parameters
    ----------
    most_bytes : int
        Characters of text kept, at most.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0
        self._kept: OrderedDict[str, Reply] = OrderedDict()
        self._flights: dict[str, _Flight] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return the kept reply, that of a request under way, or that of `make`; when nobody waits, `make` is cancelled."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(self._make(key, make)))
            flight.task.add_done_callback(lambda done: done.cancelled() or done.exception())
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and self._flights.get(key) is flight:
                del self._flights[key]
                flight.task.cancel()

    async def _make(self, key: str, make: Callable[[], Awaitable[Reply]]) -> Reply:
        reply = await make()
        if reply.status < 500:
            self._kept[key] = reply
            self._held += len(reply.text)
            while self._held > self._most:
                self._held -= len(self._kept.popitem(last=False)[1].text)
        return reply
