"""Every way to serve: layouts and requests in flight, each tried; the best that keeps its promises."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np

from carbonscaling.serving.build import serving
from carbonscaling.serving.cycle import USABLE, held, mean_context, room_of
from carbonscaling.serving.numbers import Layout
from carbonscaling.serving.predict import ANY_PROMPT, demand_of, draft_of
from carbonscaling.serving.question import Question
from carbonscaling.serving.scenario import Serving
from carbonscaling.serving.step import weight_bytes

__all__ = ["layouts", "spread_over", "steps_to", "ways"]


MOST = 4096.0
"""Requests in flight on one replica that are tried: what SGLang starts at most by itself (sglang_requests_2025), and as many as
a serving was measured with (ML.ENERGY: 4,090)."""
DEGREES = (1, 2, 4, 8, 16, 32, 64)
"""Tensor ranks that are tried, in a scale-up domain; pipelines, which few measured servings have, where none of those do."""
MOST_STAGES = 8
MOST_EXPERT_RANKS = 32
"""Expert ranks of the measured servings that spread experts most (InferenceMAX), and of DeepSeek's prompts (decision 0265)."""


def layouts(s: Serving, q: Question) -> list[Layout]:
    """Return every layout of one copy of the model that its memory allows, smallest first."""
    spec, domain = q.spec, q.cluster.host.domain_size
    heads = max((a.n_heads for a, _ in spec.attentions), default=1)
    tps = [s.tp] if s.tp else [t for t in DEGREES if t <= domain and heads % t == 0]
    pps = [s.pp] if s.pp else [p for p in DEGREES if p <= min(MOST_STAGES, spec.n_layers)]
    found: list[Layout] = []
    for pp, tp, ep in product(pps, tps, _expert_ranks(s, q)):
        if pp > pps[0] and any(one.pp < pp and one.devices <= one.pp * domain for one in found):
            break  # a scale-up domain holds it with fewer stages
        if s.ep is None and 1 < ep < tp:
            continue
        layout = Layout(float(tp), float(pp), float(ep), max(1.0, ep / tp))
        if s.devices and layout.devices > s.devices:
            continue
        asked, draft = serving(spec, q.cluster, q.weights, q.kv, layout), draft_of(replace(q, layout=layout))
        weights = weight_bytes(asked) + (0.0 if draft is None else weight_bytes(draft))
        if weights < USABLE * asked.silicon.capacity and held(asked, s.prompt + s.output, draft) >= 1.0:
            found.append(layout)
    return sorted(found, key=lambda layout: (layout.devices, layout.pp))


def spread_over(q: Question, devices: float) -> list[Layout]:
    """Return every layout that uses all of some devices: copies side by side, their tensors split, or experts over ranks.

    Copies are as small as memory allows in some, one on all devices of a scale-up domain in others; none if no copy fits.
    """
    domain = q.cluster.host.domain_size
    heads = max((a.n_heads for a, _ in q.spec.attentions), default=1)
    splits = [float(t) for t in DEGREES if t <= min(domain, devices) and devices % t == 0]
    found = [Layout(t, 1.0, 1.0, devices / t) for t in splits if heads % t == 0]
    if q.spec.experts is not None:
        found += [Layout(1.0, 1.0, e, devices) for e in splits if e > 1.0]
    context = mean_context(q.prompt or ANY_PROMPT, q.output, q.output_spread)

    def fits(layout: Layout) -> bool:
        placed = serving(q.spec, q.cluster, q.weights, q.kv, layout)
        return bool(weight_bytes(placed) < USABLE * placed.silicon.capacity and held(placed, context) >= 1.0)

    return [layout for layout in found if fits(layout)]


def _expert_ranks(s: Serving, q: Question) -> list[int]:
    """Return the ranks over which experts are spread that are tried: as many as were measured, over hosts too."""
    experts = q.spec.experts
    if s.ep or experts is None or not q.engine.spreads_experts:
        return [s.ep or 1]
    return [n for n in DEGREES if n <= MOST_EXPERT_RANKS and experts.n_routed % n == 0]


def steps_to(most: float) -> list[float]:
    """Return numbers that grow by a third or a half each, up to one.

    >>> steps_to(13.0)
    [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0]
    """
    doubled = [2.0**k for k in range(math.floor(math.log2(max(most, 1.0))) + 1)]
    return sorted(n for n in {*doubled, *(1.5 * d for d in doubled[1:])} if n <= most)


def ways(s: Serving, q: Question) -> list[Question]:
    """Return every layout with every number in flight that its memory holds; of more that are asked for, those it holds."""
    found, demand = [], demand_of([q])
    for layout in layouts(s, q):
        placed = serving(q.spec, q.cluster, q.weights, q.kv, layout)
        room = float(np.asarray(room_of(placed, demand, draft_of(replace(q, layout=layout)))).item())
        copies = float(layout.replicas)
        asked = s.in_flight and min(s.in_flight, max(1.0, float(math.floor(room * copies))))
        batches = [asked] if asked else steps_to(min(room, MOST) * copies) or [1.0]
        found += [replace(q, layout=layout, in_flight=n) for n in batches]
    return found


def copies_for(tokens_per_s: float, of_one: float) -> int:
    """Return how many copies of the model serve a number of tokens a second."""
    return max(1, math.ceil(tokens_per_s / of_one - 1e-9))
