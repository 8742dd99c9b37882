"""The machine under a setting, or machines under many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carbonscaling.arrays import stacked
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.core.nouns import noun
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.perf.precision import Recipe
from carbonscaling.software.stack import Stack
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.setup import Setup, calibration_of, plain_machine, with_kernels
from carbonscaling.study.subject import Subject

__all__ = ["machine"]


def machine(
    model: ModelSpec, cluster: Cluster, stack: Stack, recipe: Recipe, many: Setting, s: Scenario
) -> tuple[Setup, Machine]:
    """Return the model and the cluster as numbers, arrays where settings need machines that differ.

    They do by what depends on the setting outside the formulas: policies of compiled programs, unless all is recomputed, and
    the part of a host's memory that a device has, where the host holds something.
    """
    nouns = (noun("cluster", cluster, Cluster), noun("recipe", recipe, Recipe))
    constants, seq_len = efficiency(cluster.device), s.seq_len or model.seq_len
    noun("stack", stack, Stack)
    n = np.asarray(many.n_devices)
    if cluster.max_devices is not None:
        cluster.check(int(n.max()))
    in_host = s.offload not in (None, "none")
    at_work = np.minimum(n, cluster.host.devices_per_host) if in_host else np.zeros_like(n)
    states = np.stack([np.asarray(many.recompute) == Recompute.FULL, at_work]).reshape(2, -1)
    kinds, index = np.unique(states, axis=1, return_inverse=True)
    calibration = calibration_of(s.calibration)
    setups, work = [], build.workload(model, seq_len)
    for full, devices in kinds.T.tolist():
        asked = replace(
            s, stack=stack.name, layout=Layout(recompute="full" if full else None), devices=int(devices) or None
        )
        plain = plain_machine(with_kernels(asked, model), *nouns, constants, stack)
        setups.append(Setup(asked, Subject(model), seq_len, *nouns, constants, stack, work, plain, ()))
    machines = [setup.machine(calibration) for setup in setups]
    columns, place = stacked(machines).numbers(), index.reshape(n.shape)
    return setups[0], Machine.of(**{k: float(c[0]) if (c == c[0]).all() else c[place] for k, c in columns.items()})
