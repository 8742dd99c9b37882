"""Words of a shell as what they stand for: variables, arrays, defaults and arithmetic."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field

from carbonscaling.exchange.shell.arithmetic import arithmetic
from carbonscaling.exchange.shell.lexer import closing, tokens

__all__ = ["UNKNOWN", "Variables"]

UNKNOWN = "\x00"
"""Stands in a word for what only a run would tell: the output of a command, an argument, the environment."""

_NAME = re.compile(r"[A-Za-z_]\w*|[0-9#?@*!$-]")
_ARRAY = re.compile(r"\"\$(@|\{\w+\[@\]\})\"")
_PARAMETER = re.compile(r"(#?)(!?)(\w+|[@*#?])(\[[^\]]*\])?(.*)", re.DOTALL)


@dataclass
class Variables:
    """What a script has set so far; expands words by it."""

    known: dict[str, list[str]] = field(default_factory=lambda: {"@": [], "*": []})

    def text(self, name: str) -> str:
        """Return a variable as one text; what nobody set is unknown."""
        return " ".join(self.known[name]) if name in self.known else UNKNOWN

    def assign(self, name: str, raw: str, *, add: bool = False) -> None:
        """Set a variable, or an array, to what is written behind the equals sign."""
        if raw.startswith("("):
            words = [word for token in tokens(raw[1:-1]) if token.kind == "word" for word in self.words(token.text)]
            self.known[name] = [*(self.known.get(name, []) if add else []), *words]
        else:
            before = self.text(name) if add and name in self.known else ""
            self.known[name] = [before + self.joined(raw)]

    def joined(self, raw: str) -> str:
        """Return a word that is not split: the value of an assignment, a here-document."""
        return "".join(text for text, _ in self._pieces(raw, whole=True))

    def words(self, raw: str) -> list[str]:
        """Return the words that a written word becomes: none, one or several."""
        if (array := _ARRAY.fullmatch(raw)) and not self.known.get(array[1].strip("{}[@]") or "@"):
            return []  # in quotes too an empty array is no word
        found, current, open_ = [], "", False
        for text, quoted in self._pieces(raw):
            if quoted:
                *ended, last = text.split("\x1f")  # "${array[@]}" keeps its elements apart
                for part in ended:
                    found.append(current + part)
                    current = ""
                current, open_ = current + last, open_ or bool(last) or not ended
                continue
            parts = re.split(r"[ \t\n\x1f]+", text)
            for part in parts[:-1]:
                if current + part or open_:
                    found.append(current + part)
                current, open_ = "", False
            current += parts[-1]
        return [*found, current] if current or open_ else found

    def _pieces(self, raw: str, *, whole: bool = False) -> list[tuple[str, bool]]:
        """Return texts, each with whether it stood in quotes."""
        found: list[tuple[str, bool]] = []
        place = 0
        while place < len(raw):
            letter = raw[place]
            if raw.startswith("\\\n", place):
                place += 2
            elif letter == "\\" and place + 1 < len(raw):
                found.append((raw[place + 1], True))
                place += 2
            elif letter == "'":
                end = closing(raw, place)
                found.append((raw[place + 1 : end - 1], True))
                place = end
            elif letter == '"':
                end = closing(raw, place)
                found.append((self._quoted(raw[place + 1 : end - 1], whole), True))
                place = end
            elif letter in "$`":
                value, place = self._expansion(raw, place, quoted=whole)
                found.append((value.replace("\x1f", " "), whole))
            else:
                end = place + 1
                while end < len(raw) and raw[end] not in "\\'\"$`":
                    end += 1
                found.append((raw[place:end], True))
                place = end
        return found

    def _quoted(self, inner: str, whole: bool) -> str:
        text, place = "", 0
        while place < len(inner):
            if inner.startswith("\\\n", place):
                place += 2
            elif inner[place] == "\\" and inner[place + 1 : place + 2] in ('"', "\\", "$", "`"):
                text, place = text + inner[place + 1], place + 2
            elif inner[place] in "$`":
                value, place = self._expansion(inner, place, quoted=not whole)
                text += value
            else:
                text, place = text + inner[place], place + 1
        return text

    def _expansion(self, raw: str, place: int, *, quoted: bool) -> tuple[str, int]:
        """Return what the dollar or backtick at `place` stands for, and the index behind it."""
        if raw[place] == "`":
            return UNKNOWN, closing(raw, place)
        rest = raw[place + 1 :]
        if rest.startswith("(("):
            end = closing(raw, place + 1)
            value = arithmetic(self.joined(raw[place + 3 : end - 2]), self.text)
            return UNKNOWN if value is None else str(value), end
        if rest.startswith("("):
            return UNKNOWN, closing(raw, place + 1)
        if rest.startswith("{"):
            end = closing(raw, place + 1)
            return self._parameter(raw[place + 2 : end - 1], quoted), end
        named = _NAME.match(rest)
        if not named:
            return "$", place + 1
        values = self.known.get(named[0])
        text = (
            UNKNOWN if values is None else ("\x1f" if quoted else " ").join(values if named[0] in "@*" else values[:1])
        )
        return text, place + 1 + named.end()

    def _parameter(self, inner: str, quoted: bool) -> str:
        """Return ``${…}``: a variable or an array, its default, or what is left when an end is cut off."""
        found = _PARAMETER.fullmatch(inner)
        if not found or found[2]:
            return UNKNOWN
        count, _, name, index, rest = found.groups()
        values = self.known.get(name)
        if count:
            return UNKNOWN if values is None else str(len(values) if index else len(values[0]))
        if rest[:2] in (":-", ":=") or rest[:1] in ("-", "="):
            default = rest.lstrip(":")[1:]
            empty = values is None or (rest.startswith(":") and not "".join(values))
            if empty and rest.lstrip(":").startswith("="):
                self.known[name] = [self.joined(default)]
            return self.joined(default) if empty else self._chosen(values or [], index, quoted)
        if rest[:2] == ":+":
            return self.joined(rest[2:]) if values and "".join(values) else ""
        if values is None:
            return "" if index else UNKNOWN
        text = self._chosen(values, index, quoted)
        if rest[:1] in ("#", "%"):
            return _cut(text, self.joined(rest.lstrip("#%")), rest[0])
        if rest[:1] == "/":
            old, _, new = rest.lstrip("/").partition("/")
            return text.replace(self.joined(old), self.joined(new), -1 if rest.startswith("//") else 1)
        return text.lower() if rest == ",," else text.upper() if rest == "^^" else text

    def _chosen(self, values: list[str], index: str | None, quoted: bool) -> str:
        if index in ("[@]", "[*]"):
            return ("\x1f" if quoted and index == "[@]" else " ").join(values)
        if index is None:
            return values[0] if values else ""
        at = arithmetic(index[1:-1], self.text)
        return values[at] if at is not None and -len(values) <= at < len(values) else UNKNOWN


def _cut(text: str, pattern: str, end: str) -> str:
    """Return a text without the shortest beginning (#) or end (%) that a pattern matches."""
    for size in range(len(text) + 1):
        part = text[:size] if end == "#" else text[len(text) - size :]
        if fnmatch.fnmatchcase(part, pattern):
            return text[size:] if end == "#" else text[: len(text) - size]
    return text
