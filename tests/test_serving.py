"""Serving a model: formulas by hand, names as people type them, the search against brute force, the doors."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.catalog import hardware, models
from carbonscaling.cli import main
from carbonscaling.serving.age import era
from carbonscaling.serving.build import cache_of, serving
from carbonscaling.serving.cycle import TERMS, batch_of, cycle, sharing_experts
from carbonscaling.serving.effects import POWER, PRIORS, effects, taken
from carbonscaling.serving.engine import Engine, engine_named
from carbonscaling.serving.factors import shipped_factors, unfitted
from carbonscaling.serving.formats import FORMATS, format_named, unit_of
from carbonscaling.serving.grouping import readings, shared_slowly
from carbonscaling.serving.numbers import Demand, Layout, Placed
from carbonscaling.serving.port import placed as numbers_of
from carbonscaling.serving.predict import heat_of, predict, worked
from carbonscaling.serving.question import Question, kept_in
from carbonscaling.serving.search import ways
from carbonscaling.serving.step import cached_bytes, decode, experts_met, prefill, skinny_time, weight_bytes
from carbonscaling.serving.width import EXPERTS, KINDS, KNOWN, LONG, LONG_ANSWERS, half_width, kind_of

ONE = Layout(1.0, 1.0, 1.0, 1.0)


def placed(model: str, device: str = "h100-sxm", weights: str = "bf16", layout: Layout = ONE) -> Placed:
    return serving(models.model(model), hardware.cluster(device), FORMATS[weights], FORMATS["bf16"], layout)


def question(model: str = "llama-3-8b", device: str = "h100-sxm", engine: str = "vllm 0.11", **more: Any) -> Question:
    given: dict[str, Any] = {
        "layout": ONE,
        "mode": "continuous",
        "output": 256.0,
        "prompt": 512.0,
        "in_flight": 32.0,
    } | more
    weights = FORMATS["bf16"]
    return Question(
        models.model(model), hardware.cluster(device), weights, weights, engine=engine_named(engine), **given
    )


def test_experts_met_are_all_in_the_limit_and_the_picked_ones_at_first() -> None:
    assert float(experts_met(128.0, 8.0, 1.0)) == pytest.approx(8.0)
    assert float(experts_met(8.0, 2.0, 1e4)) == pytest.approx(8.0)
    assert float(experts_met(0.0, 0.0, 5.0)) == 0.0


def test_a_cache_by_hand() -> None:
    # Llama-3-8B: 32 layers of 8 heads of 128, keys and values.
    assert cached_bytes(cache_of(models.model("llama-3-8b")), 1.0, 1.0, 2.0) == 32 * 2 * 8 * 128 * 2
    # DeepSeek-V3: a latent of 512 and a rotary key of 64 in 61 layers, whole on every tensor rank.
    latent = cache_of(models.model("deepseek-v3"))
    assert cached_bytes(latent, 10.0, 8.0, 1.0) == cached_bytes(latent, 10.0, 1.0, 1.0) == 61 * 576 * 10
    # Windowed layers keep no more than their window.
    short = cache_of(models.model("gpt-oss-120b"))
    assert cached_bytes(short, 2e4, 1.0, 2.0) < 0.52 * 2e4 * cached_bytes(short, 1.0, 1.0, 2.0)


def test_weights_on_a_device_by_hand() -> None:
    whole = weight_bytes(placed("llama-3-8b"))
    assert whole == pytest.approx(2 * 8.03e9, rel=0.01)
    assert weight_bytes(placed("llama-3-8b", layout=Layout(4.0, 2.0, 1.0, 1.0))) == pytest.approx(whole / 8, rel=0.01)
    shared = placed("deepseek-v3", weights="fp8", layout=Layout(1.0, 1.0, 1.0, 16.0))
    assert weight_bytes(sharing_experts(shared)) < 0.15 * weight_bytes(shared)


def test_few_tokens_wait_for_the_weights() -> None:
    s = placed("llama-3-8b")
    step = decode(s, 1.0, 1.0)
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency
    read = float(weight_bytes(s)) - 2.0 * float(s.work.p_head)  # the table of embeddings is not read
    assert float(step.matmul) == pytest.approx(read / rate, rel=0.02)
    assert float(decode(s, 64.0, 1.0).matmul) < 1.3 * float(step.matmul)
    assert float(skinny_time(1.0, 1.0, 100.0, 100.0, math.inf, 1e9, 2.0)) == pytest.approx(2e4 / 1e9)


def test_many_tokens_reach_what_training_reaches() -> None:
    s = placed("llama-3-70b", layout=Layout(8.0, 1.0, 1.0, 1.0))
    chunk = prefill(s, 8192.0, 2048.0)
    reached = float(chunk.flops / (chunk.matmul + chunk.attention) / s.formats.peak)
    assert 0.5 < reached < float(s.formats.gemm_efficiency) + 0.05


def test_memory_bounds_the_batch() -> None:
    s = placed("llama-3-8b")
    small, room, _ = batch_of(s, Demand(100.0, 100.0, 4.0))
    many, _, _ = batch_of(s, Demand(4000.0, 4000.0, 1e6))
    assert float(small) == 4.0 < float(room)
    assert float(many) == pytest.approx(float(batch_of(s, Demand(4000.0, 4000.0, 1e6))[1]))
    assert float(batch_of(s, Demand(10.0, 10.0, np.inf))[0]) == 2048.0


def test_a_batch_that_starts_together_follows_in_equal_parts_where_memory_does_not_hold_it() -> None:
    s = placed("llama-3-8b")
    room = float(batch_of(s, Demand(2000.0, 2000.0, 1.0))[1])
    for asked, parts in ((0.9, 1), (1.5, 2), (2.1, 3)):
        batch, _, ranks = batch_of(s, Demand(2000.0, 2000.0, asked * room, together=1.0))
        assert float(batch) == pytest.approx(asked * room / parts)
        assert float(ranks) == 1.0
    assert float(batch_of(s, Demand(2000.0, 2000.0, 1.5 * room))[0]) == pytest.approx(room)


def test_stages_work_at_a_time_as_far_as_there_are_batches_for_them() -> None:
    """Four stages: a device makes as much as alone with four times the requests, and a quarter with one, or with one batch."""
    piped = placed("llama-3-8b", layout=Layout(1.0, 4.0, 1.0, 1.0))
    for asked, together, batch, ranks in ((8.0, 0.0, 2.0, 1.0), (1.0, 0.0, 1.0, 4.0), (8.0, 1.0, 8.0, 4.0)):
        found = batch_of(piped, Demand(100.0, 100.0, asked, together=together))
        assert (float(found[0]), float(found[2])) == (batch, ranks)
    speed = {
        pp: predict(worked([question(layout=Layout(1.0, pp, 1.0, 1.0), in_flight=1.0)]), unfitted()).speed[0]
        for pp in (1.0, 4.0)
    }
    assert speed[1.0] == pytest.approx(4.0 * speed[4.0])


@pytest.mark.parametrize(
    ("engine", "device", "kv", "model", "times"),
    [
        # Query heads that share a key head: 4 of Llama-3-8B's, 8 of Llama-2-70B's, each alone in Llama-2-7B.
        ("vllm", "mi300x", "bf16", "llama-3-8b", 4.0), ("vllm 0.5", "mi300x", "bf16", "llama-2-70b", 8.0),
        ("vllm", "mi300x", "bf16", "llama-2-7b", 1.0), ("vllm 0.6.6", "mi300x", "bf16", "llama-3-8b", 1.0),
        ("vllm 0.6", "h100-sxm", "fp8", "llama-3-8b", 4.0), ("vllm 0.6", "h100-sxm", "bf16", "llama-3-8b", 1.0),
        ("vllm 0.11", "h100-sxm", "fp8", "llama-3-8b", 1.0), ("trtllm 0.17", "h100-sxm", "fp8", "llama-3-8b", 1.0),
        ("vllm 0.5", "v100-sxm2-32", "fp16", "llama-3-8b", 4.0), ("vllm", "mi300x", "bf16", "deepseek-v3", 1.0),
    ],
)  # fmt: skip
def test_keys_and_values_are_read_once_for_every_query_head_or_for_all(
    engine: str, device: str, kv: str, model: str, times: float
) -> None:
    q = replace(question(model, device, engine), kv=FORMATS[kv])
    assert readings(q) == pytest.approx(times)
    s = placed(model)
    more = decode(s, 8.0, 1000.0, readings=times).bytes - decode(s, 8.0, 1000.0).bytes
    assert more == pytest.approx((times - 1.0) * 8.0 * cached_bytes(s.cache, 1000.0, 1.0, 2.0))


@pytest.mark.parametrize(
    ("engine", "device", "kv", "model", "slowly"),
    [
        ("vllm 0.6.3", "a100-80", "bf16", "llama-3-8b", True), ("vllm", "h100-sxm", "bf16", "llama-2-70b", True),
        ("trtllm 0.6", "h100-sxm", "bf16", "llama-3-8b", True), ("trtllm", "a100-40", "bf16", "llama-3-8b", True),
        # Heads of their own or a latent; kernels made for shared heads; read for each head; another vendor's.
        ("vllm 0.6.3", "a100-80", "bf16", "llama-2-7b", False), ("vllm", "h100-sxm", "bf16", "deepseek-v3", False),
        ("vllm 0.8.5", "a100-80", "bf16", "llama-3-8b", False), ("trtllm 0.17", "h100-sxm", "bf16", "llama-3-8b", False),
        ("sglang 0.4", "h100-sxm", "bf16", "llama-3-8b", False), ("vllm 0.6.3", "h100-sxm", "fp8", "llama-3-8b", False),
        ("vllm 0.6.6", "mi300x", "bf16", "llama-3-8b", False),
    ],
)  # fmt: skip
def test_kernels_of_2024_read_shared_heads_half_as_slowly_again(
    engine: str, device: str, kv: str, model: str, slowly: bool
) -> None:
    q = replace(question(model, device, engine), kv=FORMATS[kv], mode="static")
    assert shared_slowly(q) == slowly
    work, at = worked([q]), TERMS.index("attention")
    assert predict(work, unfitted()).seconds[at, 0] / work.terms[at, 0] == pytest.approx(1.5 if slowly else 1.0)


def test_software_that_names_no_release_is_of_its_day() -> None:
    asked = {
        "early": [question(engine="vllm 0.5.4"), question(engine="trtllm 0.17")],
        "mid": [
            question(engine="vllm 0.6.3"), question(engine="vllm"), question(engine="tgi"),
            question(engine="vllm 0.5.4", mode="static"), question(engine="vllm 0.5.4", mode="saturated"),
        ],
        "new": [
            question(engine="vllm 0.8.5"), question(device="b200", engine="vllm"), question(engine="sglang"),
            question(engine="trtllm 0.8.1", mode="disaggregated"),
        ],
    }  # fmt: skip
    assert {age: {era(q) for q in some} for age, some in asked.items()} == {age: {age} for age in asked}


def test_what_is_believed_of_software_holds_before_any_row() -> None:
    """PyTorch without a graph: 25.5 tokens a second of Llama-2-7B on an A100, where a graph makes 107 (GPT, Fast)."""
    one = {"prompt": 5.0, "output": 200.0, "in_flight": 1.0, "drawn": False}
    found = [question("llama-2-7b", "a100-80", e, **one) for e in ("transformers", "vllm 0.11")]
    slow, fast = predict(worked(found), unfitted()).speed
    assert slow == pytest.approx(25.5, rel=0.15)
    assert fast == pytest.approx(107.0, rel=0.15)


def test_experts_of_early_vllm_behind_its_server_cost_its_sequences_again() -> None:
    """By two measurers (decision 485): not as a library, not a dense model, not a later release."""
    name = "stack vllm early experts"
    asked = question("mixtral-8x7b", engine="vllm 0.5.4", in_flight=256.0)
    others = (
        replace(asked, mode="static"),
        replace(asked, engine=engine_named("vllm 0.6.0")),
        question(engine="vllm 0.5.4"),
    )
    assert name in effects(asked)
    assert not any(name in effects(q) for q in others)
    early, later = unfitted().time.factors([effects(q) for q in (asked, question(engine="vllm 0.5.4"))]).T
    at = TERMS.index("sequence")
    assert early[at] / later[at] == pytest.approx(2.3)
    assert np.delete(early, at) == pytest.approx(np.delete(later, at))


def test_each_engine_brings_kernels_for_experts_to_a_generation() -> None:
    """They move its experts and its prompts (decision 487); a dense model has none, another vendor's port its own."""
    name = "kernels vllm new Hopper experts"
    assert name in effects(question("mixtral-8x7b"))
    assert not [
        e for q in (question(), question("mixtral-8x7b", device="mi300x")) for e in effects(q) if "kernels" in e
    ]
    assert {term for term in TERMS if taken(name, term)} == {"routed", "expert_layer", "prefill"}
    assert shipped_factors().time.rows[name] > 100


def test_a_generation_of_another_vendor_that_no_row_ran_is_a_new_device() -> None:
    """The rows have CDNA 3 (MI300X, MI325X), not CDNA 2 or 4."""
    known = {
        name: kind_of(question(device=name), shipped_factors()) for name in ("mi300x", "mi325x", "mi250x", "mi355x")
    }
    assert known == {"mi300x": "measured", "mi325x": "measured", "mi250x": "new devices", "mi355x": "new devices"}


def test_arrays_say_what_single_questions_say() -> None:
    asked = [question(), question("mixtral-8x7b", "h200", "sglang 0.5", layout=Layout(2.0, 1.0, 1.0, 1.0))]
    asked.append(question("deepseek-v3", "b200", "trtllm 1.0", layout=Layout(8.0, 1.0, 8.0, 1.0), in_flight=None))
    together = predict(worked(asked), shipped_factors())
    for i, one in enumerate(asked):
        alone = predict(worked([one]), shipped_factors())
        for name in ("speed", "tpot_s", "ttft_s", "watts", "joules"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(together, name)[i], rel=1e-12), name


def test_directions() -> None:
    factors = shipped_factors()

    def speed(**change: object) -> float:
        return float(predict(worked([question(**change)]), factors).speed[0])  # type: ignore[arg-type]

    assert speed(in_flight=64.0) > speed(in_flight=32.0)
    assert speed(prompt=4096.0) < speed()
    assert speed(device="h200") > speed() > speed(device="a100-80")
    assert speed(engine="vllm 0.5") < speed()
    watts = predict(worked([question(in_flight=n) for n in (1.0, 256.0)]), factors).watts
    device = hardware.device("h100-sxm")
    assert device.idle_power.si < watts[0] < watts[1] <= device.tdp.si


def test_a_step_of_few_sequences_draws_less_than_a_full_tile() -> None:
    """One request takes about half of what a rating leaves above idle, as Argonne's A100 and H100 do (0.44 to 0.52)."""
    work = worked([question(prompt=64.0, in_flight=n) for n in (1.0, 16.0, 64.0)])
    p = predict(work, unfitted())
    heat = dict(zip(POWER, heat_of(work, p.seconds), strict=True))
    assert heat["filled"] / heat["weights"] == pytest.approx([1.0 / 16.0, 1.0, 1.0])
    drawn = (p.watts - work.idle) / (work.tdp - work.idle)
    assert 0.44 < drawn[0] < 0.55 < drawn[1]
    experts = worked([question("mixtral-8x7b", prompt=64.0, in_flight=1.0)])
    found = dict(zip(POWER, heat_of(experts, predict(experts, unfitted()).seconds), strict=True))
    assert found["filled"] / found["weights"] > 0.5  # routed experts, which are most of its weights, stay


@pytest.mark.parametrize("board", ["h100-nvl", "h100-pcie", "h100-96", "h200-nvl", "a100-pcie-80"])
def test_a_board_rated_below_its_chip_draws_what_the_chip_draws_up_to_its_rating(board: str) -> None:
    device, factors = hardware.device(board), shipped_factors()
    assert device.chip_power is not None
    assert device.chip_power.si > device.tdp.si
    asked = [question(device=board, in_flight=n) for n in (1.0, 16.0, 256.0)]
    as_rated = worked(asked)
    chip = replace(as_rated, tdp=as_rated.chip)
    drawn, unheld = predict(as_rated, factors).watts, predict(chip, factors).watts
    assert drawn.tolist() == np.minimum(unheld, device.tdp.si).tolist()
    assert unheld[0] < unheld[-1]
    assert unheld[-1] > device.tdp.si or board == "h200-nvl"


@pytest.mark.parametrize(("board", "in_flight"), [("h100-nvl", 256.0), ("h100-nvl", 1.0), ("h100-pcie", 256.0)])
def test_a_board_rated_below_its_chips_demand_multiplies_at_the_clock_that_is_left(
    board: str, in_flight: float
) -> None:
    """By the law of trainings under a limit (decision 170), of the demand before any row; what waits for memory stays."""
    device = hardware.device(board)
    assert device.chip_power is not None
    cluster = hardware.cluster(board)
    full = replace(cluster, device=replace(device, tdp=device.chip_power))
    q = question(device=board, prompt=2048.0, in_flight=in_flight)
    held, free = worked([q]), worked([replace(q, cluster=full)])
    demand = float(predict(free, unfitted()).watts[0])
    moved = [TERMS.index(term) for term in ("matmul", "prefill")]
    assert np.delete(held.terms, moved, 0).tolist() == np.delete(free.terms, moved, 0).tolist()
    products, prompts = (held.terms[moved, 0] / free.terms[moved, 0]).tolist()
    idle, tdp = device.idle_power.si, device.tdp.si
    most = ((min(demand, tdp) - idle) / (demand - idle)) ** -0.43
    if in_flight == 1.0:
        assert products == pytest.approx(1.0, abs=0.03)
    else:
        assert demand > 1.2 * tdp
        assert 0.5 * (most - 1.0) < prompts - 1.0 <= most - 1.0 + 1e-9
    assert np.asarray(held.cycle.prompt) == pytest.approx(np.asarray(free.cycle.prompt) * prompts)


@pytest.mark.parametrize(
    ("device", "engine", "rate"),
    [
        ("mi300x", "vllm 0.4.3", 110e12), ("mi300x", "vllm", 110e12), ("mi300x", "vllm 0.4.3+rocm614", None),
        ("mi300x", "vllm 0.9", None), ("mi300x", "sglang 0.3", None), ("h100-sxm", "vllm 0.4.3", None),
        ("mi250x-gcd", "vllm 0.4.3", 110e12),
    ],
)  # fmt: skip
def test_multiplications_of_a_port_that_nobody_tuned(device: str, engine: str, rate: float | None) -> None:
    """What AMD's libraries reach by themselves (decision 446), of large products and of few rows; its own build chooses."""
    q = question(device=device, engine=engine)
    ported, plain = numbers_of(q), serving(q.spec, q.cluster, q.weights, q.kv, q.layout)
    for name in ("gemm_efficiency", "grouped_efficiency"):
        reached = getattr(plain.formats, name) * plain.formats.peak
        expected = reached if rate is None else min(rate, reached)
        assert getattr(ported.formats, name) * ported.formats.peak == pytest.approx(expected)
    assert ported._replace(formats=plain.formats) == plain


def test_experts_of_a_port_that_no_row_ran_are_new() -> None:
    factors = shipped_factors()
    dense = question(device="mi300x", engine="vllm 0.9")
    experts = question("mixtral-8x7b", device="mi300x", engine="vllm 0.9")
    assert kind_of(dense, factors) == "measured"
    assert kind_of(experts, factors) == "new devices experts"
    offline = {"engine": "vllm 0.4", "mode": "static"}
    assert kind_of(question("mixtral-8x7b", device="mi300x", **offline), factors) == "measured experts"


@pytest.mark.parametrize(
    ("text", "family", "release"),
    [
        ("vLLM 0.6.3", "vllm", (0, 6)), ("TensorRT-LLM v0.17", "trtllm", (0, 17)), ("dynamo-trt", "trtllm", None),
        ("sglang-rocm", "sglang", None), ("vllm (v0.8.5)", "vllm", (0, 8)), ("Deepspeed-MII", "mii", None), ("", "", None),
        ("something else", "", None), ("vLLM 0.4.3+rocm614", "vllm", (0, 4)),
    ],
)  # fmt: skip
def test_engines_by_name(text: str, family: str, release: tuple[int, int] | None) -> None:
    assert engine_named(text) == Engine(family, release, text.endswith("rocm614"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BF16", "bf16"),
        ("W4A16", "int4"),
        ("fp8_e4m3", "fp8"),
        ("FP8-Dynamic", "fp8"),
        ("awq", "int4"),
        ("MXFP4", "mxfp4"),
    ],
)
def test_formats_by_name(text: str, name: str) -> None:
    assert format_named(text).name == name


def test_formats_run_on_the_units_that_a_device_has() -> None:
    assert unit_of(FORMATS["fp8"], hardware.device("h100-sxm")) == "fp8"
    assert unit_of(FORMATS["fp8"], hardware.device("a100-80")) == "bf16"
    assert unit_of(FORMATS["nvfp4"], hardware.device("b200")) == "fp4"
    assert kept_in(FORMATS["fp8"], engine_named("trtllm 0.17")).name == "fp8"
    assert kept_in(FORMATS["fp8"], engine_named("vllm 0.11")).name == "bf16"
    with pytest.raises(cs.InputError, match="unknown number format"):
        format_named("bf17")


def test_what_is_known_sets_the_width() -> None:
    factors = shipped_factors()
    assert kind_of(question(), factors) == "measured"
    assert kind_of(question("mixtral-8x7b"), factors) == "measured experts"
    assert kind_of(question(in_flight=None), factors) == "in flight untold"
    assert kind_of(question(prompt=None), factors) == "prompts untold"
    assert kind_of(question(prompt=None, like="ml-energy-v3"), factors) == "measured alike"
    assert kind_of(question(device="gaudi3"), factors) == "new devices"
    assert kind_of(question(engine="something 1.0"), factors) == "new software"
    assert kind_of(question(device="gaudi3", engine="something 1.0"), factors) == "new both"
    assert kind_of(question("mixtral-8x7b", engine="something 1.0", in_flight=None), factors) == "new software experts"
    for quantity, widths in factors.intervals.items():
        assert set(widths) == set(KINDS) | ({LONG_ANSWERS} if quantity != "watts" else set())
        for experts in ("", EXPERTS):
            known = [widths[name + experts] for name in KNOWN if "new" not in name]
            assert known == sorted(known)
        assert all(widths[known] <= widths[known + EXPERTS] for known in KNOWN)
        for new in ("new devices", "new software"):
            assert widths["measured"] <= widths[new] <= widths["new both"]
        if quantity != "watts":
            assert widths["measured"] < min(widths["new devices"], widths["new software"])
    assert unfitted().time.rows == {}


def test_long_answers_are_less_sure() -> None:
    factors = shipped_factors()
    short, more = factors.intervals["speed"]["measured"], factors.intervals["speed"][LONG_ANSWERS]
    assert more > 1.2
    assert half_width("watts", "measured", LONG, factors) == factors.intervals["watts"]["measured"]
    for output, width in ((LONG - 1.0, short), (LONG, short * more)):
        found = cs.inference(cs.Serving(output=output, tp=4, in_flight=32.0))
        assert [math.log(end / found.speed) for end in found.intervals["speed"]] == pytest.approx([-width, width])


def test_the_search_equals_brute_force() -> None:
    s = cs.Serving(model="llama-3-70b", tpot_s=0.03, requests_per_day=2e6)
    answer = cs.inference(s)
    tried = ways(s, answer.question)
    found = predict(worked(tried), shipped_factors())
    best = math.inf
    for i, way in enumerate(tried):
        if found.tpot_s[i] <= s.tpot_s:
            peak = s.peak * 2e6 * s.output / 86400.0
            best = min(best, math.ceil(peak / (found.speed[i] * way.layout.devices)) * way.layout.devices)
    assert answer.n_devices == best
    assert answer.tpot_s <= 0.03
    assert len(tried) == answer.n_ways > 50


def test_figures_hang_together() -> None:
    answer = cs.inference(model="llama-3-8b", requests_per_day=1e5, in_flight=32, tp=1)
    a = answer.summary()
    assert a["joules_per_token"] == pytest.approx(a["watts_per_device"] / a["tokens_per_s_per_device"])
    assert a["requests_per_day"] == pytest.approx(1e5)
    assert a["mean_joules_per_token"] > a["joules_per_token"]
    assert a["wh_per_request"] > 1.1 * a["device_wh_per_request"]
    assert a["g_co2e_per_request"] * 1e5 == pytest.approx(answer.footprint.total_tco2e * 1e6)
    for name, key in (("tokens_per_s", "tokens_per_s_per_device"), ("joules", "joules_per_token")):
        low, high = a[f"{name}_interval"]
        assert low < a[key] < high
    assert sum(answer.seconds.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        # Oviedo et al. 2025 (arXiv 2509.20241), above 200B parameters on H100 nodes: about 300 tokens, and long reasoning.
        ({"model": "llama-3.1-405b", "in_flight": 128, "output": 300.0}, 0.16, 0.60),
        ({"model": "llama-3.1-405b", "in_flight": 128, "output": 4000.0}, 2.2, 7.1),
        # DeepSeek-R1 in 8 bit: 1,000 tokens in and 8,000 out, and the other way round.
        ({"model": "deepseek-v3", "in_flight": 32, "device": "h200", "prompt": 1000.0, "output": 8000.0}, 15.0, 16.0),
        ({"model": "deepseek-v3", "in_flight": 32, "device": "h200", "prompt": 8000.0, "output": 1000.0}, 1.0, 3.7),
    ],
)
def test_published_figures_a_prompt_meet_the_interval(asked: dict[str, object], low: float, high: float) -> None:
    """Wh with hosts and PUE, at 32 to 128 requests in flight: at 8 a prompt takes several times as much."""
    ours = cs.inference(weights="fp8", **asked).summary()["wh_per_request_interval"]
    assert ours[0] < high
    assert ours[1] > low


@pytest.mark.parametrize("device", ["tpu-v5p", "tpu-v6e"])
def test_devices_hosts_idling_and_building_share_a_prompt_s_energy_as_google_measured(device: str) -> None:
    """Gemini's median prompt (arXiv 2508.15734), Wh: 0.24; accelerators 0.14, hosts 0.06, idle machines 0.02, building 0.02."""
    told = cs.inference(model="llama-3-70b", device=device, requests_per_day=2e6, tpot_s=0.1, region="us-east5")
    a = told.summary()
    assert 0.14 / 0.24 - 0.08 < a["device_wh_per_request"] / a["wh_per_request"] < 0.16 / 0.24 + 0.08
    assert told.footprint.pue == pytest.approx(0.24 / 0.22, abs=0.03)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"prompt": 0.0}, "prompt"), ({"peak": 0.5}, "peak"), ({"tp": 0}, "tp"), ({"weights": "fp9"}, "weights"),
        ({"tpot_s": 1e-6}, "tpot_s"), ({"devices": 1, "model": "llama-3.1-405b"}, "devices"), ({"device": "h1000"}, "device"),
        ({"requests_per_day": 1e9, "devices": 8}, "devices"), ({"objective": "speed"}, "objective"),
    ],
)  # fmt: skip
def test_refusals_name_the_key(change: dict[str, object], key: str) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.inference(cs.Serving(), **change)
    assert refused.value.key == key
    assert refused.value.remedy


def test_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "serving.toml"
    file.write_text('model = "llama-3-8b"\noutput = 200.0\nrequests_per_day = 50000.0\n')
    out = tmp_path / "answer.json"
    assert main(["inference", str(file), "--in-flight", "16", "--json", "-o", str(out)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads(out.read_text())
    assert shown["answer"]["in_flight"] == 16
    assert shown["scenario"]["output"] == 200.0
    assert main(["inference", str(file), "--output-tokens", "100"]) == 0
    page = capsys.readouterr().out
    assert "Wh a request" in page
    assert "in flight" in page
    assert main(["inference", "--model", "nonsense-9b"]) == 2


def test_more_in_flight_than_memory_holds_is_cut() -> None:
    s = placed("llama-3-8b", "l4")
    found = cycle(s, Demand(512.0, 256.0, 4096.0))
    assert float(found.batch) == pytest.approx(float(found.room))
    assert float(found.room) < 100
    one = question(device="l4", in_flight=4096.0)
    assert float(np.asarray(worked([one, replace(one, in_flight=8.0)]).cycle.batch)[1]) == 8.0


@pytest.mark.parametrize(
    ("model", "ranks", "tokens_per_s"),
    [
        ("llama-2-7b", 1, 104.9), ("llama-2-7b", 2, 168.84), ("llama-2-7b", 4, 254.02), ("llama-2-7b", 8, 328.43),
        ("llama-2-70b", 2, 21.32), ("llama-2-70b", 4, 38.01), ("llama-2-70b", 8, 62.50),
    ],
)  # fmt: skip
def test_a_layer_of_one_request_takes_as_long_on_any_number_of_ranks(
    model: str, ranks: int, tokens_per_s: float
) -> None:
    """gpt-fast's README on A100: what is beyond silicon and sums is one time a layer, near the prior."""
    one = replace(
        question(model, device="a100-80", engine="", in_flight=1.0), layout=Layout(float(ranks), 1.0, 1.0, 1.0)
    )
    one = replace(one, prompt=5.0, output=200.0, mode="static", drawn=False)
    terms = dict(zip(TERMS, worked([one]).terms[:, 0], strict=True))
    silicon = sum(terms[name] for name in ("matmul", "attention", "comm", "prefill"))
    layer = (1.0 / tokens_per_s - silicon - PRIORS["sum"][0] * terms["sum"]) / one.spec.n_layers
    assert layer == pytest.approx(PRIORS["layer"][0], rel=0.15)
