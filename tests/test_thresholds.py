"""Every threshold once, every size of the wire once, every file name once."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.reading import ROOT

PACKAGE = ROOT / "analyzer"
SETTINGS = ("settings.py", "point_settings.py")
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"]


def constants(path: Path) -> dict[str, ast.expr]:
    """The upper-case names that a module gives a value to."""
    found: dict[str, ast.expr] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            found[node.targets[0].id] = node.value
    return found


def test_sizes_of_the_wire_have_one_home() -> None:
    for path in FILES:
        if path.name in ("wire_sizes.py", *SETTINGS) or path.parent.name in ("figures", "notebook"):  # places, dots
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and node.value in (1280, 1460, 1500, 576)), (
                f"{path}: {node.lineno}"
            )


def test_a_threshold_of_the_evidence_and_the_rules_has_one_home() -> None:
    """Times, shares and least numbers that decide something."""
    for path in FILES:
        if path.parent.name in ("evidence", "verdicts", "points"):
            own = {
                name
                for name, value in constants(path).items()
                if name.endswith(("_NS", "_SHARE", "CHANCE"))
                or (name.startswith("LEAST_") and isinstance(value, ast.Constant))
            }
            assert own == set(), path


def test_what_settings_define_is_defined_nowhere_else() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in FILES:
        for name in constants(path):
            homes[name].append(path.name)
    homes_of_all = [*(PACKAGE / name for name in SETTINGS), PACKAGE / "model" / "wire_sizes.py"]
    shared = {name for path in homes_of_all for name in constants(path)}
    assert {name: homes[name] for name in shared if len(homes[name]) > 1} == {}


def test_what_settings_define_is_defined_there_once() -> None:
    """Of two the later would count, for whoever means the earlier, too."""
    nodes = [node for name in SETTINGS for node in ast.parse((PACKAGE / name).read_text(encoding="utf-8")).body]
    names = [
        node.targets[0].id for node in nodes if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    assert {name for name in names if names.count(name) > 1} == set()


def test_no_file_name_is_there_twice_and_few_files_are_loose() -> None:
    names = [path.name for path in FILES]
    assert {name for name in names if names.count(name) > 1} == set()
    assert len([path for path in PACKAGE.iterdir() if path.is_file()]) <= 6
