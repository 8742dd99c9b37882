"""Libraries of the extras, imported when first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from carbonscaling.errors import InputError

__all__ = ["need"]


def need(module: str, extra: str) -> Any:
    """Return a library that an extra brings.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"this needs {module.partition('.')[0]}", key=extra, remedy=f"pip install 'carbonscaling[{extra}]'"
        ) from error
