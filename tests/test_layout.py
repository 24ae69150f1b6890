"""What the package and `docs/architecture.md` say about the layout is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import analyzer
from tests.reading import ROOT

PACKAGE = ROOT / "analyzer"
TESTS = ROOT / "tests"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}


def layers() -> list[set[str]]:
    """Of the lint, the lowest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in reversed(contract["layers"])]


def test_the_head_of_the_package_names_the_folders_in_the_order_of_their_imports() -> None:
    told = analyzer.__doc__ or ""
    layout = told[told.index("General layout") :]
    named = [name for name in re.findall(r"`(\w+)`:", layout) if name in FOLDERS]
    assert sorted(named) == sorted(FOLDERS)
    ranks = {name: rank for rank, names in enumerate(layers()) for name in names}
    assert [ranks[name] for name in named] == sorted(ranks[name] for name in named)
    assert layout.count("\n") <= 16


def test_every_file_that_the_architecture_names_is_there() -> None:
    """In tables a path is below the package or the project; a word in capitals stands for any name."""
    rows = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    named = {name for name in re.findall(r"`([\w/*-]+\.\w+|[\w/]+/[\w*]*)`", rows) if not re.search(r"[A-Z]{3}", name)}
    assert len(named) > 40
    for name in named:
        places = [folder for folder in (ROOT, *PACKAGE.rglob("**/"), *TESTS.rglob("**/")) if _is_in(folder, name)]
        assert places, name


def _is_in(folder: Path, name: str) -> bool:
    return any(folder.glob(name)) or any(folder.glob(f"{name}.py"))


def test_every_module_in_the_picture_is_there() -> None:
    picture = PAGE.split("```")[1]
    modules = {path.stem for path in PACKAGE.rglob("*.py")} | FOLDERS
    named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", picture)) | set(re.findall(r"\b([a-z]+)/", picture))
    assert named - {"formats", "figures"} <= modules
    assert {name for name in FOLDERS if name not in named} <= {"redaction", "settings", "errors"}
