"""Every command through its real entry point: output, JSON, exit code."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from carbonscaling.cli import main
from carbonscaling.cli.output import Ticker
from carbonscaling.errors import ExitCode
from schemas import validate

Run = Callable[..., tuple[int, str, str]]

SMALL = ["--model", "llama-3-8b", "--tokens", "1T", "--batch", "512", "--device", "h100-sxm"]
FIXED = [*SMALL, "--devices", "64", "--tp", "4", "--pp", "1", "--zero", "1", "--micro-batch", "1"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*args: object) -> tuple[int, str, str]:
        code = main([str(a) for a in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return code, captured.out, captured.err

    return call


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CARBONSCALING_DEBUG", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def schema(run: Run, what: str) -> Any:
    return json.loads(run("schema", what)[1])


def test_estimate_page_reads_aloud_and_fits_the_width(run: Run) -> None:
    code, out, err = run("estimate", *FIXED)
    assert code == ExitCode.OK
    assert err == ""
    words = " ".join(out.split())
    assert words.startswith("Train llama-3-8b on 1T tokens: 64 x NVIDIA H100 SXM5 80GB for ")
    for part in ("MFU", "device-hours", "tCO2e (between", "Step time:", "Memory of the fullest device:", "Energy:",
                 "Carbon:", "What would change this most", "Conventions", "tensor 4 x data 16 = 64 devices"):  # fmt: skip
        assert part in words, part
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_page_is_wider_than_asked(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    pages = [run("estimate", *FIXED)[1], run("model", "show", "mixtral-8x7b")[1], run("catalog", "show", "h100-sxm")[1]]
    assert max(len(line) for page in pages for line in page.splitlines()) <= columns


def test_colour_only_where_wanted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    cyan = "\x1b[36m"
    assert cyan in run("estimate", *FIXED)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert cyan not in run("estimate", *FIXED)[1]


def test_estimate_json_follows_its_schema_and_adds_up(run: Run) -> None:
    code, out, _ = run("estimate", *FIXED, "--json")
    answer = json.loads(out, parse_constant=pytest.fail)
    assert code == ExitCode.OK
    validate(answer, schema(run, "answer"))
    s = answer["summary"]
    assert (s["tp"], s["pp"], s["dp"], s["n_devices"], s["tokens"]) == (4, 1, 16, 64, 1e12)
    for breakdown, left_out in (("step_time_s", {"total"}), ("memory_bytes", {"total", "limit"})):
        parts = answer[breakdown]
        assert sum(v for k, v in parts.items() if k not in left_out) == pytest.approx(parts["total"])


def test_plan_keeps_its_deadline_and_reports_the_search(run: Run) -> None:
    args = ("plan", *SMALL, "--max-days", "60", "--max-devices", "256", "--json")
    code, out, _ = run(*args)
    answer = json.loads(out)
    assert code == ExitCode.OK
    validate(answer, schema(run, "answer"))
    assert answer["summary"]["duration_days"] <= 60
    assert answer["summary"]["n_devices"] <= 256
    assert answer["search"]["n_candidates"] == answer["search"]["n_fit"] + sum(
        n for reason, n in answer["search"]["rejected"].items() if reason != "deadline"
    )
    assert run(*args)[1] == out


def test_infeasible_says_why_and_what_would_help(run: Run) -> None:
    args = ("plan", "--model", "llama-3.1-405b", "--devices", "8", "--batch", "512", "--tp", "8", "--micro-batch", "1")
    code, out, err = run(*args)
    assert code == ExitCode.INFEASIBLE
    assert out.startswith("Nothing feasible: 0 of ")
    assert "refused because" in out
    assert "What would help" in out
    assert err == ""
    code, out, _ = run(*args, "--json")
    assert code == ExitCode.INFEASIBLE
    validate(json.loads(out), schema(run, "answer"))


def test_options_override_the_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('model = "llama-3-8b"\ntokens = 2e12\nbatch = 512\ndevices = 32\n[layout]\ntp = 2\npp = 1\n')
    s = json.loads(run("estimate", file, "--devices", "64", "--json")[1])["summary"]
    assert (s["n_devices"], s["tp"], s["tokens"]) == (64, 2, 2e12)


def test_output_goes_to_a_file_as_well(run: Run, tmp_path: Path) -> None:
    target, page = tmp_path / "answer.json", tmp_path / "answer.md"
    code, out, err = run("estimate", *FIXED, "-o", target)
    assert code == ExitCode.OK
    assert out.startswith("Train")
    assert f"written: {target}" in err
    assert json.loads(target.read_text())["summary"]["n_devices"] == 64
    run("estimate", *FIXED, "-o", page)
    assert page.read_text().startswith("# llama-3-8b\n\nTrain llama-3-8b")
    assert "| matrix multiplication |" in page.read_text()


def test_explain_shows_formulas_with_numbers_and_sources(run: Run) -> None:
    code, out, _ = run("explain", *FIXED, "--open", "time")
    assert code == ExitCode.OK
    assert "perf.goodput.run_time" in out
    assert "= n_steps·step_time·overhead" in out
    assert "[llama3, section 3.3.4" in " ".join(out.split())
    answer = json.loads(run("explain", *FIXED, "--json")[1])
    line = next(f for f in answer["formulas"] if f["name"] == "perf.goodput.run_time")
    a = line["arguments"]
    assert line["result"] == pytest.approx(a["n_steps"] * a["step_time"] * a["overhead"])
    assert line["result"] / 86400 == pytest.approx(answer["summary"]["duration_days"])
    assert len(run("explain", *FIXED, "--all")[1]) > len(out)


def test_cite_prints_bibtex_of_keys_and_of_an_answer(run: Run) -> None:
    code, out, _ = run("cite", "hoffmann_2022", "act_2022", "act_2022")
    assert code == ExitCode.OK
    assert [line.partition("{")[0] for line in out.splitlines() if line.startswith("@")] == ["@inproceedings", "@misc"]
    assert out.index("act_2022") < out.index("hoffmann_2022")
    code, out, _ = run("cite", *FIXED)
    assert code == ExitCode.OK
    assert "@misc{llama3," in out
    assert "@misc{user," not in out


def test_scale_as_table_csv_and_json(run: Run) -> None:
    args = ("scale", "--law", "besiroglu_2024", "--sizes", "1e20,1e21")
    code, out, _ = run(*args)
    assert code == ExitCode.OK
    assert "loss = " in out
    rows = json.loads(run(*args, "--json")[1])
    assert [r["compute"] for r in rows] == pytest.approx([1e20, 1e21])
    assert rows[0]["loss"] > rows[1]["loss"]
    table = list(csv.DictReader(io.StringIO(run(*args, "--csv")[1])))
    assert [float(r["n_params"]) for r in table] == pytest.approx([r["n_params"] for r in rows])
    assert "loss" in run("scale", "--law", "paper_v2", "--device", "paper-h100", "--sizes", "1536")[1]


def test_model_show(run: Run) -> None:
    answer = json.loads(run("model", "show", "mixtral-8x7b", "--json")[1])
    assert answer["total_params"] == 46_702_792_704
    assert 12.8e9 < answer["active_params"] < 13.0e9
    assert sum(answer["params"].values()) == answer["total_params"]
    page = run("model", "show", "llama-3.1-405b")[1]
    assert page.startswith("llama-3.1-405b: 406B parameters")


def test_model_show_reads_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(
        "n_layers = 2\nd_model = 128\nvocab_size = 1000\nseq_len = 256\n"
        "[attention]\nn_heads = 4\nn_kv_heads = 4\nhead_dim = 32\n[ffn]\nd_ff = 512\ngated = true\n"
    )
    answer = json.loads(run("model", "show", file, "--json")[1])
    expected = 2 * 1000 * 128 + 2 * (4 * 128 * 128 + 3 * 128 * 512 + 2 * 128) + 128
    assert answer["total_params"] == answer["active_params"] == expected


def test_catalog_list_and_show(run: Run) -> None:
    kinds = json.loads(run("catalog", "list", "--json")[1])
    assert set(kinds) >= {"devices", "hosts", "models", "laws", "regions", "factors", "efficiencies", "references"}
    for kind, n in kinds.items():
        listed = json.loads(run("catalog", "list", kind, "--json")[1])
        assert len(listed) == n
        assert run("catalog", "show", next(iter(listed)), "--kind", kind)[0] == ExitCode.OK
    assert "h100-sxm" in run("catalog", "list", "device")[1]
    found = json.loads(run("catalog", "show", "h100-sxm", "--kind", "devices", "--json")[1])
    assert found["data"]["tdp"]["value"] == 700.0
    assert found["data"]["tdp"]["source"] == "nvidia_h100_whitepaper"
    page = " ".join(run("catalog", "show", "us-east5")[1].split())
    assert "323.05 g/kWh (263.066 to 386.338) [gcp_regions_2024] 2024; operational, location-based" in page


def test_schema_refuses_an_unknown_key(run: Run) -> None:
    scenario = schema(run, "scenario")
    validate({"model": "x", "layout": {"tp": 8}}, scenario)
    with pytest.raises(jsonschema.ValidationError):
        validate({"modle": "x"}, scenario)


def test_accounts(run: Run) -> None:
    found = json.loads(run("accounts", "--json")[1])
    assert found["summary"]["accounts_held"] >= 12
    for row in found["accounts"]:
        if row["ours"] is not None:
            assert row["error"] == pytest.approx(row["ours"] / row["reported"] - 1)
    lines = run("accounts", "--csv")[1].splitlines()
    assert len(lines) == len(found["accounts"]) + 1
    assert "Llama 3.1 405B" in run("accounts")[1]
    assert run("accounts", "--csv", "--json")[0] == 2


def test_progress_only_on_a_terminal_and_not_in_the_first_second(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, elapsed, speaks in ((Terminal(), 5.0, True), (Terminal(), 0.5, False), (io.StringIO(), 5.0, False)):
        monkeypatch.setattr(sys, "stderr", stream)
        clock = SimpleNamespace(monotonic=iter((100.0, 100.0 + elapsed)).__next__)
        monkeypatch.setattr("carbonscaling.cli.ticker.time", clock)
        with Ticker() as ticker:
            ticker(1000, 0.5)
        assert ("1,000 settings" in stream.getvalue()) is speaks


def test_module_and_script_agree() -> None:
    env = {**os.environ, "COLUMNS": "80"}
    command = [sys.executable, "-m", "carbonscaling", "catalog", "show", "us-east5"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    assert "323.05" in done.stdout
    assert done.stderr == ""


def test_no_command_loads_pydantic_before_its_line_is_read() -> None:
    """The parser hands values to it where it is loaded; here it always is, and is kept from that (`conftest.py`)."""
    code = """
import sys
from functools import reduce
from carbonscaling.cli.app import COMMANDS, build_app
app = build_app()
for path in COMMANDS:
    reduce(lambda at, name: at[name], path, app).assemble_argument_collection()
sys.exit("pydantic" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
