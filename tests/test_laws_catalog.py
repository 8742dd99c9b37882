"""Every number of the laws' catalogue has a value, a source and a name that a mistake leads to."""

from __future__ import annotations

import pytest

from carbonscaling.catalog.laws import data, law, law_names, law_row
from carbonscaling.catalog.references import references
from carbonscaling.errors import InputError

EXPECTED = ("hoffmann_2022", "besiroglu_2024", "kaplan_2020", "ludziejewski_2024_moe", "paper_v1", "paper_v2")


def test_names() -> None:
    assert set(EXPECTED) <= set(law_names())
    with pytest.raises(InputError, match="did you mean: hoffmann_2022") as caught:
        law("hofmann_2022")
    assert caught.value.key == "law"
    for word, meant in {"Chinchilla": "hoffmann_2022", "kaplan": "kaplan_2020"}.items():
        with pytest.raises(InputError, match=f"did you mean: {meant}"):
            law(word)


def test_every_number_has_a_known_source_and_says_where() -> None:
    known = references()
    assert [path for path, datum in data().items() if datum.source not in known] == []
    assert [path for path, datum in data().items() if not datum.remark] == []


def test_ranges_of_the_replication_are_its_standard_errors() -> None:
    rows = law_row("besiroglu_2024").coefficients
    errors = {"irreducible": 0.03, "a": 124.58, "alpha": 0.02, "b": 1293.23, "beta": 0.02}
    for key, error in errors.items():
        low, high = rows[key].si_range
        assert (high - low) / 2 == pytest.approx(error)
