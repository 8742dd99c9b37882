"""Ways to serve: drawn tokens, drafts, reused prefixes, prompts apart, uneven lengths; each by hand or by brute force."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.serving.cycle import TERMS, batch_of, cycle, held, mean_context
from carbonscaling.serving.factors import shipped_factors, unfitted
from carbonscaling.serving.numbers import Demand
from carbonscaling.serving.predict import heat_of, predict, worked
from carbonscaling.serving.question import Speculation
from carbonscaling.serving.speculation import gained_tokens
from carbonscaling.serving.step import cached_bytes, decode, drawing_time, mean_seen, weight_bytes
from carbonscaling.serving.width import kind_of
from test_serving import ONE, placed, question

AT = {name: i for i, name in enumerate(TERMS)}


def test_sorting_the_vocabulary_takes_what_was_measured() -> None:
    """The table of vLLM's pull request 32234: milliseconds by tokens and vocabulary, on one device."""
    rate = 2.98e12
    for tokens, vocabulary, ms in ((1024, 32768, 7.53), (2048, 131072, 57.59), (2048, 262144, 115.14)):
        assert 1e3 * float(drawing_time(tokens, vocabulary, rate)) == pytest.approx(ms, rel=0.05)


def test_drawn_tokens_cost_a_sort_and_greedy_ones_none() -> None:
    s = placed("gemma-3-27b", layout=replace_layout(2.0))
    drawn, greedy = (cycle(s, Demand(100.0, 500.0, 128.0, drawn)) for drawn in (1.0, 0.0))
    rate = s.silicon.bandwidth * s.silicon.memory_efficiency
    assert float(drawn.terms[AT["drawing"]]) == pytest.approx(128 * 262144 * 640.0 / rate, rel=0.01)
    assert float(greedy.terms[AT["drawing"]]) == 0.0
    assert drawn.terms[AT["matmul"]] == greedy.terms[AT["matmul"]]


def replace_layout(tp: float) -> Any:
    return ONE._replace(tp=tp)


def test_tokens_gained_a_step_are_those_of_a_simulation() -> None:
    rng = np.random.default_rng(7)
    for acceptance, proposed in ((0.3, 2), (0.8, 5), (0.95, 7)):
        kept = rng.random((200_000, proposed)) < acceptance
        gained = 1.0 + np.cumprod(kept, axis=1).sum(axis=1).mean()
        assert float(gained_tokens(acceptance, float(proposed))) == pytest.approx(gained, rel=5e-3)


def test_a_draft_by_hand() -> None:
    s, draft = (
        placed("llama-3-70b", weights="fp8", layout=replace_layout(4.0)),
        placed("llama-3-8b", weights="fp8", layout=replace_layout(4.0)),
    )
    demand = Demand(200.0, 400.0, 16.0, 0.0, proposed=4.0, acceptance=0.75)
    found, context = cycle(s, demand, draft), mean_context(200.0, 400.0)
    checked, told = decode(s, 16.0, context, 5.0), decode(draft, 16.0, context)
    assert float(found.terms[AT["matmul"]]) == pytest.approx(float(checked.matmul + 4.0 * told.matmul))
    assert float(found.terms[AT["layer"]]) == 80 + 4 * 32
    assert float(found.gained) == pytest.approx(sum(0.75**i for i in range(5)))
    # Every token costs its share of a prompt, however many come at once.
    alone = cycle(s, Demand(200.0, 400.0, 16.0))
    assert float(found.terms[AT["prefill"]] / alone.terms[AT["prefill"]]) == pytest.approx(float(found.gained))
    # The cache is read once for all tokens that are checked; a draft's weights and cache lie beside the model's.
    assert float(checked.bytes) == pytest.approx(float(decode(s, 16.0, context).bytes))
    kept = cached_bytes(s.cache, context, 4.0, 2.0) + cached_bytes(draft.cache, context, 4.0, 2.0)
    free = 0.9 * s.silicon.capacity - weight_bytes(s) - weight_bytes(draft)
    assert float(held(s, context, draft)) == pytest.approx(float(free / kept))


def test_drafts_and_none_are_answered_together_as_alone() -> None:
    plain, small = question("llama-3-70b", layout=replace_layout(4.0), in_flight=4.0), question("llama-3-8b").spec
    drafted = replace(plain, speculation=Speculation(4.0, 0.8, small))
    free = replace(plain, speculation=Speculation(4.0, 0.8))
    none = replace(plain, speculation=Speculation(0.0, 0.5))
    together = predict(worked([plain, drafted, free, none]), shipped_factors())
    for i, one in enumerate((plain, drafted, free, none)):
        assert predict(worked([one]), shipped_factors()).speed[0] == pytest.approx(together.speed[i], rel=1e-12)
    assert together.speed[2] > together.speed[1] > together.speed[0] == pytest.approx(together.speed[3])
    assert together.tpot_s[1] < together.tpot_s[0]
    never = predict(worked([replace(drafted, speculation=Speculation(4.0, 0.0, small))]), shipped_factors())
    assert never.speed[0] < together.speed[0]
    assert kind_of(drafted, shipped_factors()) == "new software"


def test_sequences_in_flight_have_the_context_of_a_simulation() -> None:
    """Requests one after the other on one place: the mean over steps of the tokens that the sequence has."""
    rng = np.random.default_rng(3)
    lengths = rng.gamma(shape=1.0 / 0.64, scale=500.0 * 0.64, size=60_000) + 1.0
    prompt, seen, steps = 300.0, 0.0, 0.0
    for length in np.floor(lengths):
        seen += length * prompt + length * (length - 1.0) / 2.0
        steps += length
    whole = np.floor(lengths)
    spread = whole.std() / whole.mean()
    assert spread == pytest.approx(0.8, abs=0.02)
    assert mean_context(prompt, whole.mean(), spread) == pytest.approx(seen / steps, rel=2e-3)


def test_tokens_of_prompts_see_what_a_count_says() -> None:
    rng = np.random.default_rng(5)
    prompts, reused = rng.integers(50, 4000, size=400), 0.4
    seen = fresh = 0.0
    for n in prompts:
        own = np.arange(int(reused * n), n, dtype=float)
        seen, fresh = seen + own.sum(), fresh + len(own)
    spread = prompts.std() / prompts.mean()
    assert mean_seen(prompts.mean(), spread, reused) == pytest.approx(seen / fresh, rel=2e-3)


def test_a_reused_prefix_is_not_worked_out_again() -> None:
    s = placed("llama-3-70b", layout=replace_layout(4.0))
    whole, half = (cycle(s, Demand(4000.0, 200.0, 64.0, reused=r)) for r in (0.0, 0.5))
    ratio = float(half.terms[AT["prefill"]] / whole.terms[AT["prefill"]])
    assert 0.5 < ratio < 0.56  # half the products, three quarters of the scores
    assert half.terms[AT["attention"]] == whole.terms[AT["attention"]]
    assert float(half.prompt) < 0.6 * float(whole.prompt)


def test_an_engine_that_never_evicts_keeps_room_for_whole_answers() -> None:
    s = placed("llama-3-8b")
    for reserved, context in ((0.0, 100.0 + 1000.0), (1.0, 100.0 + 2000.0)):
        _, room, _ = batch_of(s, Demand(100.0, 2000.0, np.inf, 0.0, reserved))
        assert float(room) == pytest.approx(float(held(s, context)))
    free = {e: worked([question(engine=e, in_flight=None)]).cycle.room for e in ("vllm 0.11", "trtllm 0.17")}
    assert float(np.asarray(free["trtllm 0.17"])[0]) < float(np.asarray(free["vllm 0.11"])[0])


def test_pools_for_prompts_and_answers_keep_pace() -> None:
    """At the share of devices that is stated, one pool makes as many prompts a second as the other makes answers."""
    one = question("llama-3-70b", layout=replace_layout(4.0), mode="disaggregated", prompt=4000.0, output=500.0)
    work = worked([one])
    found = predict(work, unfitted())
    prompts = found.seconds[AT["prefill"], 0]
    answers = found.seconds[:, 0].sum() - prompts
    share = prompts / (prompts + answers)
    batch = float(found.batch[0])
    made = share / (prompts / batch * one.output)  # prompts a second and rank, from its share of a cycle
    wanted = (1.0 - share) * batch / answers / one.output
    assert made == pytest.approx(wanted)
    assert found.speed[0] == pytest.approx(batch / (4.0 * (prompts + answers)))
    assert found.tpot_s[0] == pytest.approx(answers)
    mixed = predict(worked([replace(one, mode="continuous")]), unfitted())
    assert mixed.tpot_s[0] == pytest.approx(prompts + answers)
    assert found.ttft_s[0] > answers + float(np.asarray(work.cycle.handover)[0])


def test_waiting_for_the_host_draws_little() -> None:
    engines = [question(engine=e, in_flight=64.0) for e in ("vllm 0.11", "vllm 0.5")]
    work, factors = worked(engines), shipped_factors()
    found = predict(work, factors)
    heat = heat_of(work, found.seconds)
    assert heat[5, 1] > heat[5, 0]  # the share of the time that waits for the host
    assert found.watts[1] < 0.75 * found.watts[0]
    assert heat[:6].sum(0) == pytest.approx(1.0)


def test_what_a_source_has_of_its_own_counts_for_it_alone() -> None:
    factors, plain = shipped_factors(), question("llama-3-70b", layout=replace_layout(4.0), in_flight=64.0)
    alike, unknown = replace(plain, like="ml-energy-v3"), replace(plain, like="nobody")
    found = predict(worked([plain, alike, unknown]), factors)
    assert found.speed[0] == found.speed[2] != found.speed[1]
    assert [kind_of(q, factors) for q in (plain, alike, unknown)] == ["measured", "measured alike", "measured"]
    assert cs.inference(like="ml-energy-v3").kind == "measured alike"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"prefix_hit": 1.0}, "prefix_hit"), ({"acceptance": 0.5}, "draft_tokens"), ({"draft_tokens": 3}, "acceptance"),
        ({"draft": "llama-3-8b"}, "draft_tokens"), ({"draft_tokens": 3, "acceptance": 1.2}, "acceptance"),
        ({"output_spread": -0.1}, "output_spread"), ({"sampling": "best"}, "sampling"), ({"draft_tokens": 0}, "draft_tokens"),
        ({"draft": "nobody-1b", "draft_tokens": 3, "acceptance": 0.5}, "model"), ({"like": "nobody"}, "like"),
    ],
)  # fmt: skip
def test_refusals_of_ways_name_the_key(change: dict[str, object], key: str) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.inference(cs.Serving(), **change)
    assert key in (refused.value.key, "model")
    assert refused.value.remedy


def test_the_terminal_takes_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "inference", "--model", "llama-3-70b", "--weights", "fp8", "--prompt", "3000", "--prefix-hit", "0.5", "--draft",
        "llama-3-8b", "--draft-tokens", "4", "--acceptance", "0.8", "--disaggregated", "--output-spread", "0.8", "--sampling",
        "greedy",
    ]  # fmt: skip
    assert main([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["answer"]
    assert answer["prompt_copies"] >= 1
    assert answer["copies"] > answer["prompt_copies"]
    assert main(asked) == 0
    assert "of the copies work out prompts" in " ".join(capsys.readouterr().out.split())
