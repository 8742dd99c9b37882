"""One step on the clock, its trace and its picture; workloads of SimAI and traces of Chakra."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.exchange.chakra.plan import chakra_traces
from carbonscaling.exchange.emit import emit_files
from carbonscaling.exchange.placement import groups
from carbonscaling.exchange.simai.launch import layer_seconds, workload_profile
from carbonscaling.exchange.simai.plan import plan_workload
from carbonscaling.exchange.simai.workload import COLLECTIVES, read_workload, write_workload
from carbonscaling.exchange.timeline.schedule import Costs, Slot, in_order, zero_bubble
from carbonscaling.exchange.timeline.step import timeline
from carbonscaling.study.estimate import Estimate
from carbonscaling.words import duration


def _answer(**question: Any) -> Estimate:
    found = cs.estimate(cs.Scenario(**{"tokens": 1e12, "model": "llama-3-70b", "device": "b200", **question}))
    assert isinstance(found, Estimate), found
    return found


PLAIN = {
    "devices": 64,
    "batch": 64,
    "layout": cs.Layout(tp=4, pp=4, cp=1, dp=4, vpp=1, zero=1, micro_batch=1, recompute="full"),
}
INTERLEAVED = {"devices": 64, "batch": 64, "layout": cs.Layout(tp=4, pp=4, cp=1, dp=4, vpp=5, zero=1, micro_batch=1)}
EXPERTS = {"model": "mixtral-8x7b", "devices": 64, "batch": 64, "layout": cs.Layout(
    tp=2, pp=2, cp=1, dp=16, ep=8, etp=1, vpp=2, zero=1, micro_batch=1, recompute="none")}  # fmt: skip


@pytest.fixture(scope="module", params=[PLAIN, INTERLEAVED, EXPERTS], ids=["plain", "interleaved", "experts"])
def answer(request: pytest.FixtureRequest) -> Estimate:
    return _answer(**request.param)


def _even(stages: int, chunks: int, forward: float, backward: float, weight: float = 0.0) -> Costs:
    first, second, third = ([[time / chunks] * chunks for _ in range(stages)] for time in (forward, backward, weight))
    return Costs(first, second, third, send=0.0)


def _end(slots: list[Slot]) -> float:
    return max(slot.end for slot in slots)


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.floats(0.1, 2.0), st.floats(0.1, 4.0))
def test_pipelines_take_what_narayanan_counts(
    stages: int, chunks: int, many: int, forward: float, backward: float
) -> None:
    """(m + (p - 1)/v) (F + B) for micro-batches that the stages divide (Narayanan et al. 2021, section 2.2)."""
    n_micro = stages * many
    slots = in_order(_even(stages, chunks, forward, backward), n_micro)
    assert _end(slots) == pytest.approx((n_micro + (stages - 1) / chunks) * (forward + backward))
    _consistent(slots, stages, chunks, n_micro)


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 9))
def test_any_number_of_micro_batches_comes_through(stages: int, chunks: int, n_micro: int) -> None:
    _consistent(in_order(_even(stages, chunks, 1.0, 2.0), n_micro), stages, chunks, n_micro)


@given(st.integers(1, 6), st.integers(0, 8))
def test_zero_bubble_leaves_what_its_paper_says(stages: int, more: int) -> None:
    """(p - 1)(F + B - 2 W) of idle time, a third of plain where F = W = B / 2 (Qi et al. 2024: ZB-H1)."""
    n_micro = 2 * stages + more
    slots = zero_bubble(_even(stages, 1, 1.0, 2.0, 1.0), n_micro)
    assert Counter(slot.task.kind for slot in slots) == dict.fromkeys("FBW", stages * n_micro)
    plain = _end(in_order(_even(stages, 1, 1.0, 2.0), n_micro))
    assert _end(slots) <= plain - (stages - 1) * 2.0 + 1e-9


def _consistent(slots: list[Slot], stages: int, chunks: int, n_micro: int) -> None:
    """Every pass once, none two at a time on a stage, none before what it needs."""
    assert len({(slot.stage, slot.task) for slot in slots}) == len(slots) == 2 * stages * chunks * n_micro
    for stage in range(stages):
        own = [slot for slot in slots if slot.stage == stage]
        assert all(before.end <= after.start + 1e-9 for before, after in itertools.pairwise(own))
    at = {(slot.task.kind, slot.task.micro, slot.task.chunk * stages + slot.stage): slot for slot in slots}
    for (kind, micro, place), slot in at.items():
        needed = (
            at.get(("F", micro, place - 1)) if kind == "F" else at.get(("B", micro, place + 1), at["F", micro, place])
        )
        assert needed is None or needed.end <= slot.start + 1e-9


def test_the_clock_and_the_formulas_agree(answer: Estimate) -> None:
    """The formulas count the mean of what others wait for; the clock runs every pass."""
    assert timeline(answer).end == pytest.approx(float(answer.step.total), rel=0.02)


def test_a_trace_has_every_pass_once(answer: Estimate) -> None:
    trace = json.loads(cs.emit(answer, "trace"))
    s, line = answer.setting, timeline(answer)
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    passes = [event for event in events if event["cat"] in "FB"]
    assert len(passes) == 2 * s.pp * s.vpp * s.n_micro
    assert max(event["ts"] + event["dur"] for event in events) == pytest.approx(line.end * 1e6, rel=1e-6)
    assert {event["pid"] for event in events} == {*range(int(s.pp))}
    parts = sum(event["dur"] for event in events if event["cat"] == "part")
    assert parts == pytest.approx(sum(event["dur"] for event in passes), rel=1e-4)


def test_a_picture_shows_every_stage_and_every_device(answer: Estimate) -> None:
    root = ElementTree.fromstring(cs.picture(answer))
    words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    tips = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert {f"stage {n}" for n in range(int(answer.setting.pp))} <= {*words}
    assert sum(tip.startswith("host ") and "ranks" in tip for tip in tips) == answer.n_devices // 8
    assert any("forward, micro-batch 0" in tip for tip in tips)
    width, height = (float(root.attrib[side]) for side in ("width", "height"))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, wide, high = (float(box.get(key, 0.0)) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width + 0.1
        assert 0 <= y <= y + high <= height + 0.1


def test_a_long_setting_stays_inside_and_a_clock_beyond_the_formulas_says_both() -> None:
    """The head of DeepSeek-V3 beside 61 layers on 64 chunks: the others wait for it in turn."""
    degrees = cs.Layout(tp=2, pp=16, vpp=4, ep=16, micro_batch=1, zero=1, recompute="selective")
    options = cs.Software(expert_overlap=True)
    found = _answer(model="deepseek-v3", device="h800", devices=512, batch=1536, layout=degrees, software=options)
    root = ElementTree.fromstring(cs.picture(found))
    texts = [one for one in root.iter("{http://www.w3.org/2000/svg}text") if one.get("font-size") == "12"]
    assert max(float(one.get("x", 0)) + 12 * 0.58 * len(one.text or "") for one in texts) < 1000.0
    words = " ".join(one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}text"))
    step, clock = float(found.step.total), timeline(found).end
    assert clock > 1.05 * step
    assert f"of {duration(clock)}); by its formulas {duration(step)}, waiting as the mean stage does" in words


def test_one_device_is_one() -> None:
    assert "Ranks on 1 host of 1 device<" in cs.picture(_answer(model="llama-3-8b", train="lora", devices=1, batch=4))


def test_groups_know_their_links() -> None:
    found = {group.name: group for group in groups(_answer(**PLAIN))}
    assert (found["tensor"].link, found["data"].link) == ("fast links", "fast links among 2, then network")
    assert (found["pipeline"].stride, found["pipeline"].link) == (16, "network")
    assert found["context"].link == "none"


GPT3 = {"model": "gpt-3-175b", "seq_len": 2048, "devices": 64, "batch": 64, "stack": "megatron", "layout": cs.Layout(
    tp=8, pp=8, cp=1, dp=1, vpp=1, zero=0, micro_batch=1, recompute="none", sequence_parallel=False)}  # fmt: skip


def test_gpt3s_workload_is_aicbs_own() -> None:
    """Sizes of G175B-M1-C03_GPT175B_megatron_tp8_pp1_mbs1_A100.txt (aliyun/aicb, 23eec3c48c): 12 layers of 96, tp 8."""
    workload = plan_workload(_answer(**GPT3))
    assert list(workload.header) == [
        "tp",
        "ep",
        "pp",
        "vpp",
        "ga",
        "all_gpus",
        "checkpoints",
        "checkpoint_initiates",
        "pp_comm",
    ]
    assert (workload.header["tp"], workload.header["vpp"], workload.header["ga"]) == (8, 96, 64)
    rows = {item.name: item for item in workload.items}
    assert Counter(item.name for item in workload.items)["attention_layer"] == 12 * 64
    for name in ("attention_layer", "mlp_layer"):
        assert (rows[name].forward_comm, rows[name].forward_size) == ("ALLREDUCE", 50_331_648)
    assert rows["grad_param_comm"].update_comm == "REDUCESCATTER"
    assert rows["grad_param_comm"].update_size == pytest.approx(11_175_321_600, rel=0.003)  # its vocabulary is padded
    assert rows["layernorm"].backward_size == pytest.approx(5_587_660_800, rel=0.003)
    assert rows["cross_entropy1"].forward_size == 8192


def test_a_workload_reads_back_equal(answer: Estimate) -> None:
    workload = plan_workload(answer)
    text = write_workload(workload)
    assert read_workload(text, "w.txt") == workload
    assert all(len(line.split("\t")) == 12 for line in text.splitlines()[2:])
    kinds = {kind for item in workload.items for kind in (item.forward_comm, item.backward_comm, item.update_comm)}
    assert kinds <= {"NONE", *COLLECTIVES}
    if answer.resolved.spec.experts:
        assert "ALLTOALL_EP" in kinds


def test_a_workload_gives_back_its_times(tmp_path: Path) -> None:
    """A run estimated with the profile of a workload takes the workload's time a layer."""
    measured = _answer(**GPT3, calibration="none")
    workload = plan_workload(measured)
    slower = [
        item._replace(forward=item.forward * 5 // 4, backward=item.backward * 5 // 4, update=item.update * 5 // 4)
        for item in workload.items
    ]
    path, profile = tmp_path / "workload.txt", tmp_path / "profile.toml"
    path.write_text(write_workload(workload._replace(items=slower)))
    profile.write_text(workload_profile(path, measured))
    again = _answer(**GPT3, calibration="none", profile=str(profile))
    assert layer_seconds(plan_workload(again)) == pytest.approx(1.25 * layer_seconds(workload), rel=1e-3)
    found = cs.read_launch(path)
    assert {key: found.settings["layout"][key] for key in ("tp", "pp", "dp", "sequence_parallel")} == {
        "tp": 8, "pp": 8, "dp": 1, "sequence_parallel": False,
    }  # fmt: skip
    assert (found.settings["devices"], found.settings["batch"]) == (64, 64)
    with pytest.raises(cs.InputError, match="another run"):
        workload_profile(path, _answer(**{**GPT3, "seq_len": 1024}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MICRO\n1\n", "first line"),
        (
            "HYBRID_TRANSFORMER_FWD_IN_BCKWD tp: 1\n2\nx\t-1\t1\tNONE\t0\t1\tNONE\t0\t1\tNONE\t0\t100\n",
            "number of rows",
        ),
        ("HYBRID_TRANSFORMER_FWD_IN_BCKWD tp: 1\n1\nx\t-1\tslow\tNONE\t0\t1\tNONE\t0\t1\tNONE\t0\t100\n", "line 3"),
    ],
)
def test_broken_workloads_say_where(text: str, words: str) -> None:
    with pytest.raises(cs.InputError, match=words):
        read_workload(text, "w.txt")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def _fields(data: bytes) -> list[tuple[int, Any]]:
    """Decode one message of Protocol Buffers: numbers and byte strings by field."""
    found: list[tuple[int, Any]] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value  # type: ignore[assignment]
        found.append((key >> 3, value))
    return found


def _nodes(data: bytes) -> list[dict[str, Any]]:
    """Decode a trace by the schema's field numbers (et_def.proto)."""
    messages, at = [], 0
    while at < len(data):
        size, at = _varint(data, at)
        messages.append(data[at : at + size])
        at += size
    assert _fields(messages[0]) == [(1, b"1.0")]
    found = []
    for message in messages[1:]:
        fields = _fields(message)
        node = {{1: "id", 2: "name", 3: "type", 7: "micros"}[n]: value for n, value in fields if n in (1, 2, 3, 7)}
        for n, value in fields:
            if n == 10:
                (_, name), (kind, held) = _fields(value)
                node[name.decode()] = (kind, held)
        deps, node["deps"], i = b"".join(value for n, value in fields if n == 5), list[int](), 0
        while i < len(deps):
            dep, i = _varint(deps, i)
            node["deps"].append(dep)
        found.append(node)
    return found


@pytest.mark.parametrize(
    "question",
    [
        {"model": "llama-3-8b", "devices": 16, "batch": 16, "layout": cs.Layout(
            tp=2, pp=4, cp=1, dp=2, vpp=2, zero=1, micro_batch=1)},
        {"model": "mixtral-8x7b", "devices": 16, "batch": 16, "layout": cs.Layout(
            tp=2, pp=2, cp=1, dp=4, ep=4, etp=1, vpp=1, zero=1, micro_batch=1)},
    ],
)  # fmt: skip
def test_chakras_traces_fit_together(question: dict[str, Any]) -> None:
    """Each rank's nodes need earlier ones; what one sends another receives, once; attributes have the schema's types."""
    answer = _answer(**question)
    traces = chakra_traces(answer, every_rank=True)
    groups = json.loads(traces.pop(".groups.json"))
    assert len(traces) == answer.n_devices
    sent, received = Counter[Any](), Counter[Any]()
    types = {"is_cpu_op": 27, "num_ops": 9, "tensor_size": 13, "comm_type": 9, "comm_size": 9, "comm_src": 7, "comm_dst": 7,
             "comm_tag": 7, "pg_name": 29}  # fmt: skip
    for name, data in traces.items():
        rank, nodes = int(name.split(".")[1]), _nodes(data)
        assert [node["id"] for node in nodes] == [*range(1, len(nodes) + 1)]
        for node in nodes:
            assert all(dep < node["id"] for dep in node["deps"])
            assert all(node[key][0] == kind for key, kind in types.items() if key in node)
            if node["type"] in (5, 6):
                ends = tuple(node[key][1] for key in ("comm_src", "comm_dst", "comm_tag", "comm_size"))
                (sent if node["type"] == 5 else received)[ends] += 1
                assert rank == ends[node["type"] == 6]
            if node["type"] == 7:
                assert rank in groups[node["pg_name"][1].decode()]
    assert sent == received
    assert (
        len(sent)
        == sum(sent.values())
        == 2
        * (answer.setting.pp * answer.setting.vpp - 1)
        * answer.setting.n_micro
        * (answer.n_devices // answer.setting.pp)
    )


def test_files_of_several_kinds_are_written(tmp_path: Path) -> None:
    answer = _answer(**PLAIN)
    assert [Path(name).name for name in emit_files(answer, "chakra", tmp_path / "plan")] == [
        f"plan.{n}.et" for n in range(4)
    ]
    assert emit_files(answer, "svg", tmp_path / "plan.svg") == [str(tmp_path / "plan.svg")]
    assert (tmp_path / "plan.svg").read_text() == cs.picture(answer)


def test_what_no_timeline_holds_is_refused() -> None:
    answer = _answer(**PLAIN)
    long = dataclasses.replace(answer, setting=answer.setting._replace(n_micro=200_000))
    with pytest.raises(cs.InputError, match="too many for a timeline"):
        cs.picture(long)
    paired = dataclasses.replace(answer, setting=answer.setting._replace(schedule=2))
    with pytest.raises(cs.InputError, match="DualPipe"):
        cs.emit(paired, "trace")
