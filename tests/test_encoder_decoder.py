"""Encoder-decoders: parameters, FLOPs and bytes against independent counts, speed against published runs."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.arrays import stacked
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.catalog.models import load_model, model, model_names, model_spec
from carbonscaling.catalog.models.write import model_toml
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import parse_row, read_runs
from carbonscaling.model import ModelSpec, forward_flops, from_config, total_params, training_flops_per_token
from carbonscaling.model.params import encoder_params, parameter_count
from carbonscaling.model.spec import Attention, Encoder, Experts, FeedForward
from carbonscaling.perf import training
from carbonscaling.perf.build import workload
from carbonscaling.perf.layer import layer_times
from carbonscaling.perf.memory import layer_kept, memory
from carbonscaling.perf.step import layer_key, step_time
from carbonscaling.validate.shape import shape
from carbonscaling.validate.speed.beside import beside
from samples import machine_of, setting

ROOT = Path(__file__).parent.parent

# Released models with the parameters of their weights; positions that are computed once (PEGASUS, M2M100, Marian) left out. Of
# ByT5 Large, XL and XXL three digits were printed: 1.23, 3.74 and 12.9 billion.
RELEASED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "hf_seq2seq.json").read_text(encoding="utf-8")
)
SHIPPED = [name for name in model_names() if model(name).encoder is not None]


@pytest.mark.parametrize("name", RELEASED)
def test_released_models_have_their_parameters(name: str) -> None:
    spec = from_config(RELEASED[name]["config"], name)
    assert total_params(spec) == RELEASED[name]["count"] == sum(_tensors(RELEASED[name]["config"]))


def test_the_catalogue_holds_the_same_models() -> None:
    assert set(SHIPPED) == set(RELEASED) - {"blenderbot-400m", "blenderbot-90m", "opus-mt-en-de"}
    for name in SHIPPED:
        read, shipped = from_config(RELEASED[name]["config"], name), model(name)
        read = replace(read, source=shipped.source, seq_len_why=shipped.seq_len_why, assumed=(), notes="")
        assert read == shipped


def _tensors(c: dict[str, Any]) -> list[int]:
    """Elements of every tensor of a released model, written out as its modules make them."""
    return _t5(c) if "num_heads" in c else _bart(c)


def _t5(c: dict[str, Any]) -> list[int]:
    d, inner, ff = c["d_model"], c["num_heads"] * c["d_kv"], c["d_ff"]
    kind = c["model_type"]
    gated = c.get("feed_forward_proj", "relu" if kind == "t5" else "gated-gelu").startswith("gated")
    attention, block = [d * inner] * 3 + [inner * d], [d * ff] * (1 + gated) + [ff * d]
    n, m = c["num_layers"], c.get("num_decoder_layers", c["num_layers"])
    found = [c["vocab_size"] * d] * (1 + (not c.get("tie_word_embeddings", kind != "mt5")))
    for _ in range(n):
        found += [*attention, d, *block, d]
    for _ in range(m):
        found += [*attention, d, *attention, d, *block, d]
    tables = n + m if kind == "umt5" else 2
    return found + [d] * 2 + [32 * c["num_heads"]] * tables


def _bart(c: dict[str, Any]) -> list[int]:
    d, ff, kind = c["d_model"], c["encoder_ffn_dim"], c["model_type"]
    norm, attention, block = [d, d], [d * d, d] * 4, [d * ff, ff, ff * d, d]
    found = [c["vocab_size"] * d]
    if kind in ("bart", "mbart", "plbart"):  # two more positions than tokens
        found += [(c["max_position_embeddings"] + 2) * d] * 2
    elif kind.startswith("blenderbot"):
        found += [c["max_position_embeddings"] * d] * 2
    if kind in ("bart", "mbart", "plbart", "blenderbot-small"):
        found += norm * 2
    if kind in ("mbart", "pegasus", "m2m_100", "blenderbot"):
        found += norm * 2
    for _ in range(c["encoder_layers"]):
        found += [*attention, *norm, *block, *norm]
    for _ in range(c["decoder_layers"]):
        found += [*attention, *norm, *attention, *norm, *block, *norm]
    return found


SMALL: list[dict[str, Any]] = [
    dict(model_type="umt5", d_model=96, num_layers=3, num_decoder_layers=5, num_heads=4, d_kv=32, d_ff=200, vocab_size=999),
    dict(model_type="t5", d_model=96, num_layers=5, num_decoder_layers=2, num_heads=4, d_kv=40, d_ff=200, vocab_size=999,
         feed_forward_proj="gated-gelu", tie_word_embeddings=False),
    dict(model_type="plbart", d_model=96, encoder_layers=4, decoder_layers=7, encoder_attention_heads=6, encoder_ffn_dim=128,
         decoder_attention_heads=6, decoder_ffn_dim=128, vocab_size=777, max_position_embeddings=64),
]  # fmt: skip


@pytest.mark.parametrize("config", SMALL, ids=lambda c: c["model_type"])
def test_unequal_stacks_are_counted_tensor_by_tensor(config: dict[str, Any]) -> None:
    spec = from_config(config)
    assert total_params(spec) == sum(_tensors(config))
    count = parameter_count(spec)
    shared = count.embedding + count.head + count.extra
    layers = replace(spec, n_layers=1)
    a_decoder_layer = total_params(replace(spec, n_layers=2)) - total_params(layers)
    assert encoder_params(spec) == total_params(layers) - shared - a_decoder_layer - spec.n_positions * 96 - (
        (spec.final_norm + spec.embedding_norm) * 96 * (1 + (spec.norm == "layernorm"))
    )


def test_published_counts_of_each_stack() -> None:
    """T5 1.1 XL and XXL: the encoder with the embedding, and the rest, as listed; UMT5 XXL, with biases in every layer."""
    for name, ahead, behind in (
        ("t5-v1.1-xl", 1_223_527_424, 1_626_229_760),
        ("t5-v1.1-xxl", 4_762_310_656, 6_373_021_696),
    ):
        spec = model(name)
        found = encoder_params(spec) + parameter_count(spec).embedding + spec.extra_params // 2
        assert (found, total_params(spec) - found) == (ahead, behind)
    umt5 = from_config(RELEASED["mt5-xxl"]["config"] | {"model_type": "umt5", "vocab_size": 256384})
    assert encoder_params(umt5) + parameter_count(umt5).embedding + umt5.extra_params // 2 == 5_680_910_336


def _multiplications(spec: ModelSpec, inputs: float, targets: float, causal: bool) -> float:
    """FLOPs of a sequence's forward pass, product by product (rows, inner, columns)."""
    a, e = spec.attention, spec.encoder
    assert a is not None
    assert e is not None
    d, q, kv, ff = spec.d_model, a.n_heads * a.head_dim, 2 * a.n_kv_heads * a.head_dim, spec.ffn.d_ff
    products: list[tuple[float, float, float]] = []

    def block(queries: float, keys: float, seen: float) -> None:
        products.extend(((queries, d, q), (keys, d, kv), (queries, q, d)))
        products.extend(((queries * a.n_heads, a.head_dim, seen), (queries * a.n_heads, seen, a.head_dim)))

    for _ in range(e.n_layers):
        block(inputs, inputs, inputs)
        products.extend([(inputs, d, ff)] * spec.ffn.n_matrices)
    for _ in range(spec.n_layers):
        block(targets, targets, targets / 2 if causal else targets)
        block(targets, inputs, inputs)
        products.extend([(targets, d, ff)] * spec.ffn.n_matrices)
    products.append((targets, d, spec.vocab_size))
    return sum(2.0 * m * k * n for m, k, n in products)


def _tiny(n_ahead: int = 3, n_layers: int = 5, targets: int = 96, **more: Any) -> ModelSpec:
    return ModelSpec(
        name="tiny", n_layers=n_layers, d_model=512, vocab_size=8000, seq_len=512, attention=Attention(8, 4, 64),
        ffn=FeedForward(1024, gated=True), encoder=Encoder(n_ahead, targets), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    "spec", [model("t5-11b"), model("bart-large"), model("byt5-small"), _tiny()], ids=lambda s: s.name
)
@pytest.mark.parametrize("longer", [1, 2])
def test_flops_are_every_product_of_a_sequence(spec: ModelSpec, longer: int) -> None:
    """A token is one of the encoder's; at another length the decoder's are in proportion."""
    assert spec.encoder is not None
    s, t = spec.seq_len * longer, spec.encoder.target_len * longer
    for causal in (True, False):
        assert forward_flops(spec, s, causal).total * s == pytest.approx(
            _multiplications(spec, s, t, causal), rel=1e-12
        )
    ahead, rest = encoder_params(spec), total_params(spec) - encoder_params(spec)
    assert training_flops_per_token(spec, s, "6N") * s == pytest.approx(6.0 * (ahead * s + rest * t), rel=1e-12)


def test_t5_takes_the_work_that_was_published() -> None:
    """T5-11B on a trillion tokens.

    4.05e22 FLOP (Patterson et al. 2021, arXiv 2104.10350, table 4), and 3.3e22 without attention and with half of the
    parameters a token (Brown et al. 2020, arXiv 2005.14165, table D.1).
    """
    spec = model("t5-11b")
    assert 1e12 * training_flops_per_token(spec) == pytest.approx(4.05e22, rel=0.1)
    assert 1e12 * training_flops_per_token(spec, None, "6N") == pytest.approx(3.3e22, rel=0.15)


@pytest.mark.parametrize("spec", [model("t5-v1.1-xl"), model("byt5-small"), model("mbart-large-cc25"), _tiny()])
def test_the_mean_layer_does_all_the_work(spec: ModelSpec) -> None:
    """Tokens, widths and shares of the workload multiply out to every part of the FLOPs, and to the parameters."""
    work, flops, count = workload(spec, spec.seq_len), forward_flops(spec), parameter_count(spec)
    assert spec.encoder is not None
    tokens = work.seq_len * work.n_layers / spec.seq_len
    assert tokens == pytest.approx(spec.encoder.n_layers + spec.n_layers * spec.encoder.target_len / spec.seq_len)
    assert 2 * tokens * work.attended * work.k_query * work.n_query == pytest.approx(flops.qkv)
    assert 2 * tokens * work.attended * work.d_context * work.d_model == pytest.approx(flops.out)
    assert 2 * tokens * work.attended * work.span * (work.d_query + work.d_context) == pytest.approx(flops.scores)
    assert 2 * tokens * work.plain * work.matrices * work.d_model * work.d_ff == pytest.approx(flops.ffn)
    assert 2 * work.seq_len / spec.seq_len * work.n_logits * work.d_model * work.vocab_size == pytest.approx(
        flops.logits
    )
    held = work.n_layers * (work.p_attention + work.p_dense)
    assert held == pytest.approx(count.attention + count.norms + count.ffn)
    assert 2 * (work.halves + work.thin) * work.n_layers == 2 * spec.encoder.n_layers + 3 * spec.n_layers


def _kept_by_hand(spec: ModelSpec) -> float:
    """Bytes of activations of a sequence with fused attention, block by block (Korthikanti et al. 2022, section 4)."""
    a, e = spec.attention, spec.encoder
    assert a is not None
    assert e is not None
    d, q, kv, s, t = spec.d_model, a.n_heads * a.head_dim, 2 * a.n_kv_heads * a.head_dim, spec.seq_len, e.target_len
    ff = 2 * d + spec.ffn.n_matrices * spec.ffn.d_ff

    def attention(queries: float, keys: float) -> float:
        return queries * (2 * d + 2 * q) + keys * kv

    ahead = e.n_layers * (attention(s, s) + s * ff)
    return 2.0 * (ahead + spec.n_layers * (attention(t, t) + attention(t, s) + t * ff))


@pytest.mark.parametrize("spec", [model("t5-v1.1-large"), model("bart-base"), _tiny()], ids=lambda s: s.name)
def test_kept_activations_block_by_block(spec: ModelSpec) -> None:
    work, machine = workload(spec, spec.seq_len), machine_of("a100-80")
    assert work.n_layers * layer_kept(work, machine, setting()).whole == pytest.approx(_kept_by_hand(spec))


def test_written_scores_take_the_pairs_of_every_block() -> None:
    """Two bytes a score, three of dropout: of the encoder, of the decoder, and of one against the other."""
    spec, plain = _tiny(), machine_of("a100-80")
    work = workload(spec, 512)
    explicit = plain.changed(flash=0.0)
    more = layer_kept(work, explicit, setting()).whole - layer_kept(work, plain, setting()).whole
    pairs = 3 * 512**2 + 5 * (96**2 + 96 * 512)
    masks = 2 * work.seq_len * work.d_model  # dropout of both residual sums
    assert work.n_layers * (more - masks) == pytest.approx(5 * 8 * pairs)


def test_a_short_decoder_leaves_the_encoder() -> None:
    """One layer and one token behind 24 layers: the time of 24 layers that see every token, keys and values for one more."""
    ahead = replace(_tiny(24, 1, 1), d_model=2048, attention=Attention(32, 32, 64), ffn=FeedForward(5120, True))
    alone = replace(ahead, encoder=None, n_layers=24, attention=Attention(32, 32, 64, causal=False))
    machine, s = machine_of("a100-80"), setting(micro_batch=16.0)
    both, one = (workload(spec, 512) for spec in (ahead, alone))
    times = [layer_times(work, machine, layer_key(s)) for work in (both, one)]
    passes = [(t.forward.total + t.backward.total) * w.n_layers for t, w in zip(times, (both, one), strict=True)]
    assert 1.0 < passes[0] / passes[1] < 1.03


def test_with_as_many_tokens_in_both_stacks_blocks_count_as_they_are() -> None:
    work = workload(_tiny(12, 12, 512), 512)
    assert (work.halves, work.thin, work.keyed, work.n_logits, work.seq_len) == (1.25, 0.0, 1.0, 1.0, 512.0)
    assert (work.reduces, work.attended, work.crossed) == (2.5, 1.5, 0.5)


def test_more_of_either_stack_takes_longer_and_more_memory() -> None:
    machine, s = machine_of("a100-80"), setting(micro_batch=8.0, n_micro=4.0)
    base = workload(_tiny(), 512)
    grown = (_tiny(n_ahead=4), _tiny(n_layers=6), _tiny(targets=128))
    for spec in grown:
        more = workload(spec, 512)
        assert step_time(more, machine, s).total > step_time(base, machine, s).total
        assert memory(more, machine, s).total > memory(base, machine, s).total
        assert more.model_flops > base.model_flops


@pytest.mark.parametrize("spec", [model("t5-v1.1-xl"), model("byt5-small"), _tiny()], ids=lambda s: s.name)
def test_adapters_matrix_by_matrix(spec: ModelSpec) -> None:
    """Rank 8 beside every matrix, queries and keys with values of a cross-attention apart; 4 FLOPs a frozen weight, not 6."""
    a, e, rank = spec.attention, spec.encoder, 8
    assert a is not None
    assert e is not None
    d, q, kv = spec.d_model, a.n_heads * a.head_dim, 2 * a.n_kv_heads * a.head_dim
    own, block = d + q + kv + q + d, spec.ffn.n_matrices * (d + spec.ffn.d_ff)
    adapters = rank * (e.n_layers * (own + block) + spec.n_layers * (own + own + d + block))
    work = training.adapted(workload(spec, spec.seq_len), rank)
    held = work.n_layers * (work.p_attention + work.p_dense)
    assert (1.0 - work.frozen) * held == pytest.approx(adapters)
    flops = forward_flops(spec)
    products = flops.total - flops.scores - flops.logits
    frozen = 3.0 * flops.total - (1.0 - adapters / held) * products - flops.logits
    assert work.model_flops == pytest.approx(frozen)


def test_scalar_is_array() -> None:
    work, machine = workload(model("t5-v1.1-xl"), 512), machine_of("a100-80").changed(flash=0.0)
    options = itertools.product((1.0, 2.0), (1.0, 8.0), (0.0, 2.0))
    one = [setting(tp=t, dp=8.0, zero=1.0, micro_batch=b, recompute=r) for t, b, r in options]
    many = stacked(one)
    steps = [float(step_time(work, machine, s).total) for s in one]
    assert np.array_equal(step_time(work, machine, many).total, steps)
    assert np.array_equal(memory(work, machine, many).total, [float(memory(work, machine, s).total) for s in one])


def test_published_speeds_at_first_sight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """T5 and mT5 by NVIDIA's NeMo, T5 by nanoT5 on one device; sources in the file (decision 0460)."""
    monkeypatch.chdir(tmp_path)  # models of files lie beside the file of rows
    rows = read_runs(ROOT / "examples" / "encoder-decoder-runs.csv")
    assert all(row["source"] and row["source_path_or_section"] for row in rows)
    found = {run.id: run for run in beside(rows, shipped_calibration())}
    assert len(found) == len(rows) == 9
    for name, run in found.items():
        assert abs(run.predicted / run.measured - 1) < (0.6 if name.startswith("mt5") or "eager" in name else 0.15), (
            name
        )
    outside = {name for name, run in found.items() if not run.low <= run.measured <= run.high}
    assert outside == {"mt5-170m", "mt5-390m", "mt5-3b"}  # a vocabulary of 250,112 on small models


def test_a_row_of_another_length_keeps_the_share_of_the_decoder() -> None:
    row = {"id": "x", "model": "t5-11b", "device": "A100-80", "seq_len": "1024"}
    encoder = shape(parse_row(row), []).encoder
    assert encoder is not None
    assert (encoder.n_layers, encoder.target_len) == (24, 228)


BASE: dict[str, Any] = dict(model="t5-v1.1-xl", tokens=1e11, device="a100-80", devices=16, batch=512)
REFUSED: list[tuple[dict[str, Any], str]] = [
    (dict(train="frozen-layers", frozen_layers=2), "trained whole or with adapters"),
    (dict(sample_len=128), "trained whole or with adapters"),
    (dict(teacher="llama-3-8b"), "trained whole or with adapters"),
    (dict(model="llama-3-8b", teacher="t5-11b"), "an encoder-decoder as a teacher"),
    (dict(law="besiroglu_2024"), "scaling laws say the loss of decoders"),
    (dict(practice="typical", layout=cs.Layout(pp=2)), "a pipeline through an encoder and a decoder"),
    (dict(practice="typical", layout=cs.Layout(cp=2)), "context parallelism through an encoder and a decoder"),
    (dict(model="bart-large", seq_len=4096), "learned positions"),
]


@pytest.mark.parametrize(("more", "said"), REFUSED)
def test_what_is_not_modelled_is_refused_in_one_sentence(more: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        cs.estimate(**(BASE | more))


def test_a_search_splits_neither_stack() -> None:
    found = cs.plan(model="t5-11b", tokens=1e11, device="a100-80", max_devices=64, max_days=60.0)
    assert isinstance(found, cs.Estimate)
    assert (found.setting.pp, found.setting.cp) == (1, 1)
    impossible = cs.estimate(**(BASE | dict(layout=cs.Layout(pp=2))))
    assert isinstance(impossible, cs.Infeasible)
    assert "an encoder-decoder" in impossible.reason


def test_serving_and_launch_files_are_for_decoders() -> None:
    with pytest.raises(InputError, match="serving an encoder-decoder"):
        cs.inference(model="t5-11b", device="h100-sxm", devices=8)
    from carbonscaling.exchange.emit import emit

    answer = cs.estimate(**BASE)
    with pytest.raises(InputError, match="trains a decoder"):
        emit(answer, "megatron")


def test_a_bias_on_the_scores_asks_for_written_attention() -> None:
    """T5's kernels write every score, unless somebody names one that takes a bias; BART's are fused."""
    t5, bart = cs.estimate(**BASE), cs.estimate(**(BASE | dict(model="bart-large")))
    fused = cs.estimate(**(BASE | dict(flash=True)))
    assert [one.resolved.machine.software.flash for one in (t5, bart, fused)] == [0.0, 1.0, 1.0]
    said = [any("explicit attention" in note for note in one.resolved.notes) for one in (t5, bart, fused)]
    assert said == [True, False, False]
    assert isinstance(t5, cs.Estimate)
    assert isinstance(fused, cs.Estimate)
    assert t5.tokens_per_s_per_device < fused.tokens_per_s_per_device


def test_adapters_take_less_memory_and_time() -> None:
    whole, lora = (cs.estimate(**(BASE | dict(train=train))) for train in ("full", "lora"))
    assert isinstance(whole, cs.Estimate)
    assert isinstance(lora, cs.Estimate)
    assert lora.tokens_per_s_per_device > whole.tokens_per_s_per_device
    assert lora.summary()["training_flops"] < 0.75 * whole.summary()["training_flops"]


def test_lengths_of_pre_training_stand_in_the_answer() -> None:
    spec = from_config(RELEASED["t5-v1.1-xxl"]["config"])
    assert (spec.seq_len, spec.encoder and spec.encoder.target_len) == (512, 114)
    assert "114 in the decoder" in spec.seq_len_why
    assert from_config(RELEASED["byt5-small"]["config"]).encoder == Encoder(12, 189, score_bias=True)


def test_a_model_is_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(model_toml(model("t5-11b")), encoding="utf-8")
    assert replace(load_model(path), source="model_t5") == model("t5-11b")
    assert "encoder = { n_layers = 24, target_len = 114, score_bias = true }" in path.read_text(encoding="utf-8")


NAMES = {
    "t5-11b": "t5-11b", "google/flan-t5-xxl": "t5-v1.1-xxl", "google/t5-v1_1-xl": "t5-v1.1-xl", "google/mt5-xxl": "mt5-xxl",
    "facebook/bart-large": "bart-large", "google-t5/t5-base": "t5-base", "facebook/nllb-200-3.3B": "nllb-200-3.3b",
}  # fmt: skip


@pytest.mark.parametrize("typed", NAMES)
def test_names_that_people_type(typed: str) -> None:
    assert model_spec(typed).name == NAMES[typed]


FAULTY: list[tuple[dict[str, Any], str]] = [
    (dict(encoder=Encoder(2, 8), experts=Experts(4, 1, 64)), "plain decoder"),
    (dict(encoder=Encoder(2, 8), attention=Attention(4, 4, 16, causal=False)), "plain decoder"),
    (dict(encoder=Encoder(2, 8), attention=Attention(4, 4, 16, window=8, n_window_layers=1)), "plain decoder"),
    (dict(encoder=Encoder(2, 8), n_mtp=1), "plain decoder"),
]


@pytest.mark.parametrize(("more", "said"), FAULTY)
def test_encoders_that_are_not_counted(more: dict[str, Any], said: str) -> None:
    plain: dict[str, Any] = dict(
        name="m",
        n_layers=2,
        d_model=64,
        vocab_size=100,
        seq_len=32,
        attention=Attention(4, 4, 16),
        ffn=FeedForward(128, False),
    )
    with pytest.raises(InputError, match=said):
        ModelSpec(**(plain | more))


@pytest.mark.parametrize("counts", [(0, 8), (2, 0), (-1, 8)])
def test_an_encoder_has_layers_and_tokens(counts: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="whole number"):
        Encoder(*counts)


def test_files_that_differ_between_the_stacks_are_refused() -> None:
    bart = RELEASED["bart-base"]["config"]
    marian = RELEASED["opus-mt-en-de"]["config"]
    for key, value in dict(decoder_vocab_size=100, share_encoder_decoder_embeddings=False).items():
        with pytest.raises(InputError) as refused:
            from_config(marian | {key: value})
        assert refused.value.key == key
    for key, value in dict(encoder_ffn_dim=1024, encoder_attention_heads=6, is_encoder_decoder=False).items():
        with pytest.raises(InputError) as refused:
            from_config(bart | {key: value})
        assert refused.value.key == key
    for kind in ("whisper", "switch_transformers", "nllb-moe", "longt5"):
        with pytest.raises(InputError, match="an encoder-decoder of another kind, which is not counted"):
            from_config({"model_type": kind})
