"""Who waits for a process: addresses take turns, and at one address its pages do, however many questions each of them has."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


class Turns(Generic[T]):
    """What waits, by client and page: the clients in turn, the pages of each in turn, the things of each in their order.

    >>> turns = Turns[int]()
    >>> for client, page, thing in (("a", "x", 1), ("a", "x", 2), ("a", "y", 3), ("b", "", 4)):
    ...     turns.add(client, thing, page)
    >>> [turns.next() for _ in range(len(turns))]
    [1, 4, 3, 2]
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many things wait."""
        return sum(len(own) for pages in self._of.values() for own in pages.values())

    def __contains__(self, client: object) -> bool:
        """Whether anything of a client waits."""
        return client in self._of

    def add(self, client: str, thing: T, page: str = "") -> None:
        """Let a thing wait behind those of its page."""
        self._of.setdefault(client, OrderedDict()).setdefault(page, deque()).append(thing)

    def drop(self, client: str, thing: T, page: str = "") -> None:
        """Forget a thing that waits."""
        pages = self._of[client]
        pages[page].remove(thing)
        if not pages[page]:
            del pages[page]
        if not pages:
            del self._of[client]

    def next(self) -> T:
        """Remove and return what is next; its client goes behind all others, its page behind the client's others.

        Raises
        ------
        KeyError
            Nothing waits.
        """
        client, pages = self._of.popitem(last=False)
        page, own = pages.popitem(last=False)
        found = own.popleft()
        if own:
            pages[page] = own
        if pages:
            self._of[client] = pages
        return found
