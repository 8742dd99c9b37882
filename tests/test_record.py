"""Classes that are completed when first used: as `dataclasses` makes them, and no sooner."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import pytest

from carbonscaling import record


def _classes(make: Any) -> tuple[Any, Any, Any]:
    @make(frozen=True)
    class Point:
        x: float
        y: float = 2.0
        marks: list[int] = field(default_factory=list, hash=False)
        hidden: float = field(default=0.0, repr=False, compare=False)
        length: float = field(init=False, repr=False)
        origin: ClassVar[str] = "here"

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", self.x + self.y)

        @cached_property
        def twice(self) -> float:
            return 2.0 * self.x

    @make(frozen=True)
    class Named(Point):
        name: str = "a"

        def __repr__(self) -> str:
            return f"<{self.name}>"

    @make(frozen=True, kw_only=True)
    class Alone:
        only: int

    return Point, Named, Alone


MINE, THEIRS = _classes(record.dataclass), _classes(dataclasses.dataclass)


def _said(classes: tuple[Any, Any, Any]) -> list[Any]:
    point, named, alone = classes
    found: list[Any] = [
        str(inspect.signature(cls)) for cls in _classes(record.dataclass if classes is MINE else dataclasses.dataclass)
    ]
    objects = [point(1.0), point(1.0, 3.0, [1], 4.0), named(1.0, name="b"), alone(only=1)]
    found += [repr(one).rpartition(".")[2] for one in objects]
    found += [[a == b for a in objects] for b in objects]
    found += [
        point(1.0, hidden=5.0) == objects[0],
        point(1.0) == 3,
        hash(point(1.0, 2.0, [7])),
        hash(named(1.0)),
        hash(objects[3]),
    ]
    found += [replace(objects[0], y=9.0).length, dataclasses.asdict(objects[2]), objects[0].twice]
    found += [[(f.name, f.default, f.init, f.kw_only) for f in fields(cls)] for cls in classes]
    found += [dataclasses.is_dataclass(cls) for cls in classes]
    found += [cls.__match_args__ for cls in classes] + [point.y, point.hidden, hasattr(point, "marks")]
    for wrong in (
        point,
        lambda: point(1.0, z=1),
        lambda: alone(1),
        lambda: setattr(objects[0], "x", 2.0),
        lambda: delattr(objects[0], "x"),
    ):
        with pytest.raises((TypeError, FrozenInstanceError)) as error:
            wrong()
        found.append((type(error.value), str(error.value).rpartition(".")[2]))
    return found


def test_classes_are_as_dataclasses_are() -> None:
    assert _said(MINE) == _said(THEIRS)


def test_a_class_is_completed_by_its_first_object_and_its_base_with_it() -> None:
    point, named, alone = _classes(record.dataclass)
    assert not any(
        callable(vars(cls)["__dataclass_fields__"]) or isinstance(vars(cls)["__dataclass_fields__"], dict)
        for cls in (point, named, alone)
    )
    named(1.0)
    assert [isinstance(vars(cls)["__dataclass_fields__"], dict) for cls in (point, named, alone)] == [True, True, False]


def test_a_class_has_code_compiled_once_many_objects_are_made_or_one_is_not() -> None:
    """Both ways to make an object give the same one, and errors are of the compiled one alone."""

    def made(wrong: bool) -> tuple[list[int], Any]:
        point = _classes(record.dataclass)[0]
        theirs, compiled = THEIRS[0], []
        for i in range(record.MANY + 5):
            given = {"x": float(i), "y": 1.0} if i % 2 else {"x": float(i), "hidden": 3.0}
            one = point(float(i), marks=[i]) if i % 3 == 0 else point(**given)
            assert vars(one) == vars(theirs(float(i), marks=[i]) if i % 3 == 0 else theirs(**given))
            assert list(vars(one)) == ["x", "y", "marks", "hidden", "length"]
            if wrong and i == 7:
                with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
                    point()
            compiled.append(vars(point)["__init__"].__code__.co_filename == "<string>")
        return [compiled.index(True), sum(compiled)], point

    many, point = made(wrong=False)
    assert many == [record.MANY, 5]
    assert point(1.0).marks is not point(1.0).marks
    assert made(wrong=True)[0][0] == 7


def test_threads_that_come_at_once_get_whole_objects() -> None:
    for _ in range(50):
        point, named, _ = _classes(record.dataclass)
        found: list[Any] = []
        begin = threading.Barrier(4)

        def work(cls: Any, begin: threading.Barrier = begin, found: list[Any] = found) -> None:
            begin.wait()
            found.append(cls(1.0).length)

        threads = [threading.Thread(target=work, args=(cls,)) for cls in (point, named, named, point)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [3.0] * 4


def test_copies_of_objects_need_no_first_object() -> None:
    """A process that is handed an object never made one itself."""
    from carbonscaling.study.scenario import Layout, Scenario

    question = Scenario(model="llama-3-8b", devices=64, layout=Layout(tp=2))
    program = (
        "import pickle, sys; q = pickle.load(sys.stdin.buffer); print(hash(q), q == pickle.loads(pickle.dumps(q)), q)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(question),
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "0", "PYTHONPATH": ":".join(sys.path)},
    )
    assert said.stdout.decode().split(" ", 2)[1:] == ["True", f"{question}\n"]
    assert copy.copy(question) == question == copy.deepcopy(question)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace came with Python 3.13")
def test_copies_with_a_change_are_made_as_of_dataclasses() -> None:
    made = copy.replace(MINE[1](1.0, name="b"), x=4.0)  # type: ignore[attr-defined]
    assert (made.x, made.length, made.name) == (4.0, 6.0, "b")


def test_what_may_change_is_of_dataclasses() -> None:
    with pytest.raises(TypeError, match="of dataclasses"):
        record.dataclass(frozen=False)


PROGRAM = """
import dataclasses, sys
made, compiled, real = [], [], dataclasses._process_class
sys.addaudithook(lambda event, args: event == "compile" and args[1] == "<string>" and compiled.append(args[0]))
dataclasses._process_class = lambda cls, *a, **k: made.append(cls) or real(cls, *a, **k)
from carbonscaling.cli import main
code = main(sys.argv[1:])
print(len(made), len(compiled), *sorted(sys.modules), file=sys.stderr)
"""


def test_an_estimate_completes_few_classes_and_loads_little() -> None:
    """Counted, since a clock would say it less surely: what is not used of the package and of Python's library stays away."""
    question = {
        "model": "llama-3-8b",
        "tokens": "1T",
        "devices": "64",
        "tp": "1",
        "pp": "1",
        "dp": "64",
        "batch": "512",
    }
    asked = ["estimate", "--json", *(word for name, value in question.items() for word in (f"--{name}", value))]
    said = subprocess.run([sys.executable, "-c", PROGRAM, *asked], check=True, capture_output=True, text=True)
    n_classes, n_compiled, *loaded = said.stderr.split()
    assert int(n_classes) < 75
    assert int(n_compiled) < 250
    away = {"pydantic", "cyclopts", "polars", "numba", "rich", "importlib.resources", "zoneinfo", "concurrent.futures"}
    assert not away & {*loaded}


def test_one_that_is_altered_is_a_copy_without_what_was_worked_out() -> None:
    @record.dataclass(frozen=True)
    class Box:
        side: float
        name: str = "box"

        @cached_property
        def area(self) -> float:
            return self.side**2

    box = Box(2.0)
    assert box.area == 4.0
    larger = record.altered(box, side=3.0)
    assert (larger, larger.area, box.side) == (dataclasses.replace(box, side=3.0), 9.0, 2.0)
