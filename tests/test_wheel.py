"""The wheel, built from the source distribution and installed alone in a fresh environment, runs the main job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAIN_JOB = "plan --model llama-3.1-405b --tokens 15.6e12 --device h100-sxm --max-days 90 --region us-east5"
CLEAN = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
IMPORT = (
    "import time; t = time.process_time(); import carbonscaling; print(time.process_time() - t, carbonscaling.__file__)"
)

pytestmark = pytest.mark.slow


def call(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a source distribution and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_holds_the_package_and_its_data(dist: Path) -> None:
    package = ROOT / "src" / "carbonscaling"
    wanted = {
        str(path.relative_to(package.parent))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(only(dist, "*.whl")) as wheel:
        names = set(wheel.namelist())
    assert wanted <= names
    assert "carbonscaling/py.typed" in names
    assert all(name.startswith(("carbonscaling/", "carbonscaling-")) for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_source_distribution_holds_what_a_reader_needs(dist: Path) -> None:
    with tarfile.open(only(dist, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CITATION.cff",
        "Makefile",
        "constraints.txt",
        "docs/index.md",
    } <= names
    assert not any(name.startswith(("docs/_build", ".venv", "docs/reference/api")) for name in names)


def installed_as(requirement: str, folder: Path) -> Path:
    """Install a wheel, with an extra perhaps, into a fresh environment; return its Python."""
    call(sys.executable, "-m", "venv", folder / "fresh", cwd=folder)
    python = folder / "fresh" / "bin" / "python"
    quiet = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT / "constraints.txt")
    call(python, *quiet, requirement, cwd=folder)
    return python


STUDY = """name = "s"
answer = "estimate"
[scenario]
model = "llama-3.2-1b"
tokens = 1e9
[[axis]]
key = "devices"
values = [8, 16]
"""
ASK = "--model llama-3.2-1b --tokens 1e9 --devices 8"
EXTRAS = {
    "fast": f"plan {ASK} --json",
    "plot": f"choose {ASK} --regions france,texas -o front.png",
    "uncertainty": f"uncertainty {ASK}",
    "sweep": "sweep study.toml",
    "serve": "serve --help",
    "exchange": "estimate --from train.yml --tokens 1e9",
}
"""A command that needs each extra."""


@pytest.mark.parametrize("extra", EXTRAS)
def test_it_runs_with_each_extra(extra: str, dist: Path, tmp_path: Path) -> None:
    python = installed_as(f"{only(dist, '*.whl')}[{extra}]", tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "data" / "launch" / "train.yml", tmp_path)
    assert call(python.with_name("carbonscaling"), *EXTRAS[extra].split(), cwd=tmp_path).strip()
    if extra == "plot":
        assert (tmp_path / "front.png").stat().st_size > 10_000
    if extra == "serve":
        assert call(python, "-c", "from carbonscaling.serve.app import create_app; print(create_app(1))", cwd=tmp_path)


def test_it_runs_the_main_job_alone(dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = only(dist, "*.whl")
    python = installed_as(str(wheel), tmp_path)
    out = call(python.with_name("carbonscaling"), *MAIN_JOB.split(), cwd=tmp_path)
    assert f"```\n{out.split(chr(10) * 2)[0]}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "tCO2e (between" in " ".join(out.split())
    times = []
    for _ in range(5):
        seconds, file = call(python, "-c", IMPORT, cwd=tmp_path).split()
        assert Path(file).is_relative_to(tmp_path / "fresh")
        times.append(float(seconds))
    installed = call(
        python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check", cwd=tmp_path
    ).split()
    with capsys.disabled():
        sdist = only(dist, "*.tar.gz")
        print(f"\nwheel {wheel.stat().st_size / 1e6:.2f} MB, sdist {sdist.stat().st_size / 1e6:.2f} MB", end=", ")
        print(
            f"{len(installed)} packages; import carbonscaling {1e3 * min(times):.1f} ms of processor time (best of 5)"
        )
    assert not {"matplotlib", "polars", "duckdb", "pytest", "Sphinx"} & {line.partition("==")[0] for line in installed}
