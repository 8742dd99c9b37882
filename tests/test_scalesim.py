"""Systolic cycles against SCALE-Sim, which needs an environment of its own: it breaks on NumPy 2.4 and later.

``python -m venv .venv-scalesim && .venv-scalesim/bin/pip install scalesim 'numpy<2.4'`` at the top of the repository, or any
interpreter that has it, named by CARBONSCALING_SCALESIM_PYTHON.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from carbonscaling.perf.gemm import systolic_cycles

SHAPES = [
    (1, 1, 1, 4, 4), (10, 8, 16, 16, 8), (16, 16, 16, 16, 16), (24, 24, 40, 16, 8), (17, 33, 65, 16, 16),
    (7, 100, 9, 8, 32), (64, 64, 64, 32, 32), (128, 32, 96, 32, 32), (3, 128, 128, 128, 128), (100, 100, 100, 128, 128),
    (112, 112, 112, 128, 128), (128, 128, 128, 128, 128), (129, 128, 128, 128, 128), (128, 129, 128, 128, 128),
    (128, 128, 129, 128, 128), (256, 128, 384, 128, 128), (112, 256, 384, 128, 128), (64, 512, 64, 64, 128),
    (200, 40, 300, 64, 32), (512, 96, 160, 32, 64),
]  # fmt: skip
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
