"""Whole-number arithmetic of ``$(( ))``, on a tree of operations that are named here and no others."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["arithmetic"]

_BINARY: Mapping[type[ast.AST], Callable[[int, int], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.Lt: operator.lt, ast.Gt: operator.gt, ast.LtE: operator.le, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_MOST_LETTERS = 500


def arithmetic(text: str, value: Callable[[str], str]) -> int | None:
    """Return what an expression is, or None where it cannot be told.

    Parameters
    ----------
    text : str
    value : callable
        The text of a variable by its name.
    """
    named = re.sub(r"\$?\{?\b([A-Za-z_]\w*)\b\}?", lambda found: f"({value(found[1]) or 0})", text)
    plain = named.replace("/", "//").replace("&&", " and ").replace("||", " or ")
    if len(plain) > _MOST_LETTERS:
        return None
    try:
        return _number(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None


def _number(node: ast.AST) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_number(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return int(_BINARY[type(op)](_number(left), _number(right)))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BINARY:
            return int(_BINARY[type(op)](_number(left), _number(right)))
        case ast.BoolOp(op=op, values=values):
            found = [bool(_number(one)) for one in values]
            return int(all(found) if isinstance(op, ast.And) else any(found))
    raise ValueError
