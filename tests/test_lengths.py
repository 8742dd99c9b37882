"""Training lengths that files suggest, beside published ones."""

from __future__ import annotations

from statistics import geometric_mean

from carbonscaling.model.huggingface.published import assumed_lengths
from carbonscaling.reporting.lengths import lengths_page
from carbonscaling.reporting.suffixes import as_text


def test_assumed_lengths_beside_published_ones() -> None:
    found = assumed_lengths()
    assert len(found) >= 40
    ratios = [max(a.assumed / a.published, a.published / a.assumed) for a in found]
    assert sum(r == 1 for r in ratios) >= 0.6 * len(found)
    assert sum(r <= 2 for r in ratios) >= 0.9 * len(found)
    limits = [a.longest / a.published for a in found]
    assert geometric_mean(ratios) < 1.4 < geometric_mean(limits)
    assert f"Of {len(found)}:" in as_text(lengths_page(found))
