"""One small change to a function at a time: the mutants of its syntax tree, each compiled."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType

__all__ = ["Mutant", "mutants"]

TENTH = 1.1
"""Factor on results and constants: a formula wrong by 10 % must fail a test."""

_SWAPPED_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_SWAPPED_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_SWAPPED_NAMES = {
    "minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "ceil": "floor", "floor": "ceil",
    "log2": "log", "log": "log2", "sqrt": "abs", "exp": "expm1",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A function with one change.

    Attributes
    ----------
    module, function : str
        ``perf.gemm``, and the function's qualified name in it.
    line : int
    change : str
        What stood there and what stands there now.
    code : CodeType
        Of the changed function.
    """

    module: str
    function: str
    line: int
    change: str
    code: CodeType

    @property
    def name(self) -> str:
        """Identifier that does not depend on line numbers."""
        return f"{self.module}.{self.function}: {self.change}"


def _scaled(node: ast.expr) -> ast.expr:
    return ast.BinOp(node, ast.Mult(), ast.Constant(TENTH))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _constant(value: float, inside: ast.AST) -> ast.expr | None:
    if isinstance(inside, ast.Subscript | ast.Slice):
        return None
    if isinstance(inside, ast.Compare):
        return ast.Constant(value + 1)
    return ast.Constant(value * TENTH if value else 1.0)


def _changed(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left, op, right) if type(op) in _SWAPPED_OPERATORS and not (_is_text(left) or _is_text(right)):
            yield ast.BinOp(left, _SWAPPED_OPERATORS[type(op)](), right)
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Compare(left, [op], right) if type(op) in _SWAPPED_COMPARISONS:
            yield ast.Compare(left, [_SWAPPED_COMPARISONS[type(op)]()], right)
        case ast.Constant(value) if isinstance(value, int | float) and not isinstance(value, bool):
            found = _constant(value, parent)
            if found is not None:
                yield found
        case ast.Call(ast.Attribute(owner, "where"), [condition, yes, no], keywords):
            yield ast.Call(ast.Attribute(owner, "where", ast.Load()), [condition, no, yes], keywords)
        case ast.Call(ast.Attribute(owner, name), args, keywords) if name in _SWAPPED_NAMES:
            yield ast.Call(ast.Attribute(owner, _SWAPPED_NAMES[name], ast.Load()), args, keywords)
        case ast.Call(ast.Name(name), args, keywords) if name in _SWAPPED_NAMES:
            yield ast.Call(ast.Name(_SWAPPED_NAMES[name], ast.Load()), args, keywords)


Fields = Callable[[str], list[str]]
"""From a class's name to its fields that are numbers, in order; other fields as empty strings."""


def _tenth_more(node: ast.Return, fields: Fields, returns: str) -> Iterator[ast.Return]:
    """Yield the statement with each number that it returns 10 % larger."""
    value = node.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and fields(value.func.id):
        names = fields(value.func.id)
        for i, argument in enumerate(value.args):
            if not isinstance(argument, ast.Starred) and names[i]:
                args = [*value.args[:i], _scaled(argument), *value.args[i + 1 :]]
                yield ast.Return(ast.Call(value.func, args, value.keywords))
        for i, keyword in enumerate(value.keywords):
            if keyword.arg in names:
                changed = ast.keyword(keyword.arg, _scaled(keyword.value))
                yield ast.Return(
                    ast.Call(value.func, value.args, [*value.keywords[:i], changed, *value.keywords[i + 1 :]])
                )
    elif isinstance(value, ast.Tuple) and returns.startswith("tuple") and "str" not in returns:
        for i, element in enumerate(value.elts):
            if isinstance(element, ast.Starred):
                continue
            yield ast.Return(ast.Tuple([*value.elts[:i], _scaled(element), *value.elts[i + 1 :]], ast.Load()))
    elif value is not None and returns in ("float", "Number", "Any", "Array"):
        yield ast.Return(_scaled(value))


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield every node below `node` with its parent and where it hangs, annotations left out."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "defaults", "kw_defaults"):
            continue
        for i, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST):
                yield node, field, i, child
                yield from _places(child)


def _hang(parent: ast.AST, field: str, place: int | None, child: ast.AST) -> None:
    if place is None:
        setattr(parent, field, child)
    else:
        getattr(parent, field)[place] = child


def _code(function: ast.FunctionDef) -> CodeType:
    decorators, function.decorator_list = function.decorator_list, []
    module = ast.fix_missing_locations(ast.Module([function], []))
    inside = compile(module, "<mutant>", "exec", dont_inherit=True).co_consts
    function.decorator_list = decorators
    return next(c for c in inside if isinstance(c, CodeType) and c.co_name == function.name)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 72 else f"{text[:48]} … {text[-20:]}"


def _of_function(function: ast.FunctionDef, fields: Fields) -> Iterator[tuple[int, str, CodeType]]:
    returns = ast.unparse(function.returns) if function.returns else ""
    for parent, field, place, node in list(_places(function)):
        changes: list[tuple[str, ast.AST]] = [(_short(new), new) for new in _changed(node, parent)]
        if isinstance(node, ast.Return):
            changes += [(f"10 % more: {_difference(node, new)}", new) for new in _tenth_more(node, fields, returns)]
        for text, new in changes:
            _hang(parent, field, place, ast.copy_location(new, node))
            yield (
                getattr(node, "lineno", 0),
                text if isinstance(node, ast.Return) else f"{_short(node)} → {text}",
                _code(function),
            )
            _hang(parent, field, place, node)


def _difference(old: ast.Return, new: ast.Return) -> str:
    """Name the number of the result that was scaled."""
    if isinstance(new.value, ast.BinOp):
        return "the result"
    before, after = (
        [*(ast.unparse(a) for a in v.args), *(f"{k.arg}={ast.unparse(k.value)}" for k in v.keywords)]
        if isinstance(v := statement.value, ast.Call)
        else [ast.unparse(e) for e in v.elts]
        if isinstance(v, ast.Tuple)
        else []
        for statement in (old, new)
    )
    found = next(a for a, b in zip(before, after, strict=True) if a != b)
    return found.partition("=")[0] if len(found) > 40 else found


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function and method of a module with its qualified name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{m.name}", m) for m in node.body if isinstance(m, ast.FunctionDef))


def mutants(module: str, source: str, fields: Mapping[str, list[str]]) -> Iterator[Mutant]:
    """Yield every mutant of a module.

    Parameters
    ----------
    module : str
    source : str
    fields : Mapping
        By class that the module returns: its fields that are numbers, others as empty strings.
    """
    seen: Counter[str] = Counter()
    for name, function in functions(ast.parse(source)):
        for line, change, code in _of_function(function, lambda cls: fields.get(cls, [])):
            seen[f"{name}: {change}"] += 1
            count = seen[f"{name}: {change}"]
            yield Mutant(module, name, line, change if count == 1 else f"{change} ({count})", code)
