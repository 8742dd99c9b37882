"""BibTeX as a parser of BibTeX reads it."""

from __future__ import annotations

import re

import pybtex.database  # type: ignore[import-untyped]
import pytest

from carbonscaling.catalog.references import references
from carbonscaling.reporting.bibtex import bibtex, entry
from carbonscaling.sources import Reference

REQUIRED = {
    "article": {"title", "journal", "year"}, "inproceedings": {"title", "booktitle", "year"}, "manual": {"title"},
    "techreport": {"title", "institution", "year"}, "misc": {"title"},
}  # fmt: skip
"""What BibTeX's own styles warn about where it is missing, beside the author."""


MACROS = {"asciitilde": "~", "asciicircum": "^", "backslash": "\\", "braceleft": "{", "braceright": "}"}


def _plain(text: str) -> str:
    """Return what TeX prints: braces group, a backslash makes a mark of the text, or names one."""
    tokens = re.findall(r"\\text(\w+){}|\\(\W)|([^\\])", text)
    return "".join(MACROS[name] if name else mark or ("" if other in "{}" else other) for name, mark, other in tokens)


def _one(
    venue: str, authors: str = "A. Author and B. Author", title: str = "A title", url: str = ""
) -> pybtex.database.Entry:
    text = entry(Reference("key", title, authors, 2024, venue, url))
    return pybtex.database.parse_string(text, "bibtex").entries["key"]


def test_every_reference_is_read_back() -> None:
    known = references()
    found = pybtex.database.parse_string(bibtex(known, known), "bibtex").entries
    assert set(found) == set(known)
    assert {item.type for item in found.values()} == set(REQUIRED)
    for key, item in found.items():
        reference = known[key]
        assert REQUIRED[item.type] <= set(item.fields), key
        assert _plain(item.fields["title"]) == reference.title
        assert item.fields["year"] == str(reference.year)
        assert item.fields.get("url", "") == reference.url
        said = _plain(" ".join(item.fields.values())).replace("--", "-")
        assert all(
            word in said for word in re.findall(r"[\w/]{3,}", reference.venue) if word not in ("arXiv", "PMLR")
        ), key
        assert item.persons["author"], key


@pytest.mark.parametrize(
    ("venue", "kind", "fields"),
    [
        ("arXiv 2104.10350, Table 4", "misc", {"eprint": "2104.10350", "archiveprefix": "arXiv", "note": "Table 4"}),
        ("SC '21, arXiv 2104.04473", "inproceedings", {"booktitle": "SC '21", "eprint": "2104.04473"}),
        (
            "ICML 2024, PMLR 235, 33270-33288; arXiv 2402.07871", "inproceedings",
            {"booktitle": "ICML 2024", "volume": "235", "pages": "33270--33288", "eprint": "2402.07871"},
        ),
        (
            "Proceedings of the IEEE 111(1), 92-112", "article",
            {"journal": "Proceedings of the IEEE", "volume": "111", "number": "1", "pages": "92--112"},
        ),
        ("arXiv 2211.02001, JMLR 24 (2023)", "article", {"journal": "JMLR", "volume": "24", "eprint": "2211.02001"}),
        ("white paper V1.0", "techreport", {"type": "white paper V1.0", "institution": "A. Author and B. Author"}),
        ("Cloud TPU documentation", "manual", {"note": "Cloud TPU documentation"}),
        (
            "GitHub repository x/y, commit 1a2b(3), of arXiv 2311.05610", "misc",
            {"howpublished": "GitHub repository x/y, commit 1a2b(3), of arXiv 2311.05610"},
        ),
    ],
)  # fmt: skip
def test_the_venue_decides_the_type(venue: str, kind: str, fields: dict[str, str]) -> None:
    item = _one(venue)
    assert item.type == kind
    assert {key: item.fields[key] for key in fields} == fields


def test_no_mark_is_left_for_tex_to_take_as_its_own() -> None:
    marks = "50 % of R&D, $5, #1, a_b, x^2, ~me, {braces}, back\\slash"
    item = _one(marks, title=marks, url="https://example.org/a_b?c=%20#d")
    assert _plain(item.fields["title"]) == marks
    assert not re.search(r"(?<!\\)[&%$#_^~]", item.fields["title"])
    assert item.fields["howpublished"] == item.fields["title"].removeprefix("{").removesuffix("}")
    assert item.fields["url"] == "https://example.org/a_b?c=%20#d"


@pytest.mark.parametrize(
    ("authors", "surnames"),
    [
        ("Ahmad Faiz and Hsien-Hsin S. Lee", ["Faiz", "Lee"]),
        ("J. Hagemann and G. de Melo and others", ["Hagemann", "de Melo", "others"]),
        ("Jouppi, Norman P. and others", ["Jouppi", "others"]),
        ("Touvron et al.", ["Touvron", "others"]),
        ("T. Dao", ["Dao"]),
        ("Allen Institute for AI", ["Allen Institute for AI"]),
        ("Microsoft and DeepSpeed contributors", ["Microsoft", "DeepSpeed contributors"]),
    ],
)
def test_people_have_surnames_and_groups_none(authors: str, surnames: list[str]) -> None:
    people = _one("ISCA 2021", authors).persons["author"]
    assert [_plain(" ".join((*one.prelast_names, *one.last_names))) for one in people] == surnames
