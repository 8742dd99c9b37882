"""Vision and audio towers: parameters of published models, FLOPs by hand, and what training or running them costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.catalog.models import load_model
from carbonscaling.catalog.models.write import model_toml
from carbonscaling.errors import InputError
from carbonscaling.model import from_config, total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.model.tower import tower_flops, tower_kept, tower_params
from carbonscaling.perf.memory import state_bytes, work_bytes
from carbonscaling.study.trained import training_work
from counted import close, ideal, layer
from samples import machine_of, setting

QWEN3 = {
    "depth": 27, "hidden_size": 1152, "in_channels": 3, "intermediate_size": 4304, "num_heads": 16, "patch_size": 16,
    "num_position_embeddings": 2304, "spatial_merge_size": 2, "temporal_patch_size": 2, "model_type": "qwen3_vl",
    "deepstack_visual_indexes": [8, 16, 24],
}  # fmt: skip
QWEN3_SMALL = QWEN3 | {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "deepstack_visual_indexes": [5, 11, 17],
}
QWEN25 = {
    "model_type": "qwen2_5_vl", "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "in_chans": 3, "patch_size": 14,
    "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31],
}  # fmt: skip
QWEN2 = {
    "model_type": "qwen2_vl", "depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "in_chans": 3, "patch_size": 14,
    "spatial_merge_size": 2, "temporal_patch_size": 2,
}  # fmt: skip
CLIP = {
    "model_type": "clip_vision_model", "hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
    "num_hidden_layers": 24, "patch_size": 14,
}  # fmt: skip
SIGLIP = CLIP | {
    "model_type": "siglip_vision_model", "hidden_size": 1152, "image_size": 896, "intermediate_size": 4304,
    "num_hidden_layers": 27, "vision_use_head": False,
}  # fmt: skip
PIXTRAL = CLIP | {"model_type": "pixtral", "image_size": 1540}


def _file(kind: str, vision: dict[str, Any], text: dict[str, Any], **own: Any) -> dict[str, Any]:
    return {"model_type": kind, "vision_config": vision, "text_config": text, **own}


def _text(kind: str, d: int, d_ff: int, layers: int, heads: int, kv: int, vocab: int, **own: Any) -> dict[str, Any]:
    return {
        "model_type": kind, "hidden_size": d, "intermediate_size": d_ff, "num_hidden_layers": layers, "vocab_size": vocab,
        "num_attention_heads": heads, "num_key_value_heads": kv, "max_position_embeddings": 8192, **own,
    }  # fmt: skip


QWEN3_8B = _text("qwen3_vl_text", 4096, 12288, 36, 32, 8, 151936, head_dim=128)
QWEN3_4B = _text("qwen3_vl_text", 2560, 9728, 36, 32, 8, 151936, head_dim=128, tie_word_embeddings=True)
QWEN3_2B = _text("qwen3_vl_text", 2048, 6144, 28, 16, 8, 151936, head_dim=128, tie_word_embeddings=True)
QWEN2_7B = _text("qwen2_5_vl_text", 3584, 18944, 28, 28, 4, 152064, tie_word_embeddings=False)
# Parameters of the whole models, as their repositories state: those of the files of weights.
PUBLISHED = {
    "Qwen3-VL-8B": (8_767_123_696, _file("qwen3_vl", QWEN3, QWEN3_8B, tie_word_embeddings=False)),
    "Qwen3-VL-4B": (4_437_815_808, _file("qwen3_vl", QWEN3_SMALL, QWEN3_4B, tie_word_embeddings=True)),
    "Qwen3-VL-2B": (2_127_532_032, _file("qwen3_vl", QWEN3_SMALL, QWEN3_2B, tie_word_embeddings=True)),
    "Qwen2.5-VL-7B": (8_292_166_656, _file("qwen2_5_vl", QWEN25, QWEN2_7B)),
    "Qwen2-VL-7B": (8_291_375_616, _file("qwen2_vl", QWEN2, QWEN2_7B | {"model_type": "qwen2_vl_text"})),
    "LLaVA-1.5-7B": (7_063_427_072, _file("llava", CLIP, _text("llama", 4096, 11008, 32, 32, 32, 32064))),
    "Mistral-Small-3.1-24B": (
        24_011_361_280,
        _file(
            "mistral3", PIXTRAL, _text("mistral", 5120, 32768, 40, 32, 8, 131072, head_dim=128), spatial_merge_size=2,
            multimodal_projector_bias=False,
        ),
    ),
    "Gemma-3-27B": (
        27_432_406_640,
        _file(
            "gemma3", SIGLIP, _text("gemma3_text", 5376, 21504, 62, 32, 16, 262208, head_dim=128, sliding_window=1024),
            mm_tokens_per_image=256,
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_published_models(name: str) -> None:
    published, config = PUBLISHED[name]
    spec = from_config(config)
    assert total_params(spec) + sum(map(tower_params, spec.towers.values())) == published
    assert any("vision tower" in said and "not part of what is trained" in said for said in spec.said)
    assert replace(spec, vision=None, notes="") == replace(
        from_config({k: v for k, v in config.items() if k != "vision_config"}), notes=""
    )


def _model(name: str) -> ModelSpec:
    return from_config(PUBLISHED[name][1], name)


def test_flops_of_an_image_by_hand() -> None:
    """CLIP's 576 patches: projections, scores of every pair, feed-forward blocks, stem; LLaVA's two matrices for each."""
    vision = _model("LLaVA-1.5-7B").vision
    assert vision is not None
    each = 24 * (4 * 1024**2 + 2 * 1024 * 4096 + 2 * 576 * 1024) + 3 * 14 * 14 * 1024 + 1024 * 4096 + 4096 * 4096
    assert tower_flops(vision) == 2 * 576 * each
    windowed = _model("Qwen2.5-VL-7B").vision
    assert windowed is not None
    far, near = (tower_flops(replace(windowed, window=w), 4096) for w in (None, 64))
    assert far - near == 2 * 2 * 4096 * 28 * (4096 - 64) * 1280


@pytest.mark.parametrize("state", ["frozen", "trained"])
def test_towers_by_hand(state: str) -> None:
    """Half of a sequence of 4,096 tokens comes from images: 2,048 tokens of four patches each, 2,304 patches an image."""
    spec = _model("Qwen3-VL-8B")
    s = cs.Scenario(model=spec, towers=state, tower_tokens=2048)  # type: ignore[arg-type]
    alone, beside = (
        training_work(replace(s, towers="none", tower_tokens=None), spec, 4096),
        training_work(s, spec, 4096),
    )
    vision = spec.vision
    assert vision is not None
    flops = tower_flops(vision) * (2048 * 4 / 2304)  # of a sequence
    trained = state == "trained"
    close((beside.model_flops - alone.model_flops) * 4096, flops * (3 if trained else 1))
    machine = ideal(peak=1.0)
    a, b = layer(alone, machine), layer(beside, machine)
    close((b.forward.total - a.forward.total) * 36, flops)
    close((b.backward.total - a.backward.total) * 36, 2 * flops if trained else 0.0)
    h100 = machine_of("h100-sxm")
    states, more = state_bytes(alone, h100, setting()), state_bytes(beside, h100, setting())
    close(more.weights - states.weights, 2 * tower_params(vision))
    close(more.optimizer - states.optimizer, 12 * trained * tower_params(vision))
    kept = work_bytes(beside, h100, setting()).activations - work_bytes(alone, h100, setting()).activations
    close(kept, 2048 * 4 * tower_kept(vision) if trained else 0.0)


def test_a_tower_alone_is_trained() -> None:
    """The language model keeps no gradients and no states, and makes input gradients for the tower."""
    spec = _model("Qwen3-VL-8B")
    s = cs.Scenario(model=spec, train="frozen-language", towers="trained", tower_tokens=2048)
    work = training_work(s, spec, 4096)
    assert spec.vision is not None
    found = state_bytes(work, machine_of("h100-sxm"), setting())
    close(found.optimizer, 12 * tower_params(spec.vision))
    times = layer(work._replace(beside_forward=0.0, beside_backward=0.0), ideal(peak=1.0, tile_m=1e-9, tile_n=1e-9))
    assert float(times.weight) == 0.0
    close(times.backward.matmul, times.forward.matmul)


def test_an_answer_says_what_the_tower_does(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(PUBLISHED["Qwen3-VL-4B"][1]), encoding="utf-8")
    s = cs.Scenario(model=str(file), tokens=1e9, seq_len=4096, device="h100-sxm", devices=8, batch=64)
    plain = cs.estimate(s)
    assert any("not part of what is trained" in note for note in plain.resolved.notes)
    asked = cs.estimate(replace(s, towers="trained", tower_tokens=1024))
    assert any("(415M parameters) trained, 1,024 tokens" in note for note in asked.resolved.notes)
    assert not any("not part of" in note for note in asked.resolved.notes)
    assert asked.resolved.work.beside_trained == 1.0
    with pytest.raises(InputError, match="towers"):
        cs.emit(asked, "megatron")


@pytest.mark.parametrize(
    ("model", "said", "key"),
    [
        ("llama-3-8b", {"towers": "frozen", "tower_tokens": 64}, "towers"),
        ("llama-3-8b", {"towers": "frozen"}, "tower_tokens"),
        ("llama-3-8b", {"tower_tokens": 64}, "tower_tokens"),
        ("llama-3-8b", {"train": "frozen-language"}, "towers"),
    ],
)
def test_what_makes_no_sense_is_refused(model: str, said: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as error:
        cs.estimate(cs.Scenario(model=model, tokens=1e9, device="h100-sxm", devices=8, batch=64, **said))
    assert error.value.key == key


@pytest.mark.parametrize("key", ["depth", "hidden_size", "patch_size", "spatial_merge_size", "num_position_embeddings"])
@pytest.mark.parametrize("value", [None, "wide", -1])
def test_a_size_that_is_not_there_is_not_guessed(key: str, value: Any) -> None:
    vision = {k: v for k, v in QWEN3.items() if k != key} if value is None else QWEN3 | {key: value}
    spec = from_config(_file("qwen3_vl", vision, QWEN3_8B, tie_word_embeddings=False))
    assert spec.towers == {}
    assert "the vision tower is not counted" in spec.notes
    assert total_params(spec) == total_params(_model("Qwen3-VL-8B"))


def test_a_tower_in_a_model_file(tmp_path: Path) -> None:
    spec = _model("Gemma-3-27B")
    file = tmp_path / "own.toml"
    file.write_text(model_toml(spec), encoding="utf-8")
    assert load_model(file).vision == spec.vision


def test_an_audio_tower_by_hand() -> None:
    """Qwen2-Audio hears with Whisper large v3's encoder (arXiv 2212.04356, table 1: 32 layers of width 1280; keys without a
    bias), halves its 1,500 frames and projects them by one matrix."""
    text = _text("qwen2", 4096, 11008, 32, 32, 32, 156032)
    audio = {
        "model_type": "qwen2_audio_encoder", "encoder_layers": 32, "d_model": 1280, "encoder_ffn_dim": 5120,
        "num_mel_bins": 128, "max_source_positions": 1500,
    }  # fmt: skip
    spec = from_config({"model_type": "qwen2_audio", "text_config": text, "audio_config": audio})
    d, ff = 1280, 5120
    one = 4 * d * d + 3 * d + 2 * d * ff + ff + d + 4 * d
    stem = 3 * 128 * d + d + 3 * d * d + d
    assert spec.audio is not None
    assert tower_params(spec.audio) == 32 * one + stem + 1500 * d + 2 * d + d * 4096 + 4096
    assert (spec.audio.n_patches, spec.audio.merge) == (1500, 2)
    assert "the audio tower" in spec.notes
