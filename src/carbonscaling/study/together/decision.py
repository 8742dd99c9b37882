"""What is decided together: a loss to reach, the tokens that will be served, and what may be chosen on the way."""

from __future__ import annotations

from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields, finite
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass

__all__ = ["UNITS", "Decision"]

UNITS = {"flops": "FLOP", "energy": "J", "carbon": "kg CO2e", "cost": "USD"}
SIZES = {"flops": 120, "machines": 30}
"""Sizes that are tried where nobody says: by formula alone, and with a search of each."""
ONLY_OF_MACHINES = ("devices", "counts", "batches", "regions", "hourly", "columns", "starts", "serve_devices")
"""Fields of which FLOPs know nothing."""


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
        Training tokens of the model that others are compared with; with a `loss` those that it needs for it.
    served_tokens : float
        Output tokens that are served over the model's life.
    objective : {"flops", "energy", "carbon", "cost"}
        What is to be least. FLOPs are the paper's 6ND + 2NS; for the others every size is trained as `estimate` has it, and
        served as `inference` has it.
    sizes : int, optional
        Sizes that are tried, from a tenth of `params` to three times as many; 120 by FLOPs, else 30.
    candidates : tuple of float
        Parameters of the sizes that are tried, in the place of a grid.
    devices : tuple of str
        Kinds of device that may train.
    counts : tuple of int
        Devices that may train.
    batches : tuple of int
        Sequences of a step that may be; without any, the best of a range at equal loss.
    regions : tuple of str
        Cloud regions or countries that may train and serve.
    basis : {"operational", "life-cycle"}, optional
        What the regions' carbon intensity counts; of several regions one that all have.
    hourly : str, optional
        File of carbon intensity by the hour, in the place of the regions', with a column behind it (``hours.csv:ERCO``).
    columns : tuple of str
        Columns of that file: places that may train and serve.
    starts : tuple of float or str
        Hours of the file, or dates and moments (ISO 8601), at which training may begin; without any, every step of it.
    within_days : float
        Longest training.
    precision : str, optional
        Number formats of the training.
    pue : float, optional
        Power usage effectiveness, in place of the provider's.
    serve_devices : tuple of str
        Kinds of device that may serve; those that may train if not given.
    engine : str
        Software that serves, with its release.
    weights : str
        Number format of the weights that are served.
    prompt : float
        Mean tokens that a request brings.
    output : float
        Mean tokens that it gets.
    in_flight : tuple of float
        Requests at a time on one copy that may be.
    """

    law: str = "besiroglu_2024"
    loss: float | None = None
    params: float = 13e9
    tokens: float = 577e9
    served_tokens: float = 2e12
    objective: Literal["flops", "energy", "carbon", "cost"] = "flops"
    sizes: int | None = None
    candidates: tuple[float, ...] = ()
    devices: tuple[str, ...] = ("h100-sxm",)
    counts: tuple[int, ...] = (1024,)
    batches: tuple[int, ...] = ()
    regions: tuple[str, ...] = ("us-east5",)
    basis: Literal["operational", "life-cycle"] | None = None
    hourly: str | None = None
    columns: tuple[str, ...] = ()
    starts: tuple[float | str, ...] = ()
    within_days: float = 90.0
    precision: str | None = None
    pue: float | None = None
    serve_devices: tuple[str, ...] = ()
    engine: str = "vllm 0.11"
    weights: str = "bf16"
    prompt: float = 500.0
    output: float = 300.0
    in_flight: tuple[float, ...] = (64.0,)

    def __post_init__(self) -> None:
        """Refuse what cannot be decided."""
        check_fields(self)
        check_ranges(vars(self))
        for key in ("prompt", "output", "within_days"):
            value = getattr(self, key)
            if value is not None and not (finite(value) and value > 0.0):
                raise _out_of_range(key, value, "more than 0")
        for key, least in (("counts", 1), ("batches", 1), ("in_flight", 1.0)):
            if any(not (finite(value) and value >= least) for value in getattr(self, key)):
                raise _out_of_range(key, getattr(self, key), f"{least:g} or more, each")
        for key in ("devices", "counts", "regions", "in_flight"):
            if not getattr(self, key):
                raise InputError(f"{key} is empty", key=key, allowed="one or more", remedy="name at least one")
        if not 2 <= self.n_sizes <= 100_000:
            raise _out_of_range("sizes", self.n_sizes, "2 to 100,000")
        if self.candidates and self.sizes is not None:
            raise InputError("sizes are a grid's, and candidates no grid", key="sizes", value=self.sizes,
                             remedy="leave one of the two out")  # fmt: skip
        if self.hourly is None and (self.columns or self.starts):
            raise InputError("columns and starts need carbon intensity by the hour", key="hourly",
                             remedy="add --hourly FILE.csv")  # fmt: skip
        if self.hourly is not None and len(self.regions) > 1:
            raise InputError(
                "a file of hours stands in the place of the regions", key="regions", value=", ".join(self.regions),
                remedy="name its places with --columns, and one region for the rest",
            )  # fmt: skip
        if self.objective == "flops":
            told = [
                key for key in ONLY_OF_MACHINES if getattr(self, key) != type(self).__dataclass_fields__[key].default
            ]
            if told:
                raise InputError(
                    f"FLOPs are the same whatever {told[0]} are", key=told[0], value=getattr(self, told[0]),
                    remedy="add --objective energy, carbon or cost",
                )  # fmt: skip

    @property
    def n_sizes(self) -> int:
        """Sizes that are tried."""
        return SIZES["flops" if self.objective == "flops" else "machines"] if self.sizes is None else self.sizes


def _out_of_range(key: str, value: object, allowed: str) -> InputError:
    return InputError(f"{key} is out of range", key=key, value=value, allowed=allowed, remedy="correct the value")
