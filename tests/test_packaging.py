"""What is installed and handed on: the wheel holds the package and nothing else, the archive the whole project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import analyzer
from tests.reading import ROOT, SAMPLES

SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
BUILDS = SETTINGS["tool"]["hatch"]["build"]["targets"]
NAME = f"{PROJECT['name'].replace('-', '_')}-{analyzer.__version__}"
METADATA = f"{NAME}.dist-info"
STRAYS = (
    "{package}/__pycache__/left.cpython-311.pyc",
    "{package}/deeper/__pycache__/left.cpython-311.pyc",
    "tests/__pycache__/left.cpython-311.pyc",
    ".mypy_cache/3.11/left.json",
    ".pytest_cache/left",
    ".ruff_cache/left",
    ".import_linter_cache/left",
    ".hypothesis/examples/left",
    ".venv/bin/python",
    ".venv-ci/lib/left.py",
    "venv/lib/left.py",
    f"{PROJECT['name'].replace('-', '_')}.egg-info/PKG-INFO",
    "build/lib/left.py",
    "dist/left.whl",
)
"""What lies in the folder of somebody who works on the project."""


class Built(NamedTuple):
    """The folder that was built from, the files in it that belong to the project, and what became of them."""

    source: Path
    files: set[str]
    wheel: Path
    archive: Path


def project_files() -> set[str]:
    """Files that git tracks; in an archive of the sources, which has no git, all that lie there but for caches."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    own = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()}
    strays = ("__pycache__", "_cache/", ".hypothesis/", "venv", ".egg-info/", "PKG-INFO")
    return {name for name in own if not any(stray in name for stray in strays)}


def build(source: Path, folder: Path, *targets: str) -> Path:
    """Build without network: nothing is installed, the backend is one of the tests' requirements."""
    words = [word for target in targets for word in ("-t", target)]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *words],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, from a copy of the project among whose files lie strays of all kinds."""
    source = tmp_path_factory.mktemp("source")
    files = project_files()
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    for stray in STRAYS:
        path = source / stray.format(package=BUILDS["wheel"]["packages"][0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left")
    folder = build(source, tmp_path_factory.mktemp("built"), "wheel", "sdist")
    wheel, archive = sorted(folder.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert (wheel.name, archive.name) == (f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz")
    return Built(source, files, wheel, archive)


def names_in_wheel(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_the_package_the_man_page_and_the_licence_and_nothing_else(built: Built) -> None:
    packages = tuple(f"{name}/" for name in BUILDS["wheel"]["packages"])
    expected = {name for name in built.files if name.startswith(packages)}
    assert {Path(name).suffix for name in expected} >= {".py", ".css", ".toml", ".json", ".typed"}
    about = {f"{METADATA}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    shared = {f"{NAME}.data/data/{target}" for target in BUILDS["wheel"]["shared-data"].values()}
    assert names_in_wheel(built.wheel) == expected | about | shared
    assert shared == {f"{NAME}.data/data/share/man/man1/pmtu-analyze.1"}


def test_the_archive_holds_the_project_and_no_strays(built: Built) -> None:
    with tarfile.open(built.archive) as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    assert names == built.files | {"PKG-INFO"}
    assert names >= {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"}
    assert {Path(name).suffix for name in names} >= {".py", ".md", ".pcap", ".txt", ".ipynb"}
    assert built.archive.stat().st_size < 3_000_000


def test_the_archive_gives_the_same_wheel(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.archive) as archive:
        archive.extractall(tmp_path, filter="data")
    (again,) = build(tmp_path / NAME, tmp_path / "built", "wheel").iterdir()
    assert again.read_bytes() == built.wheel.read_bytes()


def described(built: Built) -> tuple[Message, Message]:
    """The metadata in the wheel and in the archive."""
    with zipfile.ZipFile(built.wheel) as wheel:
        one = wheel.read(f"{METADATA}/METADATA").decode()
    with tarfile.open(built.archive) as archive:
        file = archive.extractfile(f"{NAME}/PKG-INFO")
        assert file is not None
        other = file.read().decode()
    return Parser().parsestr(one), Parser().parsestr(other)


def test_the_metadata_names_licence_version_and_command(built: Built) -> None:
    for about in described(built):
        assert about["Name"] == PROJECT["name"]
        assert about["Version"] == analyzer.__version__
        assert about["License-Expression"] == "Apache-2.0"
        assert about.get_all("License-File") == ["LICENSE"]
        assert about["Requires-Python"] == PROJECT["requires-python"]
    with zipfile.ZipFile(built.wheel) as wheel:
        assert wheel.read(f"{METADATA}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        commands = wheel.read(f"{METADATA}/entry_points.txt").decode()
    assert all(f"{name} = {target}" in commands for name, target in PROJECT["scripts"].items())


def test_the_wheel_alone_makes_every_report(built: Built, tmp_path: Path) -> None:
    """What is not in it (a template, a table) would be missed here: nothing of this folder is in the path."""
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extractall(tmp_path / "installed")  # noqa: S202 - our own
    reports = [f"report{suffix}" for suffix in (".html", ".md", ".json", ".csv", ".png", ".parquet")]
    words = [word for report in reports for word in ("-o", report)]
    module, function = PROJECT["scripts"]["pmtu-analyze"].split(":")
    code = f"import sys, {module}; print({module}.__file__, flush=True); sys.exit({module}.{function}())"
    (capture,) = (path for path in SAMPLES if path.stem == "tunnel_blackhole_at_server")
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(capture), *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "installed"))
    assert all((tmp_path / report).stat().st_size for report in reports)


def test_each_requirement_has_a_lower_bound() -> None:
    """Without one `.ci/dependencies lowest` would try the first version that there ever was."""
    extras = PROJECT["optional-dependencies"].values()
    for each in [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]:
        assert ">=" in each or each.startswith(f"{PROJECT['name']}[") or each == "numpy<2.5", each


def test_the_pythons_that_are_named_are_those_that_are_tried() -> None:
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert PROJECT["requires-python"] == f">={named[0]}"
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f"python: {json.dumps(named)}" in workflow
    tried = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    assert f"| {named[0]} | the lowest" in tried
    assert f"| {', '.join(named)} | the newest |" in tried


def test_the_image_has_what_its_command_needs_and_is_not_run_by_root() -> None:
    lines = [line.split() for line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines() if line]
    last = {line[0]: line[1:] for line in lines}
    assert last["USER"] == ["analyst"]
    sent = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    copied = {name for line in lines if line[0] == "COPY" and "--from=build" not in line for name in line[1:-1]}
    assert {f"!{name}" for name in copied} == {line for line in sent if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    (capture,) = json.loads("".join(last["CMD"]))
    assert (ROOT / capture).is_file()
    assert capture in (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- tests -->")[0]
    assert json.loads("".join(last["ENTRYPOINT"])) == list(PROJECT["scripts"])[:1]
