"""Software stacks: each loads with sources and ranges, options change the machine as they say, and what is wrong is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.read import build, packaged
from carbonscaling.catalog.references import references
from carbonscaling.catalog.stacks import generic, stack, stack_names, stated_by
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.exchange.megatron.plan import arguments
from carbonscaling.perf.build import machine
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.perf.step import step_time
from carbonscaling.software.check import BYTES, CHOICES, SHARES, SWITCHES, rows
from carbonscaling.software.options import OPTIMIZERS, Software, option_kinds, option_value
from carbonscaling.software.stack import Stack, by_generation
from carbonscaling.sources import Datum
from carbonscaling.study.asked import space_of
from carbonscaling.study.practice import settle
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.setup import setup
from carbonscaling.study.sweep.studyfile import load_study
from samples import setting, work_of

ROOT = Path(__file__).parent.parent
OURS = ROOT / "examples" / "stack-ours.toml"
TABLES = packaged("carbonscaling.catalog", "stacks.toml")
NAMED = ("torchtitan", "internevo", "deepspeed", "megascale", "llm.c", "gpt-neox", "megatron", "megatron-deepspeed",
         "fsdp", "xla")  # fmt: skip
"""Names that collections of measurements give to software."""


def made(name: str, options: Software | None = None, device: str = "h100-sxm", recipe: str = "bf16") -> Machine:
    cluster = hardware.cluster(device, None)
    constants = efficiency(cluster.device)
    return machine(cluster, precision(recipe), constants, stack(name), options or Software())


def moved(before: Machine, after: Machine) -> set[str]:
    """Fields in which two machines differ."""
    own = after.numbers()
    return {name for name, number in before.numbers().items() if own[name] != number}


@pytest.mark.parametrize("name", stack_names())
def test_a_stack_is_sourced_and_says_what_it_is(name: str) -> None:
    own = stack(name)
    assert own.name == name
    assert own.title
    assert own.since
    for key, row in rows(own):
        assert row.source in references(), key
        if isinstance(row, Datum) and row.low is not None and row.high is not None:
            assert row.low <= row.value <= row.high, key
    for key, choice in own.recipes.items():
        assert {key, choice.value} <= set(PRECISIONS)


@pytest.mark.parametrize("name", stack_names())
def test_what_ships_passes_the_checks_of_a_users_file(name: str) -> None:
    table = {f.name: getattr(stack(name), f.name) for f in fields(Stack)}
    assert build(Stack, table, name) == stack(name)


@pytest.mark.parametrize("name", stack_names())
def test_a_chain_ends_where_everything_is_stated(name: str) -> None:
    seen = [name]
    while above := TABLES[seen[-1]].get("based_on"):
        assert above in TABLES
        assert above not in seen
        seen.append(above)
    assert seen[-1] == "plain"
    by = stated_by(name)
    assert {f.name for f in fields(Stack)} - {"redo_last", "logit_compiled", "based_on"} <= set(by)
    assert set(by.values()) <= set(seen)


@pytest.mark.parametrize("name", stack_names())
def test_a_stack_states_only_what_sets_it_apart(name: str) -> None:
    table = TABLES[name]
    for key in set(table) - {"title", "since", "based_on"}:
        assert not table.get("based_on") or table[key] != getattr(stack(table["based_on"]), key), key


def test_families_are_of_stacks_that_were_fitted() -> None:
    families = {stack(name).family for name in stack_names()} - {""}
    assert all(shipped_calibration().seen(family) for family in families)
    assert {stack(n).family for n in ("torchtitan", "litgpt", "llm-foundry")} == {"fsdp"}
    assert stack("megascale").family == "megatron"
    assert stack("internevo").family == stack("deepspeed").family == "community"
    assert stack("llm.c").family == ""


def test_names_that_measurements_use_are_stacks() -> None:
    measured = {row["stack"] for row in evidence.rows("runs")} - {""}
    assert measured | set(NAMED) <= set(stack_names())


def test_runs_that_name_no_stack_get_one() -> None:
    h100, tpu = (hardware.cluster(d, None).device for d in ("h100-sxm", "tpu-v5p"))
    assert (generic(h100, "best"), generic(h100, "typical"), generic(tpu, "best")) == ("tuned", "community", "xla")


def test_every_field_of_a_stack_has_its_check() -> None:
    kinds = {f.name: str(f.type) for f in fields(Stack)}
    numbers = {name for name, kind in kinds.items() if "Datum" in kind}
    others = {"norm_passes", "head_passes", "gate_passes", "bias_passes", "kept", "gathered", "framework"}
    assert numbers == {*SWITCHES, *SHARES, *BYTES, *others}
    assert {name for name, kind in kinds.items() if "Choice" in kind} == {*CHOICES, "recipes"}


# What each option changes, and nothing else: option, value, stack, device, and the fields of the machine with their values.
FUSED = {"norm_passes": 0.0, "head_passes": 0.0, "gate_passes": 0.0, "unfused_bytes": 0.0, "gate_bytes": 0.0}
CHANGES: list[tuple[str, Any, str, dict[str, float]]] = [
    ("attention_kernel", "explicit", "megatron", {"flash": 0.0}),
    ("attention_kernel", "explicit-separate", "megatron", {"flash": 0.0, "separate": 1.0}),
    (
        "attention_kernel",
        "flash2",
        "megatron",
        {"attention_forward": 0.53, "attention_backward": 0.53, "attention_half": 175, "attention_width": 16},
    ),
    (
        "attention_kernel",
        "flash1",
        "megatron",
        {"attention_forward": 0.318, "attention_backward": 0.318, "attention_half": 175, "attention_width": 0},
    ),
    (
        "attention_kernel",
        "native",
        "community",
        {"attention_forward": 1 / 0.53, "attention_backward": 1 / 0.53, "attention_half": 750, "attention_width": 35},
    ),
    ("norm_kernel", "separate", "megatron", {"norm_passes": 32.0, "unfused_bytes": 12.0}),
    ("compile", True, "torchtitan", FUSED | {"layer_launch": 0.5 / 0.65, "loss_bytes": 4}),
    ("compile", True, "torchtitan-2025", FUSED | {"layer_launch": 0.5 / 0.65, "loss_bytes": 4, "logit_bytes": 4.0}),
    (
        "compile",
        False,
        "litgpt",
        {
            "norm_passes": 32,
            "head_passes": 10,
            "gate_passes": 2,
            "layer_launch": 1.6,
            "loss_bytes": 14,
            "unfused_bytes": 8,
            "gate_bytes": 2,
        },
    ),
    ("cuda_graphs", "none", "megatron-bridge", {"moe_launch": 3.0, "apart_launch": 0.0}),
    ("cuda_graphs", "full", "megatron", {"layer_launch": 0.0, "moe_launch": 0.0, "product_launch": 0.0}),
    ("dispatcher", "alltoall", "megatron", {"relay": 0.0, "sorts": 1.0}),
    ("dispatcher", "allgather", "megatron", {"relay": 0.0, "everywhere": 1.0}),
    ("expert_permutation", "separate", "megatron", {"permute_passes": 16.0}),
    ("expert_permutation", "fused", "megatron", {}),
    ("expert_balance", "forced", "megatron", {"imbalance": 1.0}),
    ("expert_balance", "in-turn", "megatron", {"imbalance": 1.0, "in_turn": 1.0}),
    ("expert_capacity", 1.25, "megatron", {"imbalance": 1.25, "product_launch": 0.0}),
    (
        "expert_kernels",
        "fused",
        "megatron-bridge",
        {"expert_fused": 1.0, "bias_passes": 0.0, "product_launch": 0.0},
    ),
    ("expert_kernels", "looped", "deepspeed", {"expert_launch": 3e-4}),
    ("dp_overlap", False, "megatron", {"update_beside": 0.0, "scatter_beside": 0.0}),
    ("dp_overlap", True, "deepspeed", {"update_beside": 1.0}),
    ("tp_overlap", 0.25, "megatron", {"tp_overlap": 0.25}),
    ("tp_beside", False, "megatron", {"tp_beside": 0.0}),
    ("tp_beside", True, "fsdp", {"tp_beside": 1.0}),
    ("optimizer", "adamw-bf16", "megatron", {"optimizer_bytes": 4.0, "grad_bytes": 2.0}),
    ("optimizer", "adamw-8bit", "megatron", {"optimizer_bytes": 6.0}),
    ("optimizer", "adafactor", "megatron", {"optimizer_bytes": 4.0}),
    ("optimizer", "muon", "megatron", {"optimizer_bytes": 8.0}),
    ("optimizer", "muon", "fsdp", {"optimizer_bytes": 6.0}),
    ("optimizer", "adamw", "litgpt", {"optimizer_bytes": 10.0, "grad_bytes": 4.0}),
    ("weight_bytes", 1.0, "megatron", {"weight_bytes": 1.0}),
    ("gradient_bytes", 2.0, "megatron", {"grad_bytes": 2.0}),
    ("optimizer_bytes", 0.0, "megatron", {"optimizer_bytes": 0.0}),
    ("logit_bytes", 0.0, "torchtitan-2025", {"logit_bytes": 0.0, "gate_bytes": 0.0}),
    ("zero3_gather", "parameter", "megatron", {"parameter_wise": 1.0}),
    ("head_placement", "last", "fsdp", {"head_last": 1.0}),
    ("head_placement", "balanced", "megatron", {"head_last": 0.0}),
]
SCALED = {"attention_forward", "attention_backward", "layer_launch", "moe_launch"}
"""Of these the table has factors on the machine's own value."""


@pytest.mark.parametrize(("option", "value", "name", "wanted"), CHANGES, ids=[f"{o}-{v}-{s}" for o, v, s, _ in CHANGES])
def test_an_option_changes_what_it_says_and_nothing_else(
    option: str, value: Any, name: str, wanted: dict[str, float]
) -> None:
    before, after = made(name), made(name, Software(**{option: value}))
    assert moved(before, after) == set(wanted)
    for field, number in wanted.items():
        was = before.numbers()[field] if field in SCALED else 1.0
        assert after.numbers()[field] == pytest.approx(number * was), field


@pytest.mark.parametrize("schedule", [Schedule.ONE_F_ONE_B, Schedule.ZERO_BUBBLE])
@pytest.mark.parametrize("percent", [40.0, 100.0])
def test_no_graph_of_parts_holds_layers_that_are_recomputed_whole(percent: float, schedule: int) -> None:
    """Megatron refuses the two together; so the step takes as long as without graphs, and less if anything else is repeated."""
    work = work_of("qwen3-30b-a3b")

    def seconds(graphs: Any, recompute: int) -> float:
        how = {"recompute": recompute, "recompute_percent": percent, "schedule": schedule}
        own = setting(pp=4, dp=64, ep=64, n_micro=8, **how)
        return float(step_time(work, made("megatron", Software(cuda_graphs=graphs)), own).total)

    assert seconds("attention", Recompute.FULL) == pytest.approx(seconds("none", Recompute.FULL), rel=1e-12)
    assert seconds("attention", Recompute.SELECTIVE) < 0.97 * seconds("none", Recompute.SELECTIVE)


@pytest.mark.parametrize(("recompute", "lines"), [("none", 2), ("full", 0)])
def test_a_search_captures_what_people_leave(recompute: Any, lines: int) -> None:
    """Graphs that nobody stated: attention and router for the optimum, where they may be; nothing as people run it."""
    asked = Scenario(
        model="deepseek-v3", tokens=1e12, device="gb300", devices=256, batch=2048, precision="mxfp8", stack="megatron",
        layout=Layout(tp=1, pp=2, cp=1, ep=32, micro_batch=1, recompute=recompute),
    )  # fmt: skip
    best, told, typical = (
        setup(s).plain.software
        for s in (asked, replace(asked, software=Software(cuda_graphs="none")), replace(asked, practice="typical"))
    )
    assert typical == told
    assert best.moe_launch + best.apart_launch == told.moe_launch == 3 * best.moe_launch
    answer = cs.estimate(asked)
    assert isinstance(answer, cs.Estimate)
    assert any("graphs hold attention" in note for note in answer.to_dict()["notes"])
    assert sum(line.name.startswith("cuda_graph") for line in arguments(answer, "")) == lines


@pytest.mark.parametrize(
    ("name", "stated", "stages"),
    [
        ("tuned", None, (0, 1, 2, 3)),
        ("megatron", None, (0, 1, 3)),
        ("megatron", 2, (2,)),
        ("megascale", None, (0, 1, 2, 3)),
    ],
)
def test_a_search_shards_as_the_stack_does(name: str, stated: int | None, stages: tuple[int, ...]) -> None:
    """Gradients without weights (ZeRO stage 2) are in no recipe of Megatron's; whoever states it has it."""
    asked = Scenario(
        model="llama-3-8b", tokens=1e12, device="gh200-96", devices=128, stack=name, layout=Layout(zero=stated)
    )
    assert space_of(asked, resolve(asked)).zero == stages
    assert space_of(replace(asked, space="full"), resolve(asked)).zero == ((0, 1, 2, 3) if stated is None else stages)


def test_every_option_is_in_the_table_or_settled_with_the_layout() -> None:
    apart = {
        "sequence_parallel",
        "moved_activations",
        "context_exchange",
        "context_split",
        "expert_overlap",
        "bf16_share",
        "row_scales",
        "attention_8bit",
        "head_8bit",
    }
    assert {option for option, *_ in CHANGES} | apart == {f.name for f in fields(Software)}
    assert {value for option, value, *_ in CHANGES if option == "optimizer"} == set(OPTIMIZERS)


def test_products_that_stay_in_16_bit_take_their_own_time() -> None:
    """Rate, bytes and conversions lie between those of the recipe and of 16 bit, each part by its share."""
    low, mixed, wide = (made("megatron", Software(bf16_share=s), "b200", "nvfp4").formats for s in (0.0, 0.25, 1.0))
    half = made("megatron", None, "b200").formats
    time = [1e15 / (f.peak * f.gemm_efficiency) for f in (low, mixed, wide, half)]
    assert time[1] == pytest.approx(0.75 * time[0] + 0.25 * time[3])
    assert time[2] == pytest.approx(time[3])
    assert (mixed.act_bytes, mixed.cast_passes) == pytest.approx((0.75 * 1.5 + 0.25 * 2.0, 0.75 * low.cast_passes))
    assert (wide.act_bytes, wide.cast_passes) == (half.act_bytes, 0.0)
    prologue = [t * f.gemm_k_half for t, f in zip(time, (low, mixed, wide, half), strict=True)]
    assert prologue[1] == pytest.approx(0.75 * prologue[0] + 0.25 * prologue[3])
    assert wide.gemm_k_half == pytest.approx(half.gemm_k_half)
    assert (
        low.batched_efficiency == mixed.batched_efficiency == wide.batched_efficiency
    )  # in 16 bit, whatever the share


def test_published_recipes_in_4_bit_leave_a_share_in_16_and_benchmarks_none() -> None:
    """15 % of the layers (NVIDIA 2025, arXiv 2509.25149, section 3); a run's own share counts before any stack's."""

    def share(name: str, own: float | None = None, precision: str = "nvfp4") -> float:
        least, found, most = (
            float(made(name, Software(bf16_share=s), "gb200", precision).formats.cast_passes) for s in (1.0, own, 0.0)
        )
        return 1.0 - (found - least) / (most - least)

    assert share("torchtitan") == share("tuned") == share("megatron") == pytest.approx(0.15)
    assert share("megatron-bridge") == share("mlperf") == share("torchtitan", 0.0) == 0.0
    assert share("megatron-bridge", 0.24) == pytest.approx(0.24)
    assert share("torchtitan", precision="mxfp8") == 0.0


def test_products_with_a_scale_a_row_are_slower() -> None:
    """By what trainings of three sources that timed both ask for; recipes with other scales have none to choose."""
    rows = Software(row_scales=True)
    plain, scaled = made("torchtitan", None, "h100", "fp8"), made("torchtitan", rows, "h100", "fp8")
    assert moved(plain, scaled) == {"gemm_efficiency", "grouped_efficiency"}
    assert scaled.formats.gemm_efficiency == pytest.approx(0.6 * plain.formats.gemm_efficiency)
    for other in ("mxfp8", "nvfp4", "bf16"):
        assert moved(made("torchtitan", None, "b200", other), made("torchtitan", rows, "b200", other)) == set()


def test_attention_and_head_may_be_in_8_bit() -> None:
    """Each changes its own rate and nothing of what runs in 16 bit, and where products have 16 bit it changes nothing."""
    plain = made("megatron", None, "gb300", "mxfp8")
    head = made("megatron", Software(head_8bit=True), "gb300", "mxfp8")
    attention = made("megatron", Software(attention_8bit=True), "gb300", "mxfp8")
    assert moved(plain, head) == {"peak_head", "head_efficiency", "loss_bytes"}
    assert head.formats.peak_head == 2.0 * plain.formats.peak_head
    assert head.formats.head_efficiency == head.formats.gemm_efficiency
    assert head.software.loss_bytes == plain.software.loss_bytes + 2.0
    assert moved(plain, attention) == {"score_forward", "score_backward"}
    assert (attention.software.score_forward, attention.software.score_backward) == (0.80, 1.06)
    both = Software(attention_8bit=True, head_8bit=True)
    assert moved(made("megatron", None, "gb300", "bf16"), made("megatron", both, "gb300", "bf16")) == set()
    written = Software(attention_8bit=True, attention_kernel="explicit")
    assert made("megatron", written, "gb300", "mxfp8").software.score_forward == 0.0


@pytest.mark.parametrize("precision", ["tf32", "fp32", "fp16", "bf16"])
def test_products_of_16_bit_and_more_are_none_that_stay_in_16(precision: str) -> None:
    assert (
        made("megatron", Software(bf16_share=0.5), "b200", precision).formats
        == made("megatron", None, "b200", precision).formats
    )


def test_sequence_parallelism_is_settled_with_the_layout() -> None:
    asked = Scenario(model="llama-3-8b", devices=8, layout=Layout(tp=8, pp=1), practice="typical")
    for name, option, on in (
        ("megatron", None, 1),
        ("megatron", False, 0),
        ("internevo", None, 0),
        ("internevo", True, 1),
    ):
        s = replace(asked, stack=name, software=Software(sequence_parallel=option))
        assert settle(setup(s)).setting.sp == on, (name, option)


def test_the_share_of_moved_activations_counts_where_they_move() -> None:
    asked = Scenario(model="llama-3-8b", devices=8, offload="activations", software=Software(moved_activations=0.5))
    assert setup(asked).plain.software.moved == 0.5
    assert setup(replace(asked, software=Software())).plain.software.moved == 1.0
    assert setup(replace(asked, offload=None)).plain.software.moved == 0.0


def test_hybrid_sharding_stays_inside_a_host_unless_told_otherwise() -> None:
    asked = Scenario(model="llama-3-8b", devices=64, practice="typical", stack="fms-fsdp")
    assert settle(setup(asked)).setting.shard == 8
    assert settle(setup(replace(asked, layout=Layout(shard=0)))).setting.shard == 64
    assert settle(setup(replace(asked, layout=Layout(shard=32)))).setting.shard == 32
    assert settle(setup(replace(asked, stack="fsdp-compiled"))).setting.shard == 64
    assert settle(setup(replace(asked, devices=4))).setting.shard == 4


def test_the_kernel_of_a_generation_is_the_closest_said() -> None:
    table = stack("torchtitan").attention
    found = {d: by_generation(table, hardware.device(d), "bf16") for d in ("v100-sxm2-32", "h100-sxm", "b200")}
    assert {d: c.value for d, c in found.items() if c} == {
        "v100-sxm2-32": "explicit-separate", "h100-sxm": "flash2", "b200": "native",
    }  # fmt: skip


def test_a_users_file_differs_in_two(capsys: pytest.CaptureFixture[str]) -> None:
    ours, base = stack(str(OURS)), stack("megatron")
    differ = {f.name for f in fields(Stack) if getattr(ours, f.name) != getattr(base, f.name)}
    assert differ == {"name", "title", "based_on", "gradient_traffic", "tp_overlap"}
    assert moved(made("megatron"), made(str(OURS))) == {"grad_comm_bytes", "tp_overlap"}
    assert stated_by(str(OURS))["tp_overlap"] == ours.name == "stack-ours"
    assert stated_by(str(OURS))["kept"] == "megatron"
    assert main(["catalog", "show", str(OURS), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["shelf"] == "stacks"
    assert shown["data"]["tp_overlap.default"]["inherited_from"] is None
    assert shown["data"]["kept"]["inherited_from"] == "megatron"


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = 'based_on = "fsdp"\nreserve = {{ value = {}, unit = "1", source = "user" }}\n'
    for share in (0.1, 0.2):
        path.write_text(text.format(share), encoding="utf-8")
        assert stack(str(path)).reserve.value == share


BAD_FILES: list[tuple[str, str, Any, str]] = [
    ('based_on = "megatorn"', "based_on", "megatorn", "megatron"),
    ("based_on = 3", "based_on", 3, "fsdp"),
    ('reserv = { value = 0.1, unit = "1", source = "user" }', "reserv", None, "reserve"),
    ('reserve = { value = 0.1, unit = "1" }', "reserve.source", None, "add reserve.source"),
    ("reserve = 0.1", "reserve", 0.1, "{ value, unit, source }"),
    ('reserve = { value = 1.5, unit = "1", source = "user" }', "reserve.value", 1.5, "0 to 1"),
    ('relay = { value = 0.5, unit = "1", source = "user" }', "relay.value", 0.5, "0 or 1"),
    ('logit = { value = -2, unit = "B", source = "user" }', "logit.value", -2.0, "0 or more"),
    ('logit = { value = nan, unit = "B", source = "user" }', "logit.value", None, "0 or more"),
    ('logit = { value = 2, unit = "kB", source = "user" }', "logit.unit", "kB", "allowed: B"),
    ('framework = { value = 2, unit = "s", source = "user" }', "framework.unit", "s", "GiB"),
    ('gradients = { bf16 = { value = 2, unit = "1", source = "user" } }', "gradients.bf16.unit", "1", "allowed: B"),
    ('attention = { Hopper = { value = "flash9", source = "user" } }', "attention.Hopper.value", "flash9", "flash2"),
    ('launch = { value = "lazy", source = "user" }', "launch.value", "lazy", "eager"),
    ('graphs = { value = "usual", source = "user", remrk = "" }', "graphs.remrk", None, "remark"),
]


@pytest.mark.parametrize(("line", "key", "value", "said"), BAD_FILES, ids=[b[0][:40] for b in BAD_FILES])
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, line: str, key: str, value: Any, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        stack(str(path))
    error = caught.value
    assert error.where == str(path)
    assert error.key == key
    assert value is None or error.value == value
    assert said in str(error)
    assert str(path) in error.args[0]


@pytest.mark.parametrize(("name", "near"), [("torchtitn", "torchtitan"), ("", None), ("megatro", "megatron")])
def test_an_unknown_name_is_an_error_with_the_nearest(name: str, near: str | None) -> None:
    with pytest.raises(InputError, match="unknown software stack") as caught:
        setup(Scenario(model="llama-3-8b", devices=8, stack=name))
    assert caught.value.key == "stack"
    assert caught.value.suggestion == near


def test_a_missing_file_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no such file") as caught:
        stack(str(tmp_path / "our.toml"))
    assert caught.value.suggestion == "ours.toml"


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("attention_kernel", "flash9", "flash2"),
        ("compile", "yes", "True or False"),
        ("compile", 1, "True or False"),
        ("tp_overlap", 1.5, "0 to 1"),
        ("moved_activations", -0.5, "0 to 1"),
        ("expert_capacity", 0.0, "mean load"),
        ("gradient_bytes", -1.0, "bytes"),
        ("gradient_bytes", float("nan"), "bytes"),
        ("gradient_bytes", True, "bytes"),
        ("optimizer", "adamw-4bit", "adamw-8bit"),
    ],
)
def test_python_is_as_strict_as_a_file(option: str, value: Any, allowed: str) -> None:
    with pytest.raises(InputError, match=allowed) as caught:
        Software(**{option: value})
    assert caught.value.key == f"software.{option}"


def test_options_are_read_as_people_write_them() -> None:
    written = {bool: "No", float: "1.5"}
    for key, kinds in option_kinds().items():
        text = kinds[0] if isinstance(kinds, tuple) else written[kinds]
        value = {bool: False, float: 1.5}.get(kinds, text) if not isinstance(kinds, tuple) else text
        assert option_value(f"{key.replace('_', '-')} = {text}") == (key, value)


ESTIMATE = (
    "estimate",
    "--model",
    "llama-3-8b",
    "--tokens",
    "1e11",
    "--devices",
    "8",
    "--practice",
    "typical",
    "--json",
)


def _answer(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main([*ESTIMATE, *options]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_option_changes_the_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    eager = _answer(capsys, "--stack", "torchtitan")
    compiled = _answer(capsys, "--stack", "torchtitan", "--software", "compile=yes", "--software", "compile=true")
    assert compiled["summary"]["duration_days"] < eager["summary"]["duration_days"]
    path = tmp_path / "s.toml"
    path.write_text('stack = "torchtitan"\n[software]\ncompile = true\noptimizer = "muon"\n', encoding="utf-8")
    assert _answer(capsys, str(path), "--software", "optimizer=adamw")["summary"] == compiled["summary"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["compil=yes"], ["unknown option of the software", "did you mean: compile?", "option --software"]),
        (["compile"], ["KEY=VALUE", "attention_kernel=flash2"]),
        (["compile=maybe"], ["not a value of compile", "true, false, yes, no"]),
        (["gradient_bytes=two"], ["not a value of gradient_bytes", "a number"]),
        (["attention_kernel=flahs2"], ["did you mean: flash2?", "explicit-separate", "option --software"]),
        (["tp_overlap=2"], ["0 to 1", "software.tp_overlap"]),
        (["bf16_share=nan"], ["bf16_share is out of range"]),
        (["compile=yes", "compile=no"], ["two values of one option", "compile=yes and compile=no"]),
    ],
)
def test_wrong_options_are_one_clear_error(
    capsys: pytest.CaptureFixture[str], options: list[str], said: list[str]
) -> None:
    assert main([*ESTIMATE, *(word for option in options for word in ("--software", option))]) == 2
    err = capsys.readouterr().err
    assert err.count("error:") == 1
    for words in said:
        assert words in err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('attention_kernel = "flash9"', ["flash2", "software.attention_kernel"]),
        ('atention_kernel = "flash2"', ["unknown key", "did you mean: attention_kernel?"]),
        ("tp_overlap = 2.0", ["0 to 1", "software.tp_overlap"]),
        ('compile = "perhaps"', ["software.compile", "perhaps"]),
    ],
)
def test_a_wrong_table_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table: str, said: list[str]
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f"[software]\n{table}\n", encoding="utf-8")
    assert main([*ESTIMATE, str(path)]) == 2
    err = capsys.readouterr().err
    for words in (str(path), *said):
        assert words in err


def test_the_shelf_lists_and_shows_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "list", "stacks", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == list(stack_names())
    assert main(["catalog", "show", "torchtitan-2025", "--kind", "stacks"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "attention.default native [torchtitan]; cuDNN first" in page
    assert "graphs none [torchtitan]; inherited from torchtitan" in page
    assert "logit 14 B (10 to 14)" in page
    assert main(["catalog", "show", "torchtitn", "--kind", "stacks"]) == 2
    assert "did you mean: torchtitan?" in capsys.readouterr().err


def test_a_study_takes_software_as_axes(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        '[scenario]\nmodel = "llama-3-8b"\ndevices = 8\n'
        '[[axis]]\nkey = "stack"\ncatalog = "torchtitan*"\n'
        '[[axis]]\nkey = "software.compile"\nvalues = [true, false]\n',
        encoding="utf-8",
    )
    study = load_study(path)
    assert study.n_cases == 6
    assert study.varied(1) == {"stack": "torchtitan", "software.compile": False}
    path.write_text('[[axis]]\nkey = "software.compil"\nvalues = [true]\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"software\.compile"):
        load_study(path)
