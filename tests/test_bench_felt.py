"""What a user waits for: what is measured, how clients are counted, and how far it is from what is wanted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.bench import felt, server, versions
from carbonscaling.bench.sweep import searches
from carbonscaling.cli import quick
from carbonscaling.cli.question import scenario_of
from carbonscaling.errors import CarbonScalingError, InputError
from carbonscaling.reporting.bench import bench_against_page, bench_felt_page
from carbonscaling.search import compiled


@pytest.fixture
def asked() -> Iterator[tuple[int, list[tuple[str, Any]]]]:
    seen: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append((self.path, body))
            self.send_response(503 if body == "refused" else 200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield service.server_address[1], seen
    service.shutdown()
    service.server_close()


def test_clients_ask_one_question_after_the_other(asked: tuple[int, list[tuple[str, Any]]]) -> None:
    port, seen = asked
    found = server._ask(port, "estimate", [[json.dumps([k, i]).encode() for i in range(3)] for k in range(4)])
    assert 0.0 < found.median_s <= found.slowest_s
    assert {path for path, _ in seen} == {"/api/v1/estimate"}
    assert sorted(body for _, body in seen) == [[k, i] for k in range(4) for i in range(3)]
    assert all([i for j, i in (body for _, body in seen) if j == k] == [0, 1, 2] for k in range(4))
    assert found.per_second > 0
    with pytest.raises(CarbonScalingError, match="503"):
        server._ask(port, "plan", [[b'"refused"']])


def test_the_command_asks_what_python_asks() -> None:
    read = quick._read(felt._options())
    assert read is not None
    assert scenario_of(None, type("Given", (), {"__init__": lambda s: s.__dict__.update(read[1])})()) == felt.STATED


def test_every_case_has_a_search_of_its_own() -> None:
    study = searches(3)
    cases = [study.varied(i) for i in range(study.n_cases)]
    assert len(cases) == 60
    assert len({(case["model"], case["device"], case["devices"]) for case in cases}) == 60


def test_ratios_say_how_many_times_as_good_as_wanted() -> None:
    rows = [felt.FeltRow("wait", 4.0, "ms", 2.0), felt.FeltRow("rate", 8.0, "a second", 4.0, most=False)]
    assert [row.ratio for row in rows] == [0.5, 2.0]
    assert bench_felt_page(rows).row_count == 2


def test_evaluations_are_those_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONSCALING_COMPILE", "0")
    monkeypatch.setattr(compiled, "available", lambda: False)
    both, passed, every = felt.evaluations()
    assert 0.0 < both.value < passed.value < every.value
    assert passed.value / every.value == pytest.approx(34_029 / 1_596_672, rel=0.2)


def test_the_short_measurement_asks_less_of_everything() -> None:
    short, whole = felt.SHORT, felt.Effort()
    assert (short.runs < whole.runs, short.least_s < whole.least_s, short.estimates < whole.estimates) == (True,) * 3
    assert sum(short.counts) < sum(whole.counts)


def test_two_versions_are_asked_the_same_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "carbonscaling"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "__version__ = '0.0.1'\nestimate = plan = lambda asked: asked\n", encoding="utf-8"
    )
    (package / "__main__.py").write_text("import sys\nassert sys.argv[1:] == ['--version']\n", encoding="utf-8")
    monkeypatch.setattr(versions, "RUNS", 1)
    monkeypatch.setattr(versions, "COMMANDS", {"the version": "--version"})
    monkeypatch.setattr(versions, "CALLS", {"nothing": "__version__"})
    assert versions.version_in(tmp_path / "src") == "0.0.1"
    asked: list[Path] = []
    processor_s = versions._processor_s

    def noted(command: list[str], source: Path, compiled: str) -> float:
        asked.append(source)
        return processor_s(command, source, compiled)

    monkeypatch.setattr(versions, "_processor_s", noted)
    rows = list(versions.against(tmp_path / "src"))
    assert [row.what for row in rows] == ["the version", "nothing"]
    assert all(row.before >= 0.0 and row.now >= 0.0 for row in rows)
    assert asked[::2] == [tmp_path / "src"] * 4  # the first turn of each does not count
    assert len({*asked[1::2]}) == 1
    assert versions.Versus("x", 3.0, 2.0).ratio == 1.5
    assert bench_against_page([versions.Versus("x", 0.05, 2.0)], "0.0.1", "now").row_count == 1
    with pytest.raises(InputError, match="no version of carbonscaling"):
        list(versions.against(tmp_path))
    monkeypatch.setattr(versions, "COMMANDS", {"refused": "--else"})
    with pytest.raises(InputError, match="a version refused a question"):
        list(versions.against(tmp_path / "src"))


def test_the_calls_are_questions() -> None:
    names = SimpleNamespace(
        Scenario=cs.Scenario, Layout=cs.Layout, plan=lambda asked: asked, estimate=lambda asked: asked
    )
    asked = [eval(f"cs.{call}", {"cs": names}) for call in versions.CALLS.values()]
    assert all(isinstance(one, cs.Scenario) and one.batch for one in asked)  # 0.1.0 searches no batch
