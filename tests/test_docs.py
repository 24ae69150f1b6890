"""The documents tell the truth: every example runs, the API page is fresh, the notebooks run from top to bottom."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import matplotlib.image as mpl_image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from analyzer.report.rule_book import RULES
from analyzer.tables.columns import CATEGORIES, DTYPES, TABLES
from tests.reading import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def examples(page: Path) -> str:
    """The Python blocks of a page, one after the other, on the lines where they stand."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        first = text.count("\n", 0, block.start(1))
        for i, line in enumerate(block[1].splitlines()):
            lines[first + i] = line
    return "\n".join(lines)


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page).strip()], ids=lambda page: page.name)
def test_every_example_runs_without_a_warning(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sample_pcaps", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(examples(page), str(page), "exec"), {"__name__": "example"})  # noqa: S102 - our own pages
    assert capsys.readouterr().out


def generator(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_conditions_of_the_verdicts_are_those_of_the_rules() -> None:
    text = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert generator("rules").page(text) == text, "run: python docs/rules.py"
    for rule in RULES:
        assert f"\n`{rule.id}`, confidence " in text


def test_the_api_page_is_what_the_code_says() -> None:
    fresh = generator("api").page()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == fresh, "run: python docs/api.py"
    for name, (_, columns) in TABLES.items():
        assert f"### `{name}`" in fresh
        for column in columns:
            assert f"| `{column.name}` |" in fresh


def test_the_man_page_is_what_the_options_say() -> None:
    man = generator("man")
    fresh = man.page()
    assert (ROOT / "docs" / "pmtu-analyze.1").read_text(encoding="utf-8") == fresh, "run: python docs/man.py"
    text = fresh.replace("\\-", "-")
    for option in ("--each", "--fail-on", "--version", "--cache", "--show-completion", "-h"):
        assert f"\\fB{option}\\fR" in text or f", {option}" in text or f"\\fB{option}," in text
    assert {line.split()[0] for line in fresh.splitlines() if line.startswith((".", "'"))} <= {
        '.\\"', ".TH", ".SH", ".B", ".PP", ".TP", ".nf", ".fi",
    }  # fmt: skip


def test_the_pictures_of_the_plots_are_what_is_drawn_today() -> None:
    plots = generator("plots")
    kept = {path.stem: path.read_bytes() for path in (ROOT / "docs" / "plots").glob("*.png")}
    fresh = plots.pictures()
    assert kept.keys() == fresh.keys(), "run: python docs/plots.py"
    for name, content in fresh.items():
        mine, theirs = (mpl_image.imread(io.BytesIO(each)) for each in (content, kept[name]))
        assert mine.shape == theirs.shape, f"{name}; run: python docs/plots.py"
        if mpl.__version__.startswith(plots.DRAWN_WITH):  # others set letters a little wider or narrower
            assert np.abs(mine - theirs).mean() < 1e-5, f"{name}; run: python docs/plots.py"


def test_every_picture_stands_in_a_page_and_is_told_to_who_cannot_see_it() -> None:
    page = (ROOT / "docs" / "plots.md").read_text(encoding="utf-8")
    shown = {path: text for text, path in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", page)}
    assert set(shown) == {f"plots/{path.name}" for path in (ROOT / "docs" / "plots").glob("*.png")}
    assert all(len(text) > 30 for text in shown.values())


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
def test_the_man_page_is_sound() -> None:
    page = ROOT / "docs" / "pmtu-analyze.1"
    plain = ("-P-c", "-P-b", "-P-u")  # without bold and underlined letters
    done = subprocess.run(["groff", "-man", "-Tascii", *plain, "-ww", page], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "SYNOPSIS" in done.stdout


def test_columns_are_declared_in_full() -> None:
    for _, columns in TABLES.values():
        assert len({column.name for column in columns}) == len(columns)
        for column in columns:
            assert column.kind in DTYPES
            assert column.text
            assert (column.kind == "category") <= (column.name in {*CATEGORIES, "file", "flags"} or "." in column.name)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_its_outputs(path: Path) -> None:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("text/html" in output.get("data", {}) for output in outputs)
    empty = [output for output in outputs if "Empty DataFrame" in output.get("data", {}).get("text/plain", "")]
    assert not empty  # a reader would take it for a mistake


def test_there_are_three_notebooks() -> None:
    assert len(NOTEBOOKS) == 3


def test_nothing_is_explained_by_a_page_that_the_reader_does_not_have() -> None:
    """The code spoke of a contract that is not in the repository."""
    spoken = re.compile(r"\bcontract\b(?!s? of)", re.IGNORECASE)
    for folder in ("analyzer", "docs", "lab", "notebooks", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".md", ".ipynb", ".json", ".toml"):
                assert not spoken.search(path.read_text(encoding="utf-8")), path
