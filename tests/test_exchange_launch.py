"""Launch files: plans written for other software and read back, existing runs read, what is not understood."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.catalog.models import model, model_names
from carbonscaling.exchange.answer import estimate_launch
from carbonscaling.exchange.emit import FORMATS
from carbonscaling.exchange.flavors import flavors
from carbonscaling.exchange.launch import Launch
from carbonscaling.exchange.megatron.architecture import unsaid
from carbonscaling.exchange.megatron.arguments import behind_script, trainer
from carbonscaling.exchange.release import known_names, releases
from carbonscaling.exchange.shell import UNKNOWN, read_script
from carbonscaling.exchange.stages import dealt
from carbonscaling.perf.pipeline import fullest_stage

DATA = Path(__file__).parent / "data" / "launch"
SUFFIX = {"megatron": "sh", "megatron-bridge": "yaml", "torchtitan": "toml", "deepspeed": "json", "maxtext": "yml"}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("A=${A:-3}; run $A \"$A $A\" '$A'", ["run", "3", "3 3", "$A"]),
        ("run $((2 * 3 + 8 / 4)) $(nproc)", ["run", "8", UNKNOWN]),
        ('x=(a "b c"); x+=(d); run "${x[@]}" ${#x[@]} ${x[1]}', ["run", "a", "b c", "d", "3", "b", "c"]),
        ('run "$@" ${x[@]} "${y[@]}" end', ["run", "end"]),
        ("f() { run $2 $1; }; f a b", ["run", "b", "a"]),
        ("if [[ 8 -gt 4 && a == a* ]]; then run yes; else run no; fi", ["run", "yes"]),
        ("if [ -f data ]; then run yes; else run no; fi", ["run", "no"]),
        ("case fp8 in bf16|fp16) run half ;; fp*) run eighth ;; esac", ["run", "eighth"]),
        ("[ 1 -eq 2 ] && run and || run or", ["run", "or"]),
        ("run a \\\n  b # c \\\n#d", ["run", "a", "b"]),
        ("for n in 4 8; do run $n; done", ["run", "4"]),
        ("p=dir/name.tar; run ${p##*/} ${p%.tar} ${p/dir/x} ${U:-none}", ["run", "name.tar", "dir/name", "x/name.tar", "none"]),
        ("cat > f.json <<EOF\n{\"a\": 1}\nEOF\nrun 'it''s' \"isn't\"", ["run", "its", "isn't"]),
        ("export A=1 B=2\nsbatch <<EOF\n#!/bin/bash\nrun $A $B\nEOF\n", ["run", "1", "2"]),
    ],
)  # fmt: skip
def test_scripts_are_followed_and_not_run(script: str, words: list[str]) -> None:
    assert [command for command in read_script(script).commands if command[0] == "run"] == [words]


@given(st.text(alphabet="a$(){}[]\"'`\\ \n;|&<>=#-1ifdoncaesth", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    read_script(text)


def test_a_script_that_calls_itself_ends() -> None:
    assert read_script("f() { f; g; }; g() { f; }; f; run 1").commands[-1] == ["run", "1"]


def test_a_megatron_script_is_taken_over() -> None:
    found = cs.read_launch(DATA / "train.sh")
    assert found.settings["layout"] == {
        "tp": 4, "pp": 8, "cp": 1, "vpp": 2, "zero": 1, "micro_batch": 1, "recompute": "full", "recompute_percent": 20,
        "sequence_parallel": True, "schedule": "1f1b",
    }  # fmt: skip
    wanted = {
        "model": "llama-3-70b",
        "devices": 128,
        "batch": 256,
        "seq_len": 8192,
        "precision": "fp8",
        "tokens": 8192e6,
    }
    assert {key: found.settings[key] for key in wanted} == wanted
    assert found.not_understood == {"my_own_option": "no argument of Megatron-LM: 3"}
    assert "data_path" in found.aside
    assert found.scenario().stack == "megatron"


@pytest.mark.parametrize(
    ("experts", "modules", "recompute", "noted"),
    [
        ("--num-experts 8", "moe layernorm", "feed-forward", False),
        ("--num-experts 8", "mla_up_proj mlp", "selective", True),
        ("--num-experts 8", "moe_act", "selective", False),
        ("", "mlp", "feed-forward", False),
    ],
)
def test_blocks_recomputed_by_name(tmp_path: Path, experts: str, modules: str, recompute: str, noted: bool) -> None:
    path = tmp_path / "train.sh"
    path.write_text(
        f"python pretrain_gpt.py --num-layers 4 --hidden-size 512 {experts} "
        f"--recompute-granularity selective --recompute-modules {modules}\n"
    )
    found = cs.read_launch(path)
    assert found.settings["layout"]["recompute"] == recompute
    assert any("counted as selective" in note for note in found.notes) == noted


def test_sums_that_wait_are_read_from_a_megatron_script(tmp_path: Path) -> None:
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += (
        "--seq-length 2048 --max-position-embeddings 2048 --tensor-model-parallel-size 4 --global-batch-size 64 --bf16"
    )
    for more, said in (("", None), (" --no-async-tensor-model-parallel-allreduce", False)):
        (tmp_path / "train.sh").write_text(script + more, encoding="utf-8")
        assert cs.read_launch(tmp_path / "train.sh").settings["software"].get("tp_beside") is said


@pytest.mark.parametrize(("more", "places"), [(" --moe-pad-expert-input-to-capacity", 1.25), ("", None)])
def test_a_capacity_that_is_filled_up_is_read(more: str, places: float | None, tmp_path: Path) -> None:
    """Without the padding an expert computes what it gets: the fullest may lie below its capacity."""
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += "--seq-length 2048 --max-position-embeddings 2048 --num-experts 8 --expert-model-parallel-size 8 --bf16 "
    (tmp_path / "train.sh").write_text(script + "--moe-expert-capacity-factor 1.25" + more, encoding="utf-8")
    launch = cs.read_launch(tmp_path / "train.sh")
    assert launch.settings["software"].get("expert_capacity") == places
    assert ("moe_expert_capacity_factor" in launch.not_understood) == (places is None)


@pytest.mark.parametrize(("recipe", "kernels"), [("mxfp8", "fused"), ("blockwise", None)])
def test_experts_whose_products_activate_are_read(recipe: str, kernels: str | None, tmp_path: Path) -> None:
    """Transformer Engine's op fuser has such products in MXFP8 alone."""
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += "--seq-length 2048 --max-position-embeddings 2048 --num-experts 8 --expert-model-parallel-size 8 --bf16 "
    more = f"--fp8-format e4m3 --fp8-recipe {recipe} --moe-grouped-gemm --use-transformer-engine-op-fuser"
    (tmp_path / "train.sh").write_text(script + more, encoding="utf-8")
    launch = cs.read_launch(tmp_path / "train.sh")
    assert launch.settings["software"].get("expert_kernels") == kernels
    assert ("use_transformer_engine_op_fuser" in launch.taken) == (kernels is not None)


@pytest.mark.parametrize(("more", "permutation"), [(" --moe-permute-fusion", "fused"), ("", "separate")])
def test_how_tokens_are_permuted_is_read(more: str, permutation: str, tmp_path: Path) -> None:
    """Megatron-Core's default is PyTorch's indexing; Megatron-Bridge's recipes fuse, unless what is laid over them says no."""
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += "--seq-length 2048 --max-position-embeddings 2048 --num-experts 8 --expert-model-parallel-size 8 --bf16"
    (tmp_path / "train.sh").write_text(script + more, encoding="utf-8")
    assert cs.read_launch(tmp_path / "train.sh").settings["software"]["expert_permutation"] == permutation
    for line, said in (
        ("", None),
        ("  moe_permute_fusion: true\n", "fused"),
        ("  moe_permute_fusion: false\n", "separate"),
    ):
        text = f"model:\n  seq_length: 4096\n  num_moe_experts: 8\n{line}train:\n  global_batch_size: 128\n"
        (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
        assert cs.read_launch(tmp_path / "ours.yaml").settings["software"].get("expert_permutation") == said


@pytest.mark.parametrize(("recipe", "eight"), [("mxfp8", True), ("blockwise", None)])
def test_a_head_in_8_bit_is_read(recipe: str, eight: bool | None, tmp_path: Path) -> None:
    """Megatron-Core has it in MXFP8 alone."""
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += f"--seq-length 2048 --max-position-embeddings 2048 --bf16 --fp8-format e4m3 --fp8-recipe {recipe} "
    (tmp_path / "train.sh").write_text(script + "--fp8-output-proj", encoding="utf-8")
    assert cs.read_launch(tmp_path / "train.sh").settings["software"].get("head_8bit") == eight


@pytest.mark.parametrize(
    ("more", "share"),
    [
        ("", 0.0),
        (" --first-last-layers-bf16", 2 / 32),
        (" --first-last-layers-bf16 --num-layers-at-start-in-bf16 0 --num-layers-at-end-in-bf16 5", 5 / 32),
        (" --first-last-layers-bf16 --num-layers-at-end-in-bf16 some", None),
        (" --first-last-layers-bf16 --num-layers-at-end-in-bf16 -5", None),
    ],
)
def test_layers_that_stay_in_16_bit_are_read(more: str, share: float | None, tmp_path: Path) -> None:
    script = "torchrun --nproc-per-node 8 pretrain_gpt.py --num-layers 32 --hidden-size 4096 --num-attention-heads 32 "
    script += "--seq-length 2048 --max-position-embeddings 2048 --bf16 --fp4-format e2m1 --fp4-recipe nvfp4"
    (tmp_path / "train.sh").write_text(script + more, encoding="utf-8")
    launch = cs.read_launch(tmp_path / "train.sh")
    assert launch.settings["precision"] == "nvfp4"
    assert launch.settings["software"].get("bf16_share") == share
    assert launch.not_understood.keys() == ({"num_layers_at_end_in_bf16"} if more and not share else set())


def test_layers_that_stay_in_16_bit_are_a_share_of_the_model_that_is_named_beside_the_file(tmp_path: Path) -> None:
    lines = ("model:", "  first_last_layers_bf16: true", "  num_layers_at_start_in_bf16: 3", "  seq_length: 4096")
    text = "\n".join((*lines, "train:", "  global_batch_size: 128", "mixed_precision: bf16_with_mxfp8_mixed"))
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    launch = cs.read_launch(tmp_path / "ours.yaml")
    assert launch.taken["first_last_layers_bf16"] == "4 layers in 16 bit"
    assert not launch.aside
    assert launch.scenario(cs.Scenario(model="llama-3-8b")).software.bf16_share == 4 / 32
    ours = cs.Scenario(model="llama-3-8b", software=cs.Software(bf16_share=0.5))
    assert launch.scenario(ours).software.bf16_share == 0.5
    assert launch.scenario().software.bf16_share is None


def test_a_torchtitan_configuration_is_taken_over() -> None:
    found = cs.read_launch(DATA / "train_config.toml")
    wanted = {
        "tp": 2,
        "pp": 1,
        "dp": 32,
        "shard": 16,
        "zero": 3,
        "micro_batch": 2,
        "recompute": "full",
        "recompute_percent": 50,
    }
    assert {key: found.settings["layout"][key] for key in wanted} == wanted
    assert found.settings["model"], found.settings["batch"] == ("llama-3-8b", 64)
    assert found.settings["precision"] == "fp8"
    assert found.settings["software"]["compile"] is True
    assert found.not_understood == {"mistake.key": "no setting of torchtitan"}


def test_a_deepspeed_configuration_is_taken_over() -> None:
    found = cs.read_launch(DATA / "ds_config.json")
    assert found.settings["layout"] == {
        "dp": 64, "tp": 1, "pp": 1, "cp": 1, "ep": 1, "vpp": 1, "zero": 3, "micro_batch": 2, "recompute": "full",
        "schedule": "1f1b",
    }  # fmt: skip
    wanted = {"devices": 64, "batch": 512, "precision": "bf16", "offload": "optimizer"}
    assert {key: found.settings[key] for key in wanted} == wanted
    assert found.not_understood == {"zero_optimization.stage3_oops": "no setting of DeepSpeed"}
    assert found.aside == ("steps_per_print",)


def test_a_maxtext_configuration_is_taken_over() -> None:
    found = cs.read_launch(DATA / "train.yml")
    wanted = {
        "tp": 4,
        "dp": 64,
        "shard": 32,
        "zero": 3,
        "sequence_parallel": True,
        "recompute": "selective",
        "micro_batch": 2,
    }
    assert {key: found.settings["layout"][key] for key in wanted} == wanted
    settings = {"model": "llama-3-70b", "devices": 256, "batch": 512, "precision": "fp8", "tokens": 100.0 * 512 * 8192}
    assert {key: found.settings[key] for key in settings} == settings
    assert not found.not_understood


def test_devices_settle_what_a_file_leaves_to_its_launcher(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[training]\nlocal_batch_size = 2\n[parallelism]\ntensor_parallel_degree = 4\n")
    assert "batch" not in cs.read_launch(path).settings
    found = cs.read_launch(path, 64)
    assert (found.settings["batch"], found.settings["layout"]["dp"]) == (32, 16)


@pytest.mark.parametrize(
    ("before", "devices"),
    [
        ("torchrun --nnodes=4 --nproc_per_node 8", 32),
        ("python -m torch.distributed.launch --nproc_per_node=8", 8),
        ("#SBATCH -N 6\n#SBATCH --gres=gpu:h100:4\nsrun python", 24),
        (
            "#SBATCH --nodes=2\n#SBATCH --gpus-per-node=8\n#SBATCH --ntasks-per-node=1\nsrun torchrun --nproc-per-node $G",
            16,
        ),
        ("mpirun -np 48 python", 48),
        ("srun -N 4 --ntasks-per-node=8 python -u", 32),
        ("deepspeed --num_nodes 2 --num_gpus 8", 16),
        ("srun --ntasks 4 torchrun --nproc-per-node $G", None),
        ("python", None),
    ],
)
def test_launchers_say_how_many_devices(before: str, devices: int | None, tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(
        f"{before} pretrain_gpt.py --tensor-model-parallel-size 2 --micro-batch-size 1 --seq-length 64 --bf16"
    )
    assert cs.read_launch(path).settings.get("devices") == devices


@pytest.mark.parametrize(
    ("asked", "device"),
    [
        ("--gres=gpu:h100:4", "h100-sxm"), ("--gpus-per-node=a100:8", "a100-80"), ("--constraint=v100-32g", "v100-sxm2-32"),
        ("-C a100&ib", "a100-80"), ("--gres=gpu:8", None), ("--constraint=skylake", None), ("--gpus=16", None),
    ],
)  # fmt: skip
def test_the_scheduler_is_asked_for_a_device(asked: str, device: str | None, tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(f"#SBATCH {asked}\ntorchrun pretrain_gpt.py --micro-batch-size 1 --seq-length 64 --bf16")
    assert cs.read_launch(path).settings.get("device") == device


def test_what_only_a_run_tells_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text(
        "python pretrain_gpt.py --tensor-model-parallel-size $1 --pipeline-model-parallel-size 2 --bf16 $MORE"
    )
    found = cs.read_launch(path)
    assert found.settings["layout"]["pp"] == 2
    assert not {"tp", "zero", "recompute"} & found.settings["layout"].keys()
    assert "when the script runs" in found.not_understood["tensor_model_parallel_size"]
    path.write_text(
        "python pretrain_gpt.py --tensor-model-parallel-size 1 --pipeline-model-parallel-size 2 --num-layers 4 $MORE"
    )
    assert "precision" not in cs.read_launch(path).settings


def test_a_model_of_another_kind_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    sizes = "--num-layers 4 --hidden-size 512 --num-attention-heads 8 --vocab-size 1000 --seq-length 512"
    for command in (
        f"python pretrain_bert.py {sizes}",
        f"python pretrain_gpt.py {sizes} --hybrid-override-pattern M-M-",
    ):
        path.write_text(command)
        found = cs.read_launch(path)
        assert "model" not in found.settings
        assert any("add --model" in note for note in found.notes)
    path.write_text(f"python pretrain_t5.py {sizes} --decoder-seq-length 128 --micro-batch-size 2 --log-interval 10")
    found = cs.read_launch(path)
    assert found.aside == ("log_interval",)  # a shape is not what says nothing of time or memory
    assert not found.not_understood
    assert any("num_layers, hidden_size, num_attention_heads, vocab_size, decoder_seq_length" in n for n in found.notes)


META = dict(model="llama-3.1-405b", devices=16384, batch=2048, layout=cs.Layout(
    tp=8, pp=16, cp=1, dp=128, vpp=8, zero=1, micro_batch=1, recompute="selective"))  # fmt: skip
"""126 layers in 128 chunks: arXiv 2407.21783, table 4 and section 3.3.2."""
LAYOUTS: list[tuple[str, dict[str, Any]]] = [
    ("megatron", dict(model="llama-3-70b", device="b200", devices=64, batch=256, layout=cs.Layout(
        tp=4, pp=4, cp=1, dp=4, vpp=5, zero=1, micro_batch=1, recompute="full", recompute_percent=25))),
    ("megatron", dict(model="mixtral-8x7b", devices=64, batch=256, precision="fp8", layout=cs.Layout(
        tp=2, pp=2, cp=1, dp=16, ep=8, etp=1, vpp=1, zero=1, micro_batch=1, recompute="selective"))),
    ("megatron", dict(model="llama-3-8b", devices=32, batch=64, layout=cs.Layout(
        tp=2, pp=1, cp=2, dp=8, zero=3, micro_batch=1, recompute="none"))),
    ("megatron", dict(model="llama-3-8b", devices=32, batch=64, layout=cs.Layout(
        tp=2, pp=1, cp=1, dp=16, zero=1, shard=8, micro_batch=1, recompute="none"))),
    ("megatron-bridge", dict(model="deepseek-v3", device="gb200", devices=256, batch=2048, precision="mxfp8", layout=cs.Layout(
        tp=1, pp=4, cp=1, dp=64, ep=64, etp=1, vpp=4, zero=1, micro_batch=1, recompute="selective"))),
    ("megatron-bridge", dict(model="llama-3-8b", devices=32, batch=256, layout=cs.Layout(
        tp=1, pp=2, cp=1, dp=16, vpp=2, zero=1, micro_batch=1, recompute="full", recompute_percent=25))),
    ("torchtitan", dict(model="llama-3-70b", devices=128, batch=256, layout=cs.Layout(
        tp=8, pp=1, cp=1, dp=16, zero=3, micro_batch=2, recompute="full"))),
    ("torchtitan", dict(model="llama-3-70b", devices=64, batch=256, layout=cs.Layout(
        tp=4, pp=4, cp=1, dp=4, vpp=2, zero=1, micro_batch=1, recompute="full", recompute_percent=50))),
    ("deepspeed", dict(model="llama-3-8b", devices=32, batch=256, layout=cs.Layout(
        tp=1, pp=1, cp=1, dp=32, zero=3, micro_batch=2, recompute="full"))),
    ("deepspeed", dict(model="llama-3.2-3b", devices=32, batch=256, offload="optimizer", layout=cs.Layout(
        tp=1, pp=1, cp=1, dp=32, zero=2, micro_batch=1, recompute="none"))),
    ("maxtext", dict(model="llama-3-70b", device="tpu-v5p", devices=128, batch=256, layout=cs.Layout(
        tp=4, pp=1, cp=1, dp=32, zero=3, micro_batch=2, recompute="full", sequence_parallel=True))),
    ("maxtext", dict(model="llama-3-70b", devices=64, batch=256, precision="fp8", layout=cs.Layout(
        tp=4, pp=4, cp=1, dp=4, vpp=5, zero=1, micro_batch=1, recompute="full"))),
]  # fmt: skip


STATED = {"megatron": cs.Software(dp_overlap=True), "torchtitan": cs.Software(compile=True)}
"""What a stack does in some of its runs only, and a file has to say."""


def _planned(to: str, question: dict[str, Any]) -> Any:
    software = STATED.get(to, cs.Software())
    answer = cs.estimate(cs.Scenario(tokens=1e12, stack=releases()[to].stack, software=software, **question))
    assert answer.feasible, answer
    return answer


def test_embedding_and_head_may_be_chunks_of_their_own(tmp_path: Path) -> None:
    """And what nearly fills its devices is read back as it ran: its replicas follow from the devices."""
    answer = _planned("megatron", META)
    path = tmp_path / "run.sh"
    path.write_text(cs.emit(answer, "megatron"))
    assert "--pipeline-model-parallel-layout 'E|(t|)*126L'" in path.read_text()
    launch = cs.read_launch(path)
    again = estimate_launch(launch, launch.scenario(cs.Scenario(model="llama-3.1-405b", devices=16384)))
    assert isinstance(again, cs.Estimate)
    assert again.setting == answer.setting


@pytest.mark.parametrize(("to", "question"), LAYOUTS)
def test_what_is_written_reads_back_equal(to: str, question: dict[str, Any], tmp_path: Path) -> None:
    """Beside the layout, batch and format the step itself: kernels and overlaps are those that the file says."""
    answer = _planned(to, question)
    path = tmp_path / f"run.{SUFFIX[to]}"
    path.write_text(cs.emit(answer, to))
    launch = cs.read_launch(path)
    assert not launch.not_understood
    rest = {
        key: question[key] for key in ("model", "device", "devices") if key in question and key not in launch.settings
    }
    again = cs.estimate(launch.scenario(cs.Scenario(**rest)))
    assert isinstance(again, cs.Estimate)
    assert again.setting == answer.setting
    assert (again.resolved.batch, again.resolved.seq_len) == (answer.resolved.batch, answer.resolved.seq_len)
    assert again.resolved.recipe == answer.resolved.recipe
    assert again.resolved.stack.name == answer.resolved.stack.name
    assert again.memory.total == pytest.approx(answer.memory.total, rel=1e-9)
    assert again.step.total == pytest.approx(answer.step.total, rel=1e-9)
    if to not in ("deepspeed", "megatron-bridge"):
        assert again.resolved.spec.n_layers == answer.resolved.spec.n_layers
        assert again.resolved.tokens == pytest.approx(answer.resolved.tokens, rel=1e-3)  # whole steps


SEARCHED: dict[str, list[cs.Layout]] = {
    "megatron": [
        cs.Layout(),
        cs.Layout(recompute="full"),
        cs.Layout(zero=3, pp=1),
        cs.Layout(recompute="feed-forward"),
    ],
    "megatron-bridge": [cs.Layout(), cs.Layout(tp=4), cs.Layout(recompute="feed-forward")],
    "torchtitan": [cs.Layout(pp=1, zero=3), cs.Layout(pp=2)],
    "deepspeed": [cs.Layout(pp=1, cp=1, ep=1, zero=3, recompute="full")],
    "maxtext": [cs.Layout(pp=1, zero=3), cs.Layout(pp=2, zero=1, ep=1)],
}


@settings(max_examples=15)
@given(st.data(), st.sampled_from(sorted(SEARCHED)))
def test_whatever_a_search_finds_reads_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, to: str
) -> None:
    draw = data.draw
    question: dict[str, Any] = dict(
        model=draw(st.sampled_from(["llama-3-8b", "llama-3.1-405b", "mixtral-8x7b", "deepseek-v3", "gpt-3-175b"])),
        device=draw(st.sampled_from(["h100-sxm", "b200", "tpu-v5p"])),
        devices=draw(st.sampled_from([16, 48, 256])),
    )
    layout, batch = draw(st.sampled_from(SEARCHED[to])), draw(st.sampled_from([240, 512]))
    answer = cs.estimate(cs.Scenario(**question, batch=batch, tokens=1e12, layout=layout))
    try:
        text = cs.emit(answer, to)
    except cs.InputError:  # nothing fits, or this software cannot do it
        return
    path = tmp_path_factory.mktemp("found") / f"run.{SUFFIX[to]}"
    path.write_text(text)
    launch = cs.read_launch(path)
    assert isinstance(answer, cs.Estimate)
    question["devices"] = int(answer.setting.n_devices)  # what a layout leaves idle is not launched
    again = cs.estimate(launch.scenario(cs.Scenario(**{k: v for k, v in question.items() if k not in launch.settings})))
    found = again if isinstance(again, cs.Estimate) else again.would
    assert found is not None
    assert found.setting == answer.setting
    assert found.resolved.batch == batch


def _megatron_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name, about in known_names("megatron").items():
        if about.values == "0":
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", nargs="+" if about.values in "+" else int(about.values))
    return parser


@pytest.mark.parametrize("question", [question for to, question in LAYOUTS if to == "megatron"])
def test_megatrons_own_arguments_take_what_is_written(question: dict[str, Any]) -> None:
    text = cs.emit(_planned("megatron", question), "megatron")
    words = behind_script(trainer(read_script(text).commands))
    found = _megatron_parser().parse_args(words)
    assert found.tensor_model_parallel_size == [str(question["layout"].tp)]
    assert all("  # " in line for line in text.partition("ARGS=(\n")[2].partition("\n)")[0].splitlines())


@pytest.mark.parametrize(
    ("to", "question"), [row for row in LAYOUTS if row[0] in ("torchtitan", "deepspeed", "maxtext")]
)
def test_every_key_that_is_written_is_known_to_its_software(to: str, question: dict[str, Any]) -> None:
    text, known = cs.emit(_planned(to, question), to), known_names(to)
    if to == "torchtitan":
        keys = {f"{table}.{key}" for table, values in tomllib.loads(text).items() for key in values}
    elif to == "maxtext":
        keys = {*yaml.safe_load(text)} - {"base_config"}
    else:
        config = json.loads(text)
        assert config.pop("carbonscaling").keys() == {"about", *config}  # where each comes from
        keys = {*config} | {f"zero_optimization.{key}" for key in config["zero_optimization"]}
    assert keys <= known.keys()


@pytest.mark.parametrize(
    ("to", "change", "words"),
    [
        ("deepspeed", {"layout": cs.Layout(tp=1, pp=2, cp=1, micro_batch=1)}, "pp 2"),
        ("torchtitan", {"layout": cs.Layout(tp=1, pp=1, cp=1, zero=1, micro_batch=1)}, "ZeRO stage 1"),
        ("maxtext", {"layout": cs.Layout(tp=1, pp=1, cp=1, zero=2, micro_batch=1)}, "ZeRO stage 2"),
        ("megatron", {"offload": "weights", "layout": cs.Layout(tp=1, pp=1, cp=1, zero=3, micro_batch=1)}, "weights"),
        ("megatrn", {"layout": cs.Layout(tp=1, pp=1, cp=1, zero=3, micro_batch=1)}, "did you mean: megatron"),
        ("chakra", {"layout": cs.Layout(tp=1, pp=1, cp=1, zero=3, micro_batch=1)}, "several files"),
        ("megatron", {"train": "lora", "layout": cs.Layout(tp=1, pp=1, cp=1, zero=3, micro_batch=1)}, "every weight"),
        ("megatron", {"layout": cs.Layout(recompute="selective", recompute_percent=50)}, "in a part of the layers"),
        (
            "megatron-bridge",
            {"layout": cs.Layout(recompute="selective", recompute_percent=50)},
            "in a part of the layers",
        ),
        (
            "torchtitan",
            {"layout": cs.Layout(pp=1, zero=3, recompute="selective", recompute_percent=50)},
            "in a part of",
        ),
        ("torchtitan", {"layout": cs.Layout(pp=1, zero=3, recompute="feed-forward")}, "feed-forward blocks"),
        ("megatron", {"devices": 1, "layout": cs.Layout(micro_batch=1)}, "no plan to write"),
    ],
)
def test_what_cannot_be_said_is_refused(to: str, change: dict[str, Any], words: str) -> None:
    answer = cs.estimate(cs.Scenario(**{"model": "llama-3-8b", "tokens": 1e12, "devices": 32, "batch": 64, **change}))
    with pytest.raises(cs.InputError, match=words):
        cs.emit(answer, to)


def test_models_survive_megatrons_arguments() -> None:
    """Those that do not are named, and written without arguments that would make another model."""
    whole = {name for name in model_names() if not unsaid(model(name))}
    assert {
        "llama-3.1-405b",
        "deepseek-v3",
        "mixtral-8x7b",
        "gpt-3-175b",
        "qwen3-235b-a22b",
        "gpt-oss-120b",
        "kimi-k2",
    } <= whole
    assert len(whole) > 60
    assert unsaid(model("rwkv-7-2.9b")) == ["mixer"]
    assert unsaid(model("falcon-40b")) == ["parallel_block"]
    assert unsaid(model("olmo-2-7b")) == ["attention.qk_norm"]
    question = dict(devices=32, batch=64, layout=cs.Layout(tp=1, pp=1, cp=1, dp=32, zero=1, micro_batch=1))
    text = cs.emit(_planned("megatron", {**question, "model": "falcon-7b"}), "megatron")
    assert "--num-layers" not in text
    assert "cannot say its norms_per_layer, parallel_block" in text


@given(
    st.integers(1, 130), st.integers(1, 12), st.integers(1, 6), st.floats(0.0, 4.0), st.booleans(),
)  # fmt: skip
def test_layers_are_dealt_as_the_formula_counts_them(
    n_layers: int, stages: int, chunks: int, ends: float, head_last: bool
) -> None:
    found = dealt(n_layers, stages, chunks, ends, head_last=head_last)
    assert [len(found), {len(stage) for stage in found}] == [stages, {chunks}]
    assert sum(map(sum, found)) == n_layers
    loads = [sum(stage) + (ends if n == stages - 1 else 0.0) for n, stage in enumerate(found)]
    if min(map(min, found)) > 0 and stages > 1:
        assert max(loads) <= float(fullest_stage(n_layers, stages, chunks, 1.0, ends, float(head_last))) + 1e-9


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "[training", "not valid TOML"),
        ("a.toml", "x = 1", "no table of torchtitan"),
        ("a.toml", "[parallelism]\ntensor_parallel_degree = 'two'", "not a count"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[1]", "no setting of DeepSpeed"),
        ("a.json", '{"train_batch_size": 7, "train_micro_batch_size_per_gpu": 2}', "no multiple"),
        ("a.yml", "a: [", "not valid YAML"),
        ("a.yml", "a: 1", "no settings of MaxText"),
        ("a.yml", "model_name: x\nper_device_batch_size: many", "not a number"),
        ("a.sh", "echo hello", "no command of the script"),
        ("a.sh", "source other.sh", "other.sh"),
        ("a.png", "x", "not a launch file"),
    ],
)
def test_files_that_are_none_say_so(name: str, text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(cs.InputError, match=words):
        cs.read_launch(path)


@given(st.data())
def test_broken_files_end_in_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["train.sh", "train_config.toml", "ds_config.json", "train.yml"]))
    text = (DATA / name).read_text()
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 12)))
    path = tmp_path_factory.mktemp("broken") / name
    path.write_text(
        text[:at] + data.draw(st.sampled_from(["", "x", "-1", "0", '"', "\n", "[]", "$X", "1e9"])) + text[until:]
    )
    try:
        found = cs.read_launch(path)
        found.scenario()
    except cs.InputError:
        return
    assert isinstance(found, Launch)


def test_formats_and_releases_agree() -> None:
    assert {model for to in ("torchtitan", "maxtext") for model in flavors(to).values()} <= {*model_names()}
    assert {*SUFFIX} == {*releases()} - {"simai"}
    assert {*SUFFIX} < {*FORMATS}
