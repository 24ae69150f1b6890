"""Figures of reports are drawn with our own settings, whatever is around them, and leave others' alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

import analyzer
from tests.reading import ROOT, SAMPLE_FOLDER

NAMES = ("tunnel_blackhole_at_server", "zero_window_at_server")
STORY = SAMPLE_FOLDER / f"{NAMES[0]}.pcap"
SUFFIXES = (".html", ".png", ".svg", ".md", ".pdf")

HOSTILE: Any = {
    "text.usetex": True,
    "text.latex.preamble": r"\input{|touch stolen}",
    "svg.fonttype": "none",
    "svg.hashsalt": "another",
    "font.size": 33.0,
    "savefig.bbox": "tight",
    "savefig.facecolor": "red",
    "axes.facecolor": "black",
    "lines.linewidth": 9.0,
    "path.sketch": (1.0, 100.0, 2.0),
    "figure.dpi": 30.0,
}


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(name="usual", scope="module")
def _usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The reports as one thread writes them, one after the other, with nothing around."""
    folder = tmp_path_factory.mktemp("usual")
    for name in NAMES:
        analysis = analyzer.analyze(SAMPLE_FOLDER / f"{name}.pcap")
        for suffix in SUFFIXES:
            analysis.save(folder / f"{name}{suffix}")
    return written(folder)


@pytest.fixture(autouse=True)
def _settings_are_left_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before


def test_many_threads_write_what_one_does_and_so_do_those_after_them(usual: dict[str, bytes], tmp_path: Path) -> None:
    found = {name: analyzer.analyze(SAMPLE_FOLDER / f"{name}.pcap") for name in NAMES}
    folders = [tmp_path / name for name in ("first", "second", "later")]
    for folder in folders:
        folder.mkdir()
    wanted = [folder / f"{name}{suffix}" for suffix in SUFFIXES for name in NAMES for folder in folders[:2]]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: found[path.stem].save(path), wanted))
    for suffix in SUFFIXES:
        found[NAMES[0]].save(folders[2] / f"{NAMES[0]}{suffix}")
    for folder in folders:
        assert [name for name, content in written(folder).items() if content != usual[name]] == []
    assert len(written(folders[0])) == len(usual)


def test_reports_do_not_heed_the_users_settings_and_leave_them_as_they_are(
    usual: dict[str, bytes], tmp_path: Path
) -> None:
    analysis = analyzer.analyze(STORY)
    pictures = analysis._repr_html_(), analysis.flow(1)._repr_html_()
    with mpl.rc_context(HOSTILE):
        hostile = dict(mpl.rcParams)
        for suffix in SUFFIXES:
            analysis.save(tmp_path / f"{STORY.stem}{suffix}")
        assert (analysis._repr_html_(), analysis.flow(1)._repr_html_()) == pictures
        assert dict(mpl.rcParams) == hostile
    assert all(content == usual[name] for name, content in written(tmp_path).items())


def rc_lines() -> str:
    return (
        "".join(f"{name}: {str(value).strip('()')}\n" for name, value in HOSTILE.items()) + "backend: module://evil\n"
    )


def run(folder: Path, *outputs: str, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [word for output in outputs for word in ("-o", output)]
    return subprocess.run(
        [sys.executable, "-m", "analyzer", str(STORY), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", **environment},
    )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("way", ["here", "variable", "of the user", "no text", "no backend"])
def test_the_command_reads_no_settings_of_others(way: str, usual: dict[str, bytes], tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("latex", "xelatex", "dvipng"):
        (programs / program).write_text(f"#!/bin/sh\ntouch {tmp_path / 'stolen'}\nexit 1\n")
        (programs / program).chmod(0o755)
    here = tmp_path / "here"
    home = tmp_path / "home"
    (home / "matplotlib").mkdir(parents=True)
    here.mkdir()
    (here / "evil.py").write_text(f"open({str(tmp_path / 'stolen')!r}, 'w')\n")
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "module://evil"}
    if way == "here":
        (here / "matplotlibrc").write_text(rc_lines())
    elif way == "variable":
        (tmp_path / "settings").write_text(rc_lines())
        environment["MATPLOTLIBRC"] = str(tmp_path / "settings")
    elif way == "of the user":
        (home / "matplotlib" / "matplotlibrc").write_text(rc_lines())
        environment["XDG_CONFIG_HOME"] = str(home)
    elif way == "no text":
        (here / "matplotlibrc").write_bytes(b"\xff\xfe\x00font.size: 3")
    else:
        environment["MPLBACKEND"] = "no such backend"
    targets = [f"{STORY.stem}{suffix}" for suffix in SUFFIXES]
    done = run(here, *targets, **environment)
    assert done.returncode == 0
    assert re.fullmatch(r"(pmtu-analyze: wrote \S+ \([\d,]+ bytes\)\n)+", done.stderr)
    assert not (tmp_path / "stolen").exists()
    assert all((here / name).read_bytes() == usual[name] for name in targets)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use cannot be removed there")
def test_where_the_working_directory_is_gone_a_report_is_written_elsewhere(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys, shutil; shutil.rmtree(os.getcwd()); from analyzer.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        # -P, as for an installed command: nothing is looked for in the folder that is gone, which upsets Python 3.13.
        [sys.executable, "-P", "-c", code, str(STORY), "-o", str(tmp_path / "report.png")],
        capture_output=True,
        text=True,
        check=False,
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0
    assert re.fullmatch(r"(pmtu-analyze: wrote \S+ \([\d,]+ bytes\)\n)+", done.stderr)
    assert (tmp_path / "report.png").exists()
