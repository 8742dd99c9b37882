"""BibTeX of the works behind an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from carbonscaling.errors import InputError, nearest
from carbonscaling.sources import Reference

__all__ = ["bibtex", "entry"]

NO_WORK = frozenset({"", "user"})
"""Sources that are nobody's publication: the user's own values."""
ESCAPED = str.maketrans({
    **{mark: f"\\{mark}" for mark in "&%$#_"},
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\\": "\\textbackslash{}",
    "{": "\\textbraceleft{}", "}": "\\textbraceright{}",
})  # fmt: skip
INITIALS = re.compile(r"(?:[A-Z]\.[ -]?)+ ?[A-Z]")

ARXIV = re.compile(r"arXiv (?P<eprint>\d{4}\.\d{4,5}(?:v\d+)?)")
CONFERENCE = re.compile(
    r"^(?P<booktitle>(?:ASPLOS|Hot Chips|ICLR|ICML|ISCA|ISPASS|MICRO|NSDI|SC|USENIX ATC|VLDB) '?\d+)\b"
    r"(?:, PMLR (?P<volume>\d+), (?P<pages>\d+-\d+))?"
)
ARTICLE = re.compile(
    r"\b(?P<journal>[A-Z]\w+(?: \w+)*) (?P<volume>\d+)(?:\((?P<number>\d+)\)|(?= \())(?:, (?P<pages>\d+-\d+))?"
)
REPORT = re.compile(
    r"^(?:[Dd]ata sheets?|[Mm]odel card|[Ss]pecification|[Ss]tandard|[Tt]echnical brief|[Ww]hite paper|ISO/IEC"
    r"|(?:vendor|OpenAI) (?:document|report)|.*technical report$)"
)
MANUAL = re.compile(r"(?:[Dd]ocumentation|user guides?)$")


def _kind(venue: str) -> tuple[str, dict[str, str]]:
    """Return the type of entry that a venue asks for, and the fields that say it; what no field says is a note."""
    preprint = ARXIV.search(venue)
    numbered = {"eprint": preprint["eprint"], "archiveprefix": "arXiv"} if preprint else {}
    for kind, pattern in (("inproceedings", CONFERENCE), ("article", ARTICLE)):
        if found := pattern.search(venue):
            return kind, _with_note(
                venue, {k: v for k, v in found.groupdict().items() if v}, found, preprint
            ) | numbered
    if REPORT.search(venue):
        return "techreport", {"type": venue}
    if MANUAL.search(venue):
        return "manual", {"note": venue}
    if preprint and preprint.start() == 0:
        return "misc", _with_note(venue, {}, preprint) | numbered
    return "misc", {"howpublished": venue}


def _with_note(venue: str, fields: dict[str, str], *said: re.Match[str] | None) -> dict[str, str]:
    rest = venue
    for match in said:
        rest = rest.replace(match[0], "", 1) if match else rest
    rest = rest.strip(" ,;")
    return fields | ({"note": rest} if rest else {})


def _authors(text: str) -> str:
    """Return authors as BibTeX reads them: people joined by "and", groups in braces so that nobody gets a surname of theirs."""
    names = text.replace(" et al.", " and others").split(" and ")
    alone = len(names) == 1

    def name(one: str) -> str:
        person = ", " in one or bool(INITIALS.match(one)) or (not alone and one.rsplit(maxsplit=1)[-1][0].isupper())
        written = one.translate(ESCAPED)
        return written if person or one == "others" else f"{{{written}}}"

    return " and ".join(map(name, names))


def entry(reference: Reference) -> str:
    r"""Return one BibTeX entry; the title is braced, so that no style changes its capitals.

    >>> print(entry(Reference("x2024", "A title of R&D", "A. Author and B. Author", 2024, "ICML 2024, arXiv 2401.00001")))
    @inproceedings{x2024,
      title = {{A title of R\&D}},
      author = {A. Author and B. Author},
      year = {2024},
      booktitle = {ICML 2024},
      eprint = {2401.00001},
      archiveprefix = {arXiv},
    }
    """
    kind, venue = _kind(reference.venue)
    authors = _authors(reference.authors)
    fields = {"title": f"{{{reference.title.translate(ESCAPED)}}}", "author": authors, "year": str(reference.year)}
    fields |= {"institution": authors} if kind == "techreport" else {}
    fields |= {key: re.sub(r"^(\d+)-(\d+)$", r"\1--\2", text).translate(ESCAPED) for key, text in venue.items()}
    fields |= {"url": reference.url} if reference.url else {}
    return f"@{kind}{{{reference.key},\n" + "".join(f"  {key} = {{{text}}},\n" for key, text in fields.items()) + "}"


def bibtex(keys: Iterable[str], known: Mapping[str, Reference]) -> str:
    """Return the entries of `keys`, each once, sorted.

    Raises
    ------
    InputError
        A key that names no reference.
    """
    wanted = sorted(set(keys) - NO_WORK)
    for key in wanted:
        if key not in known:
            raise InputError(
                "unknown reference",
                value=key,
                suggestion=nearest(key, known),
                remedy="carbonscaling catalog list references",
            )
    return "\n\n".join(entry(known[key]) for key in wanted) + ("\n" if wanted else "")
