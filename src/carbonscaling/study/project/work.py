"""How much a stage works on: tokens that are learnt, sequences of preferences, rollouts."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.study.project.stages import Generation, Preference, Reinforcement, Training

__all__ = ["answers", "before_the_cut", "learnt_tokens", "longest", "pair_tokens", "preference_tokens", "rollouts"]


@formula("2·pairs·length·epochs", unit="1", source="rafailov_2023", place="equation 7: both sequences of a pair")
def preference_tokens(pairs: Number, length: Number, epochs: Number) -> Number:
    """Tokens that a policy reads of pairs, the chosen and the rejected sequence each.

    >>> preference_tokens(200e3, 1000.0, 1.0)
    400000000.0
    """
    return 2.0 * pairs * length * epochs


POINTS = 512
"""Lengths between nothing and the longest on which a distribution is worked out."""
MOST_TURNS = 256
"""Micro-batches that are added up: the slowest of their sums is within a fifth of the mean by then."""


def longest(mean: float, limit: float, at_once: int, ranks: int = 1, turns: int = 1) -> float:
    """Return how long a sequence is worked on in the mean, where each takes as long as the longest beside it.

    Parameters
    ----------
    mean, limit : float
        Mean tokens of a sequence, and where it is cut. Of what is known so little lengths are exponential: all other
        distributions of that mean assume more (Jaynes 1957).
    at_once : int
        Sequences of one micro-batch, padded to the longest of them.
    ranks : int
        Replicas that wait for each other.
    turns : int
        Micro-batches that each works through before it waits.

    Notes
    -----
    In one turn it is scale·Σ p^k/k over all n = at_once·ranks sequences, with p the share that is not cut: the mean of the
    largest of n exponential lengths (Renyi 1953), below the limit. Several turns are added up by convolution.

    >>> round(longest(700.0, 1e9, 1)), round(longest(700.0, 1e9, 2)), round(longest(700.0, 1e9, 1, ranks=64))
    (700, 1050, 3321)
    """
    if mean >= limit:
        return limit
    turns = min(turns, MOST_TURNS)
    scale = before_the_cut(mean, limit)
    kept, n = -np.expm1(-limit / scale), at_once * ranks
    if turns == 1:
        k = np.arange(1, n + 1)
        return float(scale * np.sum(kept**k / k))
    most = min(limit, scale * (np.log(POINTS * n) + 1.0))
    edges = np.linspace(0.0, most, POINTS + 1)
    below = np.append((-np.expm1(-edges[:-1] / scale)) ** at_once, 1.0)
    size = turns * POINTS + 1
    own = np.fft.irfft(np.fft.rfft(np.diff(below), 2 * size) ** turns, 2 * size)[:size]
    all_of_them = np.minimum(np.cumsum(own), 1.0) ** ranks
    middle = (np.arange(size) + 0.5 * turns) * most / POINTS
    return float(np.sum(np.diff(all_of_them, prepend=0.0) * middle) / turns)


def before_the_cut(mean: float, limit: float) -> float:
    """Return the mean of exponential lengths before they are cut: mean = scale·(1 - exp(-limit/scale))."""
    low, high = mean, 1e6 * limit
    for _ in range(80):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if -middle * np.expm1(-limit / middle) < mean else (low, middle)
    return high


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


def answers(stage: Generation, output: float) -> float:
    """Return the answers of a stage, all rounds together, those that are thrown away with them.

    Parameters
    ----------
    stage : Generation
    output : float
        Mean tokens of an answer.

    Raises
    ------
    InputError
        Neither prompts nor tokens are given.
    """
    if stage.tokens is None and stage.prompts is None:
        raise InputError("how much is generated?", key="prompts", allowed="prompts and samples, or the tokens of all answers",
                         remedy="add prompts or tokens")  # fmt: skip
    of_a_round = stage.given("prompts") * stage.samples if stage.tokens is None else stage.tokens / output
    return stage.steps * of_a_round / stage.kept
