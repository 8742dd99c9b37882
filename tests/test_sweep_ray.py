"""A study by a Ray cluster of a head and two nodes, each processes of its own, gives the table of one process."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from carbonscaling.study.sweep import drive as driving
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import InProcess, Processes, RayCluster
from carbonscaling.study.sweep.store import Store
from sweep_helpers import frail_shard, study, table

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="make test-cluster installs Ray")
    from ray.cluster_utils import Cluster

    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    nodes: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            nodes.add_node(num_cpus=1)
        nodes.wait_for_nodes()
        yield nodes
    finally:
        nodes.shutdown()
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def test_the_table_is_that_of_processes(tmp_path: Path, cluster: Any) -> None:
    question = study(tmp_path)
    here, there = Store(str(tmp_path / "here")), Store(str(tmp_path / "there"))
    workers = Processes(2)
    try:
        assert drive(question, here, workers).complete
    finally:
        workers.close()
    ray = RayCluster(address=cluster.address)
    try:
        assert ray.n_workers == 2
        assert drive(question, there, ray).complete
    finally:
        ray.close()
    assert_frame_equal(table(question, here), table(question, there), check_exact=True)


def test_a_worker_on_a_node_is_killed(tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    question = study(tmp_path)
    here, there = Store(str(tmp_path / "here")), Store(str(tmp_path / "out"))
    drive(question, here, InProcess())
    monkeypatch.setattr(driving, "run_shard", frail_shard)
    ray = RayCluster(address=cluster.address)
    try:
        tally = drive(question, there, ray)
    finally:
        ray.close()
    assert (tmp_path / "out" / "killed").exists()
    assert tally.complete
    assert tally.retried >= 1
    assert_frame_equal(table(question, here), table(question, there), check_exact=True)
