"""A question, exactly as a person states it: on the command line, in TOML, or in Python."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.numbers import RecomputeSaid, ScheduleName
from carbonscaling.record import dataclass
from carbonscaling.software.options import Software
from carbonscaling.study.check import check, check_layout
from carbonscaling.study.versions import stamped

__all__ = ["UNSTATED", "Layout", "Scenario", "Unstated", "load_scenario", "scenario_schema"]


class Unstated(str):
    """Text that stands where nobody said any: equal to what is assumed, and known for it."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Return the schema of text: as a default it is written so."""
        return handler(str)


@dataclass(frozen=True)
class Layout:
    """Parts of the parallelism setting that are fixed; what is left out is searched.

    Attributes
    ----------
    tp : int, optional
        Tensor parallelism.
    pp : int, optional
        Pipeline stages.
    dp : int, optional
        Data parallelism: every replica of the dense layers counts.
    cp : int, optional
        Context parallelism: devices that share a sequence (1 where tp, pp and dp stand for the device count).
    ep : int, optional
        Expert parallelism: devices over which the experts are spread.
    etp : int, optional
        Tensor parallelism inside an expert.
    vpp : int, optional
        Model chunks per pipeline stage.
    zero : int, optional
        ZeRO stage 0 to 3.
    shard : int, optional
        Devices over which ZeRO shards (hybrid sharding); 0 for the whole data-parallel group.
    micro_batch : int, optional
        Sequences of a micro-batch.
    recompute : {"none", "selective", "full", "feed-forward", "partial"}, optional
        Activations that the backward pass computes again; ``feed-forward`` those blocks whole, experts' exchanges with them,
        beside what ``selective`` does; ``partial`` is ``full`` in a share of the layers.
    recompute_percent : int, optional
        Share of the layers that recompute, in percent: all of them where `recompute` is ``full``.
    schedule : {"1f1b", "zb1p", "dualpipe", "combined-1f1b"}, optional
        Pipeline schedule: one forward one backward (interleaved where vpp > 1), zero bubble, DualPipe, or one forward beside
        one backward, which hides experts' traffic without a pipeline too.
    sequence_parallel : bool, optional
        Shard norms and residuals over the sequence (default: wherever ``tp > 1``).
    """

    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    cp: int | None = None
    ep: int | None = None
    etp: int | None = None
    vpp: int | None = None
    zero: int | None = None
    shard: int | None = None
    micro_batch: int | None = None
    recompute: RecomputeSaid | None = None
    recompute_percent: int | None = None
    schedule: ScheduleName | None = None
    sequence_parallel: bool | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense, each by name."""
        check_fields(self, "layout.")
        check_layout(vars(self))


UNSTATED = Unstated("us-east5")
"""The place that is assumed where nobody names one."""
_ALL_OPEN, _NOTHING_BESIDE, _AS_IT_SHIPS, _NO_CONTRACT = Layout(), Boundary(), Software(), Contracts()
"""What every scenario shares that says nothing of layout, boundary, software and contracts."""


@dataclass(frozen=True)
class Scenario:
    """Everything a plan or an estimate depends on.

    Attributes
    ----------
    model : str or ModelSpec, optional
        Catalogue name, path of a Hugging Face ``config.json``, path of a model TOML file, or the model itself (in a file: a
        table ``[model]``).
    law : str, optional
        Scaling law that sets the model, the tokens, or both.
    d_model : int, optional
        Width of a model of the papers' family (``law = "paper_v1"`` or ``"paper_v2"``).
    target_loss : float, optional
        Loss to reach by the law.
    compute : float, optional
        Training FLOPs to spend by the law.
    tokens : float, optional
        Training tokens; without them the law's, or 20 per parameter.
    device : str
        Accelerator: a catalogue name, or the path of a TOML file.
    host : str, optional
        Host other than the device's usual one: a catalogue name, or the path of a TOML file.
    devices : int, optional
        Exact number of devices.
    max_devices : int
        Most devices that a plan may use.
    nic_gbps : float, optional
        Network per device and direction in Gbit/s, in place of the host's.
    fabric : str, optional
        Kind of that network, in place of the host's: infiniband, roce, efa, tcpxo, tcpx, slingshot, omni-path, tcp.
    power_limit : float, optional
        Power limit of a device in W, below its rating: products run at a lower clock, and it draws no more.
    max_days : float, optional
        Deadline; a plan without one has 90 days.
    finish_by : str, optional
        Date (YYYY-MM-DD) by which the run must end, in place of a deadline in days.
    start_date : str, optional
        Date on which it begins; today if not given.
    budget_usd : float, optional
        Most money, in US dollars, with the lines beside the run. With a law and no model, or a model and no tokens, what
        reaches the least loss within it.
    budget_carbon : float, optional
        Most carbon, in t CO2e; otherwise as `budget_usd`.
    budget_energy : float, optional
        Most energy, in kWh; otherwise as `budget_usd`.
    objective : {"paper", "time", "carbon", "energy", "cost"}
        What is best: "paper" takes the fewest devices, and of these the shortest time; "time" the shortest time; "carbon" the
        least carbon, operational and embodied; "energy" the least energy; "cost" the least money.
    batch : int, optional
        Global batch in sequences; without it the best of a range is searched, at equal loss (``carbonscaling batch``).
    batch_law : str, optional
        Law that sets the batch where none is given, in place of the search (``carbonscaling batch`` lists them).
    seq_len : int, optional
        Tokens of a sequence; without it the model's own training length.
    sample_len : int, optional
        Tokens of a sample, where several share a sequence and attend only within themselves; of samples that differ, the mean
        over tokens. Without it all tokens of a sequence attend to each other.
    train : {"full", "continued", "sft", "lora", "qlora", "frozen-embeddings", "frozen-layers", "frozen-language"}
        What is trained: every weight ("continued" pre-training and "sft" need their own sequence length); low-rank adapters
        beside frozen weights, of 4 bits with "qlora"; all but the embedding, or but the embedding and the first layers; or the
        towers alone.
    lora_rank : int, optional
        Rank of the adapters, on every matrix of attention and dense feed-forward blocks; 16 if not given.
    lora_on : {"all", "attention"}, optional
        Where the adapters are: on those matrices, which is usual, or on attention's alone, so that feed-forward blocks keep no
        inputs of their products.
    frozen_layers : int, optional
        First layers that are frozen, with ``train = "frozen-layers"``.
    teacher : str, optional
        Model that the trained one is distilled from: its forward pass runs beside every micro-batch, its weights are held.
    towers : {"none", "frozen", "trained"}
        Vision and audio towers of the model: not part of the training, run forward alone, or trained along.
    tower_tokens : int, optional
        Tokens of a sequence that come from the model's (first) tower, where towers are not "none".
    tower_patches : int, optional
        Patches of one image, or frames of one clip; without it those that the tower is made for.
    precision : str, optional
        Number-format recipe, or several with commas between to take the best; without it bf16, or fp16 where the
        device has no bf16.
    flash : bool, optional
        Fused attention; without it as the device's usual stack.
    offload : {"none", "optimizer", "activations", "weights"}, optional
        What the host's memory holds: the optimizer states as far as it goes (lengthens the update); the activations of all
        layers but the one in use; or weights and states (with ZeRO-3, streamed for every pass). Without it nothing, but
        a compiled program's policies may move the inputs of recomputed layers.
    layout : Layout
    memory_margin : float, optional
        Share by which the memory that a searched layout is estimated to need may be exceeded and still fit; without it the
        estimate's own error, 0 by the papers' rules. A stated layout (tp, pp, dp and cp) only has to fit.
    space : {"default", "paper", "full"}
        Rules of the search: "paper" applies the papers' strict ones, "full" adds what no measurement covers.
    quantiles : tuple of float
        Shares of the feasible settings at which to give their carbon (0.5: the median); every setting is then looked at.
    region : str
        Cloud region or country that sets the carbon intensity, or several with commas between to take the best.
    basis : {"operational", "life-cycle"}, optional
        What the region's carbon intensity counts: burning fuel alone (scope 2), or fuel supply, plants and losses too;
        without it operational where that is published, in a comparison where it is for every place.
    scope2 : {"location", "market"}
        Method that totals count: the grid's average, or what contracts and the residual mix say.
    carbon_intensity_g_per_kwh : float, optional
        Carbon intensity of electricity in g CO2e/kWh, in place of the region's.
    hourly : str, optional
        Carbon intensity over time, in place of the region's: CSV file with columns time, g_per_kwh at 5 to 60 minutes,
        of several places with the column behind it (``hours.csv:ERCO``), Electricity Maps' or ENTSO-E's CSV, WattTime's
        JSON. A run counts the mean of the hours it meets.
    start_hour : float
        Hours after the profile's first at which the run begins.
    pue : float, optional
        Facility energy over IT energy, in place of the default.
    lifetime_years : float, optional
        Years over which embodied carbon is spread, in place of the default.
    carbon_mode : {"physical", "paper"}
        Carbon model: this project's, or the papers' equations and constants.
    paper_version : {"v1", "v2"}
        Version of the paper, where the carbon mode is "paper".
    amortisation : {"calendar", "busy_hours"}
        Embodied carbon over the machine's lifetime, or over its hours in use.
    shared_hosts : bool
        Count only the used part of a part-filled host, because others use the rest.
    factors : str, optional
        TOML file of the user's own carbon factors, each in the place of the shipped one.
    contracts : Contracts
        Electricity bought by contract, for the market-based method; none unless given.
    boundary : Boundary
        Lines beside the final run; none unless given.
    run_overhead : float, optional
        Run time over its own steady state (1 or more).
    history : tuple of float
        Reported over estimated device-hours of earlier trainings of yours: they say what this one will need.
    price_usd_per_device_hour : float, optional
        Price of a device-hour in US dollars, in place of the shipped one.
    price_basis : {"list", "committed", "low"}
        Which shipped price counts: on demand, committed for days to years, or spot and marketplaces.
    years_ahead : float
        Years by which the device's technology is projected.
    cpa_growth : bool
        Let carbon per area grow along with it (the papers' EUV curves).
    stack : str, optional
        Software stack: a name (``carbonscaling catalog list stacks``), or the path of a TOML file. Without it what a maker's
        own stack of the day does ("tuned"), under ``practice = "typical"`` what a community shares ("community"), on a TPU XLA.
    software : Software
        What the run changes about its stack (in a file: a table ``[software]``).
    practice : {"best", "typical"}
        How choices left open are settled: searched for the best by the objective, or as people settle them who run such a
        stack.
    pace : {"steady", "calendar"}
        Whether the answer's speed is that of a steady step, or of the whole run with everything that happens in it.
    calibration : str
        Constants fitted to measured runs: "shipped", "none" for device-level values alone, or a file that
        ``carbonscaling calibrate`` wrote.
    profile : str, optional
        TOML file of efficiencies measured by the user.
    """

    model: str | ModelSpec | None = None
    law: str | None = None
    d_model: int | None = None
    target_loss: float | None = None
    compute: float | None = None
    tokens: float | None = None
    device: str = "h100-sxm"
    host: str | None = None
    devices: int | None = None
    max_devices: int = 65536
    nic_gbps: float | None = None
    fabric: str | None = None
    power_limit: float | None = None
    max_days: float | None = None
    finish_by: str | None = None
    start_date: str | None = None
    budget_usd: float | None = None
    budget_carbon: float | None = None
    budget_energy: float | None = None
    objective: str = "paper"
    batch: int | None = None
    batch_law: str | None = None
    seq_len: int | None = None
    sample_len: int | None = None
    train: Literal[
        "full", "continued", "sft", "lora", "qlora", "frozen-embeddings", "frozen-layers", "frozen-language"
    ] = "full"
    lora_rank: int | None = None
    lora_on: Literal["all", "attention"] | None = None
    frozen_layers: int | None = None
    teacher: str | None = None
    towers: Literal["none", "frozen", "trained"] = "none"
    tower_tokens: int | None = None
    tower_patches: int | None = None
    precision: str | None = None
    flash: bool | None = None
    offload: Literal["none", "optimizer", "activations", "weights"] | None = None
    layout: Layout = field(default_factory=lambda: _ALL_OPEN)
    memory_margin: float | None = None
    space: Literal["default", "paper", "full"] = "default"
    quantiles: tuple[float, ...] = ()
    region: str = UNSTATED
    basis: Literal["operational", "life-cycle"] | None = None
    scope2: Literal["location", "market"] = "location"
    carbon_intensity_g_per_kwh: float | None = None
    hourly: str | None = None
    start_hour: float = 0.0
    pue: float | None = None
    lifetime_years: float | None = None
    carbon_mode: Literal["physical", "paper"] = "physical"
    paper_version: Literal["v1", "v2"] = "v2"
    amortisation: Literal["calendar", "busy_hours"] = "calendar"
    shared_hosts: bool = False
    factors: str | None = None
    contracts: Contracts = field(default_factory=lambda: _NO_CONTRACT)
    boundary: Boundary = field(default_factory=lambda: _NOTHING_BESIDE)
    run_overhead: float | None = None
    history: tuple[float, ...] = ()
    price_usd_per_device_hour: float | None = None
    price_basis: Literal["list", "committed", "low"] = "list"
    years_ahead: float = 0.0
    cpa_growth: bool = False
    stack: str | None = None
    software: Software = field(default_factory=lambda: _AS_IT_SHIPS)
    practice: Literal["best", "typical"] = "best"
    pace: Literal["steady", "calendar"] = "steady"
    calibration: str = "shipped"
    profile: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense, each by name."""
        object.__setattr__(self, "device", _as_one(self.device))
        check_fields(self)
        check(vars(self))

    @property
    def is_counted(self) -> bool:
        """Whether it says how many devices there are: by number, or by tp, pp and dp together."""
        given = self.layout
        return self.devices is not None or None not in (given.tp, given.pp, given.dp)


def _as_one(device: Any) -> Any:
    """Return several devices as the name that they make together, by which they are refused."""
    return ", ".join(map(str, device)) if isinstance(device, list | tuple) and len(device) > 1 else device


def scenario_from(data: dict[str, Any], where: str) -> Scenario:
    """Build a scenario from parsed TOML or JSON.

    Raises
    ------
    InputError
        An unknown key, a wrong type, or a value out of range; the message names `where`.
    """
    if "device" in data:
        data = data | {"device": _as_one(data["device"])}
    try:
        return build(Scenario, data, where)
    except InputError as error:
        if error.where is None:
            error.where = where
            error.args = (str(error),)
        raise


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file; file names in it are relative to the file's own folder."""
    path = Path(path)
    return scenario_from(beside(path.parent, read_toml(path)), str(path))


FILES = ("model", "teacher", "device", "host", "profile", "factors", "hourly", "stack")
"""Keys whose values may be files."""


def beside(folder: Path, data: dict[str, Any], keys: Sequence[str] = FILES) -> dict[str, Any]:
    """Return parsed TOML with the names of files that lie in a folder as paths from here."""
    found = dict(data)
    for key in keys:
        value = data.get(key)
        names = (value, value.rpartition(":")[0]) if isinstance(value, str) else ()
        if any(name and os.path.isfile(folder / name) for name in names):
            found[key] = str(folder / str(value))
    return found


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Scenario).json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part["additionalProperties"] = False
    return stamped("scenario", schema)


def replace(scenario: Scenario, **changes: Any) -> Scenario:
    """Return a copy with some values changed."""
    return dataclasses.replace(scenario, **changes)
