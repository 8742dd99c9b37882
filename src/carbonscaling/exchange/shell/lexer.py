"""A shell script as words and operators; quotes stay on the words, comments go, here-documents are set apart."""

from __future__ import annotations

import re

from carbonscaling.hints import NamedTuple

__all__ = ["Token", "closing", "tokens"]

_OPERATOR = re.compile(r"&&|\|\||;;|<<<|<<-?|&>>?|\d?>>|\d?>&\d?|[|&;()\n]|\d?>|<")
_CLOSE = {"(": ")", "{": "}"}


class Token(NamedTuple):
    """A word as written, or an operator.

    Attributes
    ----------
    kind : "word", "operator" or "here" (the text of a here-document).
    text : str
    """

    kind: str
    text: str


def closing(text: str, start: int) -> int:
    """Return the index behind the bracket or quote that closes the one at `start`; the end if none does."""
    opened = text[start]
    if opened == "'":
        found = text.find("'", start + 1)
        return len(text) if found < 0 else found + 1
    wanted, place = _CLOSE.get(opened, opened), start + 1
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 2
        elif letter == wanted:
            return place + 1
        elif letter == "$" and text[place + 1 : place + 2] in ("(", "{"):
            place = closing(text, place + 1)
        elif (letter in "\"'`" and opened not in '"`') or (letter == opened and opened in _CLOSE):
            place = closing(text, place)
        else:
            place += 1
    return len(text)


def _word(text: str, start: int) -> int:
    """Return the index behind the word that begins at `start`."""
    place = start
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 2
        elif letter in "\"'`":
            place = closing(text, place)
        elif letter == "$" and text[place + 1 : place + 2] in ("(", "{"):
            place = closing(text, place + 1)
        elif letter == "(" and text[place - 1 : place] == "=":  # an array
            place = closing(_without_comments(text, place), place)
        elif letter in " \t\n;|&()<>":
            break
        else:
            place += 1
    return min(place, len(text))


def _without_comments(text: str, start: int) -> str:
    """Blank out comments behind `start`, where an apostrophe would open a quote; lengths stay."""
    return text[:start] + re.sub(
        r"(\"(?:\\.|[^\"\\])*\"|'[^']*')|((?<=\s)#[^\n]*)",
        lambda found: found[1] or " " * len(found[2]),
        text[start:],
    )


def _here(text: str, place: int, marker: str) -> tuple[str, int, int]:
    """Return a here-document, and where it begins and ends; `place` lies on the line that asks for it."""
    begin = text.find("\n", place) + 1 or len(text)
    found = re.search(rf"^\t*{re.escape(marker)}$", text[begin:], re.MULTILINE)
    return (
        text[begin : begin + found.start()] if found else text[begin:],
        begin,
        begin + found.end() if found else len(text),
    )


def tokens(text: str) -> list[Token]:
    """Return what a script is made of, in order."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter in " \t\r":
            place += 1
        elif text.startswith("\\\n", place):  # a line that goes on; one that is a comment does not
            place += 2
        elif letter == "#":
            place = text.find("\n", place) if "\n" in text[place:] else len(text)
        elif text.startswith("((", place):
            end = closing(text, place)
            found.append(Token("word", text[place:end]))
            place = end
        elif operator := _OPERATOR.match(text, place):
            place = operator.end()
            found.append(Token("operator", operator[0]))
            if operator[0] in ("<<", "<<-"):
                named = re.compile(r"\s*(['\"]?)(\w+)\1").match(text, place)
                if named:
                    body, begin, end = _here(text, named.end(), named[2])
                    found[-1] = Token("here", body if named[1] else "$" + body)  # unquoted: variables are expanded
                    text, place = text[: begin - 1] + text[end:], named.end()
        else:
            end = _word(text, place)
            found.append(Token("word", text[place : max(end, place + 1)]))
            place = max(end, place + 1)
    return found
