"""Size and tokens decided together with what is served: least FLOPs, energy, carbon or money for a loss."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from carbonscaling.carbon.footprint import CarbonNumbers, footprint
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware, laws
from carbonscaling.catalog.prices import price
from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.laws.chinchilla import ChinchillaLaw
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.serving.engine import engine_named
from carbonscaling.serving.factors import shipped_factors
from carbonscaling.serving.formats import format_named
from carbonscaling.serving.lifetime import BreakEven, envelope, served_flops, tokens_for, training_flops
from carbonscaling.serving.numbers import Layout
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Question, kept_in
from carbonscaling.serving.scenario import Serving
from carbonscaling.serving.search import layouts
from carbonscaling.serving.width import kind_of
from carbonscaling.units import HOUR

__all__ = ["Decided", "Decision", "decide"]

Array = NDArray[np.float64]

UNITS = {"flops": "FLOP", "energy": "J", "carbon": "kg CO2e", "cost": "USD"}
RUN = 1024.0
"""Devices of the training that a second of a device is costed on: whole hosts."""


@dataclass(frozen=True)
class Decision:
    """What is to be decided.

    Attributes
    ----------
    law : str
        A law of the Chinchilla form.
    loss : float, optional
        Loss to reach; that of `params` on `tokens` if not given.
    params : float
        Parameters of the model that others are compared with.
    tokens : float
        Training tokens of that model.
    served_tokens : float
        Output tokens that are served over the model's life.
    objective : {"flops", "energy", "carbon", "cost"}
        FLOPs are the paper's 6ND + 2NS; the others take the devices' own time and watts.
    device : str
        Device that trains and serves.
    engine : str
        Software that serves, with its release.
    weights : str
        Number format of the weights that are served.
    prompt : float
        Mean tokens that a request brings.
    output : float
        Mean tokens that it gets.
    in_flight : float
        Requests at a time on one copy.
    mfu : float
        Utilisation of the training.
    region : str
        Cloud region or country.
    sizes : int
        Sizes that are tried, from a tenth of `params` to three times as many.
    """

    law: str = "besiroglu_2024"
    loss: float | None = None
    params: float = 13e9
    tokens: float = 577e9
    served_tokens: float = 2e12
    objective: Literal["flops", "energy", "carbon", "cost"] = "flops"
    device: str = "h100-sxm"
    engine: str = "vllm 0.11"
    weights: str = "bf16"
    prompt: float = 500.0
    output: float = 300.0
    in_flight: float = 64.0
    mfu: float = 0.4
    region: str = "us-east5"
    sizes: int = 120

    def __post_init__(self) -> None:
        """Refuse what cannot be decided."""
        check_fields(self)
        for key in ("loss", "params", "tokens", "served_tokens", "prompt", "output", "in_flight", "mfu"):
            value, most = getattr(self, key), 1.0 if key == "mfu" else math.inf
            if value is not None and not (math.isfinite(value) and 0.0 < value <= most):
                raise InputError(
                    f"{key} is out of range", key=key, value=value, allowed=f"more than 0{', at most 1' if most == 1 else ''}",
                    remedy="correct the value",
                )  # fmt: skip
        if not 2 <= self.sizes <= 100_000:
            raise InputError("sizes is out of range", key="sizes", value=self.sizes, allowed="2 to 100,000",
                             remedy="correct the value")  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """Sizes beside each other.

    Attributes
    ----------
    decision : Decision
    loss : float
    n_params, n_tokens, training, per_token : array
        Of every size: parameters, training tokens, what training takes, what a served token takes, in `unit`.
    best : int
        Place of the least at the served tokens.
    given : float
        What the model that others are compared with takes, in all.
    low, high : int
        Place of the least where a served token takes as little, or as much, as its interval allows.
    break_even : tuple of BreakEven
        From how many served tokens on which size takes the least.
    """

    decision: Decision
    loss: float
    n_params: Array
    n_tokens: Array
    training: Array
    per_token: Array
    best: int
    given: float
    low: int
    high: int
    break_even: tuple[BreakEven, ...]

    @property
    def unit(self) -> str:
        """Unit of what is least."""
        return UNITS[self.decision.objective]

    def total(self, place: int) -> float:
        """Return what a size takes in all."""
        return float(self.training[place] + self.per_token[place] * self.decision.served_tokens)

    def summary(self) -> dict[str, Any]:
        """Return the figures, units in the names."""
        best, total = self.best, self.total(self.best)
        return {
            "law": self.decision.law, "loss": self.loss, "objective": self.decision.objective, "unit": self.unit,
            "served_tokens": self.decision.served_tokens, "params": float(self.n_params[best]),
            "tokens": float(self.n_tokens[best]), "training": float(self.training[best]),
            "serving": total - float(self.training[best]), "total": total, "compared_with": self.given,
            "saved": self.given - total, "saved_share": 1.0 - total / self.given,
            "params_range": sorted((float(self.n_params[self.low]), float(self.n_params[self.high]))),
            "break_even": [
                {"served_tokens": b.served, "params": float(self.n_params[b.place]), "tokens": float(self.n_tokens[b.place])}
                for b in self.break_even
            ],
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return question and answer as plain data."""
        return {"decision": asdict(self.decision), "answer": self.summary()}


def _law(name: str) -> ChinchillaLaw:
    law = laws.law(name)
    if not isinstance(law, ChinchillaLaw):
        raise InputError(
            "tokens for a size and a loss need a law of the Chinchilla form", key="law", value=name,
            allowed=", ".join(n for n in laws.law_names() if isinstance(laws.law(n), ChinchillaLaw)),
            remedy="choose one of these",
        )  # fmt: skip
    return law


def _per_second(numbers: CarbonNumbers, objective: str, hourly: float, mfu: float) -> float:
    """Return what a second of one device takes."""
    if objective == "cost":
        return hourly / HOUR
    parts = footprint(numbers, RUN, HOUR, mfu)
    return float((parts.energy_j if objective == "energy" else parts.total_kg) / (RUN * HOUR))


def _takes(d: Decision, n_params: Array, n_tokens: Array) -> tuple[Array, Array, Array]:
    """Return what training and a served token take for every size, and how far a token may be off, as a factor."""
    if d.objective == "flops":
        return (
            training_flops(n_params, n_tokens),
            served_flops(n_params, np.ones_like(n_params)),
            np.ones_like(n_params),
        )  # type: ignore[return-value]
    cluster, factors = hardware.cluster(d.device), shipped_factors()
    weights, engine = format_named(d.weights), engine_named(d.engine)
    served = Serving(model="of a size", device=d.device, prompt=d.prompt, output=d.output)
    asked = []
    for n in n_params:
        spec = spec_for_params(float(n))
        q = Question(
            spec, cluster, weights, kept_in(weights, engine), Layout(1.0, 1.0, 1.0, 1.0), engine, "continuous", d.output,
            d.prompt, d.in_flight,
        )  # fmt: skip
        fits = layouts(served, q)
        if not fits:
            raise InputError("no layout holds this size", key="device", value=d.device, remedy="choose a larger device")
        asked.append(replace(q, layout=fits[0]))
    told = predict(worked(asked), factors)
    known = price(cluster.device.id)
    if d.objective == "cost" and known is None:
        raise InputError(
            f"no price is known for {cluster.device.name}",
            key="device",
            value=d.device,
            remedy="choose another objective",
        )
    hourly = 0.0 if known is None else known.si * HOUR
    numbers = carbon_model(cluster, d.region).numbers
    rate = cluster.device.peak_flops("bf16" if "bf16" in cluster.device.peak else "fp16") * d.mfu
    training = training_flops(n_params, n_tokens) / rate * _per_second(numbers, d.objective, hourly, d.mfu)
    seconds = 1.0 / told.speed
    drawn = [_per_second(numbers._replace(idle_w=w, busy_w=w), d.objective, hourly, d.mfu) for w in told.watts]
    width = [factors.intervals["joules"][kind_of(q, factors, "joules")] for q in asked]
    return np.asarray(training), seconds * np.array(drawn), np.exp(width)


def decide(decision: Decision | None = None, /, **fields: Any) -> Decided:
    """Decide size and training tokens together with what is served: every size of the grid is tried.

    Parameters
    ----------
    decision : Decision, optional
    **fields
        Fields of `Decision`, in place of the decision's.

    Raises
    ------
    InputError
        A name is unknown, a value out of range, or no size reaches the loss.
    """
    d = replace(decision or Decision(), **fields)
    law = _law(d.law)
    loss = float(law.loss(d.params, d.tokens)) if d.loss is None else d.loss
    grid = np.geomspace(d.params / 10.0, 3.0 * d.params, d.sizes)
    n_tokens = np.asarray(tokens_for(loss, grid, law.irreducible, law.a, law.alpha, law.b, law.beta), dtype=float)
    reach = np.isfinite(n_tokens)
    if not reach.any():
        raise InputError(
            "no size of the grid reaches this loss",
            key="loss",
            value=loss,
            remedy="ask for a higher loss, or more params",
        )
    n_params, n_tokens = np.append(grid[reach], d.params), np.append(n_tokens[reach], d.tokens)
    training, per_token, off = _takes(d, n_params, n_tokens)
    given = float(training[-1] + per_token[-1] * d.served_tokens)
    training, per_token, off = training[:-1], per_token[:-1], off[:-1]

    def least(each: Array) -> int:
        return int(np.argmin(training + each * d.served_tokens))

    return Decided(
        d, loss, n_params[:-1], n_tokens[:-1], training, per_token, least(per_token), given, least(per_token / off),
        least(per_token * off), envelope(training, per_token),
    )  # fmt: skip
