"""``carbonscaling cite``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli.common import hand_over
from carbonscaling.cli.options import ScenarioOptions, given, scenario_of
from carbonscaling.errors import InputError

__all__ = ["cite"]


def cite(
    *names: Annotated[str, Parameter(help="A scenario file (TOML), or keys of references.")],
    options: ScenarioOptions = None,
) -> int:
    """Print the BibTeX of an answer's methods and data, or of given keys.

    With a scenario file or the options of plan and estimate: every work behind that answer.
    """
    from carbonscaling.catalog.references import references
    from carbonscaling.reporting.bibtex import bibtex

    files = [name for name in names if name.endswith(".toml")]
    keys = [name for name in names if not name.endswith(".toml")]
    if (keys and (files or given(options))) or len(files) > 1:
        raise InputError(
            "ask for keys or for one answer, not for both",
            value=" ".join(names),
            remedy="carbonscaling cite KEY..., or carbonscaling cite SCENARIO.toml",
        )
    if not (names or given(options)):
        raise InputError(
            "nothing to cite",
            allowed="reference keys, a scenario file, or the options of plan",
            remedy="carbonscaling catalog list references names the keys",
        )
    if keys:
        sys.stdout.write(bibtex(keys, references()))
        return 0
    from carbonscaling.study.answer import explain, sources_used
    from carbonscaling.study.infeasible import Infeasible

    found, lines = explain(scenario_of(files[0] if files else None, options))
    if isinstance(found, Infeasible):
        return hand_over(found, json=False, output=None)
    sys.stdout.write(bibtex({*sources_used(found), *(line.formula.source for line in lines)}, references()))
    return 0
