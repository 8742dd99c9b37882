"""Annotations stay text until somebody asks what they mean, and each text of a module is then worked out once.

``typing`` compiles the annotation of every field: of named tuples when their class is made, of other classes whenever they
are asked about. An estimate on the command line would compile a thousand, nearly all of them one of a dozen.
"""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Mapping
from functools import cache
from inspect import get_annotations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple", "hints_of"]


@cache
def _meant(module: str, text: str) -> Any:
    return eval(text, vars(sys.modules[module]))


@cache
def hints_of(cls: Any) -> Mapping[str, Any]:
    """Return what the annotations of a class and its bases mean, as ``typing.get_type_hints``, which nobody can change."""
    own = ((base.__module__, *item) for base in reversed(cls.__mro__) for item in get_annotations(base).items())
    return MappingProxyType({name: _meant(module, text) for module, name, text in own})


if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Named(type):
        def __new__(cls, name, _bases, own):
            annotations = own.pop("__annotations__", {})
            defaults = [own.pop(field) for field in annotations if field in own]
            made = namedtuple(name, annotations, defaults=defaults, module=own.pop("__module__"))
            made.__annotations__ = made.__new__.__annotations__ = annotations
            for key, value in own.items():
                setattr(made, key, value)
            return made

    NamedTuple = type.__new__(
        _Named, "NamedTuple", (), {"__doc__": "As in ``typing``, with annotations that stay text."}
    )
