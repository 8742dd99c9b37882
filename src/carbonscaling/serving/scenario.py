"""What people ask of a serving, as the options of a command or the lines of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from carbonscaling.catalog.read import build, read_toml
from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields, finite
from carbonscaling.model.spec import ModelSpec
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass

__all__ = ["Objective", "Serving", "load_serving"]

Objective = Literal["devices", "carbon", "energy", "cost"]

_MORE_THAN_NOTHING = (
    "prompt", "output", "in_flight", "requests_per_day",
)  # fmt: skip
_COUNTS = ("tp", "pp", "ep", "devices", "draft_tokens")
_UP_TO = {"prompt_spread": 10.0, "output_spread": 10.0, "prefix_hit": 0.999, "acceptance": 1.0}


@dataclass(frozen=True)
class Serving:
    """A serving to answer for.

    Attributes
    ----------
    model : str or ModelSpec
        Name of the catalogue, or a ``config.json`` or model file; in Python the model itself.
    device : str
        Name of the catalogue, or a device file.
    host : str, optional
        The device's usual one if not given.
    like : str, optional
        Source of measured servings whose clients, hosts and settings yours has (``validate --inference shipped`` names them).
    engine : str
        Software with its release ("vllm 0.11", "trtllm 0.17", "sglang").
    weights : str
        Number format of the weights: bf16, fp8, int8, int4, nvfp4, mxfp4.
    kv_cache : str, optional
        Number format of keys and values; as the engine keeps them if not given.
    prompt : float
        Mean tokens that a request brings.
    output : float
        Mean tokens that it gets.
    prompt_spread : float
        Standard deviation of the prompts' tokens over their mean; 0 where all are alike.
    output_spread : float
        The same of the answers' tokens: long answers are in flight longest, and hold most memory.
    prefix_hit : float
        Share of the prompts' tokens that earlier requests have left in the cache.
    sampling : {"top-p", "greedy"}
        Tokens are drawn from the most probable ones, or the most probable one is taken.
    draft : str, optional
        Model that proposes tokens (speculative decoding); if not given, what proposes takes no time of the devices.
    draft_tokens : int, optional
        Tokens that are proposed a step; no speculative decoding if not given.
    acceptance : float, optional
        Chance that a proposed token is kept, 0 to 1.
    disaggregated : bool
        Whether prompts are worked out on devices of their own, as many as keep pace.
    requests_per_day : float, optional
        Demand; one copy of the model at full load if not given.
    peak : float
        Demand of the busiest hour over the mean.
    in_flight : float, optional
        Requests at a time on one copy of the model; searched if not given.
    tp : int, optional
        Tensor-parallel ranks; searched if not given.
    pp : int, optional
        Pipeline stages; if not given, more than one only where a scale-up domain does not hold the model: few measured
        servings have them, and an answer says where they would save something.
    ep : int, optional
        Ranks over which whole experts are spread; searched up to 32 if not given, where the engine does it. With 1 experts are
        split as the other matrices are.
    devices : int, optional
        Most devices.
    ttft_s : float, optional
        Longest time to the first token of a request that finds a place, in s.
    tpot_s : float, optional
        Longest time between tokens, in s.
    objective : {"devices", "carbon", "energy", "cost"}
        What is least: the devices, the money that they cost, or the energy or carbon of a token at the mean load, with hosts,
        cooling, idle time and (carbon) machines.
    region : str
        Cloud region or country, as a training's.
    basis : {"operational", "life-cycle"}, optional
        What the region's carbon intensity counts; operational where that is published if not given.
    pue : float, optional
        Power usage effectiveness, in place of the provider's.
    carbon_intensity_g_per_kwh : float, optional
        In place of the region's.
    price_usd_per_device_hour : float, optional
        In place of the shipped one.
    price_basis : {"list", "committed", "low"}
        Which shipped price counts, as a training's.
    """

    model: str | ModelSpec = "llama-3-70b"
    device: str = "h100-sxm"
    host: str | None = None
    like: str | None = None
    engine: str = "vllm 0.11"
    weights: str = "bf16"
    kv_cache: str | None = None
    prompt: float = 500.0
    output: float = 300.0
    prompt_spread: float = 0.0
    output_spread: float = 0.0
    prefix_hit: float = 0.0
    sampling: Literal["top-p", "greedy"] = "top-p"
    draft: str | None = None
    draft_tokens: int | None = None
    acceptance: float | None = None
    disaggregated: bool = False
    requests_per_day: float | None = None
    peak: float = 2.0
    in_flight: float | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    devices: int | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    objective: Objective = "devices"
    region: str = "us-east5"
    basis: Literal["operational", "life-cycle"] | None = None
    pue: float | None = None
    carbon_intensity_g_per_kwh: float | None = None
    price_usd_per_device_hour: float | None = None
    price_basis: Literal["list", "committed", "low"] = "list"

    def __post_init__(self) -> None:
        """Refuse values that no serving can have."""
        check_fields(self)
        for key in (*_MORE_THAN_NOTHING, *_COUNTS, "peak"):
            value, least = getattr(self, key), 1.0 if key in (*_COUNTS, "peak") else 0.0
            if value is not None and not (finite(value) and value >= least and value > 0.0):
                raise InputError(
                    f"{key} is out of range", key=key, value=value,
                    allowed="1 or more" if least else "more than 0", remedy="correct the value, or leave it out",
                )  # fmt: skip
        check_ranges(vars(self))
        for key, most in _UP_TO.items():
            value = getattr(self, key)
            if value is not None and not 0.0 <= value <= most:
                raise InputError(
                    f"{key} is out of range", key=key, value=value, allowed=f"0 to {most:g}", remedy="correct the value"
                )
        lacking = next((k for k in ("draft_tokens", "acceptance") if getattr(self, k) is None), None)
        if lacking and any(v is not None for v in (self.draft, self.draft_tokens, self.acceptance)):
            raise InputError(
                f"speculative decoding without {lacking}", key=lacking, value=None,
                allowed="draft_tokens (1 or more) and acceptance (0 to 1)",
                remedy="give both, or neither and no draft",
            )  # fmt: skip


def load_serving(path: Path) -> Serving:
    """Return the serving of a TOML file.

    Raises
    ------
    InputError
        The file cannot be used, or a value is out of range.
    """
    return build(Serving, read_toml(path), where=str(path))
