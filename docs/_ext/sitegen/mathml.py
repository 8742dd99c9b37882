"""Expressions of formulas as MathML, which browsers typeset themselves: nothing is loaded, nothing is drawn."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

__all__ = ["typeset"]

Link = Callable[[str], str | None]
"""From a name to the address of what explains it; None where nothing does."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e[-−]?\d+)?(?![A-Za-z]))|(?P<name>\d*[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<raised>[²³⁴¹])|(?P<part>[¼½⅓])|(?P<op>.))"
)
_RAISED = {"¹": "1", "²": "2", "³": "3", "⁴": "4"}
_PARTS = {"¼": ("1", "4"), "½": ("1", "2"), "⅓": ("1", "3")}
_CLOSING = {"(": ")", "[": "]", "⌈": "⌉", "⌊": "⌋"}
_FUNCTIONS = ("min", "max", "exp", "log", "log2", "hops", "ceil")


class _NotMathsError(Exception):
    """Words stand where a formula would go on."""


class _Piece(str):
    """MathML; `bare` is the same without the brackets around it, where brackets alone held it together."""

    bare: str

    def __new__(cls, text: str, bare: str | None = None) -> _Piece:
        made = super().__new__(cls, text)
        made.bare = bare or text
        return made


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _op(sign: str, inside: str = "") -> str:
    """Return an operator; a bracket grows only around a fraction."""
    flat = ' stretchy="false"' if sign in "()[]⌈⌉⌊⌋" and "<mfrac>" not in inside else ""
    return f"<mo{flat}>{html.escape({'-': '−', '*': '·'}.get(sign, sign))}</mo>"


def _name(name: str, link: Link) -> str:
    """Return a name: a letter with what follows as its index, or words."""
    letter = re.fullmatch(r"([A-Za-z])_?(\w*)", name) if re.match(r"[A-Za-z](_|\d|$)", name) else None
    if letter:
        base, index = letter.groups()
        shown = f"<i>{base}</i>" + (f"<sub>{index.replace('_', ' ')}</sub>" if index else "")
    else:
        shown = name.replace("_", " ")
    there = link(name)
    inner = f'<a href="{there}">{shown}</a>' if there else f"<span>{shown}</span>"
    return f'<mi mathvariant="normal">{inner}</mi>'


class _Parser:
    def __init__(self, text: str, link: Link) -> None:
        self.tokens = [(m.lastgroup or "", m.group(m.lastgroup or 0)) for m in _TOKEN.finditer(text.strip())]
        self.at, self.link = 0, link

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, sign: str | None = None) -> str:
        kind, text = self.peek()
        if kind == "end" or (sign is not None and text != sign):
            raise _NotMathsError
        self.at += 1
        return text

    def whole(self) -> str:
        found = self.compared()
        if self.peek()[0] != "end":
            raise _NotMathsError
        return found

    def compared(self) -> _Piece:
        found = self.summed()
        while self.peek()[1] in ("=", "<", ">", "≤", "≥") and self.peek()[0] == "op":
            found = _Piece(_row(found, _op(self.take()), self.summed()))
        return found

    def summed(self) -> _Piece:
        found = _Piece(_row(_op(self.take()), self.product())) if self.peek()[1] in ("-", "−") else self.product()
        while self.peek()[1] in ("+", "-", "−"):
            found = _Piece(_row(found, _op(self.take()), self.product()))
        return found

    def product(self) -> _Piece:
        found = self.power()
        while self.peek()[1] in ("·", "/", "*", "&"):
            sign = self.take()
            other = self.power()
            if sign == "/":
                found = _Piece(f"<mfrac>{_row(found.bare)}{_row(other.bare)}</mfrac>")
            else:
                found = _Piece(_row(found, _op(sign), other))
        return found

    def power(self) -> _Piece:
        found = self.primary()
        kind, text = self.peek()
        if kind == "raised":
            return _Piece(f"<msup>{_row(found)}<mn>{_RAISED[self.take()]}</mn></msup>")
        if text == "^":
            self.take()
            return _Piece(f"<msup>{_row(found)}{_row(self.primary().bare)}</msup>")
        return found

    def primary(self) -> _Piece:
        kind, text = self.peek()
        if kind == "number":
            return _Piece(self.scaled(self.take()))
        if kind == "part":
            top, bottom = _PARTS[self.take()]
            return _Piece(f"<mfrac><mn>{top}</mn><mn>{bottom}</mn></mfrac>")
        if text in ("√", "sqrt"):
            self.take()
            return _Piece(f"<msqrt>{self.primary().bare}</msqrt>")
        if text in ("-", "−"):
            return _Piece(_row(_op(self.take()), self.primary()))
        if kind == "name":
            return self.called(self.take())
        if text in _CLOSING:
            self.take()
            inner = self.compared()
            closing = self.take(_CLOSING[text])
            return _Piece(_row(_op(text, inner), inner, _op(closing, inner)), inner if text == "(" else None)
        raise _NotMathsError

    def scaled(self, text: str) -> str:
        digits, e, power = text.partition("e")
        if not e:
            return f"<mn>{digits}</mn>"
        return _row(f"<mn>{digits}</mn>", _op("·"), f"<msup><mn>10</mn><mn>{power.replace('-', '−')}</mn></msup>")

    def called(self, name: str) -> _Piece:
        if self.peek()[1] != "(":
            return _Piece(_name(name, self.link))
        if name not in _FUNCTIONS:
            raise _NotMathsError
        self.take("(")
        given = [self.compared()]
        while self.peek()[1] == ",":
            self.take()
            given.append(self.compared())
        self.take(")")
        if name == "ceil":
            return _Piece(_row(_op("⌈", given[0]), given[0], _op("⌉", given[0])))
        shown = "<msub><mi>log</mi><mn>2</mn></msub>" if name == "log2" else f"<mi>{name}</mi>"
        inner = _op(",").join(given)
        return _Piece(_row(shown, _op("(", inner), inner, _op(")", inner)))


def _spelt(text: str, link: Link) -> str:
    """Return words with the formulas between them, one piece after another."""
    found = []
    for kind, piece in _Parser(text, link).tokens:
        if kind == "name":
            found.append(_name(piece, link) if link(piece) else f"<mtext>&#160;{piece.replace('_', ' ')}&#160;</mtext>")
        elif kind == "number":
            found.append(f"<mn>{piece}</mn>")
        elif kind == "raised":
            found.append(f"<msup><mrow></mrow><mn>{_RAISED[piece]}</mn></msup>")
        else:
            found.append(_op(piece))
    return "".join(found)


def _clauses(text: str) -> list[str]:
    """Return what commas and semicolons outside brackets part."""
    found, depth = [""], 0
    for sign in text:
        depth += (sign in _CLOSING) - (sign in _CLOSING.values())
        if sign in ",;" and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return [clause.strip() for clause in found]


def typeset(expression: str, link: Link) -> list[str]:
    """Return an expression as MathML, one for the equation and one for every clause behind a comma or semicolon.

    Every name that `link` knows leads to what explains it. What is in words stays in words.
    """
    found = []
    for clause in _clauses(expression):
        try:
            row = _Parser(clause, link).whole()
        except _NotMathsError:
            row = _spelt(clause, link)
        found.append(f'<math display="block">{_row(row)}</math>')
    return found
