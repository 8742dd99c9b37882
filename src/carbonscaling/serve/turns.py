"""Who waits for a process: clients take turns, however many questions each of them has."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


class Turns(Generic[T]):
    """What waits, by client: the clients in turn, the things of each in their order.

    >>> turns = Turns[int]()
    >>> for client, thing in (("a", 1), ("a", 2), ("a", 3), ("b", 4)):
    ...     turns.add(client, thing)
    >>> [turns.next() for _ in range(len(turns))]
    [1, 4, 2, 3]
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many things wait."""
        return sum(map(len, self._of.values()))

    def __contains__(self, client: object) -> bool:
        """Whether anything of a client waits."""
        return client in self._of

    def add(self, client: str, thing: T) -> None:
        """Let a thing wait behind those of its client."""
        self._of.setdefault(client, deque()).append(thing)

    def drop(self, client: str, thing: T) -> None:
        """Forget a thing that waits."""
        self._of[client].remove(thing)
        if not self._of[client]:
            del self._of[client]

    def next(self) -> T:
        """Remove and return what is next; its client goes behind all others.

        Raises
        ------
        KeyError
            Nothing waits.
        """
        client, own = self._of.popitem(last=False)
        found = own.popleft()
        if own:
            self._of[client] = own
        return found
