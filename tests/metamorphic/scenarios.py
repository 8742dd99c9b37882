"""Random scenarios: models, devices, places, times, rules and options of every kind, small enough to be searched in full."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

import carbonscaling as cs
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.catalog import hardware, laws, models, regions
from carbonscaling.catalog.stacks import stack_names
from carbonscaling.model.params import total_params

__all__ = ["Case", "case", "open_degrees"]

Kind = Literal["plan", "estimate"]
LAWS = ("besiroglu_2024", "hoffmann_2022", "paper_v1", "paper_v2")
LARGEST = 8e10
"""Parameters of the largest model that is drawn; larger ones differ in nothing but the time that a search takes."""
HOSTS = {"h100-sxm": ("aws-p5", "hgx-h100", "meta-grand-teton"), "a100-80": ("dgx-a100", "selene", "azure-ndv4")}
FACTORS = (
    "",
    "[carbon_intensity]\nvalue = 50\nunit = 'g/kWh'\nlow = 20\nhigh = 90\n",
    "[market_intensity]\nvalue = 10\nunit = 'g/kWh'\n",
    "[exponent]\nvalue = 3\nunit = '1'\n[host_power]\nvalue = 0\nunit = 'W'\n[idle_power]\nvalue = 10\nunit = 'W'\n",
    "[exponent]\nvalue = 1.6\nunit = '1'\n[host_power]\nvalue = 3\nunit = 'kW'\n",
)
"""Files of a user's own factors; the empty one stands for none."""
CONTRACTS = (
    Contracts("ppa"),
    Contracts("certificates", mwh=50.0, g_per_kwh=11.0, price_usd_per_mwh=4.0),
    Contracts("own_generation", mwh=2000.0, match="hour"),
)


@dataclass(frozen=True)
class Case:
    """A scenario, and whether device counts are searched for it.

    Attributes
    ----------
    scenario : Scenario
    kind : {"plan", "estimate"}
    """

    scenario: cs.Scenario
    kind: Kind

    def ask(self, **changes: Any) -> cs.Estimate | cs.Infeasible:
        """Answer the scenario with some values changed."""
        from carbonscaling.study.scenario import replace

        return (cs.plan if self.kind == "plan" else cs.estimate)(replace(self.scenario, **changes))


@cache
def _names() -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    known = [name for name in models.model_names() if float(total_params(models.model(name))) <= LARGEST]
    return known, hardware.device_names(), list(regions.region_names())


def _maybe(rng: Random, often: float, *values: Any) -> Any:
    """One of the values, or nothing said."""
    return rng.choice(values) if rng.random() < often else None


def _subject(rng: Random) -> tuple[dict[str, Any], float]:
    """A model of the catalogue, or one that a law sizes; and about how many parameters it has."""
    if rng.random() < 0.85:
        name = rng.choice(_names()[0])
        return {"model": name, "tokens": 10 ** rng.uniform(8, 12.5)}, float(total_params(models.model(name)))
    law = rng.choice(LAWS)
    if law.startswith("paper"):
        width = rng.choice((1536, 3072))
        return {"law": law, "d_model": width}, 24.0 * width**2 * 16
    return {"law": law, "compute": 10 ** rng.uniform(19, 22)}, 1e10


def _layout(rng: Random, n: int) -> cs.Layout:
    """Up to three degrees fixed, mostly to what can be."""
    whole = [d for d in (1, 2, 4, 8) if n % d == 0]
    options: dict[str, Sequence[Any]] = dict(
        tp=whole, pp=whole, cp=whole[:2], dp=[d for d in (1, 2, 8, 24) if n % d == 0], zero=(0, 1, 2, 3), micro_batch=(1, 2, 3),
        ep=(1, 1, 2, 4), etp=(1, 1, 2), vpp=(1, 1, 2), recompute=("none", "selective", "full", "feed-forward", "partial"),
        recompute_percent=(50, 100), schedule=("1f1b", "1f1b", "zb1p", "dualpipe", "combined-1f1b"), shard=(0, 0, 8),
        sequence_parallel=(True, False),
    )  # fmt: skip
    names = rng.sample(list(options), rng.choice((0, 0, 1, 1, 2, 3)))
    drawn = {name: rng.choice(options[name]) for name in names}
    if drawn.get("recompute") == "partial":
        drawn["recompute_percent"] = 50  # all layers are no part of them
    return cs.Layout(**drawn)


def _hours(rng: Random, folder: Path) -> str:
    """A file of intensities by the hour: even, by day and night, or wild, some hours without any emission."""
    n = rng.choice((1, 3, 24, 168))
    kind = rng.randrange(4)
    values = {
        0: [400.0] * n,
        1: [(80.0 if i % 24 < 8 else 600.0) for i in range(n)],
        2: [rng.choice((0.0, 5.0, 300.0, 900.0)) for _ in range(n)],
        3: [max(0.0, 300.0 + 280.0 * math.sin(2.0 * math.pi * i / 24.0) + rng.uniform(-50, 50)) for i in range(n)],
    }[kind]
    path = folder / f"hours-{rng.randrange(10**9)}.csv"
    rows = (f"2025-01-{1 + i // 24:02}T{i % 24:02}:00,{g!r}" for i, g in enumerate(values))
    path.write_text("\n".join(("time,g_per_kwh", *rows)) + "\n", encoding="utf-8")
    return str(path)


def _factors(rng: Random, folder: Path, place: Mapping[str, Any]) -> str | None:
    """Draw a file of factors, none of which the place states as well."""
    text = rng.choice(FACTORS) if place["carbon_mode"] == "physical" and rng.random() < 0.3 else ""
    stated = "hourly" in place or place["carbon_intensity_g_per_kwh"] is not None
    if not text or (stated and "carbon_intensity" in text):
        return None
    path = folder / f"factors-{rng.randrange(10**9)}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _boundary(rng: Random) -> Boundary:
    if rng.random() < 0.5:
        return Boundary()
    shares = {field.name: rng.choice((0.0, 0.0, 0.5, 2.4)) for field in fields(Boundary)}
    return Boundary(**shares | {"idle_reservation": rng.choice((0.0, 0.3, 5.0))})


def _place(rng: Random, folder: Path) -> dict[str, Any]:
    mode = rng.choice(("physical", "physical", "paper"))
    place: dict[str, Any] = dict(
        region=rng.choice(_names()[2]), carbon_mode=mode, paper_version=rng.choice(("v1", "v2")),
        amortisation=rng.choice(("calendar", "busy_hours")), shared_hosts=rng.random() < 0.5, pue=_maybe(rng, 0.3, 1.0, 1.5),
        lifetime_years=_maybe(rng, 0.3, 3.0, 8.0), boundary=_boundary(rng),
        price_usd_per_device_hour=_maybe(rng, 0.6, 0.5, 2.0, 30.0),
        price_basis=rng.choice(("list", "list", "committed", "low")), scope2=rng.choice(("location", "location", "market")),
    )  # fmt: skip
    if rng.random() < 0.1:
        place["contracts"] = rng.choice(CONTRACTS)
    if rng.random() < 0.4:
        place |= {"hourly": _hours(rng, folder), "start_hour": rng.choice((0.0, 0.0, 5.5, 23.0, 1000.25))}
    else:
        place["carbon_intensity_g_per_kwh"] = _maybe(rng, 0.3, 0.0, 20.0, 500.0)
    if mode == "physical" and place.get("carbon_intensity_g_per_kwh") is None:
        place["basis"] = _maybe(rng, 0.3, "operational", "life-cycle")
    return place | {"factors": _factors(rng, folder, place)}


def _deadline(rng: Random, place: Mapping[str, Any]) -> dict[str, Any]:
    """Days or a date, and now and then budgets that most runs keep."""
    days = rng.choice((None, 10 ** rng.uniform(0.5, 3.5)))
    found: dict[str, Any] = {"max_days": days}
    if days is None and rng.random() < 0.3:
        found = {"start_date": "2027-01-01", "finish_by": rng.choice(("2027-02-01", "2028-06-30"))}
    found["budget_energy"] = _maybe(rng, 0.1, 1e9, 1e13)
    if place["price_usd_per_device_hour"] is not None:
        found["budget_usd"] = _maybe(rng, 0.1, 1e7, 1e12)
    if "hourly" not in place:
        found["budget_carbon"] = _maybe(rng, 0.1, 1e4, 1e8)
    return found


def _training(rng: Random, what: dict[str, Any]) -> dict[str, Any]:
    """What is trained, and now and then a teacher."""
    train = rng.choice(("full", "full", "lora", "qlora", "frozen-embeddings", "frozen-layers"))
    n_layers = models.model(what["model"]).n_layers if "model" in what else 2
    rank = rng.choice((16, 16, 64))
    return {
        "train": train,
        "lora_rank": rank if "lora" in train else None,
        "lora_on": "attention" if "lora" in train and rank == 64 else None,
        "frozen_layers": rng.randint(1, max(1, n_layers - 1)) if train == "frozen-layers" else None,
        "teacher": _maybe(rng, 0.05, "llama-3-8b", "qwen3-30b-a3b"),
    }


def _software(rng: Random) -> cs.Software:
    """Return what a run changes about its stack: mostly nothing."""
    if rng.random() < 0.7:
        return cs.Software()
    return cs.Software(
        **rng.choice(({}, {}, {"context_exchange": "all-to-all"}, {"context_split": "contiguous"})),  # type: ignore[arg-type]
        attention_kernel=_maybe(rng, 0.3, "explicit", "flash1", "flash2", "native"),
        norm_kernel=_maybe(rng, 0.2, "fused", "separate"),
        compile=_maybe(rng, 0.2, True, False),
        cuda_graphs=_maybe(rng, 0.2, "none", "full"),
        dispatcher=_maybe(rng, 0.2, "alltoall", "deepep"),
        expert_overlap=_maybe(rng, 0.2, True, False),
        expert_permutation=_maybe(rng, 0.2, "fused", "separate"),
        expert_balance=_maybe(rng, 0.2, "learnt", "forced"),
        expert_capacity=_maybe(rng, 0.1, 1.0, 1.25, 2.0),
        expert_kernels=_maybe(rng, 0.1, "separate", "fused", "looped"),
        dp_overlap=_maybe(rng, 0.2, True, False),
        bf16_share=_maybe(rng, 0.2, 0.15, 1.0) or 0.0,
        attention_8bit=_maybe(rng, 0.1, True, False),
        head_8bit=_maybe(rng, 0.1, True, False),
        tp_overlap=_maybe(rng, 0.2, 0.0, 0.5, 1.0),
        tp_beside=_maybe(rng, 0.2, True, False),
        optimizer=_maybe(rng, 0.3, "adamw", "adamw-bf16", "adafactor"),
        moved_activations=rng.choice((1.0, 1.0, 0.25)),
        zero3_gather=_maybe(rng, 0.2, "layer", "parameter"),
        sequence_parallel=_maybe(rng, 0.2, True, False),
        head_placement=_maybe(rng, 0.2, "balanced", "last"),
    )


def _limit(rng: Random, device: str) -> float | None:
    """Return a power limit now and then, on boards whose speed under one was published."""
    found = hardware.device(device)
    return _maybe(rng, 0.1, 0.7 * found.tdp.si, found.tdp.si) if found.vendor == "NVIDIA" else None


def case(rng: Random, folder: Path) -> Case:
    """Return a scenario; its files are written to `folder`."""
    what, n_params = _subject(rng)
    device = rng.choice(_names()[1])
    capacity = hardware.device(device).memory_capacity.si
    least = max(0, math.ceil(math.log2(18.0 * n_params / capacity)))  # about as many devices as hold the states
    n = 2 ** rng.randrange(least, least + 5)
    n = rng.choice((n, n, n, n, 3 * n // 2 if n > 1 else 3, n + 1))
    kind: Kind = rng.choice(("plan", "estimate"))
    years = rng.choice((0.0, 0.0, 0.0, 4.5))
    formats = [name for name in ("bf16", "fp16", "fp8") if name in hardware.device(device).peak]
    recipes = (*formats, ",".join(formats))
    longest = models.model(what["model"]).seq_len if "model" in what else 2048
    counts = {"devices": n} if kind == "estimate" or rng.random() < 0.1 else {"max_devices": min(4 * n, 1024)}
    place = _place(rng, folder)
    scenario = cs.Scenario(
        **what,
        **counts,
        **place,
        device=device,
        years_ahead=years,
        cpa_growth=rng.random() < 0.3,
        host=_maybe(rng, 0.3, *HOSTS[device]) if device in HOSTS else None,
        nic_gbps=_maybe(rng, 0.1, 50.0, 1600.0),
        fabric=_maybe(rng, 0.1, *hardware.fabric_names()),
        power_limit=_limit(rng, device) if years == 0.0 else None,
        **_deadline(rng, place),
        batch=rng.choice((None, 24, 64, 96, 256, 1536)),
        batch_law=_maybe(rng, 0.2, *laws.batch_law_names()),
        seq_len=_maybe(rng, 0.5, 512, min(longest, 2048), longest),
        precision=_maybe(rng, 0.3, *recipes),
        flash=_maybe(rng, 0.2, True, False),
        **_training(rng, what),
        offload=rng.choice((None, None, None, "none", "optimizer", "activations", "weights")),
        layout=_layout(rng, n),
        memory_margin=_maybe(rng, 0.3, 0.0, 0.02, 0.2),
        space="full" if rng.random() < 0.04 else rng.choice(("default", "default", "paper")),
        quantiles=rng.choice(((), (), (), (0.1, 0.5, 1.0))),
        run_overhead=_maybe(rng, 0.2, 1.0, 1.4),
        stack=_maybe(rng, 0.4, *stack_names()),
        software=_software(rng),
        pace=rng.choice(("steady", "steady", "steady", "calendar")),
        calibration=rng.choice(("shipped", "shipped", "none")),
        objective=rng.choice(("paper", "time", "carbon", "energy", "cost")),
        history=rng.choice(((), (), (1.1,), (0.8, 1.9, 1.3))),
    )  # fmt: skip
    return Case(scenario, kind)


def open_degrees(layout: cs.Layout) -> tuple[str, ...]:
    """Return the names of the degrees that a layout leaves open."""
    return tuple(name for name, value in vars(layout).items() if value is None)
