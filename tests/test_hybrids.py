"""State spaces, linear attention and sparse attention: counts, FLOPs and times by hand, and speeds of published runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.catalog import models
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import read_runs
from carbonscaling.model import Attention, FeedForward, ModelSpec, forward_flops, mtp_params, total_params
from carbonscaling.model.mixer import Mixer, mixer_matrices, mixer_params
from carbonscaling.perf.activations import kept_widths
from carbonscaling.perf.build import workload
from carbonscaling.perf.kernels import scan_times, stream
from carbonscaling.perf.step import step_time
from carbonscaling.study.setup import setup
from carbonscaling.validate.speed.beside import beside
from carbonscaling.validate.speed.runs import replay_file
from counted import ideal, layer
from samples import machine_of, setting, work_of

NANO = models.model("nemotron-3-nano")
ROOT = Path(__file__).parents[1]


def test_nemotron_3_nano_layer_by_layer() -> None:
    """23 Mamba-2, 6 attention and 23 expert layers of width 2688, each block under one norm, and their FLOPs."""
    d, inner, bc, heads = 2688, 64 * 64, 2 * 8 * 128, 64
    mamba = d * (2 * inner + bc + heads) + (inner + bc) * (4 + 1) + 3 * heads + inner + inner * d
    attention = d * (32 + 2 * 2) * 128 + 32 * 128 * d
    moe = d * 128 + 128 + 128 * 2 * d * 1856 + 2 * d * 3712
    assert total_params(NANO) == 23 * mamba + 6 * attention + 23 * moe + 53 * d + 2 * 131072 * d
    flops = forward_flops(NANO, 8192)
    assert flops.mixer == 2 * 23 * (d * (2 * inner + bc + heads) + inner * d)
    assert flops.scan == 23 * 7 * inner * 128  # as Megatron-LM counts it
    assert flops.scores == 6 * 4 * 32 * 128 * 8192 / 2
    assert flops.experts == 2 * 23 * 2 * d * (6 * 1856 + 3712)


def test_gated_delta_net_as_megatron_counts_it() -> None:
    """``hidden·(2qk + 2v + 2heads) + taps·(2qk + v) + 4·heads·v² + hidden·v`` multiply-adds a token and layer."""
    qk, v, d = 16 * 128, 32 * 128, 2048
    flops = forward_flops(models.model("qwen3-next-80b-a3b"))
    layers = 2 * 36 * (d * (2 * qk + 2 * v + 2 * 32) + 4 * (2 * qk + v) + 4 * 32 * 128**2 + d * v)
    assert flops.mixer + flops.scan == pytest.approx(layers, rel=1e-12)


def test_workload_of_the_mean_layer() -> None:
    w = workload(NANO, 8192)
    assert (w.n_layers, w.n_dense, w.n_moe, w.n_bare) == (52, 0, 23, 29)
    assert (w.attended, w.mixed, w.moe, w.halves) == pytest.approx((6 / 52, 23 / 52, 23 / 52, 0.5))
    assert (w.n_query, w.d_context, w.n_heads) == ((32 + 4) * 128, 32 * 128, 32)
    assert (w.n_mix, w.d_mix) == (2 * 4096 + 2 * 1024 + 64, 4096)


def test_scan_time_by_hand() -> None:
    """Products inside chunks at 1 FLOP/s, then bytes at 1 byte/s; backward two and a half times as much."""
    w = work_of("nemotron-3-nano")
    products = 2 * 128 * (1024 + 4096) + 4 * 4096 * 128
    moved = 2 * (4096 + 2048) + 7 * 4096 + 4 * 1024 + 8 * 4096 * 128 / 128
    assert scan_times(w, ideal(peak_attention=1.0, scan=1.25), 3.0)[0] == pytest.approx(1.25 * 3.0 * products)
    assert scan_times(w, ideal(bandwidth=1.0, scan=1.25), 3.0) == pytest.approx(
        (1.25 * 3.0 * 2 * moved, 2.5 * 1.25 * 3.0 * 2 * moved)
    )


def test_matrix_work_of_a_hybrid_is_its_flops() -> None:
    """On a machine of 1 FLOP/s the mean layer's products take as many seconds as they have FLOPs."""
    w = work_of("nemotron-3-nano")
    flops = forward_flops(NANO, 2048)
    products = (flops.qkv + flops.out + flops.mixer + flops.router + flops.experts) * 2048
    times = layer(w, ideal(peak=1.0, tile_m=1e-9, tile_n=1e-9))
    assert float(times.forward.matmul) * w.n_layers == pytest.approx(products, rel=1e-6)


def test_a_mixer_of_no_layers_changes_nothing() -> None:
    spec = models.model("llama-3-8b")
    none = replace(spec, mixer=Mixer("mamba2", 0, n_heads=64, d_value=64, d_key=128))
    assert total_params(none) == total_params(spec)
    machine, s = machine_of("h100-sxm"), setting(dp=8.0, n_micro=2.0)
    assert step_time(workload(none, 2048), machine, s).total == step_time(workload(spec, 2048), machine, s).total
    assert kept_widths(workload(none, 2048)) == kept_widths(workload(spec, 2048))


def test_time_of_a_hybrid_grows_slowly_with_the_sequence() -> None:
    """Per token, 64 times the sequence costs little more where one layer in nine attends to all of it."""

    def slower(model: str) -> float:
        times = [
            float(step_time(work_of(model, s), machine_of("h100-sxm"), setting()).total) / s for s in (2048, 131072)
        ]
        return times[1] / times[0]

    assert slower("nemotron-3-nano") < 0.6 * slower("qwen3-30b-a3b")


def test_keys_that_an_indexer_picks() -> None:
    """Attention sees at most top_k keys; the indexer scores all of them."""
    sparse, plain = models.model("deepseek-v3.2"), models.model("deepseek-v3")
    long, short = 131072, 2048
    assert forward_flops(sparse, short).scores > forward_flops(plain, short).scores
    assert forward_flops(sparse, long).scores < 0.3 * forward_flops(plain, long).scores
    index = 61 * 64 * 128 * long / 2
    attended = 61 * 128 * (192 + 128) * (2048 - 2048**2 / (2 * long))
    assert forward_flops(sparse, long).scores == pytest.approx(2 * (index + attended))


def test_two_kinds_of_attention() -> None:
    """MiMo-V2-Flash: nine global layers of 4 and 39 windowed ones of 8 key/value heads."""
    spec = models.model("mimo-v2-flash")
    assert [(a.n_kv_heads, n) for a, n in spec.attentions] == [(4, 9), (8, 39)]
    assert workload(spec, 4096).d_kv == pytest.approx((9 * 4 + 39 * 8) / 48 * (192 + 128))


def test_encoders_see_every_token() -> None:
    causal = Attention(n_heads=8, n_kv_heads=8, head_dim=64)
    spec = models.model("gpt2")
    both = (replace(spec, attention=replace(causal, causal=c)) for c in (True, False))
    half, full = (forward_flops(s, 1024).scores for s in both)
    assert full == 2 * half


def test_what_is_not_timed_is_refused() -> None:
    with pytest.raises(InputError, match="not modelled"):
        workload(replace(models.model("llama-3-8b"), n_streams=4), 2048)


def test_state_of_a_mixer_does_not_grow() -> None:
    m = Mixer("delta", 1, n_heads=32, d_value=128, d_key=128, n_groups=16, conv=4)
    assert m.state_size == 32 * 128 * 128 + 3 * (2 * 2048 + 4096)
    assert mixer_params(m, 2048) == 33718464


def test_speeds_of_published_hybrids() -> None:
    """Nemotron 3 on five devices, rows that no constant was fitted to, with the expert parallelism that their tables print.

    Nano within 20 %, Ultra within 30 %, Super within 25 % but on GB200, in tensor ranks (decision 0400).
    """
    rows = [
        r for r in evidence.rows("runs") if r["model"] in ("Nemotron_3_Nano", "Nemotron_3_Super", "Nemotron_3_Ultra")
    ]
    assert all(row["ep"] for row in rows)
    seen: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:  # one release of each configuration
        seen.setdefault((row["model"], row["device"], row["precision"]), row)
    found = replay_file(list(seen.values()), shipped_calibration())
    speeds = [(p, float(r["tokens_per_s_per_device"])) for p, r in zip(found.predictions, seen.values(), strict=True)]
    errors = [float(p.tokens_per_s_per_device or np.nan) / measured - 1 for p, measured in speeds]
    of = {
        name: [e for e, (model, _, _) in zip(errors, seen, strict=True) if name in model]
        for name in ("Nano", "Ultra", "Super")
    }
    assert len(of["Nano"]) == 5
    assert max(map(abs, of["Nano"])) < 0.20
    assert len(of["Ultra"]) == 2
    assert max(map(abs, of["Ultra"])) < 0.30
    assert min(of["Super"]) > -0.05
    assert max(of["Super"]) < 0.40
    near = [e for e, (model, device, _) in zip(errors, seen, strict=True) if "Super" in model and "GB200" not in device]
    assert max(near) < 0.25
    held = [float(p.low or 0) <= measured <= float(p.high or 0) for p, measured in speeds]
    assert sum(held) >= 0.8 * len(held)


def test_speeds_of_hybrids_that_no_fit_has_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Qwen3-Next, Bamba, Granite 4, Nemotron 3 and 3.5, delta rules alone; sources in the file (docs/hybrids.md)."""
    monkeypatch.chdir(tmp_path)  # models of files lie beside the file of rows
    rows = read_runs(ROOT / "examples" / "hybrid-runs.csv")
    assert all(row["source"] and row["source_path_or_section"] for row in rows)
    found = beside(rows, shipped_calibration())
    errors = {run.id: abs(run.predicted / run.measured - 1) for run in found}
    assert len(errors) == 28
    assert np.median([*errors.values()]) < 0.20
    assert sum(error < 0.25 for error in errors.values()) >= 19
    assert max(errors.values()) < 0.50
    assert max(error for name, error in errors.items() if "delta" in name) < 0.15
    assert all(run.low <= run.measured <= run.high for run in found)


@pytest.mark.parametrize(
    "mixer",
    [
        Mixer("kda", 20, n_heads=32, d_value=128, d_key=128, n_groups=32, conv=4, rank=128),
        Mixer("mamba2", 28, n_heads=128, d_value=64, d_key=128, n_groups=8, conv=4),
        Mixer("delta", 36, n_heads=32, d_value=128, d_key=128, n_groups=16, conv=4),
    ],
)
def test_projections_of_low_rank_take_the_time_of_their_products(mixer: Mixer) -> None:
    """What a mixer projects, as one width of the model's depth, has as many weights as its matrices of any rank."""
    spec = ModelSpec("one", 48, 4096, 65536, 4096, None, FeedForward(d_ff=14336, gated=True), mixer=mixer)
    work = workload(spec, 4096)
    assert work.n_mix * spec.d_model == mixer_matrices(mixer, spec.d_model)[0]
    assert work.d_mix * spec.d_model == mixer_matrices(mixer, spec.d_model)[1]


def test_a_prediction_module_that_runs_twice() -> None:
    """Twice the work, logits and activations of one; no weight of it is counted in the model."""
    spec = models.model("nemotron-3-super")
    assert (spec.n_mtp, spec.mtp_runs, spec.n_predicted) == (1, 2, 2)
    once, twice, two = replace(spec, mtp_runs=1), spec, replace(spec, n_mtp=2, mtp_runs=1)
    flops = [forward_flops(one).mtp for one in (once, twice, two)]
    assert flops[1] == flops[2] == 2 * flops[0]
    assert total_params(once) == total_params(twice)
    assert mtp_params(once) == mtp_params(twice) == mtp_params(two) / 2
    assert [workload(one, 8192).n_logits for one in (once, twice, two)] == [2, 3, 3]
    with pytest.raises(InputError, match="mtp_runs"):
        replace(spec, mtp_runs=0)


# Convolution and scan of one layer over 4 x 8,192 tokens, forward, in ms, as ai-dynamo/aiconfigurator prints them:
# linear_attention/trtllm/1.3.0rc15/mamba2_perf and linear_attention/sglang/0.5.14/gdn_perf (Qwen3.5-35B-A3B's heads).
MEASURED_SCANS = {
    ("nemotron-3-nano", "b200"): 0.234 + 1.435, ("nemotron-3-super", "b200"): 0.383 + 2.835,
    ("nemotron-3-ultra", "b200"): 0.678 + 4.984, ("qwen3-next-80b-a3b", "b200"): 0.370 + 1.928,
    ("qwen3-next-80b-a3b", "h100-sxm"): 0.460 + 3.715,
}  # fmt: skip


def test_scan_times_against_measured_kernels() -> None:
    """Each within a quarter, all of them within a tenth at the mean; the gate, not measured, moves three inner widths."""
    ratios = []
    for (name, device), ms in MEASURED_SCANS.items():
        machine = setup(
            cs.Scenario(model=name, tokens=1e12, device=device, devices=8, precision="bf16", stack="plain")
        ).plain
        mixer = models.model(name).mixer
        assert mixer is not None
        gate = float(stream(machine, 2.0 * 32768 * 3 * mixer.n_heads * mixer.d_value))
        predicted = float(scan_times(workload(models.model(name), 8192), machine, 32768.0)[0])
        ratios.append(predicted / (1e-3 * ms + gate))
    assert ratios == pytest.approx([1.0] * len(ratios), rel=0.25)
    assert float(np.exp(np.mean(np.log(ratios)))) == pytest.approx(1.0, rel=0.1)


def test_what_prepares_a_delta_rule_is_copied_and_normed() -> None:
    """Two keys of 32 and eight values of 64: copies, repeats read four times and norms, once forward and twice backward."""
    spec = replace(
        models.model("qwen3-next-80b-a3b"),
        mixer=Mixer("delta", 36, n_heads=8, d_value=64, d_key=32, n_groups=2, conv=4),
    )
    work, apart = workload(spec, 4096), {}
    plain = setup(
        cs.Scenario(model=spec, tokens=1e12, device="h100-sxm", devices=8, precision="bf16", stack="plain")
    ).plain
    for copies, norms in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)):
        software = plain.software._replace(mixer_copies=copies, mixer_norms=norms)
        apart[copies + norms] = scan_times(work, plain._replace(software=software), 100.0)
    copied = 2 * (64 + 256) + 4 * (256 - 64) + 4 * 512
    for more, elements in ((1.0, copied), (2.0, copied + 4 * 64 + 4 * 64)):
        once = float(stream(plain, 2.0 * 100 * elements))
        assert float(apart[more][0] - apart[0.0][0]) == pytest.approx(once)
        assert float(apart[more][1] - apart[0.0][1]) == pytest.approx(2 * once)


def scan_alone(name: str, device: str, tokens: int, keys: int, heads: int) -> tuple[float, float]:
    """Forward and backward seconds of a layer's scan with heads of 128, without the convolution and gate beside it."""
    spec = models.model(name)
    assert spec.mixer is not None
    own = replace(spec, mixer=replace(spec.mixer, n_heads=heads, n_groups=keys))
    machine = setup(
        cs.Scenario(model=spec, tokens=1e12, device=device, devices=8, precision="bf16", stack="plain")
    ).plain
    beside = machine.software.scan * stream(machine, 2.0 * tokens * 128 * (2 * (2 * keys + heads) + 3 * heads))
    forward, backward = scan_times(workload(own, 8192), machine, float(tokens))
    return float(forward - beside), float(backward * (1.0 - beside / forward))


KIMI_SCANS = (("h800", 8192, 96, 3.268), ("h800", 32768, 16, 2.299), ("h100-sxm", 4096, 16, 0.3493))
"""Device, tokens, heads of 128, and ms of the forward scan alone: pull requests 133 of PaddlePaddle/flash-attention (April
2026) and 438 of meta-pytorch/attention-gym (September 2026)."""


@pytest.mark.parametrize(("device", "tokens", "heads", "ms"), KIMI_SCANS)
def test_scan_of_kimi_delta_attention_against_measured_kernels(device: str, tokens: int, heads: int, ms: float) -> None:
    assert scan_alone("kimi-linear-48b-a3b", device, tokens, heads, heads)[0] == pytest.approx(1e-3 * ms, rel=0.25)


BACKWARD_SCANS = (
    ("h200", 8192, 16, 32, 1.444), ("h200", 32768, 16, 32, 5.697),
    ("gb200", 8192, 16, 32, 1.552), ("gb200", 32768, 16, 32, 6.171),
    ("gb200", 8192, 96, 96, 3.473), ("gb200", 32768, 16, 16, 2.587), ("gb200", 16384, 64, 64, 4.383),
)  # fmt: skip
"""Device, tokens, heads of keys and values, and ms of flash-linear-attention's backward of the gated delta rule: benchmarks of
QwenLM/FlashQLA (fla 0.5; 3.0 to 3.4 times as long as its forward), and the README of fla (2.5 to 2.8 times)."""


def test_backward_of_scans_against_measured_kernels() -> None:
    """Each within 35 %, all of them within a tenth at the mean."""
    ratios = [
        scan_alone("qwen3-next-80b-a3b", device, tokens, keys, heads)[1] / (1e-3 * ms)
        for device, tokens, keys, heads, ms in BACKWARD_SCANS
    ]
    assert ratios == pytest.approx([1.0] * len(ratios), rel=0.35)
    assert float(np.exp(np.mean(np.log(ratios)))) == pytest.approx(1.0, rel=0.1)


def test_utilisation_of_a_published_hybrid_run() -> None:
    """Mamba-2-Hybrid 8B on 1,024 H100 (arXiv 2406.07887; 4 layers of attention, 24 of Mamba-2, 28 blocks): 29.9 %."""
    row = next(r for r in evidence.rows("trainings") if r["model"] == "Mamba2-Hybrid 8B")
    spec = ModelSpec(
        "mamba2-hybrid-8b", 56, 4096, 256000, 4096, Attention(n_heads=32, n_kv_heads=8, head_dim=128, n_layers=4),
        FeedForward(d_ff=16384, gated=False, n_blocks=28), norms_per_layer=1,
        mixer=Mixer("mamba2", 24, n_heads=128, d_value=64, d_key=128, n_groups=8, conv=4, chunk=128, conv_bias=True),
    )  # fmt: skip
    assert total_params(spec) == pytest.approx(float(row["params_b"]) * 1e9, rel=1e-3)
    answer = cs.estimate(
        cs.Scenario(
            model=spec, tokens=3.5e12, device=row["device"], devices=int(row["n_devices"]), batch=1024, seq_len=4096,
            stack="megatron", practice="typical",
        )
    )  # fmt: skip
    assert answer.mfu == pytest.approx(float(row["mfu"]), rel=0.25)


def test_the_page_keeps_words_whole_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["validate", "--where", "model=Nemotron_3_Ultra"]) == 0
    text = capsys.readouterr().out
    assert "Nemotron_3_Ultra" in text
    assert "256 x" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_model_of_state_spaces_alone_is_searched() -> None:
    """Without heads and feed-forward blocks, tensor ranks share the mixers' width: every degree that divides it."""
    asked = cs.Scenario(model="mamba2-2.7b", tokens=1e11, devices=8, batch=64)
    every = [cs.estimate(replace(asked, layout=cs.Layout(tp=tp))) for tp in (1, 2, 4, 8)]
    found = cs.estimate(asked)
    assert isinstance(found, cs.Estimate)
    assert found.duration_s == min(one.duration_s for one in every if isinstance(one, cs.Estimate))
