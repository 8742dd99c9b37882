"""Another tool beside ours: what it is asked, how its rate is counted, and what is said where it is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from carbonscaling.bench import peers
from carbonscaling.bench.felt import FeltRow
from carbonscaling.errors import InputError

FAKE = {
    "calculon/__init__.py": "",
    "calculon/system.py": "class System:\n    def __init__(self, data): self.data = data\n",
    "calculon/llm/__init__.py": (
        "asked = []\n"
        "class Llm:\n"
        "    class Error(Exception): pass\n"
        "    class Application:\n"
        "        def __init__(self, data): pass\n"
        "    class Execution:\n"
        "        from_json = staticmethod(dict)\n"
        "    def __init__(self, model, logger): pass\n"
        "    def compile(self, system, run): asked.append(run)\n"
        "    def run(self, system):\n"
        "        if len(asked) % 2: raise Llm.Error('memory')\n"
    ),
    str(peers.MODEL): "{}",
    str(peers.SYSTEM): "{}",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, text in FAKE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("calculon", "calculon.llm", "calculon.system"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return str(tmp_path)


def test_every_setting_that_is_worked_out_counts(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "TURNS", 3)
    monkeypatch.setattr(peers, "TURN_S", 1e-4)
    rates = peers.calculon_rates(folder)
    assert len(rates) == 3
    assert min(rates) > 0
    asked = sys.modules["calculon.llm"].asked
    assert len(asked) >= 3
    for run in asked:
        assert run["tensor_par"] * run["pipeline_par"] * run["data_par"] == run["num_procs"]
        assert run["batch_size"] // run["data_par"] % run["microbatch_size"] == 0


def test_the_ratio_is_ours_over_the_median(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [
        FeltRow(name, value, "M a second and core", 4.0, most=False) for name, value in (("both", 0.5), ("all", 9.0))
    ]
    monkeypatch.setattr(peers, "evaluations", lambda: iter(own))
    monkeypatch.setattr(peers, "PROGRAM", "print(100.0, 900.0, 250.0)")
    *rows, ratio = peers.peers(folder)
    assert rows == own
    assert ratio.value == pytest.approx(2000.0)
    assert "250 a second" in ratio.what
    monkeypatch.setattr(peers, "PROGRAM", "import no_such_module")
    with pytest.raises(InputError, match="no_such_module"):
        list(peers.peers(folder))
    with pytest.raises(InputError, match="no copy of Calculon"):
        next(peers.peers(f"{folder}/elsewhere"))
