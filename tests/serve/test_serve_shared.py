"""Equal questions: computed once while they are asked, kept while there is room, forgotten when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import virtual_time
from carbonscaling.serve.jobs import Reply
from carbonscaling.serve.shared import Shared


class Counted:
    """Answers after a second; counts how often it began and ended."""

    def __init__(self, status: int = 200, text: str = "answer") -> None:
        self.reply, self.begun, self.ended = Reply(status, text), 0, 0

    async def __call__(self) -> Reply:
        self.begun += 1
        await asyncio.sleep(1.0)
        self.ended += 1
        return self.reply


def together(shared: Shared, make: Callable[[], Awaitable[Reply]], n: int) -> list[asyncio.Task[Reply]]:
    return [asyncio.ensure_future(shared.get("question", make)) for _ in range(n)]


def test_the_same_question_at_once_is_answered_once() -> None:
    async def main() -> None:
        shared, make = Shared(1000), Counted()
        assert await asyncio.gather(*together(shared, make, 100)) == [make.reply] * 100
        assert await shared.get("question", make) == make.reply
        assert make.begun == 1

    virtual_time.run(main())


def test_it_is_left_when_the_last_who_waits_has_gone() -> None:
    async def main() -> None:
        shared, make = Shared(1000), Counted()
        first, *others = together(shared, make, 5)
        await asyncio.sleep(0.5)
        for task in others:
            task.cancel()
        assert await first == make.reply
        (lone,) = together(shared, again := Counted(), 1)
        lone.cancel()
        two = [asyncio.ensure_future(shared.get("other", again)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for task in two:
            task.cancel()
        await asyncio.sleep(5.0)
        assert (make.begun, make.ended, again.begun, again.ended) == (1, 1, 1, 0)

    virtual_time.run(main())


@pytest.mark.parametrize(("status", "asked"), [(200, 1), (422, 1), (500, 3), (503, 3)])
def test_what_went_wrong_here_is_not_kept(status: int, asked: int) -> None:
    async def main() -> None:
        shared, make = Shared(1000), Counted(status)
        for _ in range(3):
            assert (await shared.get("question", make)).status == status
        assert make.begun == asked

    virtual_time.run(main())


def test_the_oldest_is_forgotten() -> None:
    async def main() -> None:
        shared, makes = Shared(25), [Counted(text="a" * 10) for _ in range(3)]
        for _ in range(2):
            for name, make in zip("abc", makes, strict=True):
                await shared.get(name, make)
        assert [make.begun for make in makes] == [2, 2, 2]
        assert (await shared.get("c", makes[2])).text == "a" * 10
        assert makes[2].begun == 2

    virtual_time.run(main())
