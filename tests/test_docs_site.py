"""The documentation: what it generates is complete, and the site builds offline without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from carbonscaling.catalog.references import references
from carbonscaling.cli import main
from carbonscaling.cli.shelves import shelf
from carbonscaling.reporting.glossary import glossary

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

from sitegen.anchors import named_anchors  # noqa: E402
from sitegen.api import missing  # noqa: E402
from sitegen.entries import SHELVES, entry_page  # noqa: E402
from sitegen.equations import equations  # noqa: E402
from sitegen.gallery import caption, gallery_page, scripts  # noqa: E402
from sitegen.gallery import drawn as drawn_by  # noqa: E402
from sitegen.mathml import typeset  # noqa: E402
from sitegen.package import arguments, borrowed_names, layers, modules, own_names, registered  # noqa: E402
from sitegen.searched import index_words, searched  # noqa: E402
from sitegen.tables import nomenclature_table, reference_list, term_table, undefined  # noqa: E402
from sitegen.tasks import tasks_page  # noqa: E402

NOMENCLATURE = ROOT / "src" / "carbonscaling" / "reporting" / "nomenclature.toml"


def test_the_page_of_formulas_has_every_formula_once() -> None:
    page = (DOCS / "reference" / "formulas.md").read_text(encoding="utf-8")
    parts = re.findall(r"^```\{formulas\} (\S+)$", page, re.MULTILINE)
    listed = [one for part in parts for one in equations(part)]
    assert len(registered()) == len(listed) >= 39
    assert len({one.anchor for one in listed}) == len(listed)
    words = "\n".join(one.words for one in listed)
    for name, formula in registered().items():
        assert words.count(f"<carbonscaling.{name}>`") == 1, name
        assert f"[{formula.source}](#ref-{formula.source})" in words
        assert formula.source in references()


def test_words_of_the_search_lead_to_pages_that_exist() -> None:
    words = [word.lower() for page in searched().values() for word in page]
    assert len(words) == len(set(words)) >= 200
    for page, own in searched().items():
        made = page in ("gallery/index", "reference/devices")
        source = ["# A page\n\ntext\n\n# Another\n"] if made else [(DOCS / f"{page}.md").read_text(encoding="utf-8")]
        index_words(None, page, source)  # type: ignore[arg-type]
        assert source[0].count("```{index}") == 1, page
        entries = re.findall(r"^```\{index\} (.*)$", source[0], re.MULTILINE)
        assert entries == [", ".join(f"! {word}" for word in own)]  # one line: MyST reads no other
        assert not any("," in word for word in own)
    untouched = ["# A page\n"]
    index_words(None, "decisions/index", untouched)  # type: ignore[arg-type]
    assert untouched == ["# A page\n"]
    assert "{index}`MFU <! MFU>`" in term_table()


def test_names_in_equations_lead_to_the_nomenclature() -> None:
    anchors = set(re.findall(r"\{#(nom-[^}]+)\}", nomenclature_table(NOMENCLATURE)))
    assert len(anchors) == len(tomllib.loads(NOMENCLATURE.read_text(encoding="utf-8")))
    for part in {name.rpartition(".")[0] for name in registered()}:
        for one in equations(part):
            assert set(re.findall(r'href="nomenclature.html#([^"]+)"', "".join(one.mathml))) <= anchors
            for math in one.mathml:
                ElementTree.fromstring(math.replace("&#160;", " "))  # what is no XML is no MathML


def _frac(top: str) -> str:
    inner = f"<mrow><a><mo>{top}</mo><b></mrow>"
    return f"<mfrac><mrow>{inner}</mrow><mrow><c></mrow></mfrac>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a·b/c", _frac("·")),
        ("(a + b)/(c)", _frac("+")),
        ("a - b - c", "<mrow><mrow><a><mo>−</mo><b></mrow><mo>−</mo><c></mrow>"),
        ("x^2", "<msup><mrow><x></mrow><mrow><mn>2</mn></mrow></msup>"),
        ("n_layers", "<n_layers>"),
        ("1.5e-6", "<mrow><mn>1.5</mn><mo>·</mo><msup><mn>10</mn><mn>−6</mn></msup></mrow>"),
        ("√(x)", "<msqrt><x></msqrt>"),
    ],
)  # fmt: skip
def test_expressions_are_typeset_with_their_precedence(text: str, said: str) -> None:
    (math,) = typeset(text, lambda _: None)
    for name in "abcx":
        said = said.replace(f"<{name}>", f'<mi mathvariant="normal"><span><i>{name}</i></span></mi>')
    said = said.replace("<n_layers>", '<mi mathvariant="normal"><span><i>n</i><sub>layers</sub></span></mi>')
    assert math == f'<math display="block"><mrow>{said}</mrow></math>'


def test_clauses_stand_apart_and_words_stay_words() -> None:
    first, second = typeset("2·x + min(a, b), x = sum of all parts", lambda _: None)
    assert "<mi>min</mi>" in first
    assert "of" in second
    assert "<mfrac>" not in second


def test_every_device_stack_and_law_has_a_page_with_all_its_numbers() -> None:
    for folder, (kind, _, _) in SHELVES.items():
        found = shelf(kind)
        for name in found.names():
            entry = found.entry(name)
            page = entry_page(folder, entry, found.words(name))
            assert page.startswith(f"# {entry.name}\n")
            for key, row in entry.data.items():
                assert f"| {key.replace('_', ' ')} | " in page, (name, key)
                assert f"#ref-{row.source})" in page or row.source not in references()


def test_every_public_name_has_a_task() -> None:
    page = tasks_page()
    for name in borrowed_names(modules()["carbonscaling"]):
        assert page.count(f"`cs.{name} <") == 1


SCRIPTS = scripts(DOCS / "gallery")
SHORT = {"07-batch", "08-memory", "12-how-right"}


def test_the_gallery_has_twelve_figures_each_with_words() -> None:
    assert len(SCRIPTS) == 12
    page = gallery_page(DOCS / "gallery")
    for script in SCRIPTS:
        assert f"]({script.stem}.png)" in page
        assert len(caption(script)) > 20


@pytest.mark.parametrize(
    "script", [pytest.param(s, id=s.stem, marks=[] if s.stem in SHORT else [pytest.mark.slow]) for s in SCRIPTS]
)
def test_scripts_of_the_gallery_draw(script: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    assert any(axes.has_data() for axes in drawn_by(script).axes)


def test_every_argument_of_a_formula_is_explained_and_nothing_else() -> None:
    assert undefined(NOMENCLATURE) == []
    entries = tomllib.loads(NOMENCLATURE.read_text(encoding="utf-8"))
    used = {argument for name in registered() for argument in arguments(name)}
    assert {key.rpartition(":")[2] for key in entries} == used
    assert all(set(row) == {"unit", "meaning"} for row in entries.values())
    assert nomenclature_table(NOMENCLATURE).count("\n| []{#nom-") == len(entries)


def test_an_unexplained_argument_is_named(tmp_path: Path) -> None:
    short = tmp_path / "short.toml"
    short.write_text(NOMENCLATURE.read_text(encoding="utf-8").replace("\nk_half = ", "\nother = "), encoding="utf-8")
    users = ("gemm_time", "mixed_k_half", "tiled_flops")
    assert set(undefined(short)) == {f"k_half of perf.gemm.{name}" for name in users}


def test_every_term_stands_in_the_glossary() -> None:
    table = term_table()
    assert table.count("\n| **") == len(glossary())
    assert set(re.findall(r"#ref-([a-z0-9_]+)", table)) <= set(references())


def test_every_reference_has_an_anchor() -> None:
    listed = reference_list()
    assert set(re.findall(r"\{#ref-([^}]+)\}", listed)) == set(references())


def test_what_no_page_documents_is_named() -> None:
    everything = set(missing(set()))
    assert "carbonscaling.perf.gemm.gemm_time" in everything
    assert "carbonscaling.study.scenario.Scenario" in everything
    assert missing(everything - {"carbonscaling.perf.gemm.gemm_time"}) == ["carbonscaling.perf.gemm.gemm_time"]


def test_names_have_one_home() -> None:
    assert set(layers()) == {name.split(".")[1] for name in modules() if "." in name}
    homes = [f"{name}.{n}" for name, module in modules().items() for n in own_names(module)]
    assert len(homes) == len(set(homes))
    assert borrowed_names(modules()["carbonscaling"])["plan"] == "carbonscaling.study.answer.plan"


def test_anchors_of_generated_pages_become_targets() -> None:
    source = ['- <a id="v1-fig3a"></a>**v1-fig3a** (x)']
    named_anchors(None, "page", source)  # type: ignore[arg-type]
    assert source == ["- []{#v1-fig3a}**v1-fig3a** (x)"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_of_pages_outside_the_site_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_no_generated_picture_is_tracked_but_the_readmes() -> None:
    """`make docs` draws the others; every version of a picture would stay in the history."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    endings = ("*.png", "*.svg", "*.jpg", "*.gif", "*.pdf")
    listed = subprocess.run(["git", "ls-files", "--", *endings], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {name for name in listed.stdout.splitlines() if not name.startswith("src/")}
    assert tracked == set(re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")))


@pytest.fixture
def drawn() -> None:
    """Figures of the reproduction, which no checkout holds."""
    if not any((DOCS / "reproduction").glob("*.svg")):
        assert main(["reproduce", "--page", str(DOCS / "reproduction.md")]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_the_site_builds_without_a_warning_and_asks_nobody(tmp_path: Path) -> None:
    """Every public function and class is in the inventory; no page loads a script, style or picture from elsewhere."""
    from sphinx.util.inventory import InventoryFile

    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-n",
        "-q",
        "-E",
        str(DOCS),
        str(tmp_path / "html"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    inventory = InventoryFile.loads((tmp_path / "html" / "objects.inv").read_bytes(), uri="")
    named = {name for kind, found in inventory.data.items() if kind.startswith("py:") for name in found}
    assert missing(named) == []
    loaded = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"")
    for page in (tmp_path / "html").rglob("*.html"):
        assert not loaded.findall(page.read_text(encoding="utf-8")), page.name
