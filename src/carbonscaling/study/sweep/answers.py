"""The table of what is kept of cases, many cases at once.

A case's rows are the answer of its own scenario. What cases have in common is worked out once: runs that differ in place
alone share a search, and the carbon of all runs on one kind of hardware is one evaluation of the formulas, on arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.carbon.model import HardwareFactors, hardware_factors
from carbonscaling.errors import InputError
from carbonscaling.study.resolve import HARDWARE_FIELDS
from carbonscaling.study.sweep.case import codes, is_place, n_searches, place_keys, refusal, scenario_of_case
from carbonscaling.study.sweep.columns import PLACE_COLUMNS, is_number
from carbonscaling.study.sweep.frame import Frames
from carbonscaling.study.sweep.place import NUMBERS, interval_columns, place_columns
from carbonscaling.study.sweep.rows import Row, failed
from carbonscaling.study.sweep.runs import Run, Runs
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["Answers"]

Ints = NDArray[np.int64]
MANY = 40
"""Searches that machine code saves more time of than loading it takes."""
RUN_INPUTS = ("n_devices", "duration_days", "mfu", "tp", "pp", "dp", "cp")
HARDWARE = attrgetter(*HARDWARE_FIELDS)


class Answers:
    """Answers cases of a study, and remembers what the next ones may share."""

    def __init__(self, study: Study) -> None:
        self.study = study
        keys, places = set(study.keys), place_keys(study)
        self._run_keys = keys - places
        self._base = {k: v for k, v in study.base.items() if not (places and is_place(k))}
        self._runs = Runs("plan" if study.answer == "plan" else "estimate", study.keep, many=n_searches(study) >= MANY)
        self._numbers = {
            key: (place, np.array(block.columns[key], dtype=float))
            for place, block in enumerate(study.blocks)
            for key in block.columns
            if key in NUMBERS and is_number(block, key)
        }
        self._words = {key for key in keys if is_place(key)} - set(self._numbers)
        self._frames = Frames(study)
        self._last: dict[int, Run] = {}
        self._hardware: dict[Any, HardwareFactors] = {}

    @property
    def n_runs(self) -> int:
        """Distinct runs of the last table."""
        return len(self._last)

    def table(self, cases: Iterable[int], poisoned: Mapping[int, str] | None = None) -> Any:
        """Return a Polars table with the rows of some cases, in the cases' order.

        Status: ``ok``; ``infeasible`` (why in `reason`); ``refused``, where the values contradict each other; ``error``.

        Parameters
        ----------
        poisoned : Mapping[int, str], optional
            Cases not to be tried, with the error to record for them.
        """
        lost = {case: failed("error", reason) for case, reason in (poisoned or {}).items()}
        every = np.array([case for case in cases if case not in lost], dtype=np.int64)
        own = {key: values[self.study.rows(every)[place]] for key, (place, values) in self._numbers.items()}
        lost |= self._out_of_range(every, own)
        runs, of_case = self._answered(every)
        rows = [row for run in runs for row in run.rows]
        n = np.array([len(run.rows) for run in runs], dtype=np.int64)
        n_here = n[of_case]
        case_of = np.repeat(np.arange(len(every)), n_here)
        nth = np.arange(len(case_of)) - np.repeat(np.cumsum(n_here) - n_here, n_here)
        row_of = (np.cumsum(n) - n)[of_case[case_of]] + nth
        ok = np.array([row["status"] == "ok" for row in rows], dtype=bool)[row_of]
        ok &= ~np.isin(every[case_of], list(lost))
        inputs = {k: np.array([row.get(k, np.nan) for row in rows], dtype=float)[row_of] for k in RUN_INPUTS}
        places = {name: np.full(len(case_of), np.nan) for name in PLACE_COLUMNS}
        for some, run in self._alike(every, runs, of_case, case_of, ok):
            self._fill(places, some, run, every[case_of[some]], inputs, {k: v[case_of] for k, v in own.items()}, lost)
        good = ~np.isin(every[case_of], list(lost))
        return self._frames.table(
            every[case_of[good]], rows, row_of[good], {name: values[good] for name, values in places.items()}, lost
        )

    def _out_of_range(self, cases: Ints, own: Mapping[str, Array]) -> dict[int, Row]:
        """Return the cases with a number that is refused: where both ends of some numbers are accepted, all of them are."""
        found: dict[int, Row] = {}
        for key, values in own.items():
            if not len(values) or not any(refusal(self.study, key, float(end)) for end in (values.min(), values.max())):
                continue
            reasons = {value: refusal(self.study, key, value) for value in set(values.tolist())}
            refused = [(case, reasons.get(value)) for case, value in zip(cases.tolist(), values.tolist(), strict=True)]
            found |= {case: failed("refused", reason) for case, reason in refused if reason}
        return found

    def _answered(self, cases: Ints) -> tuple[list[Run], Ints]:
        """Return the distinct runs behind some cases, and which one each case has."""
        each, first, of_case = np.unique(
            codes(self.study, cases, self._run_keys), return_index=True, return_inverse=True
        )
        new = [(code, nth) for code, nth in zip(each.tolist(), first.tolist(), strict=True) if code not in self._last]
        varied = (self.study.varied(int(cases[nth])) for _, nth in new)
        values = ({k: v for k, v in one.items() if k in self._run_keys} for one in varied)
        answered = dict(zip((code for code, _ in new), self._runs.every(self._base, values), strict=True))
        found = {code: answered[code] if code in answered else self._last[code] for code in each.tolist()}
        self._last = found
        return list(found.values()), of_case

    def _alike(
        self, cases: Ints, runs: list[Run], of_case: Ints, case_of: Ints, ok: NDArray[np.bool_]
    ) -> list[tuple[Ints, Run]]:
        """Return the rows that are alike in hardware and in all of the place but numbers, group by group, with a run."""
        kinds: dict[Any, int] = {}
        kind = np.array([kinds.setdefault(r.resolved and HARDWARE(r.resolved.scenario), len(kinds)) for r in runs])
        rows = np.flatnonzero(ok)
        place = np.unique(codes(self.study, cases, self._words), return_inverse=True)[1]
        group = (place * max(1, len(kinds)) + kind[of_case])[case_of[rows]] if len(rows) else rows
        order = np.argsort(group, kind="stable")
        cuts = np.flatnonzero(np.diff(group[order])) + 1
        parts = np.split(rows[order], cuts) if len(rows) else []
        return [(part, runs[of_case[case_of[part[0]]]]) for part in parts]

    def _fill(
        self,
        places: Mapping[str, Array],
        some: Ints,
        run: Run,
        cases: Ints,
        inputs: Mapping[str, Array],
        own: Mapping[str, Array],
        lost: dict[int, Row],
    ) -> None:
        """Write the columns of rows that are alike; where that fails, part by part, down to the one at fault."""
        r = run.resolved
        assert r is not None
        try:
            s = scenario_of_case(self.study, int(cases[0]))
            convention = (HARDWARE(r.scenario), s.carbon_mode, s.paper_version)
            if convention not in self._hardware:
                self._hardware[convention] = hardware_factors(r.cluster, s.carbon_mode, s.paper_version)
            taken = {name: values[some] for name, values in inputs.items()}
            found = place_columns(s, r, self._hardware[convention], taken, {k: v[some] for k, v in own.items()})
            for name, values in found.items():
                places[name][some] = values
            if self.study.keep.interval:
                for row, case in zip(some.tolist(), cases.tolist(), strict=True):
                    own_run = {name: float(values[row]) for name, values in inputs.items()}
                    ends = interval_columns(scenario_of_case(self.study, case), r, own_run)
                    for name, value in ends.items():
                        places[name][row] = value
        except InputError as error:
            lost |= {case: failed("refused", str(error)) for case in cases.tolist()}
        except Exception as error:
            if len(some) == 1:
                lost[int(cases[0])] = failed("error", f"{type(error).__name__}: {error}")
                return
            middle = len(some) // 2
            for half in (slice(None, middle), slice(middle, None)):
                self._fill(places, some[half], run, cases[half], inputs, own, lost)
