"""How much one request, and all of them together, may take."""

from __future__ import annotations

from carbonscaling.record import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds of the service; every one of them is met by an error in words, never by a crash.

    Attributes
    ----------
    body_bytes : int
        Largest request body, an uploaded ``config.json`` or a year of hours in six places included.
    depth : int
        Deepest nesting of a JSON body.
    body_s, header_s : float
        Seconds in which a client must have sent its body, and the headers of each request; in the latter also read
        some of an answer.
    devices : int
        Most devices that a request may ask to search over.
    batch : int
        Most sequences of a batch: a search goes over its divisors.
    recipes : int
        Most precision recipes of one request: each is a search of its own.
    job_s : float
        Seconds that one answer may take; its process is ended then.
    job_bytes : int
        Memory that a process may hold.
    queue : int
        Requests that may wait for a process; further ones are sent away at once.
    queue_s : float
        Seconds that a request may wait for a process, and for that one to have started.
    cache_bytes : int
        Answers kept in memory.
    """

    body_bytes: int = 1024**2
    depth: int = 12
    body_s: float = 10.0
    header_s: float = 10.0
    devices: int = 262_144
    batch: int = 2**24
    recipes: int = 4
    job_s: float = 30.0
    job_bytes: int = 3 * 1024**3
    queue: int = 512
    queue_s: float = 120.0
    cache_bytes: int = 32 * 1024**2
