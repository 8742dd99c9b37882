"""What measured runs choose: the table is what the rows say, and answers show it where a choice is open."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.evidence.choices import chosen, read_chosen
from carbonscaling.reporting.answer import usual_lines

ASKED = cs.Scenario(model="llama-3-70b", tokens=1e11, device="h100-sxm", devices=64)


def taken(scenario: cs.Scenario) -> cs.Estimate:
    found = cs.estimate(scenario)
    assert isinstance(found, cs.Estimate)
    return found


def test_the_table_is_what_the_rows_say() -> None:
    assert list(read_chosen()) == list(chosen())


def test_shares_count_every_source_once_and_add_up() -> None:
    total: dict[tuple[str, str], float] = defaultdict(float)
    for row in chosen():
        total[row.choice, row.group] += row.share
        assert row.sources <= row.of_sources
        assert row.rows <= row.of_rows
    assert {choice for choice, _ in total} == {"micro_batch", "recompute", "zero_stage", "vpp"}
    assert all(share == pytest.approx(1.0, abs=5e-4) for share in total.values())


def test_single_sequences_with_experts_by_hand() -> None:
    shares: dict[str, list[bool]] = defaultdict(list)
    for row in evidence.rows("runs"):
        gpu = row["mode"] in ("", "pretrain") and row["kind"] != "proxy" and not row["device"].startswith("TPU")
        if gpu and row["n_experts"] and row["micro_batch"]:
            shares[evidence.family(row["source"])].append(float(row["micro_batch"]) == 1)
    (found,) = (r for r in chosen() if (r.choice, r.group, r.value) == ("micro_batch", "experts", "1"))
    assert found.of_sources == len(shares)
    assert found.share == pytest.approx(sum(sum(s) / len(s) for s in shares.values()) / len(shares), abs=1e-4)


def test_open_choices_are_shown_beside_what_is_taken() -> None:
    answer = taken(ASKED)
    found = {u.choice: u for u in answer.usual}
    assert found["recompute"].group == (
        "pipeline" if answer.setting.pp > 1 else "tensor" if answer.setting.tp > 1 else "data"
    )
    assert list(found["recompute"].shares.values()) == sorted(found["recompute"].shares.values(), reverse=True)
    (line,) = (line for line in usual_lines(answer) if line.startswith("recomputation: full in "))
    assert line.endswith(f"; here {found['recompute'].taken}")
    assert answer.to_dict()["usual"][0]["taken"] == answer.usual[0].taken


def test_what_is_stated_is_not_open() -> None:
    stated = replace(ASKED, layout=cs.Layout(recompute="full", micro_batch=1, zero=1))
    answer = taken(stated)
    assert {u.choice for u in answer.usual} <= {"vpp"}


def test_compiled_programs_and_the_papers_have_none() -> None:
    assert cs.estimate(replace(ASKED, device="tpu-v5p", devices=128)).usual == ()
    assert cs.estimate(replace(ASKED, carbon_mode="paper")).usual == ()


@pytest.mark.parametrize(
    ("model", "devices", "tp", "pp"), [("llama-2-13b", 16, 2, 2), ("llama-2-13b", 64, 1, 4), ("llama-3-70b", 64, 8, 4)]
)
def test_a_stated_layout_is_no_slower_than_people_run_it(model: str, devices: int, tp: int, pp: int) -> None:
    """They recompute all layers or none; a search may recompute a share where all would be more than memory asks for."""
    layout = cs.Layout(tp=tp, pp=pp, cp=1, dp=devices // tp // pp)
    asked = cs.Scenario(
        model=model, tokens=1e12, device="a100-40", devices=devices, stack="megatron", layout=layout, memory_margin=0.0
    )
    people = taken(replace(asked, practice="typical"))
    assert people.setting.recompute_percent == 100
    assert taken(replace(asked, batch=int(people.setting.sequences))).step.total <= people.step.total
    for practice in ("best", "typical"):
        found = taken(replace(asked, practice=practice))
        assert found.summary()["recompute"] == ("partial" if found.setting.recompute_percent < 100 else "full")
        for stated in ({"recompute": "partial"}, {"recompute_percent": int(found.setting.recompute_percent)}):
            own = layout if found.setting.recompute_percent == 100 else replace(layout, **stated)
            assert taken(replace(asked, practice=practice, layout=own)).setting == found.setting


def test_full_recomputation_is_of_all_layers_and_partial_of_some() -> None:
    for space in ("default", "full"):
        full = taken(replace(ASKED, space=space, layout=cs.Layout(recompute="full")))
        assert full.setting.recompute_percent == 100
        part = taken(replace(ASKED, space=space, layout=cs.Layout(recompute="partial")))
        assert part.setting.recompute_percent in {25, 50, 75}
        assert part.summary()["recompute"] == "partial"
    with pytest.raises(cs.InputError, match="partial"):
        cs.Layout(recompute="partial", recompute_percent=100)
