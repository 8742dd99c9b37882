"""Clusters: link and network speeds, hosts, pods."""

from __future__ import annotations

import math

import pytest

from carbonscaling.catalog import hardware as catalog
from carbonscaling.catalog.references import references
from carbonscaling.errors import InputError


def test_named_hosts() -> None:
    bloom = catalog.cluster("A100-80", "jean-zay-a100", max_devices=416)
    assert bloom.host.nic_bandwidth.si == 6.25e9
    assert catalog.cluster("A100-80", "Selene").host.nic_bandwidth.si == 25e9
    assert catalog.cluster("A100-80", nic_gbps=100).host.nic_bandwidth.si == 12.5e9
    assert catalog.cluster("A100-80", nic_gbps=100).host.nic_bandwidth.source == "user"
    device, host = catalog.device("h100"), catalog.host("aws-p5")
    assert catalog.cluster(device, host).host is host


def test_cluster_limits() -> None:
    with pytest.raises(InputError, match="does not have that many"):
        catalog.cluster("h100", max_devices=16).check(17)
    with pytest.raises(InputError, match="does not have that many"):
        catalog.cluster("h100").check(0)
    with pytest.raises(InputError, match="too small a count"):
        catalog.cluster("h100", max_devices=0)
    with pytest.raises(InputError, match="not a usable number"):
        catalog.cluster("h100", nic_gbps=-1.0)


# one-way bandwidth of one ICI link as vendors' totals imply, in GB/s
LINKS = [("tpu-v3", 70), ("tpu-v4", 50), ("tpu-v5e", 50), ("tpu-v5p", 100), ("tpu-v6e", 100), ("tpu-v7x", 100)]


@pytest.mark.parametrize(("name", "gbs"), LINKS)
def test_torus_links(name: str, gbs: float) -> None:
    """An axis has two links, and a vendor's total counts both directions of each (Austin et al. 2025, chapter 2)."""
    cluster = catalog.cluster(name)
    axes = len(cluster.host.pod_shape)
    assert cluster.device.link_bandwidth.si / (4 * axes) == pytest.approx(gbs * 1e9)


@pytest.mark.parametrize(("device", "host", "gbs"), [("mi300x", None, 64), ("v100-32", "jean-zay-v100", 50)])
def test_mesh_pairs(device: str, host: str | None, gbs: float) -> None:
    cluster = catalog.cluster(device, host)
    assert cluster.host.topology == "mesh"
    assert cluster.device.link_bandwidth.si / 2 / (cluster.host.domain_size - 1) == pytest.approx(gbs * 1e9)


PODS = [("tpu-v3", 1024), ("tpu-v4", 4096), ("tpu-v5e", 256), ("tpu-v5p", 8960), ("tpu-v6e", 256), ("tpu-v7x", 9216)]


@pytest.mark.parametrize(("name", "chips"), PODS)
def test_pods_are_full_and_every_side_closes(name: str, chips: int) -> None:
    host = catalog.cluster(name).host
    assert host.domain_size == chips == math.prod(host.pod_shape)
    assert all(side % host.ring_multiple == 0 for side in host.pod_shape)


def test_a_fabric_sets_what_collectives_reach_of_a_network() -> None:
    """Jean Zay's Omni-Path gives gathers 0.21 of its cards; a user names another; an unknown one is refused with all names."""
    known = catalog.cluster("a100-80", "jean-zay-a100").host.fabric
    assert known is not None
    assert (known.name, known.share.value) == ("omni-path", 0.21)
    assert catalog.cluster("a100-80").host.fabric is None, "a host of that kind stands on any network"
    named = catalog.cluster("a100-80", fabric_name="roce").host.fabric
    assert named is not None
    assert named.share.value == 0.80
    with pytest.raises(InputError, match=r"(?s)unknown fabric.*infiniband"):
        catalog.cluster("a100-80", fabric_name="string")


@pytest.mark.parametrize("name", catalog.fabric_names())
def test_every_number_of_a_fabric_has_a_source_and_a_range(name: str) -> None:
    found = catalog.fabric(name)
    for datum in (found.share, found.latency):
        assert datum.source in references()
        assert datum.low is not None
        assert datum.high is not None
        assert datum.low < datum.high
