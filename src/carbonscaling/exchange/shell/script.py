"""Walk a shell script and note the commands it would run; nothing is run, no other file is read."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from carbonscaling.exchange.shell.conditions import condition
from carbonscaling.exchange.shell.lexer import Token, tokens
from carbonscaling.exchange.shell.words import UNKNOWN, Variables

__all__ = ["Script", "read_script"]

MOST_COMMANDS = 20_000
DEEPEST = 14
"""Functions and blocks inside each other; a script that goes deeper is left there."""
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=(.*)", re.DOTALL)
_ASKED = re.compile(r"^#SBATCH\s+-{1,2}([\w-]+)(?:[=\s]+([^\s#]+))?", re.MULTILINE)
_DECLARES = ("export", "local", "declare", "readonly", "typeset")
_ENDS = {"fi", "else", "elif", "done", "esac", "}", ")", ";;", "then", "do"}


@dataclass
class Script:
    """What a script would run.

    Attributes
    ----------
    commands : list of list of str
        Expanded words of each command, in order; `UNKNOWN` stands in for what only a run would tell.
    files : dict of str to str
        Here-documents that it writes, by file name.
    scheduler : dict of str to str
        Options of ``#SBATCH`` lines, without their dashes.
    notes : list of str
        What could not be followed.
    """

    commands: list[list[str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    scheduler: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_script(text: str) -> Script:
    """Return what a shell script would run, from its text alone.

    Variables, arrays, defaults, arithmetic, tests, cases and functions are followed. Loops are gone through once, with the
    first value. Arguments and the environment count as not given.
    """
    walk = _Walk(tokens(text))
    walk.found.scheduler = dict(_ASKED.findall(text))
    walk.block(active=True)
    return walk.found


class _Walk:
    def __init__(self, stream: list[Token]) -> None:
        self.stream, self.place, self.depth, self.met = stream, 0, 0, 0
        self.found, self.variables = Script(), Variables()
        self.functions: dict[str, list[Token]] = {}

    def _peek(self) -> str:
        return self.stream[self.place].text if self.place < len(self.stream) else ""

    def _is(self, *texts: str) -> bool:
        return self.place < len(self.stream) and self.stream[self.place].kind != "here" and self._peek() in texts

    def _skip(self, *texts: str) -> None:
        while self._is(*texts):
            self.place += 1

    def note(self, text: str) -> None:
        if text not in self.found.notes:
            self.found.notes.append(text)

    def block(self, *, active: bool) -> None:
        """Follow commands up to a word that ends a block."""
        self.depth += 1
        status: bool | None = True
        while self.place < len(self.stream):
            self._skip("\n", ";", "&")
            if self._is(*_ENDS) or self.place >= len(self.stream):
                break
            status = self.command(active=active)
            while self._is("&&", "||", "|"):
                joint = self._peek()
                self.place += 1
                self._skip("\n")
                wanted = status is not False if joint == "&&" else status is False if joint == "||" else True
                after = self.command(active=active and wanted)
                status = after if wanted else status
        self.depth -= 1

    def command(self, *, active: bool) -> bool | None:
        """Follow one command, compound or simple; return its status where it is a test."""
        compound: dict[str, Callable[[bool], None]] = {
            "if": self._if, "for": self._for, "while": self._while, "until": self._while, "case": self._case,
            "{": self._group, "(": self._group, "function": self._function, "select": self._for,
        }  # fmt: skip
        if self._is("!"):
            self.place += 1
            status = self.command(active=active)
            return None if status is None else not status
        if self._is(*compound) and self.depth < DEEPEST:
            compound[self._peek()](active)
            self._redirections()
            return True
        ahead = [token.text for token in self.stream[self.place + 1 : self.place + 3]]
        if ahead == ["(", ")"] and self.stream[self.place].kind == "word":
            self._function(active)
            return True
        return self._simple(active)

    def _redirections(self) -> tuple[str | None, str | None]:
        """Pass over redirections; return the text of a here-document and the file that is written."""
        document = target = None
        while self.place < len(self.stream):
            token = self.stream[self.place]
            if token.kind == "here":
                document = token.text[1:] if token.text.startswith("$") else token.text
                if token.text.startswith("$"):
                    document = self.variables.joined('"' + document.replace('"', '\\"') + '"')
                self.place += 1
            elif token.kind == "operator" and ("<" in token.text or ">" in token.text):
                self.place += 1
                if ">" in token.text and not token.text.endswith(("1", "2")):
                    target = self.variables.joined(self._peek())
                if not token.text.endswith(("1", "2")):
                    self.place += 1
            else:
                break
        return document, target

    def _written(self) -> tuple[list[str], str | None, str | None]:
        """Return the words of a simple command as written, its here-document, and the file that it writes."""
        written: list[str] = []
        document = target = None
        start = self.place
        while self.place < len(self.stream):
            token = self.stream[self.place]
            inside = bool(written) and written[0] == "[[" and written[-1] != "]]"
            if token.kind == "word" or (inside and token.text in ("&&", "||", "<", ">", "(", ")", "\n")):
                written.append(token.text)
                self.place += 1
            elif token.kind == "here" or "<" in token.text or ">" in token.text:
                text, file = self._redirections()
                document, target = text or document, file or target
            else:
                break
        self.place += self.place == start  # nothing that a script can hold here: go on behind it
        return written, document, target

    def _simple(self, active: bool) -> bool | None:
        written, document, target = self._written()
        self.met += 1
        if not active or self.met > MOST_COMMANDS:
            return True
        while written and (set_ := _ASSIGNMENT.fullmatch(written[0])):
            if set_[2]:
                self.note(f"the element {set_[1]}{set_[2]} is set singly")
            else:
                self.variables.assign(set_[1], set_[4], add=bool(set_[3]))
            written = written[1:]
        if not written:
            return True
        if written[0] in _DECLARES:
            for set_ in filter(None, map(_ASSIGNMENT.fullmatch, written[1:])):
                self.variables.assign(set_[1], set_[4], add=bool(set_[3]))
            return True
        if written[0] in ("[", "[["):
            return condition([self._tested(word) for word in written[1:-1]])
        return self._ran([part for word in written for part in self.variables.words(word)], document, target)

    def _tested(self, word: str) -> str:
        return word if word in ("&&", "||") else self.variables.joined(word)

    def _ran(self, words: list[str], document: str | None, target: str | None) -> bool | None:
        if document is not None and target:
            self.found.files[target] = document
        elif document is not None and words[:1] and words[0] in ("sbatch", "bash", "sh"):
            self._inner(tokens(document), {})
        if not words:
            return True
        if words[0] in ("true", "false"):
            return words[0] == "true"
        if words[0] == "test":
            return condition(words[1:])
        if words[0] in (".", "source"):
            self.note(f"the file {' '.join(words[1:]).replace(UNKNOWN, '…')} that it reads in was not read")
        elif words[0] == "eval":
            self._inner(tokens(" ".join(words[1:])), {})
        elif words[0] in self.functions:
            if self.depth >= DEEPEST:
                return True
            given = {str(n): [word] for n, word in enumerate(words[1:], 1)} | {"@": words[1:], "*": words[1:]}
            self._inner(self.functions[words[0]], given)
        else:
            self.found.commands.append(words)
        return True

    def _inner(self, stream: list[Token], given: dict[str, list[str]]) -> None:
        """Follow another stream of tokens in this script's variables, with arguments of its own."""
        kept = self.stream, self.place, dict(self.variables.known)
        self.stream, self.place = stream, 0
        self.variables.known |= given
        self.block(active=True)
        self.stream, self.place, before = kept
        for name in given:
            self.variables.known.pop(name, None)
            if name in before:
                self.variables.known[name] = before[name]

    def _if(self, active: bool) -> None:
        decided = False
        while self._is("if", "elif"):
            self.place += 1
            status = self._condition(active and not decided)
            self._skip("then")
            if active and not decided and status is None:
                self.note("a branch whose condition only a run would tell was left out")
            self.block(active=active and not decided and status is True)
            decided = decided or status is True
        if self._is("else"):
            self.place += 1
            self.block(active=active and not decided)
        self._skip("fi")

    def _condition(self, active: bool) -> bool | None:
        """Return what stands between ``if`` and ``then`` comes to."""
        status: bool | None = None
        while not self._is("then") and self.place < len(self.stream):
            self._skip("\n", ";")
            if self._is("then"):
                break
            joint = self._peek() if self._is("&&", "||", "|") else ""
            self.place += bool(joint)
            test = self._is("[", "[[", "test", "true", "false", "!") or self._peek().startswith("((")
            after = self._test(active) if test else (self.command(active=False), None)[1]
            sides = (status, after)
            if joint in ("&&", "||"):
                decides = joint == "||"
                status = decides if decides in sides else None if None in sides else not decides
            else:
                status = after
        return status

    def _test(self, active: bool) -> bool | None:
        if self._peek().startswith("(("):
            value = self.variables.joined("$" + self._peek())
            self.place += 1
            return None if UNKNOWN in value else value != "0"
        return self.command(active=active)

    def _for(self, active: bool) -> None:
        self.place += 1
        name, values = self._peek(), list[str]()
        self.place += 1
        if self._is("in"):
            self.place += 1
            while not self._is("\n", ";", "do") and self.place < len(self.stream):
                values += self.variables.words(self._peek()) if active else []
                self.place += 1
        if active and not name.startswith("(("):
            self.variables.known[name] = values[:1] or [UNKNOWN]
            if len(values) > 1:
                self.note(f"a loop over {len(values)} values of {name} was read with its first, {values[0]}")
        self._body(active)

    def _while(self, active: bool) -> None:
        self.place += 1
        while not self._is("do") and self.place < len(self.stream):
            self.place += 1
        if active:
            self.note("a loop that ends by a condition was left out")
        self._body(False)

    def _body(self, active: bool) -> None:
        self._skip("\n", ";")
        self._skip("do")
        self.block(active=active)
        self._skip("done")

    def _case(self, active: bool) -> None:
        self.place += 1
        value = self.variables.joined(self._peek()) if active else ""
        self.place += 1
        self._skip("\n")
        self._skip("in")
        decided = False
        while self.place < len(self.stream):
            self._skip("\n", ";;", ";", "(")
            if self._is("esac"):
                break
            patterns = []
            while not self._is(")") and self.place < len(self.stream):
                patterns += [] if self._is("|") else [self.variables.joined(self._peek())]
                self.place += 1
            self.place += 1
            chosen = not decided and any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)
            self.block(active=active and chosen)
            decided = decided or chosen
            if not self._is(";;", "esac"):
                self.place += 1
        self._skip("esac")

    def _group(self, active: bool) -> None:
        self.place += 1
        self.block(active=active)
        self._skip("}", ")")

    def _function(self, active: bool) -> None:
        self.place += self._is("function")
        name = self._peek()
        self.place += 1
        self._skip("(", ")", "\n")
        start = self.place + 1
        self._group(False)
        if active:
            self.functions[name] = self.stream[start : max(start, self.place - 1)]
