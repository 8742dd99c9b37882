"""What a measured row states, as a scenario: its words, and what its years and its company say."""

from __future__ import annotations

import pytest

from carbonscaling.evidence.row import Unusable
from carbonscaling.model.params import total_params
from carbonscaling.perf.memory import rank_params
from carbonscaling.perf.numbers import Schedule
from carbonscaling.perf.step import step_time, sync_time
from rows import MIXTRAL, row


def test_experts_in_every_other_layer_where_the_parameters_say_so() -> None:
    moe = {
        "n_experts": "64", "top_k": "2", "n_layers": "64", "d_ff": "32768", "n_heads": "128", "n_kv_heads": "",
        "vocab": "256000",
        "ffn_type": "gelu", "device": "TPUv4", "stack": "xla", "n_devices": "1024", "seq_len": "1024", "global_batch_seqs": "",
    }  # fmt: skip
    every, other = row(**moe), row(**moe, params_b="1200")
    assert every.work.n_dense == 0
    assert other.work.n_dense == 32
    assert total_params(other.spec) == pytest.approx(1200e9, rel=0.06)
    assert other.setting.ep == 64, "experts are spread rather than gathered"


def test_attention_kernels_of_an_earlier_architecture_on_hopper() -> None:
    """FlashAttention-2 reaches 0.53 of what Hopper's own kernels do (Shah 2024); on Ampere both are the same."""
    own, portable = row(), row(stack="nanotron")
    assert portable.setup.plain.software.attention_forward == pytest.approx(
        0.53 * own.setup.plain.software.attention_forward
    )
    assert portable.setup.plain.software.attention_backward == pytest.approx(
        0.53 * own.setup.plain.software.attention_backward
    )
    assert portable.setup.plain.formats.gemm_efficiency == own.setup.plain.formats.gemm_efficiency
    ampere = {
        stack: row(stack=stack, device="A100-80").setup.plain.software.attention_forward for stack in ("fsdp", "")
    }
    assert ampere["fsdp"] == ampere[""]


def test_stacks_before_fused_layers_launch_longer() -> None:
    assert row(stack="megatron-deepspeed", device="A100-80").setup.plain.software.layer_launch == pytest.approx(0.8e-3)
    assert row(device="A100-80").setup.plain.software.layer_launch == pytest.approx(0.5e-3)


def test_programs_are_read_as_the_engine_that_they_run_on() -> None:
    engines = {
        "LLaMA-Factory": "deepspeed",
        "prime-rl": "fsdp2",
        "MindSpeed-LLM": "megatron",
        "nanoGPT": "community",
    }
    assert {name: row(stack=name, ffn_type="swiglu").setup.stack.name for name in engines} == engines
    with pytest.raises(Unusable, match="unknown software stack"):
        row(stack="megatorn")


def test_what_has_no_fused_attention_writes_its_scores() -> None:
    """Research programs on XLA until their devices are younger than Splash; Trainium, whose libraries had none at first."""

    def kernel(**given: str) -> tuple[str, float, float]:
        found = row(**{"recompute": "full", **given}).setup
        q = found.plain.software
        return found.stack.name, float(q.flash), float(q.separate)

    assert kernel(stack="axlearn", device="H100-80") == ("jax-2023", 0, 0)
    assert kernel(stack="levanter", device="TPUv4") == ("jax-2023", 0, 0)
    assert kernel(stack="levanter", device="TPUv6e")[:2] == ("jax-2023", 1)
    assert kernel(stack="jax", device="TPUv4")[:2] == ("xla", 1)
    given = {"stack": "megatron-deepspeed", "ffn_type": "gelu"}
    assert [kernel(device=d, **given)[1] for d in ("A100-80", "MI250X-64", "H100-80")] == [0, 1, 1]
    assert kernel(stack="", device="Trainium1") == ("community", 0, 0)
    assert kernel(stack="", device="Trainium1", attention_kernel="flash_attention_2")[1] == 1


def test_a_length_that_nobody_states_is_that_of_the_model_named() -> None:
    unknown = {"n_layers": "", "d_model": "", "seq_len": "", "d_ff": "", "n_heads": "", "n_kv_heads": ""}
    assert [row(**unknown, model=name).work.seq_len for name in ("llama-3-8b", "gpt-3-175b")] == [8192, 2048]
    assert row(**unknown, model="some 7B", params_b="7").work.seq_len == 2048
    assert row(seq_len="", model="llama-3-8b").work.seq_len == 2048


def test_benchmark_submissions_use_the_fastest_format() -> None:
    assert row(stack="mlperf", precision="", device="Gaudi2-96").setup.recipe.name == "fp8"
    assert row(stack="megatron", precision="").setup.recipe.name == "bf16"


def test_deepspeeds_zero3_collects_parameter_by_parameter() -> None:
    """Four matrices in each of 80 layers, 15 us for each of 256 ranks, three passes over the weights, nothing hidden.

    Others hide what they can.
    """
    given = {"zero_stage": "3", "tp": "1", "pp": "1", "micro_batch": "1", "device": "A100-80", "recompute": "none"}
    slow, plain = row(stack="megatron-deepspeed", **given), row(stack="fsdp", **given)
    assert (slow.setup.stack.zero3_gather.value, plain.setup.stack.zero3_gather.value) == ("parameter", "layer")
    assert (slow.setup.plain.software.parameter_wise, plain.setup.plain.software.parameter_wise) == (1, 0)
    q, s = slow.setup.plain, slow.setting
    found, by_layer = sync_time(slow.work, q, s), sync_time(slow.work, q.changed(parameter_wise=0.0), s)
    passes = 3 * 2 * rank_params(slow.work, s).dense / (2.039e12 * 0.8)
    assert found.gather.each - by_layer.gather.each == pytest.approx(4 * 80 * 256 * 15e-6 + passes)
    exposed = found.reduce.once + found.gather.once + s.n_micro * (found.reduce.each + 2 * found.gather.each)
    assert step_time(slow.work, q, s).dp_comm == pytest.approx(exposed)
    hidden = sync_time(plain.work, plain.setup.plain, plain.setting)
    all_of_it = plain.setting.n_micro * (hidden.reduce.each + 2 * hidden.gather.each)
    assert step_time(plain.work, plain.setup.plain, plain.setting).dp_comm < all_of_it
    assert q.silicon.nic == plain.setup.plain.silicon.nic
    assert row(**given).scenario.software.zero3_gather == "parameter", "Megatron's was DeepSpeed's"
    assert row(**{**given, "device": "H100-80"}).scenario.software.zero3_gather is None


@pytest.mark.parametrize(("d_model", "again"), [("7168", 0.0), ("8192", 1 / 3), ("12288", 2 / 3)])
def test_what_full_recomputation_lets_go_is_fetched_again(d_model: str, again: float) -> None:
    """Kept is what fewer than 1e9 parameters separate from its gradient: 18, 16, 8 and 0 squares of the width.

    Tensor parallelism of two halves each of them.
    """
    given = {"n_layers": "40", "d_model": d_model, "d_ff": str(4 * int(d_model)), "n_heads": "32", "n_kv_heads": "32"}
    given |= {"ffn_type": "gelu", "stack": "megatron-deepspeed", "zero_stage": "3", "pp": "1", "device": "A100-80"}
    one, two = (row(**given, tp=t, recompute="full") for t in ("1", "2"))
    for r, share in ((one, again), (two, again / 2 if again > 0.5 else 0.0)):
        s, sync = r.setting, sync_time(r.work, r.setup.plain, r.setting)
        assert sync.again == pytest.approx(share, abs=1e-3)
        full, none = (step_time(r.work, r.setup.plain, s._replace(recompute=float(c))).dp_comm for c in (2, 0))
        assert full - none == pytest.approx(s.n_micro * float(sync.again * sync.gather.each))


def test_hosts_by_what_a_row_says_of_its_interconnect() -> None:
    """Two of sixteen behind NVSwitch have all links to each other, two of a wired mesh one pair's share."""
    given = {"device": "V100-32", "precision": "fp16"}
    assert row(**given, interconnect="DGX-2 NVSwitch, NVLink2").setup.plain.silicon.pairs == 0
    assert row(**given).setup.plain.silicon.pairs == 7
    assert row(interconnect="DGX-2").cluster.host.id == "hgx-h100"


def test_thousands_may_be_set_apart() -> None:
    assert row(interconnect="EFA 3,200 Gb/s a node").scenario.nic_gbps == 400
    assert row(interconnect="NVSwitch node, 400 Gb/s IB per GPU").scenario.nic_gbps == 400


def test_attention_is_explicit_in_the_years_before_fused_kernels() -> None:
    assert row(device="A100-80", ffn_type="gelu").setup.plain.software.flash == 0
    assert row(device="A100-80").setup.plain.software.flash == 1
    assert row(device="H100-80", ffn_type="gelu").setup.plain.software.flash == 1
    assert row(device="V100-32", precision="fp16", stack="").setup.plain.software.flash == 0, (
        "no fused kernel for Volta"
    )
    assert [row(device=d, stack="", precision="fp16").setup.plain.software.flash for d in ("A100-80", "H100-80")] == [
        0,
        1,
    ]
    assert row(device="A100-80", stack="gpt-neox", precision="fp16").setup.plain.software.flash == 1


def test_models_of_llamas_kind_are_known_by_their_blocks_or_by_their_name() -> None:
    """Megatron in fp16 is its software of 2021 or 2022 for plain blocks alone; a model known by name says its blocks too."""
    fp16 = dict(device="A100-80", precision="fp16", recompute="selective")
    assert row(**fp16, ffn_type="gelu").scenario.stack == "megatron-2022"
    assert row(**fp16).scenario.stack == row(**fp16, **MIXTRAL).scenario.stack == "megatron"
    named = dict(model="mistral-7b", n_layers="", d_model="", ffn_type="", device="A100-80", n_devices="8")
    assert row(**named, stack="fsdp").scenario.stack == row(stack="fsdp").scenario.stack == "fsdp-llama"
    assert row(**named, stack="megatron-deepspeed").scenario.software.attention_kernel == "flash2"
    assert row(stack="fsdp", ffn_type="gelu").scenario.stack == "fsdp"


def test_experts_are_split_with_the_tensors_only_by_those_who_need_the_tensors() -> None:
    """Megatron's default; a row that states more tensor parallelism than fits at least keeps its experts whole."""
    least = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8")
    assert (least.setting.etp, least.setup.plain.software.relay) == (2, 0), (
        "one rank alone would hold more than its memory"
    )
    assert (least.scenario.software.dispatcher, least.scenario.layout.etp) == ("alltoall", 2)
    more = row(**MIXTRAL, tp="4", pp="8", dp="8", ep="8")
    assert (more.setting.etp, more.setup.plain.software.relay) == (1, 1)
    beyond = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="32")
    assert beyond.setting.etp == 1, "an expert group beyond data parallelism and a node"
    assert row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8", stack="nanotron").setting.etp == 1


def test_what_a_row_says_of_its_expert_traffic() -> None:
    whole = dict(tp="1", pp="8", dp="32", ep="32")
    usual = row(**MIXTRAL, **whole)
    assert (usual.setup.plain.software.relay, usual.setting.schedule) == (1, Schedule.ONE_F_ONE_B)
    plain = row(**MIXTRAL, **whole, dispatcher="alltoall", expert_overlap="no")
    assert (plain.setup.plain.software.relay, plain.setting.schedule) == (0, Schedule.ONE_F_ONE_B)
    behind = row(**MIXTRAL, **whole, dispatcher="hybridep", expert_overlap="yes")
    assert (behind.setup.plain.software.relay, behind.setting.schedule) == (1, Schedule.ONE_F_ONE_B), "no chunks"
    chunks = row(**MIXTRAL, **whole, dispatcher="hybridep", expert_overlap="yes", vpp="4", recompute="selective")
    assert chunks.setting.schedule == Schedule.COMBINED
    assert behind.scenario.software.expert_overlap is True
    assert plain.scenario.software.expert_overlap is None
    for dispatcher, found in (("", (2, 0)), ("alltoall", (2, 0)), ("deepep", (1, 1)), ("hybridep", (1, 1))):
        said = row(**MIXTRAL, tp="2", pp="8", dp="16", ep="8", dispatcher=dispatcher)
        assert (said.setting.etp, said.setup.plain.software.relay) == found, (
            "experts of a dispatcher that relays are whole"
        )


def test_what_a_row_says_of_its_software_outranks_what_its_stack_does() -> None:
    """Options as a scenario takes them, what lies in the host, and how many devices share one copy of the states."""
    usual = row(stack="torchtitan", zero_stage="3", tp="1", pp="1")
    told = row(
        stack="torchtitan",
        zero_stage="3",
        tp="1",
        pp="1",
        software="compile=No; head_placement=balanced",
        offload="optimizer",
        shard="8",
    )
    assert (usual.scenario.software.compile, usual.scenario.offload, usual.setting.shard) == (None, None, 256)
    assert (told.scenario.software.compile, told.scenario.software.head_placement) == (False, "balanced")
    assert (told.scenario.offload, told.setting.shard, told.scenario.layout.shard) == ("optimizer", 8, 8)
    with pytest.raises(Unusable, match="unknown option of the software"):
        row(software="compiled=yes")
    with pytest.raises(Unusable, match="offload"):
        row(offload="disk")
    with pytest.raises(Unusable, match="shard is not a whole number"):
        row(shard="2.5")


def test_megatron_of_2023_runs_its_own_layers() -> None:
    """No kernel of Hopper's own, sums of gradients beside the products; with Llama's blocks rotary embeddings one by one."""
    core, own, llama = (
        row(stack=name).setup.plain.software for name in ("megatron", "megatron-2023", "megatron-llama")
    )
    assert own.attention_forward / core.attention_forward == pytest.approx(0.53)
    assert llama.attention_forward / own.attention_forward == pytest.approx(0.6), "FlashAttention-1 over its successor"
    assert [s.sum_bytes for s in (core, own, llama)] == [0, 10, 10]
    assert [s.head_passes for s in (core, own, llama)] == [0, 0, 10]
    assert [s.tp_overlap for s in (core, own, llama)] == [0.7, 0, 0]
    assert [s.update_beside for s in (core, own, llama)] == [0.5, 0, 0]


def test_input_gradients_are_summed_beside_weight_gradients_since_september_2021() -> None:
    """Megatron-LM and what is made of it; not the releases before, nor stacks that forked from those."""
    names = {"megatron": 1, "megatron-2021": 0, "megatron-2022": 1, "mlperf": 1, "megatron-deepspeed": 0, "nanotron": 0}
    assert {name: row(stack=name).setup.plain.software.tp_beside for name in names} == names


@pytest.mark.parametrize(
    ("zero", "pp", "read"), [("2", "4", 1), ("3", "4", 1), ("3", "1", 3), ("2", "1", 2), ("0", "4", 0)]
)
def test_fully_sharded_pipelines_reduce_once_a_step(zero: str, pp: str, read: int) -> None:
    stated = row(stack="torchtitan", zero_stage=zero, tp="4", pp=pp, dp=str(64 // int(pp)))
    assert stated.setting.zero == read


def test_benchmarks_balance_their_experts() -> None:
    degrees = {"tp": "4", "pp": "8", "dp": "8", "ep": "8"}
    assert row(**MIXTRAL, **degrees).setup.plain.software.imbalance == 1
    assert row(**{**MIXTRAL, "kind": "full_run"}, **degrees).setup.plain.software.imbalance > 1
    assert row(**MIXTRAL, **degrees, stack="nanotron").setup.plain.software.imbalance > 1
    assert row(**MIXTRAL, **degrees).scenario.software.expert_balance == "forced"
    assert row().scenario.software.expert_balance is None


def test_only_the_makers_of_megatron_run_their_recipes() -> None:
    """Others neither hide tensor-parallel traffic, nor relay tokens, nor balance by force, unless they say so."""
    shape = dict(**MIXTRAL, tp="4", pp="8", dp="8", ep="8")

    def said(**changes: str) -> tuple[float, float, float]:
        software = row(**shape, **changes).setup.plain.software
        return float(software.tp_overlap), float(software.relay), float(software.imbalance)

    assert said() == said(source="yanring/Megatron-MoE-ModelZoo") == (0.7, 1, 1)
    assert said(source="") == said(source="InternLM/xtuner") == (0, 0, 1.15)
    told = dict(software="tp_overlap=0.5; expert_balance=forced", dispatcher="deepep")
    assert said(source="InternLM/xtuner", **told) == (0.5, 1, 1)
    assert row(**shape, source="", stack="nanotron").scenario.software.dispatcher is None
    assert said(source="", device="B200-180") == (0.7, 1, 1), "nobody else has published runs there"
    ampere = row(source="", device="A100-80", n_devices="64").scenario.software
    assert (ampere.tp_overlap, ampere.dispatcher) == (None, None), "nothing to hide or to send"


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("fp8-tensorwise", "fp8"), ("fp8-rowwise", "fp8"), ("fp8-te", "fp8"), ("fp8-msamp", "fp8"), ("bf16+fp8", "fp8"),
        ("fp8_blockwise", "fp8"), ("amp", "bf16"), ("amp_bf16", "bf16"), ("bf16-mixed", "bf16"), ("tf32", "tf32"),
        ("fp8-mx", "mxfp8"), ("BF16", "bf16"),
    ],
)  # fmt: skip
def test_number_formats_by_the_names_that_measurements_give_them(text: str, recipe: str) -> None:
    assert row(precision=text).setup.recipe.name == recipe
    assert row(precision="amp", device="V100-32", zero_stage="").setup.recipe.name == "fp16"


def test_an_unknown_number_format_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Unusable, match=r"unknown precision 'fp6-odd'.*bf16.*fp8"):
        row(precision="fp6-odd")


@pytest.mark.parametrize(
    ("text", "device", "gbps"),
    [
        ("4 x 100 Gb RoCE", "A100-80", 50), ("400 Gb/s per node", "A100-80", 50), ("8-GPU nodes, 400 Gb/s", "A100-80", 50),
        ("200 Gb/s IB between nodes", "A100-80", 25), ("8x H800 NVLink 400 GB/s; 8x400 Gb/s IB", "H800-80", 400),
        ("400 Gb/s per node (A100), 800 Gb/s (H100)", "H100-80", 100), ("NDR 400 Gb/s per GPU", "H100-80", 400),
        ("one node of 8", "A100-80", 200), ("EFA 3200 Gbps", "H100-80", 400), ("8x400 Gb/s RoCE", "MI300X", 400),
        ("8x A100 80GB, storage: 1x 100Gb/s", "A100-80", 200), ("3.2 Tb/s per node", "H100-80", 400),
    ],
)  # fmt: skip
def test_networks_by_what_people_write_of_them(text: str, device: str, gbps: float) -> None:
    assert row(interconnect=text, device=device).cluster.host.nic_bandwidth.si == pytest.approx(gbps * 1e9 / 8)


def test_a_device_is_the_part_with_the_memory_that_a_row_states() -> None:
    assert row(device="MI250X", device_memory_gb="64").cluster.device.id == "mi250x-gcd"
    assert row(device="MI250X", device_memory_gb="128").cluster.device.id == "mi250x"
    assert row(device="A100", device_memory_gb="40").cluster.device.id == "a100-40"
    assert row(device="GH200").cluster.device.id == "gh200-96"
    halves, whole = (row(device=name).cluster.device.peak_flops("bf16") for name in ("mi250x-gcd", "mi250x"))
    assert whole == pytest.approx(2 * halves, rel=0.01)


def test_stacks_by_other_names() -> None:
    assert (
        row(stack="NeMo", device="A100-80").setup.stack.name == row(stack="megatron", device="A100-80").setup.stack.name
    )
    with pytest.raises(Unusable, match="unknown software stack"):
        row(stack="no such stack")
