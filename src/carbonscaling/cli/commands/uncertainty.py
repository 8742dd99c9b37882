"""``carbonscaling uncertainty``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json, PageFile, ScenarioFile, hand_over
from carbonscaling.cli.options import ScenarioOptions, scenario_of

__all__ = ["uncertainty"]


def uncertainty(
    scenario: ScenarioFile = None,
    /,
    *,
    figure: Annotated[
        Literal["total", "operational", "energy", "water"], Parameter(help="Figure to explain.", group=OUTPUT)
    ] = "total",
    json: Json = False,
    output: PageFile = None,
    options: ScenarioOptions = None,
) -> int:
    """Show the interval of every figure, and which factors widen one most (Sobol indices; needs SciPy)."""
    from carbonscaling.carbon.sobol import sobol_indices
    from carbonscaling.reporting.uncertainty import uncertainty_data, uncertainty_page
    from carbonscaling.study.answer import answered
    from carbonscaling.study.infeasible import Infeasible

    answer = answered(scenario_of(scenario, options))
    if isinstance(answer, Infeasible):
        return hand_over(answer, json=json, output=output)
    r = answer.resolved
    indices = sobol_indices(r.carbon, answer.n_devices, answer.duration_s, answer.working_mfu, r.time(), figure)
    data = uncertainty_data(answer, figure, indices)
    return out.hand_out(data, uncertainty_page(answer, figure, indices), json=json, output=output)
