"""Effects on the terms of a sum, learnt from measured sums: shrunk towards priors, every source counting once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.serving.effects import Effects, taken
from carbonscaling.serving.factors import Additive

__all__ = ["learn"]


ROBUST = 0.2
"""Residual (in the logarithm) beyond which rows count less: some are measured under what nobody states."""
NOISE = 0.2
"""Residual that a row is expected to have by itself."""
EVIDENCE = 1000.0
"""Independent measurements that all rows together stand for: those of one sweep repeat each other."""
ROUNDS, CLOSE, HALVINGS = 60, 1e-6, 10
"""Steps at most; what the loss falls by at least, of itself, for another one; times that a step is halved until it falls."""


def _weights(sources: Sequence[str]) -> Array:
    _, place, n = np.unique(np.asarray(sources), return_inverse=True, return_counts=True)
    w = 1.0 / np.sqrt(n[place])
    return np.asarray(w * np.sqrt(EVIDENCE / np.sum(w * w)))


def learn(
    terms: tuple[str, ...],
    values: Array,
    measured: Array,
    effects: Sequence[Effects],
    sources: Sequence[str],
    priors: Mapping[str, tuple[float, float]],
    spread: Mapping[str, Mapping[str, float]],
    believed: Mapping[str, Mapping[str, float]] | None = None,
    start: Additive | None = None,
) -> Additive:
    """Return factors whose sums meet what was measured, in the logarithm.

    Parameters
    ----------
    terms : tuple of str
    values : array, shape (terms, rows)
        Each term before its factor.
    measured : array
        Sums.
    effects, sources : of each row.
    priors : Mapping
        Of the effect "all" by term: value, and spread of its logarithm.
    spread : Mapping
        Of every other effect's logarithm, by the effect's kind (its first word) and term.
    believed : Mapping, optional
        What is known of effects beforehand, by effect and term; nought where nothing is.
    start : Additive, optional
        Where to begin: what other rows taught.

    Notes
    -----
    Gauss-Newton, halved where it overshoots, with weights that fall with the residual: the loss is quadratic for small
    residuals and linear for large ones (pseudo-Huber). Sources count alike. With effects of their own for them and their
    machines it is a mixed model (Laird and Ware 1982).
    """
    names = sorted({name for row in effects for name in row}.union(believed or ()))
    place = {name: i for i, name in enumerate(names)}
    centre = np.zeros((len(names), len(terms)))
    width = np.array([[spread.get(name.split()[0], spread["other"])[t] for t in terms] for name in names])
    for name, own in (believed or {}).items():
        centre[place[name]] = [own.get(t, 0.0) for t in terms]
    centre[place["all"]], width[place["all"]] = np.log([priors[t][0] for t in terms]), [priors[t][1] for t in terms]
    may = np.array([[taken(name, term) for term in terms] for name in names], dtype=float)
    has = np.zeros((len(effects), len(names)))
    for i, row in enumerate(effects):
        has[i, [place[name] for name in row]] = 1.0
    active = np.flatnonzero((may * (has.T @ (values.T > 0.0) > 0.0)).ravel())
    w, found, target = _weights(sources), centre.copy(), np.log(measured)
    for name, own in start.logs.items() if start else ():
        if name in place:
            found[place[name]] = [own.get(t, 0.0) for t in terms]
    # What no row has stays where it is believed to be.
    found.ravel()[np.setdiff1d(np.arange(found.size), active)] = centre.ravel()[
        np.setdiff1d(np.arange(found.size), active)
    ]

    def sums(at: Array) -> tuple[Array, Array]:
        parts = values * np.exp((at * may).T @ has.T)
        return parts, np.log(parts.sum(0)) - target

    def loss(at: Array, off: Array) -> float:
        rows = (w / NOISE * ROBUST) ** 2 * (np.sqrt(1.0 + (off / ROBUST) ** 2) - 1.0)
        return float(np.sum(rows) + 0.5 * np.sum(((at - centre) / width).ravel()[active] ** 2))

    parts, off = sums(found)
    now = loss(found, off)
    for _ in range(ROUNDS):
        slope = (has[:, :, None] * (parts / parts.sum(0)).T[:, None, :]).reshape(len(effects), -1)[:, active]
        weight = w / (NOISE * (1.0 + (off / ROBUST) ** 2) ** 0.25)
        a = slope * weight[:, None]
        pull = ((found - centre) / width**2).ravel()[active]
        step = np.zeros(found.size)
        step[active] = np.linalg.solve(a.T @ a + np.diag(1.0 / width.ravel()[active] ** 2), a.T @ (weight * off) + pull)
        before = now
        for halved in range(HALVINGS):
            tried = found - 0.5**halved * step.reshape(found.shape)
            parts, off = sums(tried)
            now = loss(tried, off)
            if now < before:
                found = tried
                break
        else:
            break
        if before - now < CLOSE * before:
            break
    return Additive(
        terms,
        {n: {t: float(found[i, k]) for k, t in enumerate(terms) if may[i, k]} for n, i in place.items()},
        {n: int(has[:, i].sum()) for n, i in place.items()},
    )
