"""Clusters: link and network speeds, hosts and domains, torus slices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.catalog import hardware as catalog
from carbonscaling.errors import InputError
from carbonscaling.hardware import fabric


def test_speeds_of_an_h100_cluster() -> None:
    cluster = catalog.cluster("H100-80")
    assert cluster.host.id == "hgx-h100"
    assert cluster.link_bandwidth == cluster.pair_bandwidth == 450e9
    assert cluster.network_bandwidth == 50e9
    assert cluster.axes == 0
    assert cluster.slice_shape(64) == () == cluster.rings(64)


def test_hosts_and_domains() -> None:
    cluster = catalog.cluster("gb200")
    assert (cluster.n_hosts(1), cluster.n_hosts(4), cluster.n_hosts(5), cluster.n_hosts(72)) == (1, 1, 2, 18)
    assert (cluster.n_domains(72), cluster.n_domains(73)) == (1, 2)


def test_named_hosts() -> None:
    bloom = catalog.cluster("A100-80", "jean-zay-a100", max_devices=416)
    assert bloom.network_bandwidth == 6.25e9
    assert catalog.cluster("A100-80", "Selene").network_bandwidth == 25e9
    assert catalog.cluster("A100-80", nic_gbps=100).network_bandwidth == 12.5e9
    assert catalog.cluster("A100-80", nic_gbps=100).host.nic_bandwidth.source == "user"
    device, host = catalog.device("h100"), catalog.host("aws-p5")
    assert catalog.cluster(device, host).host is host


def test_cluster_limits() -> None:
    with pytest.raises(InputError, match="does not have that many"):
        catalog.cluster("h100", max_devices=16).n_hosts(17)
    with pytest.raises(InputError, match="does not have that many"):
        catalog.cluster("h100").n_hosts(0)
    with pytest.raises(InputError, match="too small a count"):
        catalog.cluster("h100", max_devices=0)
    with pytest.raises(InputError, match="not a usable number"):
        catalog.cluster("h100", nic_gbps=-1.0)


# one-way bandwidth of one ICI link as vendors' totals imply, in GB/s
LINKS = [("tpu-v3", 70), ("tpu-v4", 50), ("tpu-v5e", 50), ("tpu-v5p", 100), ("tpu-v6e", 100), ("tpu-v7x", 100)]


@pytest.mark.parametrize(("name", "gbs"), LINKS)
def test_torus_links(name: str, gbs: float) -> None:
    cluster = catalog.cluster(name)
    assert cluster.pair_bandwidth == pytest.approx(gbs * 1e9)
    assert cluster.pair_bandwidth * 2 * cluster.axes == pytest.approx(cluster.link_bandwidth)


def test_mesh_pairs() -> None:
    assert catalog.cluster("mi300x").pair_bandwidth == pytest.approx(64e9)
    assert catalog.cluster("v100-32", "jean-zay-v100").pair_bandwidth == pytest.approx(50e9)


PODS = [("tpu-v3", 1024), ("tpu-v4", 4096), ("tpu-v5e", 256), ("tpu-v5p", 8960), ("tpu-v6e", 256), ("tpu-v7x", 9216)]


@pytest.mark.parametrize(("name", "chips"), PODS)
def test_pods(name: str, chips: int) -> None:
    cluster = catalog.cluster(name)
    assert cluster.host.domain_size == chips
    assert cluster.slice_shape(chips) == cluster.host.pod_shape
    assert all(cluster.rings(chips))


def test_palm_runs_on_two_pods() -> None:
    cluster = catalog.cluster("TPUv4")
    assert cluster.n_domains(6144) == 2
    assert cluster.slice_shape(6144) == (12, 16, 16)
    assert cluster.n_hosts(6144) == 1536


def test_small_slices_are_open() -> None:
    assert catalog.cluster("tpu-v5e").rings(64) == (False, False)
    assert catalog.cluster("tpu-v4").rings(8) == (False, False, False)
    assert catalog.cluster("tpu-v4").rings(64) == (True, True, True)


@given(n=st.integers(1, 20_000), axes=st.integers(1, 3))
def test_torus_shape_holds_all_chips(n: int, axes: int) -> None:
    shape = fabric.torus_shape(n, axes)
    assert math.prod(shape) == n
    assert len(shape) == axes
    assert list(shape) == sorted(shape)


@given(side=st.integers(1, 40), axes=st.integers(1, 3))
def test_torus_shape_finds_cubes(side: int, axes: int) -> None:
    assert fabric.torus_shape(side**axes, axes) == (side,) * axes


def test_torus_shape_refuses_nothing() -> None:
    with pytest.raises(InputError):
        fabric.torus_shape(0, 3)


def test_formulas_on_arrays() -> None:
    totals = np.array([300e9, 600e9, 1200e9])
    domains = np.array([2, 4, 8])
    assert fabric.one_direction(totals).tolist() == [fabric.one_direction(t) for t in totals]
    assert fabric.torus_link(totals, 3).tolist() == [fabric.torus_link(t, 3) for t in totals]
    assert fabric.pair_link(totals, domains).tolist() == [
        fabric.pair_link(t, d) for t, d in zip(totals, domains, strict=True)
    ]
    assert fabric.groups_needed(np.array([1, 8, 9]), 8).tolist() == [1, 1, 2]
