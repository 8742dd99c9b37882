"""The stages of a project, as a person states them: what a stage of each kind says of itself.

All else that a stage says is a field of the training (`Scenario`) or of the serving (`Serving`) that answers it.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

from carbonscaling.errors import InputError
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass

__all__ = [
    "KINDS",
    "TRAINED_AS",
    "Deployment",
    "Generation",
    "Hours",
    "Part",
    "Preference",
    "Reinforcement",
    "Share",
    "Stage",
    "Storage",
    "Training",
]

Part = Literal["training", "development", "data", "serving", "storage"]
"""What a stage counts as: the final model, what came before and beside it, data that models wrote for it, its use, storage."""

TRAINED_AS = {
    "pretraining": "full", "midtraining": "continued", "long-context": "continued", "continued": "continued",
    "annealing": "continued", "ablation": "full", "sft": "sft", "distillation": "sft", "reward-model": "sft", "lora": "lora",
    "qlora": "qlora",
}  # fmt: skip
"""Kinds of stages that are one training each, and what it trains unless the stage says otherwise."""


LEAST, MOST = 1e-9, 1e24
"""Amounts that a stage can have."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What every stage says of itself.

    Attributes
    ----------
    name : str
        Its line in the answer.
    kind : str
        What happens in it; a key of `KINDS`.
    part : {"training", "development", "data", "serving", "storage"}, optional
        What it counts as; by its kind if not given.
    count : float
        How often it happens: runs alike.
    amount_range : tuple of float, optional
        Low and high end (90 %) of the true amount over the stated one, where that is an assumption: ``[0.5, 2.0]``.
    source : str
        Where its numbers are published.
    remark : str
        Where in the source, and what is assumed because nobody publishes it.
    """

    usual: ClassVar[Part] = "training"
    name: str
    kind: str
    part: Part | None = None
    count: float = 1.0
    amount_range: tuple[float, float] | None = None
    source: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        """Refuse amounts that no stage can have."""
        check_ranges(
            {key: getattr(self, key, None) for key in ("terabytes", "years", "days")}, where=f"stage {self.name!r}"
        )
        for key, value in vars(self).items():
            if isinstance(value, int | float) and not isinstance(value, bool) and not LEAST <= value <= MOST:
                raise InputError(
                    f"{key} is out of range", where=f"stage {self.name!r}", key=key, value=value,
                    allowed=f"more than 0: {LEAST:g} to {MOST:g}",
                    remedy="correct the value, or leave the stage out",
                )  # fmt: skip
        if self.amount_range is not None and not 0.0 < self.amount_range[0] <= 1.0 <= self.amount_range[1] < math.inf:
            raise InputError(
                "a range holds the stated amount", where=f"stage {self.name!r}", key="amount_range",
                value=list(self.amount_range), allowed="two factors, one up to 1, one from 1 on", remedy="[0.5, 2.0], say",
            )  # fmt: skip

    @property
    def counts_as(self) -> Part:
        """The part of the project that it belongs to."""
        return self.part or self.usual

    def given(self, *keys: str) -> float:
        """Return the product of amounts that must be given.

        Raises
        ------
        InputError
            One of them is missing.
        """
        for key in keys:
            if getattr(self, key) is None:
                raise InputError(
                    f"a stage of this kind needs {' and '.join(keys)}", where=f"stage {self.name!r}", key=key,
                    remedy=f"add {key}",
                )  # fmt: skip
        return float(math.prod(getattr(self, key) for key in keys))


@dataclass(frozen=True, kw_only=True)
class Training(Stage):
    """A run of training: ``tokens``, or ``examples`` of a mean ``length``, ``epochs`` times over.

    Attributes
    ----------
    tokens, examples, length : float, optional
        Tokens of an epoch; or its examples and their mean tokens.
    epochs : float
    packed : bool
        Examples share sequences of ``seq_len`` tokens. Else each is one of its own, cut there, and all that are worked on at
        once take as long as the longest of them.
    """

    tokens: float | None = None
    examples: float | None = None
    length: float | None = None
    epochs: float = 1.0
    packed: bool = True

    @property
    def counts_as(self) -> Part:
        """Ablations are development, other runs training."""
        return self.part or ("development" if self.kind == "ablation" else "training")


@dataclass(frozen=True, kw_only=True)
class Preference(Stage):
    """Direct preference optimisation: a policy learns from pairs, one sequence chosen, one rejected, beside a frozen reference.

    Attributes
    ----------
    pairs : float
    length : float
        Mean tokens of one sequence, its prompt with it.
    epochs : float
    reference : str
        The frozen model; the policy's own if empty.
    cached : bool
        The reference goes over the sequences once, before the training, and is not held beside the policy.
    packed : bool
        As of a training; both sequences of a pair count.
    """

    pairs: float | None = None
    length: float | None = None
    epochs: float = 1.0
    reference: str = ""
    cached: bool = False
    packed: bool = True


@dataclass(frozen=True, kw_only=True)
class Reinforcement(Stage):
    """Reinforcement learning: rollouts are served, rewards given by rule or by a model, updates trained.

    Attributes
    ----------
    steps, prompts, samples : float
        Steps, prompts of a step, and rollouts of a prompt.
    prompt, output : float
        Mean tokens of a prompt and of a rollout.
    epochs : float
        How often a rollout is learnt from.
    reference : str
        Frozen model beside the policy (a KL penalty); none if empty.
    critic : str
        Model that learns the value of a state (PPO); none if empty.
    reward : str
        Model that reads every rollout; rules if empty.
    reward_output : float
        Tokens that it answers: 1 of a reward model, more of a judge.
    rollout_devices : float, optional
        Devices of the rollouts beside those of the updates, both held until the slower is done; rollouts and updates take
        turns on as many as each needs if not given.
    together : bool
        Rollouts that are in flight start together, and the last of them is waited for (synchronous). Else others take the place
        of those that end.
    """

    steps: float = 1.0
    prompts: float | None = None
    samples: float = 1.0
    prompt: float | None = None
    output: float | None = None
    epochs: float = 1.0
    reference: str = ""
    critic: str = ""
    reward: str = ""
    reward_output: float = 1.0
    rollout_devices: float | None = None
    together: bool = False


@dataclass(frozen=True, kw_only=True)
class Generation(Stage):
    """Answers at full load: evaluation, synthetic data, rejection sampling. ``prompts``, or the ``tokens`` of all answers.

    Attributes
    ----------
    steps, prompts, samples : float
        Rounds, prompts of a round, answers to a prompt.
    tokens : float, optional
        Tokens that a round's answers have together, in place of prompts and samples.
    kept : float
        Share of the answers that is kept, where the amounts are of those: others were wrong, filtered or broken off.
    """

    steps: float = 1.0
    prompts: float | None = None
    samples: float = 1.0
    tokens: float | None = None
    kept: float = 1.0

    def __post_init__(self) -> None:
        """Refuse shares above all, and amounts that are told twice."""
        super().__post_init__()
        if self.kept > 1.0:
            raise InputError("kept is a share", where=f"stage {self.name!r}", key="kept", value=self.kept,
                             allowed="more than 0, up to 1", remedy="0.8 for 80 %")  # fmt: skip
        if self.tokens is not None and (self.prompts is not None or self.samples != 1.0):
            raise InputError(
                "answers are told twice", where=f"stage {self.name!r}", key="tokens", value=self.tokens,
                allowed="prompts and samples, or tokens and the output of one answer", remedy="leave one of them out",
            )  # fmt: skip

    @property
    def counts_as(self) -> Part:
        """Data where it is training data, else development, unless it says otherwise."""
        return self.part or ("data" if self.kind == "synthetic-data" else "development")


@dataclass(frozen=True, kw_only=True)
class Deployment(Stage):
    """Serving for a time, idle hours with it.

    Attributes
    ----------
    days, years : float, optional
        One of the two.
    """

    usual: ClassVar[Part] = "serving"
    days: float | None = None
    years: float | None = None


@dataclass(frozen=True, kw_only=True)
class Hours(Stage):
    """Work of which nothing but the device-hours is known: failed runs, experiments, an account.

    Attributes
    ----------
    device_hours : float
    utilisation : float
        MFU; power follows it little.
    """

    usual: ClassVar[Part] = "development"
    device_hours: float | None = None
    utilisation: float = 0.4


@dataclass(frozen=True, kw_only=True)
class Share(Stage):
    """A share of other stages: failed runs, say, as 0.1 of the pre-training.

    Attributes
    ----------
    of : str or tuple of str
        Names of those stages.
    share : float
    """

    usual: ClassVar[Part] = "development"
    of: str | tuple[str, ...] = ()
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Storage(Stage):
    """Data kept.

    Attributes
    ----------
    terabytes : float
    years : float
    copies : float
        How often each byte is stored.
    medium : {"hdd", "ssd"}
    price_usd_per_terabyte_month : float, optional
    """

    usual: ClassVar[Part] = "storage"
    terabytes: float | None = None
    years: float | None = None
    copies: float = 1.0
    medium: Literal["hdd", "ssd"] = "hdd"
    price_usd_per_terabyte_month: float | None = None


KINDS: dict[str, type[Stage]] = {
    **dict.fromkeys(TRAINED_AS, Training),
    "dpo": Preference,
    "rl": Reinforcement,
    **dict.fromkeys(("evaluation", "synthetic-data", "rejection-sampling", "generation"), Generation),
    "serving": Deployment,
    **dict.fromkeys(("hours", "failed-runs"), Hours),
    "share": Share,
    "storage": Storage,
}
"""The kinds of stages, and what one of each says."""
PARTS: tuple[Part, ...] = get_args(Part)
