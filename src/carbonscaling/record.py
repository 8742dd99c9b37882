"""Frozen dataclasses that are completed when first used: a command loads twice as many as it makes objects of.

``dataclasses.dataclass`` compiles six functions a class, which takes longer than to load the module that it stands in. Here
a class has its ``__init__`` compiled for its first object, and its fields found when somebody asks for them; what compares,
hashes and shows objects is the same for all classes. All else is as there.
"""

from __future__ import annotations

import dataclasses
from _thread import RLock
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["Same", "dataclass"]

_ONE_AT_A_TIME = RLock()
_OF_A_COMPLETE_CLASS = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")


def _reader(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names) if len(names) > 1 else lambda one: tuple(getattr(one, name) for name in names)


class Same:
    """A key that equals a key of the very same object: what is worked out of one that nobody may change is kept by it.

    A file that is read again makes another object, so that nothing old is served.
    """

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.it is other.it


@cache
def _compared(cls: Any) -> Callable[[Any], tuple[Any, ...]]:
    return _reader([f.name for f in dataclasses.fields(cls) if f.compare])


@cache
def _hashed(cls: Any) -> Callable[[Any], tuple[Any, ...]]:
    return _reader([f.name for f in dataclasses.fields(cls) if (f.compare if f.hash is None else f.hash)])


def _repr(self: Any) -> str:
    cls = self.__class__
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(cls) if f.repr)
    return f"{cls.__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _compared(self.__class__)
    return bool(values(self) == values(other))


def _hash(self: Any) -> int:
    return hash(_hashed(self.__class__)(self))


def _replaced(self: Any, /, **changes: Any) -> Any:
    return dataclasses.replace(self, **changes)


def _set(_self: Any, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_SHARED: dict[str, Any] = {
    "__repr__": _repr, "__eq__": _eq, "__hash__": _hash, "__setattr__": _set, "__delattr__": _delete,
    "__replace__": _replaced,
}  # fmt: skip


class _Later:
    """A class attribute that completing the class puts in its own place."""

    def __init__(self, name: str, finish: Callable[[], None]) -> None:
        self.name, self.finish = name, finish

    def __get__(self, _one: object, cls: type) -> Any:
        self.finish()
        return getattr(cls, self.name)


def _complete(cls: Any, kw_only: bool) -> None:
    """Make the real dataclass of the fields alone, and take over what it has."""
    annotations = vars(cls).get("__annotations__", {})
    own = {name: value for name, value in vars(cls).items() if name in (*annotations, "__post_init__")}
    named = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    made: Any = type(cls)(cls.__name__, cls.__bases__, {**named, **own, "__annotations__": annotations})
    dataclasses.dataclass(frozen=True, kw_only=kw_only, repr=False, eq=False)(made)
    for name, value in own.items():
        if isinstance(value, dataclasses.Field):
            if hasattr(made, name):
                setattr(cls, name, getattr(made, name))
            else:
                delattr(cls, name)
    for name in _OF_A_COMPLETE_CLASS:
        setattr(cls, name, getattr(made, name))
    del cls.__signature__
    cls.__init__ = made.__init__


def _begun(cls: Any, kw_only: bool) -> Any:
    """Give a class what all share, and the rest when it is asked for."""

    def finish() -> None:
        with _ONE_AT_A_TIME:
            if vars(cls)["__init__"] is first:
                _complete(cls, kw_only)

    def first(self: Any, *args: Any, **given: Any) -> None:
        finish()
        vars(cls)["__init__"](self, *args, **given)

    for name, value in _SHARED.items():
        if name not in vars(cls) or vars(cls)[name] is None:
            setattr(cls, name, value)
    cls.__init__ = first
    for name in (*_OF_A_COMPLETE_CLASS, "__signature__"):
        setattr(cls, name, _Later(name, finish))
    return cls


if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen, kw_only=False):
        """Make a class a frozen dataclass, completed when it is first used.

        Parameters
        ----------
        frozen : bool
            True, as a reader looks for it: what may change is of ``dataclasses``.
        kw_only : bool, optional
        """
        if not frozen:
            raise TypeError("classes whose objects may change are of dataclasses")
        return lambda cls: _begun(cls, kw_only)
