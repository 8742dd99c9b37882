"""Another tool's rate on a question of ours, in the same run, where the user has a copy of it: Calculon."""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import cycle, product
from pathlib import Path
from typing import Any

from carbonscaling.bench.felt import FeltRow, evaluations
from carbonscaling.errors import InputError

__all__ = ["calculon_rates", "peers"]

MODEL, SYSTEM = Path("models/gpt3-175B.json"), Path("systems/a100_80g.json")
"""Files of Calculon's repository (calculon-ai/calculon, Apache-2.0) with the model and the device of the question."""
PROCESSORS, BATCH, DEEPEST = 1024, 2048, 96
TURNS, TURN_S = 9, 0.5
"""Rates of which the median counts, and the seconds of each."""
PROGRAM = "import sys; from carbonscaling.bench.peers import calculon_rates; print(*calculon_rates(sys.argv[1]))"


def peers(folder: str) -> Iterator[FeltRow]:
    """Measure our rate of full evaluations (`evaluations`), and how many times that of Calculon it is.

    Parameters
    ----------
    folder : str
        A copy of Calculon's repository.

    Raises
    ------
    InputError
        The folder holds none, or what it holds cannot be run.
    """
    for needed in (Path("calculon/llm"), MODEL, SYSTEM):
        if not (Path(folder) / needed).exists():
            raise InputError(
                "no copy of Calculon",
                where=folder,
                key=str(needed),
                remedy="git clone calculon-ai/calculon; name its folder",
            )
    own, *rest = evaluations()
    yield own
    yield from rest
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise InputError(
            f"Calculon cannot be run: {why[0]}", where=folder, remedy="install what it imports, beside carbonscaling"
        )
    rate = statistics.median(map(float, done.stdout.split()))
    yield FeltRow(
        f"the same beside Calculon's {rate:,.0f} a second", own.value * 1e6 / rate, "times", 8000.0, most=False
    )


def calculon_rates(folder: str) -> list[float]:
    """Return how many settings Calculon works out a second of processor time, silenced; those that do not fit count too."""
    sys.path.insert(0, folder)
    llm = import_module("calculon.llm").Llm
    model = llm.Application(json.loads((Path(folder) / MODEL).read_text(encoding="utf-8")))
    system = import_module("calculon.system").System(json.loads((Path(folder) / SYSTEM).read_text(encoding="utf-8")))
    execution = getattr(llm.Execution, "from_json", llm.Execution)
    quiet, rates, every = logging.Logger("quiet", logging.CRITICAL), [], cycle(_settings())
    for _ in range(TURNS):
        n, begin, now = 0, time.process_time(), 0.0
        while now < TURN_S:
            run = llm(model, quiet)
            with suppress(llm.Error):  # it does not fit, which Calculon says when all is worked out
                run.compile(system, execution(next(every)))
                run.run(system)
            n, now = n + 1, time.process_time() - begin
        rates.append(n / now)
    return rates


def _settings() -> Iterator[dict[str, Any]]:
    """Yield ways to split the question's run, as Calculon writes them."""
    plain = {
        "num_procs": PROCESSORS, "tensor_par_net": 0, "pipeline_par_net": 1, "data_par_net": 1, "batch_size": BATCH,
        "datatype": "float16", "fused_activation": True, "attention_type": "multihead", "tensor_par_overlap": "none",
        "seq_par_ag_redo": False, "data_par_overlap": False, "weight_offload": False, "activations_offload": False,
        "optimizer_offload": False, "training": True,
    }  # fmt: skip
    degrees = product(
        (2, 4, 8), (2, 4, 8, 16, 32), (1, 2, 4, 8), ("none", "attn_only", "full"), ("ar", "rs_ag"), (1, 2, 3)
    )
    for tp, pp, micro, recompute, traffic, chunks in degrees:
        dp = PROCESSORS // (tp * pp)
        if BATCH // dp % micro == 0 and DEEPEST % (pp * chunks) == 0:
            yield plain | {
                "tensor_par": tp, "pipeline_par": pp, "data_par": dp, "microbatch_size": micro,
                "activation_recompute": recompute, "tensor_par_comm_type": traffic, "pipeline_interleaving": chunks,
                "optimizer_sharding": dp > 1,
            }  # fmt: skip
