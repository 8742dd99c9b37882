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
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["Same", "altered", "dataclass", "stated"]

T = TypeVar("T")
_ONE_AT_A_TIME = RLock()
_OF_A_COMPLETE_CLASS = ("__dataclass_params__", "__match_args__", "__signature__")
_SOME = "Without a text a class gets its signature, for which it would have to be complete."
MANY = 100
"""Objects that are made field by field: to make as many takes as long as to compile what makes them sooner."""


def _reader(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names) if len(names) > 1 else lambda one: tuple(getattr(one, name) for name in names)


def altered(one: T, **changes: Any) -> T:
    """Return a copy with some values changed, for whoever makes many of one: nothing is looked at, as `replace` would."""
    made, fields = object.__new__(type(one)), type(one).__dataclass_fields__  # type: ignore[attr-defined]
    own = made.__dict__
    own.update(one.__dict__, **changes)
    for name in own.keys() - fields.keys() if len(own) > len(fields) else ():  # worked out of the other's values
        del own[name]
    return made


def stated(kind: type[T], given: T | None, fields: dict[str, Any]) -> T:
    """Return what is asked: a question as it was made, or one of the fields, which stand in place of its own.

    Raises
    ------
    TypeError
        What is given is of another type, or has no such field.
    """
    if given is not None and not isinstance(given, kind):
        raise TypeError(f"{type(given).__name__} in place of a {kind.__name__}: make one, or name its fields (model=…)")
    if given is None:
        return kind(**fields)
    return dataclasses.replace(given, **fields) if fields else given  # type: ignore[type-var]


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


@cache
def _shown(cls: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(cls) if f.repr)


def _repr(self: Any) -> str:
    cls = self.__class__
    shown = [f"{name}={getattr(self, name)!r}" for name in _shown(cls)]
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


class _Begun:
    """A class and what it still lacks: its fields until it is first used, an ``__init__`` of its own until that pays."""

    def __init__(self, cls: Any, kw_only: bool) -> None:
        self.cls, self.kw_only = cls, kw_only
        for name, value in _SHARED.items():
            if name not in vars(cls) or vars(cls)[name] is None:
                setattr(cls, name, value)
        cls.__dataclass_fields__ = _Later("__dataclass_fields__", self.find_fields)
        for name in _OF_A_COMPLETE_CLASS:
            setattr(cls, name, _Later(name, self.complete))

        def first(one: Any, *args: Any, **given: Any) -> None:
            self.find_fields()
            vars(cls)["__init__"](one, *args, **given)

        cls.__init__ = first

    def find_fields(self) -> None:
        """Have the fields found, and nothing compiled; a class with bases is completed, since dataclasses look at theirs."""
        with _ONE_AT_A_TIME:
            cls = self.cls
            if not isinstance(vars(cls)["__dataclass_fields__"], _Later):
                return
            if len(cls.__mro__) > 2:
                self.complete()
                return
            params, cls.__doc__, doc = vars(cls)["__dataclass_params__"], _SOME, cls.__doc__
            dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=self.kw_only)(cls)
            cls.__dataclass_params__, cls.__doc__ = params, doc
            cls.__init__ = self._field_by_field()

    def complete(self) -> None:
        """Make the real dataclass of the fields alone, and take over what it has."""
        with _ONE_AT_A_TIME:
            cls = self.cls
            if not isinstance(vars(cls)["__dataclass_params__"], _Later):
                return
            annotations, found = vars(cls).get("__annotations__", {}), vars(cls)["__dataclass_fields__"]
            own = {name: value for name, value in vars(cls).items() if name in (*annotations, "__post_init__")}
            if not isinstance(found, _Later):
                own |= found
            named = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": _SOME}
            made: Any = type(cls)(cls.__name__, cls.__bases__, {**named, **own, "__annotations__": annotations})
            dataclasses.dataclass(frozen=True, kw_only=self.kw_only, repr=False, eq=False)(made)
            for name, value in own.items():
                if isinstance(value, dataclasses.Field):
                    if hasattr(made, name):
                        setattr(cls, name, getattr(made, name))
                    elif name in vars(cls):
                        delattr(cls, name)
            for name in ("__dataclass_fields__", "__dataclass_params__", "__match_args__"):
                setattr(cls, name, getattr(made, name))
            del cls.__signature__
            cls.__init__ = made.__init__

    def _field_by_field(self) -> Callable[..., None]:
        """Return an ``__init__`` that is not compiled; one is after `MANY` objects, and to say what is wrong."""
        fields, none = dataclasses.fields(self.cls), dataclasses.MISSING
        known = {f.name: f for f in fields if f.init}
        needed = {f.name for f in known.values() if f.default is none and f.default_factory is none}
        by_place = [f.name for f in known.values() if not f.kw_only]
        filled = [
            (f.name, f.default, None if f.default_factory is none else f.default_factory)
            for f in fields
            if f.init or f.default_factory is not none
        ]
        ends, put, left = hasattr(self.cls, "__post_init__"), object.__setattr__, MANY

        def init(one: Any, *args: Any, **given: Any) -> None:
            nonlocal left
            left -= 1
            values = {**dict(zip(by_place, args, strict=False)), **given}
            if left < 0 or len(values) < len(args) + len(given) or not needed <= values.keys() <= known.keys():
                self.complete()
                vars(self.cls)["__init__"](one, *args, **given)
                return
            for name, default, factory in filled:
                put(one, name, values[name] if name in values else default if factory is None else factory())
            if ends:
                one.__post_init__()

        return init


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

        def begun(cls):
            _Begun(cls, kw_only)
            return cls

        return begun
