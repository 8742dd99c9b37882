"""The papers' own kind of engine: products and messages of a layer, a pipeline around them, and version 1's algorithm 1.

It follows the data-movement model of Erdil and Schneider-Joseph and the second author's public code before it, whose
hardware figures and constraints version 1 shares. It is a reading: the papers' own code is not public. A layer is two
matrices of d x 4 d. TP = TPm TPf ranks split them in two dimensions, the experts lie on E ranks, DP splits the tokens of a
batch, PP the layers, down to one layer a chunk. Everything is NumPy on arrays of layouts, in SI units.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.search.divisors import divisors

__all__ = [
    "Best",
    "Chip",
    "Layout",
    "Training",
    "Variant",
    "best_steps",
    "fewest_devices",
    "layouts",
    "overlapped_time",
]
__all__ += ["product_time", "reduce_time", "step_times"]

Number = Any

TILE = 16.0
"""Dimensions of a product are padded to multiples of this."""
WAVES = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0])
"""Micro-batches over pipeline stages."""
WIDEST = 2.0**20
BLOCK = 4_000
"""Most ranks of TP, and layouts that are timed at once."""


class Variant(NamedTuple):
    """How messages are timed, and what hides what.

    Attributes
    ----------
    ring : bool
        All-reduces in rings; otherwise in the fabric, which receives and sends each message once.
    serial : bool
        Everything lies on the critical path; otherwise products, link and network run side by side.
    hidden_gradients : bool
    kernel_latency, network_latency : float
        s, the least time of a product, and that of a message on each level.
    """

    ring: bool = False
    serial: bool = False
    hidden_gradients: bool = False
    kernel_latency: float = 0.0
    network_latency: float = 0.0


class Chip(NamedTuple):
    """A device: throughput that products reach (FLOP/s), bandwidths per direction (B/s), bytes, devices of a node."""

    peak: float
    efficiency: float
    memory_bandwidth: float
    link: float
    network: float
    cached: float
    capacity: float
    node: float


class Training(NamedTuple):
    """A member of the papers' family and its training; `batch` in sequences, as the law gives it."""

    d_model: float
    n_layers: int
    n_experts: int
    n_params: float
    n_tokens: float
    batch_tokens: float
    value_bytes: float
    state_bytes: float

    @property
    def step_flops(self) -> float:
        """6 N/E FLOP a token of the batch."""
        return 6.0 * self.n_params / self.n_experts * self.batch_tokens

    @property
    def compute(self) -> float:
        """FLOP of the training."""
        return self.step_flops * self.n_tokens / self.batch_tokens


class Layout(NamedTuple):
    """Ranks, micro-batches and layers of a chunk; arrays, or one setting."""

    tp: Number
    tp_model: Number
    pp: Number
    dp: Number
    micro_batches: Number
    chunk: Number


@dataclass(frozen=True)
class Best:
    """Answer of algorithm 1: fewest devices, then shortest step."""

    layout: Layout
    n_devices: int
    step_s: float


@formula(
    "max(2·⌈d_1⌉·⌈d_2⌉·⌈tokens⌉/flops, value_bytes·(weight_passes·d_1·d_2 + tokens·(d_1+d_2))/bandwidth)",
    unit="s", source="schneider_joseph_2023", place="simple_transformer.py, matmul; ⌈x⌉ to a multiple of 16 is our reading",
)  # fmt: skip
def product_time(
    d_1: Number,
    d_2: Number,
    tokens: Number,
    weight_passes: Number,
    value_bytes: Number,
    flops: Number,
    bandwidth: Number,
) -> Number:
    """Time of a d_1 x d_2 matrix times `tokens` vectors: arithmetic or memory, whichever is longer."""
    padded = [np.ceil(n / TILE) * TILE for n in (d_1, d_2, tokens)]
    arithmetic = 2.0 * padded[0] * padded[1] * padded[2] / flops
    return np.maximum(arithmetic, value_bytes * (weight_passes * d_1 * d_2 + tokens * (d_1 + d_2)) / bandwidth)


@formula("[n>1]·(size/bandwidth·(1 + ring·(1 − 2/n)) + latency)", unit="s", source="schneider_joseph_2023",
         place="simple_transformer.py, allreduce: the fabric reduces; a ring moves 2·(n−1)/n of the message")  # fmt: skip
def reduce_time(size: Number, n: Number, bandwidth: Number, ring: Number, latency: Number) -> Number:
    """Time to sum `size` bytes over n members of one level; 0 for one member."""
    return np.where(n > 1.0, size / bandwidth * (1.0 + ring * (1.0 - 2.0 / n)) + latency, 0.0)


@formula("max(passes·products, passes·link, passes·network, n_layers·serial) + bubble·serial", unit="s",
         source="schneider_joseph_2023", place="simple_transformer.py, pipeline full time and bubble")  # fmt: skip
def overlapped_time(
    products: Number, link: Number, network: Number, serial: Number, passes: Number, n_layers: Number, bubble: Number
) -> Number:
    """Time of a batch whose products and messages run side by side, but for one micro-batch's way through all layers."""
    longest = np.maximum(np.maximum(products, link), network)
    return np.maximum(passes * longest, n_layers * serial) + bubble * serial


def _all_reduce(v: Variant, chip: Chip, size: Number, n: Number, stride: Number) -> tuple[Number, Number]:
    """Time on the link and on the network of an all-reduce over n ranks that lie `stride` devices apart."""
    inside = np.minimum(n, np.maximum(1.0, np.floor(chip.node / stride)))
    return (reduce_time(size, inside, chip.link, float(v.ring), v.network_latency),
            reduce_time(size / inside, np.ceil(n / inside), chip.network, float(v.ring), v.network_latency))  # fmt: skip


def step_times(v: Variant, chip: Chip, training: Training, s: Layout) -> Array:
    """Return the time of a batch in s for arrays of layouts; infinite where a micro-batch has less than a token."""
    d, n_bytes, ff = training.d_model, training.value_bytes, s.tp / s.tp_model
    tokens = training.batch_tokens / (s.dp * s.micro_batches * training.n_experts)
    d_1, d_2, flops = 4.0 * d / ff, d / s.tp_model, chip.peak * chip.efficiency
    streamed = np.where(2.0 * n_bytes * d_1 * d_2 <= chip.cached, 0.0, 1.0)
    forward, weights = (
        np.maximum(product_time(d_1, d_2, tokens, passes, n_bytes, flops, chip.memory_bandwidth), v.kernel_latency)
        for passes in (streamed, 2.0 * streamed)
    )
    products = 4.0 * forward + 2.0 * weights  # two matrices forward and back to the inputs, two back to the weights
    narrow = _all_reduce(v, chip, tokens * d_2 * n_bytes, ff, 1.0)
    wide = _all_reduce(v, chip, tokens * d_1 * n_bytes, s.tp_model, ff)
    hops = np.where(training.n_experts > 1, 2.0, np.where(s.pp > 1, 2.0 / s.chunk, 0.0))
    size, together = tokens * d * n_bytes / s.tp, s.tp * training.n_experts * s.pp <= chip.node
    link, network = (
        2.0 * (narrow[i] + wide[i]) + np.where(here, hops * (size / bandwidth + v.network_latency), 0.0)
        for i, (bandwidth, here) in enumerate(((chip.link, together), (chip.network, ~together)))
    )
    serial = products + link + network
    passes, bubble = s.micro_batches * training.n_layers / s.pp, (s.pp - 1.0) * s.chunk
    if v.serial:
        batch = (passes + bubble) * serial
    else:
        batch = overlapped_time(products, link, network, serial, passes, training.n_layers, bubble)
    if not v.hidden_gradients:
        share = training.n_params / (s.tp * s.pp * training.n_experts) * n_bytes
        batch = batch + sum(_all_reduce(v, chip, share, s.dp, s.tp))
    return np.where(tokens >= 1.0, batch, np.inf)


@lru_cache(maxsize=32)
def _layouts(n_layers: int, dense: bool) -> tuple[Array, Array, Array, list[NDArray[np.int16]], Array]:
    """Return (TP, TPm) and (PP, chunk) pairs, DP degrees, where in them every layout lies by rising count, and the counts."""
    tp = sorted({2.0**a * b for a in range(21) for b in (1.0, 3.0) if 2.0**a * b <= WIDEST})
    split = np.array([(t, m) for t in tp for m in (2.0**a for a in range(17))
                      if t % m == 0 and (m == 1 or (t <= 64 * m * m and 4 * t >= m * m))])  # fmt: skip
    stages = np.array([(float(p), float(c)) for p in divisors(n_layers)
                       for c in (divisors(n_layers // p) if dense and p > 1 else (1,))])  # fmt: skip
    dp = np.array(sorted({2.0**a * 3.0**b for a in range(51) for b in range(3)}))
    n = split[:, 0, None, None] * stages[:, 0, None] * dp
    order = np.argsort(n, axis=None, kind="stable")
    places = [place.astype(np.int16) for place in np.unravel_index(order, n.shape)]
    return split, stages, dp, places, n.ravel()[order]


def layouts(training: Training, least: float, most: float) -> Iterator[tuple[Layout, Array]]:
    """Yield every layout of `least` to `most` devices by rising count in blocks, columns for micro-batches; and the counts."""
    split, stages, dp, places, n = _layouts(training.n_layers, training.n_experts == 1)
    first, last = np.searchsorted(n, [least / training.n_experts, most / training.n_experts * (1.0 + 1e-12)])
    while first < last:
        end = int(np.searchsorted(n, n[min(first + BLOCK, last) - 1], side="right"))  # equal counts stay together
        rows, first = slice(first, end), end
        i, j, k = (place[rows] for place in places)
        pp = stages[j, 0, None]
        yield (Layout(split[i, 0, None], split[i, 1, None], pp, dp[k, None], pp * WAVES, stages[j, 1, None]),
               n[rows] * training.n_experts)  # fmt: skip


def fewest_devices(v: Variant, chip: Chip, training: Training, deadline_s: float, most: float) -> Best | None:
    """Return the fewest devices that train in time, at their shortest step; None where none do (algorithm 1).

    The devices' memory together must hold the states (line 8), and no layout exceeds the efficiency of products.
    """
    ideal = training.compute / (deadline_s * chip.peak * chip.efficiency)
    least = max(ideal * (1.0 - 1e-9), training.state_bytes * training.n_params / chip.capacity)
    for s, n in layouts(training, least, most):
        step = step_times(v, chip, training, s)
        in_time = (step * (training.n_tokens / training.batch_tokens) <= deadline_s).any(axis=1)
        if in_time.any():
            fewest = n[np.argmax(in_time)]
            row, column = np.unravel_index(np.argmin(np.where((n == fewest)[:, None], step, np.inf)), step.shape)
            one = Layout(*(float(np.broadcast_to(field, step.shape)[row, column]) for field in s))
            return Best(one, int(fewest), float(step[row, column]))
    return None


def best_steps(v: Variant, chip: Chip, training: Training, n_devices: float) -> list[float]:
    """Return the shortest step of each (N_TP, N_DP, N_PP) on a number of devices, in time or not."""
    found: dict[tuple[float, float], float] = {}
    for s, _ in layouts(training, n_devices * (1.0 - 1e-12), n_devices):
        for tp, pp, step in zip(s.tp[:, 0], s.pp[:, 0], step_times(v, chip, training, s).min(axis=1), strict=True):
            found[tp, pp] = min(found.get((tp, pp), np.inf), float(step))
    return [step for step in found.values() if np.isfinite(step)]
