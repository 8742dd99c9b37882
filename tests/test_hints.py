"""What annotations mean, read once; named tuples whose annotations stay text."""

from __future__ import annotations

import inspect
import pickle
import typing
from typing import Any, Literal

import pytest

from carbonscaling import hints
from carbonscaling.hardware.device import Device
from carbonscaling.model.spec import ModelSpec
from carbonscaling.serving.scenario import Serving
from carbonscaling.software.options import Software
from carbonscaling.software.stack import Stack
from carbonscaling.study.project.stages import Training
from carbonscaling.study.scenario import Layout, Scenario


def pair(named_tuple: Any) -> Any:
    """A class of either kind of named tuple."""

    class Pair(named_tuple):  # type: ignore[misc]
        """A pair."""

        x: float
        kind: Literal["a", "b"] | None = None
        none: tuple[int, ...] = ()

        @property
        def twice(self) -> float:
            return 2.0 * self.x

        @classmethod
        def of(cls, text: str) -> Any:
            return cls(float(text))

    return Pair


Mine = pair(hints.NamedTuple)
Theirs = pair(typing.NamedTuple)
Mine.__qualname__, Theirs.__qualname__ = "Mine", "Theirs"  # where they are found again


def test_named_tuples_are_as_of_typing() -> None:
    def said(cls: Any) -> list[Any]:
        one = cls.of("3")
        return [
            one, one.twice, one._replace(kind="b")._asdict(), cls._fields, cls._field_defaults, repr(one)[len(cls.__name__) :],
            cls.__doc__, cls.__module__, cls.__bases__, cls(x=1.0, none=(2,)), pickle.loads(pickle.dumps(one)) == one,
            typing.get_type_hints(cls), list(inspect.signature(cls).parameters), hasattr(one, "__dict__"),
        ]  # fmt: skip

    assert said(Mine) == said(Theirs)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Mine()


@pytest.mark.parametrize("cls", [Scenario, Layout, Software, Stack, Device, ModelSpec, Serving, Training, Mine])
def test_annotations_mean_what_typing_says(cls: type) -> None:
    assert hints.hints_of(cls) == typing.get_type_hints(cls)
