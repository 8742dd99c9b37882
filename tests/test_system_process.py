"""What the system gives a process: full and closed outputs, no home, a narrow terminal, few letters, signals, fewer calls."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.errors import ExitCode

FIXED = ("estimate", "--model", "llama-3-8b", "--devices", "8", "--tokens", "1e10", "--batch", "64", "--tp", "1", "--pp", "1",
         "--dp", "8", "--zero", "3", "--micro-batch", "1", "--recompute", "full")  # fmt: skip
PRINTING: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "help of a command": ("plan", "--help"),
    "version": ("--version",),
    "page": FIXED,
    "JSON": (*FIXED, "--json"),
    "schema": ("schema", "answer"),
    "list": ("catalog", "list", "regions"),
    "completion": ("completion", "bash"),
    "BibTeX": ("cite", "act_2022"),
}


def run(argv: Sequence[str], before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; `before` is Python that runs first."""
    code = f"{before}\nimport sys\nfrom carbonscaling.cli import main\nsys.exit(main())"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([sys.executable, "-c", code, *argv], text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("what", PRINTING)
def test_a_full_output_is_an_error(what: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(PRINTING[what], stdout=full)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("error: standard output cannot be written: no space left on device\n  remedy: ")
    assert len(done.stderr.splitlines()) == 2


def closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


@pytest.mark.parametrize("what", PRINTING)
def test_a_closed_output_is_an_error(what: str) -> None:
    done = run(PRINTING[what], preexec_fn=closed(0, 1))
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("error: standard output cannot be written: it is closed\n  remedy: ")


def test_nothing_is_printed_into_a_file_that_took_the_number_of_a_closed_output(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    done = run((*FIXED, "-o", str(file)), preexec_fn=closed(0, 1, 2))
    assert done.returncode == ExitCode.USAGE
    assert json.loads(file.read_text())["feasible"] is True


@pytest.mark.parametrize("how", ["full", "closed"])
def test_remarks_that_nobody_hears_change_nothing(how: str, tmp_path: Path) -> None:
    file = str(tmp_path / "a.json")
    with Path("/dev/full").open("w") as full:
        options = {"stderr": full} if how == "full" else {"preexec_fn": closed(2)}
        done = run((*FIXED, "--json", "-o", file), **options)
        assert done.returncode == 0
        kept = json.loads(Path(file).read_text())
        assert kept.pop("saved")["command"] == "estimate"
        assert json.loads(done.stdout) == kept
        assert run(("plan", "nowhere.toml"), **options).returncode == ExitCode.USAGE


def test_a_reader_that_leaves_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "carbonscaling", "schema", "answer"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_command_that_is_done_takes_nothing_apart() -> None:
    """What was to be done at the end is done; freeing all that was loaded, piece by piece, would take a tenth of the time."""
    program = """
import atexit, sys, threading
from carbonscaling.cli import main

class Held:
    def __del__(self):
        print("taken apart")

held = Held()
sys.argv = ["carbonscaling", "--version"]
code = main()
atexit.register(print, "done")
threading.Thread(target=lambda: (threading.main_thread().join(), print("waited for"))).start()
sys.exit(code)
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert said.stdout.split("\n")[1:] == ["waited for", "done", ""]


def test_no_home_and_hardly_any_environment(tmp_path: Path) -> None:
    kept = {key: os.environ[key] for key in ("PYTHONPATH", "PATH") if key in os.environ}
    done = run((*FIXED, "--json"), "import pwd\npwd.getpwuid = {}.__getitem__", env=kept, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["feasible"] is True


@pytest.mark.parametrize("argv", [("--help",), FIXED, ("catalog", "list", "devices"), ("plan", "--help"), ("pln",)])
def test_twenty_columns_and_few_letters(argv: tuple[str, ...]) -> None:
    narrow = {**os.environ, "COLUMNS": "20", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = run(argv, env={**narrow, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == (ExitCode.USAGE if argv == ("pln",) else 0), done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert "Traceback" not in done.stderr


MOMENTS = 12
STARTING = """
import os, sys
try:
    os.write(1, b"ready\\n")
    from carbonscaling.cli import main
except KeyboardInterrupt:
    sys.stderr.write("interrupted: Python still starts\\n")
    sys.exit(130)
sys.exit(main())
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals that wait")
@pytest.mark.parametrize(
    "module", ["carbonscaling.cli.interrupt", "typing", "signal", "carbonscaling.errors", "carbonscaling.cli.streams"]
)
def test_ctrl_c_inside_an_import_waits_for_its_end(module: str) -> None:
    hook = (
        "import os, signal, sys\n"
        f"gone = [n for n in sys.modules if n.split('.')[0] in ('typing', 'collections') or n == {module!r}]\n"
        "for name in gone: del sys.modules[name]\n"
        f"sys.addaudithook(lambda event, args: event == 'import' and args[0] == {module!r} and os.kill(os.getpid(), 2))\n"
    )
    done = subprocess.run([sys.executable, "-c", hook + STARTING, *FIXED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.INTERRUPTED, "ready\n"), done.stderr
    assert done.stderr.startswith("interrupted: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("problem", "said"), [("KeyboardInterrupt", False), ("ValueError('x')", True)])
def test_what_a_library_prints_of_ctrl_c_while_it_loads_is_not_shown(problem: str, said: bool) -> None:
    """C code that cannot load what it needs prints why (``PyErr_Print``) before it raises an error of its own."""
    code = f"import sys; from carbonscaling.cli.interrupt import mind_interrupts; mind_interrupts(); raise {problem}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ("Traceback" in done.stderr) == said


@pytest.mark.parametrize("argv", [FIXED, ("plan", "--model", "llama-3-8b", "--tokens", "1e12")])
def test_ctrl_c_at_any_moment_is_one_sentence(argv: tuple[str, ...]) -> None:
    """From the first line of the command on; what comes before is Python's own start."""
    rng = random.Random(7)
    for _ in range(MOMENTS):
        with subprocess.Popen(
            [sys.executable, "-c", STARTING, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.005 + 0.6 * rng.random() ** 2)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        after_all = process.returncode == -signal.SIGINT and out != ""  # Python ends; a shell calls that 130
        assert after_all or process.returncode in (0, ExitCode.INTERRUPTED), err
        assert "Traceback" not in err
        assert "bug" not in err
        if process.returncode != 0 and not out:
            assert err.splitlines()[-1].startswith("interrupted: ")


WITHOUT = """
import os, signal, sys
for module, names in ((os, "sched_getaffinity O_DIRECTORY geteuid chown"), (signal, "pthread_sigmask SIGHUP")):
    for name in names.split():
        delattr(module, name)
sys.modules["resource"] = None
"""


def without(folder: Path) -> dict[str, str]:
    """Return an environment whose Python, in whatever process, lacks them."""
    place = folder / "without"
    place.mkdir()
    (place / "sitecustomize.py").write_text(WITHOUT)
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(place), *sys.path))}


@pytest.mark.parametrize("command", ["plan", "estimate", "sweep", "sweep in processes"])
def test_without_what_only_some_systems_have(command: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        '[scenario]\nmodel = "gpt-3-1.3b"\ntokens = 1e10\nbatch = 64\n[[axis]]\nkey = "devices"\nvalues = [8, 16]\n'
    )
    argv = {
        "plan": ("plan", *FIXED[1:3], "--tokens", "1e12", "-o", "out.json"),
        "estimate": (*FIXED, "-o", "out.json"),
        "sweep": ("sweep", "study.toml", "--executor", "inprocess"),
        "sweep in processes": ("sweep", "study.toml", "--workers", "1"),
    }[command]
    done = run(argv, cwd=tmp_path, env=without(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    if "-o" in argv:
        assert json.loads((tmp_path / "out.json").read_text())["feasible"] is True


@pytest.mark.parametrize("when", ["starting", "loading", "at work"])
def test_ctrl_c_stops_the_service(when: str, tmp_path: Path) -> None:
    """Ctrl-C of a terminal goes to all processes. None needs what only some systems have, but for silence as it loads."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "carbonscaling", "serve", "--port", str(port), "--processes", "1"],
        stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True,
        env=without(tmp_path) if when == "at work" else None,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("starting 1 process; ")
        while process.poll() is None and not reached(when, process.pid, port):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        err = process.communicate()[1]
    slow = "compiling the search"  # said where that, or loading what is compiled, takes a while
    assert [line for line in err.splitlines() if not line.startswith(slow)] == ["interrupted: the service was stopped"]
    assert process.returncode == ExitCode.INTERRUPTED


def reached(when: str, pid: int, port: int) -> bool:
    if when == "loading":
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return any(b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children)
    with socket.socket() as client:
        return when == "starting" or client.connect_ex(("127.0.0.1", port)) == 0
