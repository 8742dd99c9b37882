"""Systolic cycles against SCALE-Sim, which needs an environment of its own: it breaks on NumPy 2.4 and later.

``python -m venv .venv-scalesim && .venv-scalesim/bin/pip install scalesim 'numpy<2.4'`` at the top of the repository, or any
interpreter that has it, named by CARBONSCALING_SCALESIM_PYTHON.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from carbonscaling.perf.gemm import systolic_cycles

RECORDED = list(
    csv.DictReader(resources.files("carbonscaling.papers").joinpath("scalesim.csv").read_text().splitlines())
)
SHAPES = [[int(row[name]) for name in ("m", "n", "k", "rows", "columns")] for row in RECORDED]
"""Rows, columns and inner dimension of the product; rows and columns of the array."""

ORACLE = """
import json, sys
import numpy as np
from scalesim.compute.systolic_compute_ws import systolic_compute_ws
from scalesim.scale_config import scale_config

def cycles(m, n, k, rows, columns):
    config = scale_config()
    config.array_rows, config.array_cols, config.valid_conf_flag = rows, columns, True
    left = np.arange(m * k).reshape(m, k)
    right = 10**7 + np.arange(k * n).reshape(k, n)
    out = 2 * 10**7 + np.arange(m * n).reshape(m, n)
    run = systolic_compute_ws()
    run.set_params(config_obj=config, ifmap_op_mat=left, filter_op_mat=right, ofmap_op_mat=out)
    return int(run.get_demand_matrices()[0].shape[0])

print(json.dumps([cycles(*shape) for shape in json.load(sys.stdin)]))
"""


def _python() -> Path:
    named = os.environ.get("CARBONSCALING_SCALESIM_PYTHON")
    found = Path(named) if named else Path(__file__).parents[1] / ".venv-scalesim" / "bin" / "python"
    if not found.exists():
        pytest.skip("SCALE-Sim needs an environment of its own (NumPy below 2.4): see the head of this file")
    return found


def test_cycles_equal_scale_sim() -> None:
    done = subprocess.run(
        [_python(), "-c", ORACLE], input=json.dumps(SHAPES), capture_output=True, text=True, check=False, timeout=600
    )
    if "No module named 'scalesim'" in done.stderr:
        pytest.skip("the interpreter named has no scalesim")
    assert done.returncode == 0, done.stderr
    simulated = json.loads(done.stdout.splitlines()[-1])
    assert [float(systolic_cycles(*shape)) for shape in SHAPES] == simulated
    assert [int(row["cycles"]) for row in RECORDED] == simulated


def test_cycles_equal_what_scale_sim_counted() -> None:
    assert len(SHAPES) == 20
    assert [int(systolic_cycles(*shape)) for shape in SHAPES] == [int(row["cycles"]) for row in RECORDED]
