"""How much a stage works on: tokens that are learnt, sequences of preferences, rollouts."""

from __future__ import annotations

from carbonscaling.arrays import Number
from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.study.project.stages import Preference, Reinforcement, Training

__all__ = ["learnt_tokens", "pair_tokens", "preference_tokens", "rollouts"]


@formula("2·pairs·length·epochs", unit="1", source="rafailov_2023", place="equation 7: both sequences of a pair")
def preference_tokens(pairs: Number, length: Number, epochs: Number) -> Number:
    """Tokens that a policy reads of pairs, the chosen and the rejected sequence each.

    >>> preference_tokens(200e3, 1000.0, 1.0)
    400000000.0
    """
    return 2.0 * pairs * length * epochs


def learnt_tokens(stage: Training) -> float:
    """Return the tokens of a training, all epochs together.

    Raises
    ------
    InputError
        Neither tokens nor examples and their length are given, or both.
    """
    if stage.tokens is not None and stage.examples is not None:
        raise InputError("tokens are told twice", key="tokens", value=stage.tokens, allowed="tokens, or examples and length",
                         remedy="leave one of them out")  # fmt: skip
    if stage.tokens is None and stage.examples is None:
        raise InputError("how much is learnt?", key="tokens", allowed="tokens of an epoch, or examples and their mean length",
                         remedy="add tokens")  # fmt: skip
    return stage.epochs * (stage.given("examples", "length") if stage.tokens is None else stage.tokens)


def pair_tokens(stage: Preference) -> float:
    """Return the tokens of a preference stage, both sequences of a pair and all epochs together."""
    stage.given("pairs", "length")
    return float(preference_tokens(stage.given("pairs"), stage.given("length"), stage.epochs))


def rollouts(stage: Reinforcement) -> float:
    """Return the rollouts of a stage, all steps together."""
    return stage.steps * stage.given("prompts") * stage.samples
