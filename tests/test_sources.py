"""Every shipped number has a source that is listed, every listed source is used properly, every area loads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import pytest

from carbonscaling.catalog import efficiency, factors, hardware, laws, models, prices, regions
from carbonscaling.catalog.read import build
from carbonscaling.catalog.references import reference, references
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device, Host
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.precision import PRECISIONS
from carbonscaling.sources import Choice, Datum, Reference
from carbonscaling.study.reported import reported_runs

CATALOG = resources.files("carbonscaling.catalog")
REGISTRIES = ("pypi.org", "pythonhosted.org", "npmjs", "crates.io", "anaconda.org", "conda.io", "rubygems", "nuget.org",
              "proxy.golang.org", "mvnrepository", "maven.org")  # fmt: skip


def _files(folder: Any, suffix: str) -> Iterator[Any]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _files(entry, suffix)
        elif entry.name.endswith(suffix):
            yield entry


def _toml(entry: Any) -> dict[str, Any]:
    return tomllib.loads(entry.read_text(encoding="utf-8"))


def _rows(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every table that looks like a number of the real world."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            if "value" in value:
                yield f"{path}{key}", value
            else:
                yield from _rows(value, f"{path}{key}.")


DATA = [e for e in _files(CATALOG, ".toml") if "references" not in str(e)]
NUMBERS = [(f"{e.name}: {path}", row) for e in DATA for path, row in _rows(_toml(e))]
REFERENCE_FILES = list(_files(CATALOG.joinpath("references"), ".toml"))


def test_there_are_numbers_to_check() -> None:
    assert len(NUMBERS) > 300
    assert {name.partition(":")[0] for name, _ in NUMBERS} >= {"efficiency.toml", "reported.toml"}


@pytest.mark.parametrize(("name", "row"), NUMBERS, ids=[name for name, _ in NUMBERS])
def test_every_number_is_a_row_with_a_known_source(name: str, row: Mapping[str, Any]) -> None:
    kept = (Choice if isinstance(row["value"], str) else Datum).__dataclass_fields__
    fields = {k: v for k, v in row.items() if k in kept}
    found: Choice | Datum = (
        build(Choice, fields, name) if kept is Choice.__dataclass_fields__ else build(Datum, fields, name)
    )
    assert found.source in references(), found.source
    assert isinstance(found, Choice) or found.unit


def test_no_reference_is_defined_twice_differently() -> None:
    seen: dict[str, dict[str, Any]] = {}
    for entry in REFERENCE_FILES:
        for key, row in _toml(entry).items():
            assert seen.setdefault(key, row) == row, f"{key} in {entry.name}"
    assert seen.keys() == references().keys()


@pytest.mark.parametrize("key", sorted(references()))
def test_a_reference_can_be_cited(key: str) -> None:
    item = reference(key)
    assert item.title
    assert item.authors
    assert item.venue
    assert 1950 < item.year < 2030
    assert not any(host in item.url for host in REGISTRIES)
    assert item.url == "" or item.url.startswith("https://")


def test_an_unknown_reference_is_an_error_with_the_nearest() -> None:
    with pytest.raises(InputError, match="rajbhandari_2020"):
        reference("rajbandari_2020")
    with pytest.raises(InputError) as another:  # another year is another work
        reference("rajbhandari_2021")
    assert another.value.suggestion is None


def test_no_reference_points_into_a_registry_or_an_unlisted_field() -> None:
    for entry in REFERENCE_FILES:
        for key, row in _toml(entry).items():
            build(Reference, {"key": key, **row}, entry.name)
            assert not any(host in json.dumps(row) for host in REGISTRIES), key


@pytest.mark.parametrize("device", hardware.device_names())
def test_every_device_has_efficiencies(device: str) -> None:
    found = efficiency.efficiency(hardware.cluster(device, None).device)
    for name in Efficiency.__dataclass_fields__:
        value = getattr(found, name)
        for datum in value.values() if isinstance(value, Mapping) else (value,):
            assert datum.source in references(), name
            low, high = datum.si_range
            assert low <= datum.si <= high
    assert all(0 < d.si <= 1 for d in found.gemm.values())
    assert 0 <= found.overlap.si <= 1 <= found.contention.si
    assert found.run_overhead.si >= 1


def test_efficiencies_of_families() -> None:
    def gemm(device: str) -> float:
        return efficiency.efficiency(hardware.cluster(device, None).device).gemm["bf16"].value

    assert (gemm("mi300x"), gemm("mi250x"), gemm("mi250x-gcd")) == (0.50, 0.68, 0.68)
    assert (gemm("b200"), gemm("gb200")) == (0.505, 0.56)
    assert gemm("h20") == gemm("h20-141") == 0.94
    assert (gemm("tpu-v4"), gemm("tpu-v3")) == (0.86, 0.70)
    assert (gemm("tpu-v5e"), gemm("tpu-v6e"), gemm("tpu-v7x")) == (0.95, 0.90, 0.83)
    assert gemm("h100-sxm") == gemm("h200") != gemm("a100-80")
    assert set(efficiency.architectures()) >= {"Volta", "Ampere", "Hopper", "Blackwell", "TPU"}


def test_a_generation_keeps_what_all_tpus_have() -> None:
    def of(device: str) -> Any:
        return efficiency.efficiency(hardware.cluster(device, None).device)

    assert of("tpu-v6e").layer_launch == of("tpu-v7x").layer_launch == of("tpu-v4").layer_launch
    assert of("tpu-v6e").gemm["int8"] == of("tpu-v4").gemm["int8"]
    assert [of(d).scatter_beside.value for d in ("tpu-v4", "tpu-v6e", "tpu-v7x", "h100-sxm")] == [0, 0, 1, 1]
    assert efficiency.family(hardware.device("tpu-v5p")) == "TPU"
    assert efficiency.family(hardware.device("tpu-v7x")) == "TPU v7x"


def test_a_users_profile_overrides_key_by_key(tmp_path: Any) -> None:
    device = hardware.cluster("h100-sxm", None).device
    shipped = efficiency.efficiency(device)
    path = tmp_path / "mine.toml"
    path.write_text('gemm.bf16 = { value = 0.6, unit = "1", source = "user" }\n')
    mine = efficiency.efficiency(device, path)
    assert mine.gemm["bf16"].value == 0.6
    assert mine.gemm["fp8"] == shipped.gemm["fp8"]
    assert mine.memory == shipped.memory
    path.write_text('gemn.bf16 = { value = 0.6, unit = "1", source = "user" }\n')
    with pytest.raises(InputError, match="gemm"):
        efficiency.efficiency(device, path)
    path.write_text('memory = { value = 0.6, unit = "furlong", source = "user" }\n')
    with pytest.raises(InputError):
        efficiency.efficiency(device, path)


def test_prices_are_of_known_devices() -> None:
    for device, datum in prices.prices().items():
        assert device in hardware.device_names()
        assert datum.unit == "USD/h"
        assert datum.source in references()
        assert datum.year is not None
        assert datum.basis
    assert prices.price("no-such-device") is None


def test_reported_runs_are_sourced() -> None:
    runs = reported_runs()
    assert set(runs) == {"bloom-176b", "deepseek-v3", "llama-3.1-405b", "palm-540b", "gpt-3-175b"}
    for run in runs.values():
        speeds = [run.tokens_per_s_per_device, run.model_tflops_per_device, run.hardware_tflops_per_device]
        assert sum(d is not None for d in speeds) == 1
        for datum in (*speeds, run.device_hours):
            assert datum is None or datum.source in references()


def test_recipes_are_sourced() -> None:
    for recipe in PRECISIONS.values():
        assert recipe.source in references(), recipe.name


@pytest.mark.parametrize("name", hardware.device_names())
def test_devices_load(name: str) -> None:
    assert isinstance(hardware.device(name), Device)
    assert isinstance(hardware.cluster(name, None).host, Host)


def test_other_areas_load() -> None:
    assert all(hardware.host(name).id == name for name in hardware.host_names())
    assert all(models.model(name).n_layers > 0 for name in models.model_names())
    assert all(laws.law(name) for name in laws.law_names())
    assert all(laws.critical_batch_law(name) for name in laws.batch_names())
    assert all(factors.factor(name).source in references() for name in factors.factor_ids())
    assert all(regions.region(name).source in references() for name in regions.region_names())
    assert hardware.roadmap()
