"""What is fuzzed: every file that a user hands in, read as its command reads it and used once; commands; requests."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.calibration.own_power import measured_power
from carbonscaling.calibration.profile import calibrated, load_calibration, shipped_calibration, to_toml
from carbonscaling.carbon.hourly import passage
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.profile import load_profile
from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.catalog.user_factors import load_factors
from carbonscaling.evidence.carbon_run import load_carbon_runs
from carbonscaling.evidence.row import read_runs
from carbonscaling.model.huggingface import from_config
from carbonscaling.model.params import active_params
from carbonscaling.perf.build import machine, workload
from carbonscaling.perf.precision import precision
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.reporting.statements.measured import measured_record
from carbonscaling.reporting.statements.record import Measured
from carbonscaling.reporting.validation import replay_data
from carbonscaling.study.asked import asked
from carbonscaling.study.scenario import Scenario, load_scenario, scenario_from
from carbonscaling.study.sweep.studyfile import load_study
from carbonscaling.validate.carbon.energy import check_carbon_runs, summary
from carbonscaling.validate.carbon.trainings import check_trainings
from carbonscaling.validate.parts.table import ROWS, component_rows
from carbonscaling.validate.replay import complete
from carbonscaling.validate.speed.calibrate import calibrate
from carbonscaling.validate.speed.logs import log_run
from carbonscaling.validate.speed.runs import replay_file
from fuzz.answers import sensible
from fuzz.damage import spoilt, spoilt_text, toml_text
from fuzz.launch import launch
from fuzz.lifetime import meter, project, serving
from fuzz.material import ROOT, configs, scenario
from fuzz.sequence import sequence
from fuzz.statements import report, saved_answer
from fuzz.studies import plot, query
from fuzz.web import http
from samples import load_record

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    name : str
    run : callable
        Makes the case of a random generator in a folder, and uses it.
    cases : int
        Of a whole run.
    prepare : callable, optional
        What every case shares and the first would pay for.
    """

    name: str
    run: Callable[[Random, Path], object]
    cases: int
    prepare: Callable[[], object] | None = None


def _written(rng: Random, path: Path, text: str) -> Path:
    """Write a file: three in four as it stands, the rest with its text spoilt."""
    path.write_bytes(spoilt_text(rng, text) if rng.random() < 0.25 else text.encode("utf-8", "surrogatepass"))
    return path


def _maybe(rng: Random, *values: float) -> float | None:
    return rng.choice((None, *values))


def _toml(rng: Random, path: Path, data: Mapping[str, Any], most: int = 3) -> Path:
    return _written(rng, path, toml_text(spoilt(rng, data, most)))


def config(rng: Random, folder: Path) -> object:
    """A Hugging Face ``config.json``, counted."""
    data = spoilt(rng, rng.choice(configs()))
    if rng.random() < 0.5:
        spec = from_config(data)
    else:
        spec = models.load_model(_written(rng, folder / "config.json", json.dumps(data)))
    return active_params(spec), workload(spec, min(spec.seq_len, 4096))


MODEL = dict(n_layers=32, d_model=4096, vocab_size=32000, seq_len=4096, tied_embeddings=False,
             attention=dict(n_heads=32, n_kv_heads=8, head_dim=128), ffn=dict(d_ff=14336, gated=True),
             experts=dict(n_routed=8, top_k=2, d_ff=14336, d_ff_shared=0, n_dense_layers=0))  # fmt: skip


def model(rng: Random, folder: Path) -> object:
    """A user's model in TOML."""
    spec = models.load_model(_toml(rng, folder / "model.toml", MODEL))
    return active_params(spec), workload(spec, min(spec.seq_len, 4096))


DEVICE = dict(based_on="h100-sxm", name="mine", memory_capacity=dict(value=96.0, unit="GB", source="user"),
              memory_bandwidth=dict(value=4.0, unit="TB/s", source="user", low=3.0, high=4.5), n_cores=120,
              peak=dict(bf16=dict(value=900.0, unit="TFLOP/s", source="user")), tdp=dict(value=0.6, unit="kW", source="user"),
              link_bandwidth=dict(value=800.0, unit="GB/s", source="user"))  # fmt: skip
HOST = dict(based_on="dgx-h100", devices_per_host=8, domain_size=8, topology="switch",
            nic_bandwidth=dict(value=400.0, unit="Gbit/s", source="user"),
            host_power=dict(value=2.0, unit="kW", source="user"))  # fmt: skip


def device(rng: Random, folder: Path) -> object:
    """A user's device and host in TOML, as a machine and with its carbon."""
    mine, home = _toml(rng, folder / "device.toml", DEVICE), _toml(rng, folder / "host.toml", HOST, 2)
    cluster = hardware.cluster(str(mine), str(home) if rng.random() < 0.5 else None)
    q = machine(cluster, precision("bf16"), efficiency(cluster.device), stack("plain"))
    mode = rng.choice(("physical", "paper"))
    return q, carbon_model(cluster, "france", mode).numbers  # type: ignore[arg-type]


def profile(rng: Random, folder: Path) -> object:
    """A user's efficiencies in TOML."""
    cluster = hardware.cluster("h100-sxm")
    constants = efficiency(cluster.device, _toml(rng, folder / "profile.toml", PROFILE))
    return machine(cluster, precision("bf16"), constants, stack("plain"))


PROFILE = tomllib.loads((ROOT / "examples/device-level.toml").read_text(encoding="utf-8")) | dict(
    memory=dict(value=0.8, unit="1", source="user", low=0.7, high=0.9),
    gemm=dict(bf16=dict(value=0.7, unit="1", source="user")), overlap=dict(value=0.5, unit="1", source="user"),
    kernel_latency=dict(value=5.0, unit="us", source="user"),
)  # fmt: skip
FACTORS = dict(
    pue=dict(value=1.2, unit="1", low=1.1, high=1.3), carbon_intensity=dict(value=50, unit="g/kWh", low=20, high=90),
    lifetime=dict(value=5, unit="y", low=4, high=7), exponent=dict(value=0.2, unit="1", source="user"),
)  # fmt: skip


def factors(rng: Random, folder: Path) -> object:
    """A user's carbon factors in TOML, with their intervals."""
    from carbonscaling.carbon.assess import assess

    own = load_factors(_toml(rng, folder / "factors.toml", FACTORS))
    return assess(carbon_model(hardware.cluster("h100-sxm"), "france", overrides=own), 64, 1e6, 0.4)


def _asked(rng: Random, s: Scenario) -> object:
    return asked(s, rng.choice(("plan", "estimate")))


def scenario_toml(rng: Random, folder: Path) -> object:
    """A scenario file, looked up."""
    return _asked(rng, load_scenario(_written(rng, folder / "scenario.toml", toml_text(scenario(rng)))))


def scenario_json(rng: Random, _folder: Path) -> object:
    """A scenario as JSON data, looked up."""
    return _asked(rng, scenario_from(json.loads(json.dumps(scenario(rng))), "request"))


def _csv(rng: Random, rows: list[dict[str, str]]) -> str:
    """Rows with cells spoilt, as CSV."""
    spoil = [{k: str(v) for k, v in spoilt(rng, row, 5).items()} for row in rows]
    columns = list(dict.fromkeys(k for row in spoil for k in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(spoil)
    return out.getvalue()


def _some(rng: Random, rows: Any, n: int) -> list[dict[str, str]]:
    return [dict(rng.choice(rows)) for _ in range(rng.randrange(1, n + 1))]


def runs(rng: Random, folder: Path) -> object:
    """Measured configurations, replayed and scored."""
    rows = read_runs(_written(rng, folder / "runs.csv", _csv(rng, _some(rng, evidence.rows("runs"), 2))))
    found = replay_file(rows, shipped_calibration())
    return found.csv(), replay_data(found.counts, found.reasons, found.aside, found.score)


def runs_read(rng: Random, folder: Path) -> object:
    """Measured configurations, completed."""
    return complete(read_runs(_written(rng, folder / "runs.csv", _csv(rng, _some(rng, evidence.rows("runs"), 2)))))


def fitted(rng: Random, folder: Path) -> object:
    """Measured configurations, calibrated on."""
    rows = [dict(rng.choice(evidence.rows("runs"))) for _ in range(8)]
    found, _ = calibrate(read_runs(_written(rng, folder / "runs.csv", _csv(rng, rows))), "fuzz")
    path = folder / "fitted.toml"
    path.write_text(to_toml(found, "fuzz"), encoding="utf-8")
    return load_calibration(path)


def carbon_runs(rng: Random, folder: Path) -> object:
    """Trainings with energy and carbon, held against the model."""
    text = _csv(rng, _some(rng, evidence.rows("carbon_runs"), 2))
    return summary(check_carbon_runs(load_carbon_runs(_written(rng, folder / "carbon.csv", text))))


def trainings(rng: Random, folder: Path) -> object:
    """Whole trainings, answered before the fact."""
    rows = _some(rng, [row for row in evidence.rows("trainings") if row["device"]], 1)
    text = _csv(rng, [{**row, "model_file": ""} for row in rows])
    return check_trainings(_written(rng, folder / "trainings.csv", text))


def parts(rng: Random, folder: Path) -> object:
    """Rows of a part of the model alone."""
    part = rng.choice([*ROWS])
    file = _written(rng, folder / "rows.csv", _csv(rng, _some(rng, evidence.rows(part), 2)))
    return component_rows(part, file).csv()


def hourly(rng: Random, folder: Path) -> object:
    """An hourly profile, and a run through it."""
    rows = [
        {"time": f"2025-01-{1 + i // 24:02}T{i % 24:02}:00", "g_per_kwh": str(rng.choice((0, 5, 50.5, 400)))}
        for i in range(30)
    ]
    text = (
        _csv(rng, rows) if rng.random() < 0.5 else "\n".join(["time,g_per_kwh", *(",".join(r.values()) for r in rows)])
    )
    found = load_profile(_written(rng, folder / "hours.csv", text))
    return passage(
        found, rng.choice((0.0, 0.5, 1e3, 29.9)), rng.choice((0.1, 1.0, 1e4)), rng.choice((0.0, 50.5, float("inf")))
    )


@cache
def _calibration() -> dict[str, Any]:
    data = tomllib.loads(to_toml(shipped_calibration(), "x"))
    return data | {"constants": data["constants"][:8]}


def calibration(rng: Random, folder: Path) -> object:
    """A calibration file, applied."""
    cluster = hardware.cluster("h100-sxm")
    found = load_calibration(_toml(rng, folder / "mine.toml", _calibration()))
    plain = machine(cluster, precision("bf16"), efficiency(cluster.device), stack("plain"))
    q = calibrated(plain, cluster.device, "megatron", found)
    s = Scenario(model="llama-3-8b", tokens=1e12, devices=64, calibration=str(folder / "mine.toml"))
    return q, asked(s, "estimate")[1].time


STUDY: dict[str, Any] = dict(
    name="s", answer="estimate", shard_cases=10, scenario=dict(model="gpt-3-1.3b", tokens=1e10, batch=64, devices=8),
    axis=[dict(key="region", catalog="us-east*, france"), dict(key="devices", values=[8, 16], zip="a"),
          dict(key="max_days", range=dict(start=1, stop=9, num=2), zip="a"), dict(table="table.csv"),
          dict(key="tokens", log=dict(start=1e9, stop=1e12, num=3))],
    samples=dict(n=5, method="lhs", seed=3, factors=dict(pue=dict(low=1.05, high=1.4), batch=dict(low=8, high=64, whole=True))),
    keep=dict(top=3, front=True, quantiles=[0.5], interval=True),
)  # fmt: skip


def study(rng: Random, folder: Path) -> object:
    """A study file with a table, its first and last case."""
    table = [{"device": "h100-sxm", "precision": "bf16"}, {"device": "a100-80", "precision": "bf16"}]
    _written(rng, folder / "table.csv", _csv(rng, table))
    data = dict(STUDY)
    if rng.random() < 0.5:
        data["axis"] = rng.sample(STUDY["axis"], rng.randrange(1, 4))
    found = load_study(_toml(rng, folder / "study.toml", data))
    return found.varied(0), found.varied(found.n_cases - 1), found.n_shards


def answer(rng: Random, folder: Path) -> object:
    """A saved answer, as every statement."""
    record = load_record(_written(rng, folder / "answer.json", json.dumps(spoilt(rng, saved_answer()))))
    if rng.random() < 0.3:
        measured = Measured(
            rng.choice((3e4, 1e-3, 1e12)), _maybe(rng, 2e4, 1e9), rng.choice(("facility", "it", "devices"))
        )
        record = measured_record(
            measured, device=record.device, n_devices=record.n_devices, model=record.model, plan=record
        )
    return [FORMATS[name](record) for name in FORMATS]


MEGATRON = " iteration {i}/ 100 | consumed samples: {i} | elapsed time per iteration (ms): {ms} | lm loss: 2.1 |\n"
TORCHTITAN = "[titan] step: {i} loss: 2.0 memory: 40GiB(50%) tps: {ms} tflops: 400 mfu: 40%\n"
RUN = cs.Scenario(model="llama-3-8b", devices=64, batch=512, layout=cs.Layout(tp=2, pp=1, dp=32))
NUMBERS = ("1234.5", "0", "0.0", "1,234", ",", ".", "1.2.3", "1e3", "-5", "9" * 400, "nan", "1..", ",,,", "0,0")


def log(rng: Random, folder: Path) -> object:
    """A training log, as a run that is settled."""
    line = rng.choice((MEGATRON, TORCHTITAN))
    odd = rng.random() < 0.5
    text = "".join(
        line.format(i=i, ms=rng.choice(NUMBERS) if odd and rng.random() < 0.3 else "5120.5") for i in range(14)
    )
    return log_run(_written(rng, folder / "train.log", text), RUN)


EMISSIONS = "timestamp,run_id,duration,energy_consumed,cpu_energy,gpu_energy,ram_energy,gpu_count,gpu_model,pue"


def emissions(rng: Random, folder: Path) -> object:
    """A tracker's file, as the power of one device."""

    def cell(plain: str) -> str:
        return rng.choice((*NUMBERS, "1e308", "1e-300", "0.5", "")) if rng.random() < 0.1 else plain

    model = rng.choice(
        (
            "8 x NVIDIA A100-SXM4-80GB",
            "8 x NVIDIA A100-SXM4-80GB",
            "NVIDIA H100 80GB HBM3",
            "4 x A100 2 x H100",
            "1 x Voodoo 2",
            "",
        )
    )
    lines = [
        ",".join(
            (
                "now",
                f"r{rng.randrange(3)}",
                *(cell(v) for v in ("3600", "3", "0.4", "2.4", "0.1", "8")),
                model,
                cell("1.2"),
            )
        )
        for _ in range(rng.randrange(4))
    ]
    file = _written(rng, folder / "emissions.csv", "\n".join((EMISSIONS, *lines)))
    return measured_power([file], rng.choice((None, "a100-80", "a100-80", "no-such-device")))


TARGETS = (
    Target("config", config, 50_000),
    Target("model", model, 14_000),
    Target("device", device, 8_000),
    Target("profile", profile, 6_000),
    Target("factors", factors, 3_000),
    Target("scenario-toml", scenario_toml, 18_000),
    Target("scenario-json", scenario_json, 18_000),
    Target("runs", runs, 1_500),
    Target("runs-read", runs_read, 6_000),
    Target("calibrate", fitted, 20),
    Target("carbon-runs", carbon_runs, 3_000),
    Target("trainings", trainings, 100, check_trainings),
    Target("parts", parts, 3_000),
    Target("hourly", hourly, 9_000),
    Target("calibration", calibration, 5_000),
    Target("study", study, 6_000),
    Target("answer", answer, 8_000),
    Target("log", log, 3_000),
    Target("launch", launch, 6_000),
    Target("emissions", emissions, 3_000),
    Target("estimate", sensible, 1_500),
    Target("query", query, 6_000),
    Target("plot", plot, 2_000),
    Target("report", report, 8_000),
    Target("sequence", sequence, 3_000),
    Target("project", project, 3_000),
    Target("serving", serving, 3_000),
    Target("meter", meter, 4_000),
    Target("http", http, 10_000),
)
"""Every kind of input, with its share of two hundred thousand cases."""
