"""Shipped devices and hosts: provenance, units, the papers' table, names, and a user's own files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.catalog import hardware as catalog
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.instances import families
from carbonscaling.catalog.read import build
from carbonscaling.catalog.references import references
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device, Host
from carbonscaling.sources import Datum

DEVICES = catalog.device_names()
HOSTS = catalog.host_names()


def data_of(item: Any) -> Iterator[tuple[str, Datum]]:
    for entry in dataclasses.fields(item):
        value = getattr(item, entry.name)
        if isinstance(value, Datum):
            yield entry.name, value
        elif isinstance(value, dict):
            yield from value.items()


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_number_has_a_known_source(name: str) -> None:
    device = catalog.device(name)
    rows = dict(data_of(device))
    assert len(rows) >= 8
    for key, datum in rows.items():
        assert datum.source in references(), key
        low, high = datum.si_range
        assert 0 < low <= datum.si <= high < math.inf


@pytest.mark.parametrize("name", HOSTS)
def test_every_host_number_has_a_known_source(name: str) -> None:
    for key, datum in data_of(catalog.host(name)):
        assert datum.source in references(), key


def test_roadmap_numbers_have_known_sources() -> None:
    assert all(datum.source in references() for _, datum in data_of(catalog.roadmap()))


def test_estimates_say_how_they_were_made() -> None:
    items = [catalog.device(n) for n in DEVICES] + [catalog.host(n) for n in HOSTS]
    for item in items:
        for key, datum in data_of(item):
            assert datum.source != "project_estimate" or datum.remark, (item.id, key)


@pytest.mark.parametrize("kind", [Device, Host])
def test_quick_and_validated_reading_agree(kind: type) -> None:
    for name in DEVICES if kind is Device else HOSTS:
        path = catalog._FOLDERS[kind] / f"{name}.toml"
        assert build(kind, {**catalog._merged(kind, path), "id": name}, name) == catalog._by_id(kind, name)


@pytest.mark.parametrize("name", DEVICES)
def test_device_is_plausible(name: str) -> None:
    device = catalog.device(name)
    assert device.id == name
    assert device.default_host in HOSTS
    assert device.idle_power.si < 0.7 * device.tdp.si
    assert 290e-6 <= device.die_area.si <= 2500e-6
    assert 1e9 <= device.memory_capacity.si <= 320e9
    sixteen_bit = device.peak.get("bf16", device.peak.get("fp16"))
    assert sixteen_bit is not None
    # machine balance of every accelerator since 2017; the H20, cut for export, is lowest
    assert 30 < sixteen_bit.si / device.memory_bandwidth.si < 600
    assert device.peak.get("fp32", sixteen_bit).si <= sixteen_bit.si
    assert 2016 < device.year < 2027
    assert (device.matrix_unit > 0) == (device.kind == "tpu")
    assert device.cpa_factor == 1.0


@pytest.mark.parametrize("name", HOSTS)
def test_host_is_plausible(name: str) -> None:
    host = catalog.host(name)
    assert host.id == name
    assert host.host_idle_power.si < host.host_power.si
    assert host.domain_size % 2 == 0
    assert 1e9 <= host.nic_bandwidth.si <= 100e9
    torus = host.topology.startswith("torus")
    assert bool(host.pod_shape) == torus == (host.ring_multiple > 0)
    if torus:
        assert len(host.pod_shape) == int(host.topology[5])


def test_devices_are_hashable_and_cached() -> None:
    assert catalog.device("H100-80") is catalog.device("h100-sxm")
    assert len({catalog.device(name) for name in DEVICES}) == len(DEVICES)


# device, FP16 TFLOPS, HBM GB, HBM GB/s, link GB/s, TDP W, die mm2, node: table 2 of v1 and table 1 of v2
PAPER = [
    ("paper-v100", "carbonscaling_v1", 119.2, 32, 900, 300, 250, 815, "12nm"),
    ("paper-v100-v2", "carbonscaling_v2", 119.2, 32, 900, 300, 250, 680, "12nm"),
    ("paper-a100", "carbonscaling_v2", 312, 40, 1555, 600, 400, 826, "7nm"),
    ("paper-h100", "carbonscaling_v2", 989.4, 80, 3352, 900, 700, 814, "5nm"),
    ("paper-b100", "carbonscaling_v2", 1980, 192, 8200, 1800, 700, 1600, "4nm"),
    ("paper-tpuv4", "carbonscaling_v2", 275, 32, 1200, 400, 320, 600, "7nm"),
    ("paper-tpuv5p", "carbonscaling_v2", 459, 96, 2765, 1200, 600, 426, "5nm"),
]


@pytest.mark.parametrize(("name", "source", "peak", "gb", "gbs", "link", "tdp", "mm2", "node"), PAPER)
def test_paper_rows_are_as_printed(
    name: str, source: str, peak: float, gb: float, gbs: float, link: float, tdp: float, mm2: float, node: str
) -> None:
    device = catalog.device(name)
    printed = [
        (device.peak["fp16"], peak, "TFLOP/s"),
        (device.memory_capacity, gb, "GB"),
        (device.memory_bandwidth, gbs, "GB/s"),
        (device.link_bandwidth, link, "GB/s"),
        (device.tdp, tdp, "W"),
        (device.die_area, mm2, "mm2"),
    ]
    for datum, value, unit in printed:
        assert (datum.value, datum.unit, datum.source) == (value, unit, source)
    assert device.process_node == node
    assert device.peak_flops("bf16") == device.peak_flops("fp16")
    host = catalog.host(device.default_host)
    assert (host.devices_per_host, host.n_cpus) == (8, 1)
    assert (host.cpu_memory.si, host.storage.si) == (256e9, 32e12)


def test_b100_is_two_dies() -> None:
    assert catalog.device("paper-b100").n_dies == catalog.device("b200").n_dies == 2


ALIASES = {
    "A100-80": "a100-80",
    "A100": "a100-80",
    "A100-40": "a100-40",
    "A100-PCIe-80": "a100-pcie-80",
    "A100-SXM4-80GB": "a100-80",
    "A800-80": "a800-80",
    "B200-180": "b200",
    "B300-270": "b300",
    "GB200-186": "gb200",
    "GB300-288": "gb300",
    "Gaudi2-96": "gaudi2",
    "H100": "h100-sxm",
    "H100-80": "h100-sxm",
    "H100-80GB": "h100-sxm",
    "H100-96": "h100-96",
    "H200-141": "h200",
    "H800-80": "h800",
    "MI300X-192": "mi300x",
    "MI325X-256": "mi325x",
    "MI355X-288": "mi355x",
    "TPUv2": "tpu-v2",
    "TPUv3": "tpu-v3",
    "TPUv4": "tpu-v4",
    "TPUv5e": "tpu-v5e",
    "TPUv5p": "tpu-v5p",
    "TPUv6e": "tpu-v6e",
    "TPUv7x": "tpu-v7x",
    "V100": "v100-sxm2-32",
    "V100-16": "v100-sxm2-16",
    "V100-32": "v100-sxm2-32",
    "V100-SXM2": "v100-sxm2-32",
    " h100_sxm ": "h100-sxm",
}


@pytest.mark.parametrize(("spelling", "id_"), ALIASES.items())
def test_spellings(spelling: str, id_: str) -> None:
    assert catalog.device(spelling).id == id_


@pytest.mark.parametrize("kind", [Device, Host])
def test_aliases_lead_somewhere_and_hide_nothing(kind: type) -> None:
    known = catalog.device_names() if kind is Device else catalog.host_names()
    for spelling, id_ in catalog.aliases(kind).items():
        assert id_ in known
        assert spelling == spelling.lower()
        assert spelling not in known


def test_unknown_device_names_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        catalog.device("h100-smx")
    assert caught.value.suggestion == "h100-sxm"
    assert "toml" in str(caught.value)
    with pytest.raises(InputError, match="unknown host"):
        catalog.host("dgx-z")


# a known figure each, from the vendors' tables
KNOWN = [
    ("v100-sxm2-32", "fp16", 125, 32 * 2**30, 900e9, 150e9),
    ("a100-40", "bf16", 312, 40 * 2**30, 1555e9, 300e9),
    ("a800-80", "bf16", 312, 80 * 2**30, 2039e9, 200e9),
    ("h100-sxm", "fp8", 1978.9, 80 * 2**30, 3352e9, 450e9),
    ("h100-pcie", "bf16", 756.5, 80 * 2**30, 2000e9, 300e9),
    ("h800", "bf16", 989.4, 80 * 2**30, 3352e9, 200e9),
    ("h200", "bf16", 989.4, 141 * 2**30, 4800e9, 450e9),
    ("b200", "bf16", 2250, 180 * 2**30, 8000e9, 900e9),
    ("gb200", "fp4", 10000, 186 * 2**30, 8000e9, 900e9),
    ("gb300", "fp4", 15000, 288 * 2**30, 8000e9, 900e9),
    ("mi300x", "bf16", 1307.4, 192 * 2**30, 5300e9, 448e9),
    ("tpu-v3", "bf16", 123, 32 * 2**30, 900e9, 280e9),
    ("tpu-v4", "bf16", 275, 32 * 2**30, 1200e9, 300e9),
    ("tpu-v5e", "int8", 393, 16e9, 819e9, 200e9),
    ("tpu-v5p", "int8", 918, 95 * 2**30, 2765e9, 600e9),
    ("tpu-v6e", "bf16", 918, 31.25 * 2**30, 1638e9, 400e9),
    ("tpu-v7x", "fp8", 4614, 192 * 2**30, 7380e9, 600e9),
]


@pytest.mark.parametrize(("name", "format_", "tflops", "capacity", "memory", "one_way"), KNOWN)
def test_known_figures(name: str, format_: str, tflops: float, capacity: float, memory: float, one_way: float) -> None:
    cluster = catalog.cluster(name)
    assert cluster.device.peak_flops(format_) == pytest.approx(tflops * 1e12)
    assert cluster.device.memory_capacity.si == pytest.approx(capacity)
    assert cluster.device.memory_bandwidth.si == pytest.approx(memory)
    assert cluster.device.link_bandwidth.si / 2 == pytest.approx(one_way)


def test_missing_format_is_said() -> None:
    with pytest.raises(InputError, match="no bf16 matrix units"):
        catalog.device("v100").peak_flops("bf16")


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_user_device_based_on_a_shipped_one(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.toml",
        'based_on = "H100"\nname = "Mine"\ntdp = { value = 500.0, unit = "W", source = "user" }\n'
        '[peak]\nfp8 = { value = 1500.0, unit = "TFLOP/s", source = "user" }\n',
    )
    mine, base = catalog.device(path), catalog.device("h100-sxm")
    assert (mine.id, mine.name, mine.tdp.si) == ("mine", "Mine", 500.0)
    assert mine.peak_flops("fp8") == 1500e12
    assert mine.peak["bf16"] == base.peak["bf16"]
    assert mine.memory_capacity == base.memory_capacity
    assert catalog.cluster(path).host.id == "hgx-h100"


BAD = [
    ('based_on = "h100"\ntpd = 3\n', "unknown key", "tdp"),
    ('based_on = "h100-smx"\n', "unknown device", "h100-sxm"),
    ("based_on = 3\n", "expected a name", None),
    ('name = "x"\n', "missing key", None),
    ('based_on = "h100"\ntdp = { value = 5.0, unit = "GB", source = "user" }\n', "does not measure", None),
    ('based_on = "h100"\nchip_power = { value = 500.0, unit = "W", source = "user" }\n', "draws no less", None),
    ('based_on = "h100"\nidle_power = { value = 701.0, unit = "W", source = "user" }\n', "draws no more idle", None),
    ('based_on = "h100"\ntdp = { value = -5.0, unit = "W", source = "user" }\n', "not a usable number", None),
    ('based_on = "h100"\ntdp = { value = nan, unit = "W", source = "user" }\n', "not a usable number", None),
    ('based_on = "h100"\ntdp = { value = 500.0, unit = "W", source = "jupi_2023" }\n', "unknown source", "jouppi_2023"),
    ('based_on = "h100"\nn_dies = 0\n', "too small a count", None),
    (f'based_on = "h100"\nn_cores = {10**320}\n', "too large a count", None),
    ('based_on = "h100"\nkind = "fpga"\n', "gpu", None),
    ('based_on = "h100"\nkind = "tpu"\n', "too small a count", None),
    ("based_on = h100\n", "not valid TOML", None),
]


@pytest.mark.parametrize(("text", "problem", "suggestion"), BAD)
def test_bad_device_files(tmp_path: Path, text: str, problem: str, suggestion: str | None) -> None:
    with pytest.raises(InputError) as caught:
        catalog.load_device_file(write(tmp_path / "bad.toml", text))
    assert problem in str(caught.value)
    if suggestion:
        assert caught.value.suggestion == suggestion


def test_bad_host_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sides do not multiply"):
        catalog.load_host_file(write(tmp_path / "pod.toml", 'based_on = "tpu-v4-pod"\ndomain_size = 512\n'))
    nic = 'based_on = "selene"\nnic_bandwidth = { value = 200.0, unit = "W", source = "user" }\n'
    with pytest.raises(InputError, match="does not measure"):
        catalog.host(write(tmp_path / "nic.toml", nic))


def test_device_without_a_peak_is_refused() -> None:
    with pytest.raises(InputError, match="no peak"):
        dataclasses.replace(catalog.device("h100"), peak={})


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("Tesla V100-SXM2-32GB", "v100-sxm2-32"),
        ("NVIDIA A100-SXM4-80GB", "a100-80"),
        ("AMD Instinct MI300X", "mi300x"),
        ("Google TPU v4", "tpu-v4"),
        ("Intel Gaudi 2", "gaudi2"),
    ],
)
def test_names_as_makers_write_them(written: str, id_: str) -> None:
    assert catalog.device(written).id == id_


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("p5.48xlarge", "h100-sxm"), ("p5en.48xlarge", "h200"), ("p4d.24xlarge", "a100-40"), ("trn2.48xlarge", "trainium2"),
        ("a3-highgpu-8g", "h100-sxm"), ("a3-ultragpu-8g", "h200"), ("a2-ultragpu-4g", "a100-80"),
        ("ND_H100_v5", "h100-sxm"), ("Standard_ND96isr_H200_v5", "h200"), ("ND96amsr_A100_v4", "a100-80"),
        ("Standard_ND96asr_v4", "a100-40"), ("BM.GPU.H100.8", "h100-sxm"), ("BM.GPU4.8", "a100-40"),
    ],
)  # fmt: skip
def test_a_clouds_instance_suggests_the_device_in_it(name: str, device: str) -> None:
    with pytest.raises(InputError) as refused:
        catalog.device(name)
    assert refused.value.suggestion == device
    assert "instance" in refused.value.problem


@pytest.mark.parametrize("name", ["m5.48xlarge", "a3-highcpu-8", "n2-standard-8", "p5", "Standard_D8s_v5"])
def test_an_instance_without_a_known_device_suggests_none(name: str) -> None:
    with pytest.raises(InputError) as refused:
        catalog.device(name)
    assert "instance" not in refused.value.problem


def test_families_of_instances_name_devices_and_works_that_exist() -> None:
    for family in families():
        assert family.device in DEVICES
        assert family.source in references()


def test_a_device_page_names_no_count_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "show", "h100-sxm"]) == 0
    assert "matrix unit" not in capsys.readouterr().out
    assert main(["catalog", "show", "tpu-v5p"]) == 0
    assert "matrix unit" in capsys.readouterr().out


def test_what_a_device_reaches_itself_stands_before_its_architecture(tmp_path: Path) -> None:
    """AMD's own table: an MI325X multiplies 1.19 times as fast as an MI300X of the same peak; others take CDNA's share."""
    shares = {name: efficiency(catalog.device(name)).gemm for name in ("mi300x", "mi325x", "mi350x", "mi355x")}
    assert shares["mi325x"]["bf16"].value / shares["mi300x"]["bf16"].value == pytest.approx(843 / 708, rel=0.02)
    assert shares["mi325x"]["fp8"].value / shares["mi300x"]["fp8"].value == pytest.approx(1519 / 1273, rel=0.02)
    assert shares["mi355x"]["bf16"].value / shares["mi300x"]["bf16"].value == pytest.approx(
        1565 / 2516.6 * 1307.4 / 668.4, rel=0.02
    )
    assert shares["mi350x"] == {**shares["mi300x"], **catalog.device("mi350x").reached}
    file = tmp_path / "mine.toml"
    file.write_text('based_on = "mi325x"\n')
    assert efficiency(catalog.device(str(file))).gemm == shares["mi325x"]
    file.write_text('based_on = "mi325x"\nreached.bf16 = { value = 1.2, unit = "1", source = "user" }\n')
    with pytest.raises(InputError) as error:
        catalog.device(str(file))
    assert (error.value.key, error.value.value) == ("reached.bf16.value", 1.2)


def test_a_profile_stands_before_what_a_device_reaches(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('gemm.bf16 = { value = 0.7, unit = "1", source = "user" }\n')
    own = efficiency(catalog.device("mi325x"), file).gemm
    assert (own["bf16"].value, own["fp8"]) == (0.7, catalog.device("mi325x").reached["fp8"])
