"""The same study by Ray gives the same table."""

from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess, RayCluster
from carbonscaling.study.sweep.store import Store
from sweep_helpers import study, table


@pytest.mark.filterwarnings("ignore")
def test_ray_gives_the_table_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    question = study(tmp_path)
    here, there = Store(str(tmp_path / "here")), Store(str(tmp_path / "there"))
    drive(question, here, InProcess())
    cluster = RayCluster(2)
    try:
        assert drive(question, there, cluster).complete
    finally:
        cluster.close()
    assert_frame_equal(table(question, here), table(question, there), check_exact=True)
