"""A cluster's meter shared among jobs: by hand, by its sums, from every kind of file, and what is refused."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.calibration.attribution import Plant, Work, close, steady_load
from carbonscaling.calibration.jobs import Job
from carbonscaling.calibration.profile import load_calibration
from carbonscaling.calibration.readings import Period, read_readings
from carbonscaling.carbon.drawn import Draw
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.study.attributed import _watts, attribute
from test_meters import CODECARBON, DCGM, SMI

BEGIN = datetime(2026, 1, 1)
PLANT = Plant(
    scope="facility", devices=10,
    working=Draw((700.0, 650.0, 750.0), (300.0, 250.0, 350.0), (1000.0, 900.0, 1100.0)),
    idle=Draw((80.0, 60.0, 100.0), (120.0, 90.0, 150.0), (200.0, 150.0, 250.0)),
    most_w=1200.0, pue=(1.25, 1.2, 1.3), loads_kw={"storage": 0.5}, outside_kw={},
)  # fmt: skip
WORK = (Work("a", 6, 600.0, None), Work("b", 1, 100.0, 90.0))


def _period(kwh: float) -> Period:
    return Period("2026-01", BEGIN, BEGIN + timedelta(hours=100), kwh)


def test_a_period_by_hand() -> None:
    """600 h at 1 kW, 90 kWh of a job's own meter, 300 h idle at 0.2 kW, 100 h of storage at 0.5 kW: 800 kWh, times PUE 1000."""
    found = close(PLANT, _period(1000.0), WORK)
    assert found.lines == pytest.approx(
        {"jobs": 690.0, "idle machines": 60.0, "storage": 50.0, "cooling and power supply": 200.0, "unexplained": 0.0}
    )
    assert [share.kwh for share in found.shares] == pytest.approx([600.0, 90.0])
    assert [share.planned_kwh for share in found.shares] == pytest.approx([600.0, 100.0])
    assert found.watts is not None
    down = math.hypot(1e3 * (1000 / 1.25 - 1000 / 1.3) / 600, 50 * 300 / 600)
    up = math.hypot(1e3 * (1000 / 1.2 - 1000 / 1.25) / 600, 50 * 300 / 600)
    assert found.watts == pytest.approx((1000.0, 1000.0 - down, 1000.0 + up))


def test_power_over_two_periods_by_hand() -> None:
    """Means by device-hours of 1,000 W over 600 h and 1,100 W over 300 h; what they differ by widens both ends."""
    one, other = (
        close(PLANT, _period(1000.0), WORK),
        close(PLANT, _period(1.25 * (330 + 140 + 50)), (Work("a", 3, 300.0, None),)),
    )
    assert other.watts is not None
    assert one.watts is not None
    assert other.watts[0] == pytest.approx(1100.0)
    found = _watts((one, other))
    assert found is not None
    central = (1000 * 600 + 1100 * 300) / 900
    scatter = 1.6448536 * math.sqrt(((1000 - central) ** 2 * 600 + (1100 - central) ** 2 * 300) / 900)
    down = ((one.watts[0] - one.watts[1]) * 600 + (other.watts[0] - other.watts[1]) * 300) / 900
    assert found[0] == pytest.approx(central)
    assert found[1] == pytest.approx(central - math.hypot(down, scatter))


def test_what_jobs_cannot_have_drawn_is_unexplained() -> None:
    found = close(PLANT, _period(1250.0), WORK)  # 200 kWh more before cooling; jobs can take 120 of them
    assert found.lines["jobs"] == pytest.approx(90.0 + 720.0)
    assert found.lines["unexplained"] == pytest.approx(80.0)
    assert found.watts is None
    assert "unexplained" in found.remarks[0]


def test_with_less_than_idle_power_jobs_and_idle_machines_share_what_is_left() -> None:
    found = close(PLANT, _period(1.25 * (90 + 50 + 90)), WORK)
    assert found.lines["jobs"] == pytest.approx(90 + 600 * 0.1)
    assert found.lines["idle machines"] == pytest.approx(300 * 0.1)
    assert found.lines["unexplained"] == pytest.approx(0.0, abs=1e-9)
    assert found.watts is None


def test_where_every_job_has_a_meter_the_rest_is_idle_up_to_its_range_then_unexplained() -> None:
    found = close(PLANT, _period(1000.0), (Work("b", 7, 700.0, 600.0),))
    assert found.lines["idle machines"] == pytest.approx(300 * 0.25)
    assert found.lines["unexplained"] == pytest.approx(800 - 600 - 50 - 75)


def test_a_load_that_nobody_named_shows_over_months_of_different_use() -> None:
    """Six periods of jobs at 1 kW beside 2 kW that nobody named: least squares finds both."""
    ledgers = []
    for hours in (150.0, 300.0, 450.0, 600.0, 700.0, 800.0):
        idle = (1000.0 - hours) * 0.2
        ledgers.append(close(PLANT, _period(1.25 * (hours + idle + 50.0 + 200.0)), (Work("a", 8, hours, None),)))
    found = steady_load(ledgers)
    assert found is not None
    assert found[:2] == pytest.approx((1000.0, 2.0))
    assert found[2] == pytest.approx(0.0, abs=1e-6)
    assert steady_load(ledgers[:3]) is None
    assert steady_load([ledgers[2]] * 6) is None


def test_a_building_has_loads_beside_the_machines() -> None:
    plant = Plant(**{**vars(PLANT), "scope": "building", "outside_kw": {"offices": 2.0}})
    found = close(plant, _period(1200.0), WORK)
    assert found.lines["offices"] == 200.0
    assert found.lines["jobs"] == pytest.approx(690.0)


@given(
    kwh=st.floats(300.0, 5000.0), hours=st.floats(0.0, 500.0), metered=st.floats(0.0, 150.0),
    scope=st.sampled_from(["devices", "it", "facility", "building"]),
)  # fmt: skip
def test_lines_close_on_the_meter(kwh: float, hours: float, metered: float, scope: str) -> None:
    plant = Plant(**{**vars(PLANT), "scope": scope, "loads_kw": {} if scope == "devices" else PLANT.loads_kw})
    found = close(plant, _period(kwh), (Work("a", 5, hours, None), Work("b", 5, 400.0, metered)))
    assert math.fsum(found.lines.values()) == pytest.approx(kwh, rel=1e-12)
    assert all(value >= 0.0 for name, value in found.lines.items() if name != "unexplained")
    assert found.lines["unexplained"] >= -0.05 * metered - 1e-9
    assert found.lines["jobs"] == pytest.approx(sum(share.kwh for share in found.shares))


def _write(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


KWH = "month,kwh,storage_kwh\n2026-01,300000,9000\n2026-02,250000,8200\n"
SACCT = """JobID|Start|Elapsed|AllocTRES|ConsumedEnergyRaw
7001|2026-01-02T00:00:00|12-00:00:00|billing=64,gres/gpu=512|
7002|2026-01-20T00:00:00|18-00:00:00|gres/gpu:h100=256|
7003|2026-02-10T00:00:00|2-00:00:00|gres/gpu=128|21600000000
7003.0|2026-02-10T00:00:00|2-00:00:00|gres/gpu=128|1
"""


def test_two_months_of_a_cluster(tmp_path: Path) -> None:
    found = attribute(_write(tmp_path, "kwh.csv", KWH), _write(tmp_path, "jobs.txt", SACCT), device="h100-sxm", devices=512,
                      scope="facility", region="france", pue=1.2)  # fmt: skip
    assert math.fsum(found.lines.values()) == pytest.approx(550_000.0, rel=1e-12)
    assert math.fsum(job.with_rest_kwh for job in found.jobs) == pytest.approx(550_000.0)
    jobs = {job.name: job for job in found.jobs}
    assert jobs["7002"].device_hours == pytest.approx(256 * 18 * 24)  # twelve days in January, six in February
    assert found.ledgers[0].device_hours == pytest.approx(512 * 12 * 24 + 256 * 12 * 24)
    assert jobs["7003"].metered
    assert jobs["7003"].kwh == pytest.approx(6000.0)
    assert jobs["7003"].facility_kwh == pytest.approx(7200.0)
    assert jobs["7003"].operational_tco2e == pytest.approx(7200.0 * found.carbon_intensity_g_per_kwh / 1e6)
    assert found.lines["storage"] == pytest.approx(17_200.0)


def test_a_job_of_every_meter_stands_beside_the_clusters(tmp_path: Path) -> None:
    """CodeCarbon, DCGM and nvidia-smi counted accelerators: their hosts and network come from the model."""
    month = _write(tmp_path, "kwh.csv", "begin,end,kwh\n2026-01-01,2026-01-02,400\n")
    files = [
        _write(tmp_path, name, text)
        for name, text in (
            ("cc.csv", CODECARBON.replace("2026-01-01,", "2026-01-01T08:00,")),
            ("dcgm.txt", DCGM),
            ("smi.csv", SMI),
        )
    ]
    for file, hours, kwh in zip(files, (8.0, 2.0, 8.0), (4.8, 1.8, 8 * 0.635), strict=True):
        alone = attribute(month, file, device="h100-sxm", devices=16, scope="devices", region="fr")
        assert alone.jobs[0].device_hours == pytest.approx(hours, rel=0.02)
        assert alone.jobs[0].kwh == pytest.approx(kwh, rel=0.02)
    nodes = attribute(month, files, device="h100-sxm", devices=16, scope="it", region="fr")
    beside = {job.name: 1e3 * (job.kwh - kwh) / job.device_hours for job, kwh in zip(
        sorted(nodes.jobs, key=lambda job: job.name), (4.8, 1.8, 8 * 0.635), strict=True)}  # fmt: skip
    assert all(150.0 < watts < 350.0 for watts in beside.values()), beside
    assert math.fsum(nodes.lines.values()) == pytest.approx(400.0)


def test_the_power_that_is_left_calibrates_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cluster that the model itself metered gives the model's power back, with a width."""
    jobs = _write(tmp_path, "jobs.csv", "job,devices,hours\nx,512,600\n")
    expected = attribute(_write(tmp_path, "any.csv", "month,kwh\n2026-01,300000\n"), jobs, device="h100-sxm", devices=512,
                         scope="it", region="france")  # fmt: skip
    central = expected.model_watts[0]
    idle = expected.lines["idle machines"]
    kwh = central * 512 * 600 / 1e3 + idle
    month = _write(tmp_path, "kwh.csv", f"month,kwh\n2026-01,{kwh!r}\n")
    words = [
        "attribute",
        month,
        "--jobs",
        jobs,
        "--device",
        "h100-sxm",
        "--devices",
        "512",
        "--energy-scope",
        "it",
        "--region",
        "fr",
    ]
    mine = str(tmp_path / "mine.toml")
    assert main([*words, "--power", mine, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["watts"][0] == pytest.approx(central)
    power = load_calibration(Path(mine)).power
    assert power is not None
    low, high = power.watts.si_range
    assert power.device == "h100-sxm"
    assert low < power.watts.si < high
    assert power.watts.si == pytest.approx(data["accelerator_watts"][0], abs=0.01)
    ask = "estimate --model llama-3-8b --tokens 1e11 --devices 64 --practice typical --json --calibration"
    assert main([*ask.split(), mine]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert any("over 1 run of" in note and f"{power.watts.si:.0f} W a device" in note for note in answer["notes"])


def test_a_statement_of_one_job_beside_its_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = str(Path(__file__).parent / "data" / "statements" / "answer.json")
    words = [
        "attribute", _write(tmp_path, "kwh.csv", KWH), "--jobs", _write(tmp_path, "jobs.txt", SACCT), "--device", "h100-sxm",
        "--devices", "512", "--energy-scope", "facility", "--pue", "1.2", "--region", "france",
    ]  # fmt: skip
    assert main([*words, "--job", "7003", "--format", "json", "--plan", answer]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["energy_kwh"] == pytest.approx(7200.0)
    assert record["n_devices"] == 128
    assert record["plan"]["kind"] == "planned"
    assert main(words) == 0
    page = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "unexplained" in page
    assert "cooling and power supply" in page
    table = tmp_path / "jobs.csv"
    assert main([*words, "-o", str(table)]) == 0
    assert len(table.read_text().splitlines()) == 4


def test_slurms_own_oddities(tmp_path: Path) -> None:
    """A job that never began, one whose energy Slurm has no value of, one that still runs, and one of an array."""
    text = (
        "JobID|Start|End|Elapsed|AllocTRES|ConsumedEnergyRaw\n"
        "1|None|2026-01-03T00:00:00|00:00:00||\n"
        "2|2026-01-02T00:00:00|2026-01-03T00:00:00|1-00:00:00|gres/gpu=8|18446744073709551614\n"
        "3|2026-01-30T00:00:00|Unknown|4-00:00:00|gres/gpu=8|\n"
        "4_7|2026-01-02T00:00:00|2026-01-03T00:00:00|1-00:00:00|gres/gpu:h100=8,gres/gpu=8|172800000\n"
    )
    found = attribute(_write(tmp_path, "k.csv", "month,kwh\n2026-01,12000\n"), _write(tmp_path, "j", text), device="h100-sxm",
                      devices=32, scope="it", region="france")  # fmt: skip
    jobs = {job.name: job for job in found.jobs}
    assert set(jobs) == {"2", "3", "4_7"}
    assert not jobs["2"].metered
    assert jobs["3"].device_hours == pytest.approx(8 * 48)  # the rest lies in February
    assert jobs["4_7"].kwh == pytest.approx(48.0)


def test_a_register_is_read_by_its_differences(tmp_path: Path) -> None:
    path = _write(tmp_path, "r.csv", "time,register_kwh\n2026-02-01,1500\n2026-01-01,1000\n2026-03-01,1700\n")
    assert [(p.name, p.kwh, p.hours) for p in read_readings(path)] == [
        ("2026-01-01 to 2026-02-01", 500.0, 31 * 24), ("2026-02-01 to 2026-03-01", 200.0, 28 * 24),
    ]  # fmt: skip


def test_a_month_is_as_long_as_the_calendar_says(tmp_path: Path) -> None:
    (february, december) = read_readings(_write(tmp_path, "m.csv", "month,kwh\n2028-12,5\n2028-02,4\n"))
    assert (february.hours, december.hours) == (29 * 24, 31 * 24)


LIST = "job,devices,begin,end,kwh,scope\n"
BAD = {
    "no meter": ("Dear all\n", SACCT, "not readings of a meter"),
    "nothing": ("", SACCT, "not readings of a meter"),
    "megawatt-hours": ("month,mwh\n2026-01,300\n", SACCT, "not readings of a meter"),
    "a month of words": ("month,kwh\nJanuary,300\n", SACCT, "not a time"),
    "a reading of words": ("month,kwh\n2026-01,lots\n", SACCT, "not a reading"),
    "thousands": ('month,kwh\n2026-01,"300,000"\n', SACCT, "not a reading"),
    "negative": ("month,kwh\n2026-01,-5\n", SACCT, "not a reading"),
    "nothing counted": ("month,kwh\n2026-01,0\n", SACCT, "the meter counted nothing"),
    "a month twice": ("month,kwh\n2026-01,5\n2026-01,5\n", SACCT, "two readings of the same time"),
    "backwards": ("begin,end,kwh\n2026-02-01,2026-01-01,5\n", SACCT, "ends before it begins"),
    "a register once": ("time,register_kwh\n2026-01-01,5\n", SACCT, "one reading of a register"),
    "a changed register": ("time,register_kwh\n2026-01-01,5\n2026-02-01,3\n", SACCT, "does not count up"),
    "storage beyond the meter": (
        "month,kwh,storage_kwh\n2026-01,300,900\n",
        SACCT,
        "more than the meter they are behind",
    ),
    "jobs without times": (KWH, "job,device_hours\na,5000\n", "a job without times"),
    "a job without length": (KWH, "job,devices\na,5\n", "a job whose length is not said"),
    "a job of nothing": (KWH, LIST + "a,5,2026-01-02,2026-01-02,,\n", "not a job that ran"),
    "no job": (KWH, LIST, "no job stands in this file"),
    "a job twice": (KWH, LIST + "a,5,2026-01-02,2026-01-03,,\n" * 2, "stands there twice"),
    "a job of no scope": (KWH, LIST + "a,5,2026-01-02,2026-01-03,50,\n", "what was metered of a job is not said"),
    "sacct twice": (KWH, SACCT + SACCT.partition("\n")[2], "stands there twice"),
    "too many devices": (
        KWH,
        LIST + "a,600,2026-01-02,2026-01-03,,\n",
        "more device-hours of jobs than these machines",
    ),
    "jobs beyond the meter": (KWH, LIST + "a,500,2026-01-02,2026-01-30,9e5,it\n", "more than the meter"),
    "the meter as jobs": (KWH, KWH, "a cluster's meter, not a job's"),
    "a letter as jobs": (KWH, "Dear all\n", "not a file of a meter"),
}


@pytest.mark.parametrize(("meter", "jobs", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_shared_ends_in_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], meter: str, jobs: str, words: str
) -> None:
    files = _write(tmp_path, "kwh.csv", meter), _write(tmp_path, "jobs.txt", jobs)
    line = f"attribute {files[0]} --jobs {files[1]} --device h100-sxm --devices 512 --energy-scope it --region france"
    assert main(line.split()) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert words in error
    assert "remedy" in error


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--load", "storage"], "not a load"),
        (["--load", "storage=-5"], "not a load"),
        (["--outside", "offices=5"], "where the meter does not count it"),
        (["--devices", "0"], "devices is out of range"),
        (["--load", "login=5000"], "more than the meter"),
        (["--load", "storage=5"], "two lines of one name"),
        (["--job", "7009"], "no such job"),
        (["--plan", "answer.json"], "a plan of which job?"),
    ],
)
def test_what_is_behind_the_meter_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    line = (
        f"attribute {_write(tmp_path, 'kwh.csv', KWH)} --jobs {_write(tmp_path, 'jobs.txt', SACCT)} --device h100-sxm "
        "--energy-scope it --region france"
    )
    given = line.split() + ([] if "--devices" in more else ["--devices", "512"])
    assert main([*given, *more]) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert words in error


def test_the_scope_of_the_meter_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"attribute {_write(tmp_path, 'kwh.csv', KWH)} --jobs {_write(tmp_path, 'j', SACCT)} --device h100-sxm --devices 512"
    assert main(line.split()) == 2
    assert "--energy-scope" in capsys.readouterr().err


def test_a_meter_of_accelerators_knows_no_nodes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="counts more than the cluster's"):
        attribute(_write(tmp_path, "kwh.csv", KWH), _write(tmp_path, "jobs.txt", SACCT), device="h100-sxm", devices=512,
                  scope="devices", region="france")  # fmt: skip


def test_hours_beyond_the_periods_are_said(tmp_path: Path) -> None:
    found = attribute(_write(tmp_path, "k.csv", "month,kwh\n2026-01,300000\n"), _write(tmp_path, "j", SACCT), device="h100-sxm",
                      devices=512, scope="it", region="france")  # fmt: skip
    assert any("lie in no period" in note for note in found.notes)
    assert Job("x", 2, 7200.0).device_hours == 4.0
