from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.cli.main import main
from analyzer.errors import UsageError
from analyzer.report.save import SUFFIXES, check_suffix, save
from analyzer.report.wishes import Wishes
from tests.report.factory import make_analysis, make_flow, make_timeline

ANALYSIS = make_analysis([make_flow(timeline=make_timeline())])
OTHER = make_analysis([make_flow(verdict="stall", timeline=make_timeline())])
"""Another timeline of the same flow."""

MAGIC = {
    ".html": b"<!DOCTYPE html>",
    ".md": b"# The only flow",
    ".json": b"{",
    ".csv": b"stream,",
    ".parquet": b"PAR1",
    ".png": b"\x89PNG",
    ".svg": b"<?xml",
    ".pdf": b"%PDF",
}


@pytest.mark.parametrize("suffix", [each for each in SUFFIXES if each != ".pcapng"])  # that one needs a capture
def test_the_suffix_picks_the_format(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"report{suffix.upper()}"
    save(ANALYSIS, target, Wishes(plots=False))
    assert target.read_bytes().startswith(MAGIC[suffix])
    assert list(tmp_path.iterdir()) == [target]  # nothing is left beside it


def test_a_package_that_is_not_installed_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    target = tmp_path / "flows.parquet"
    assert main([str(tmp_path / "no such capture.pcap"), "-o", str(target)]) == 2
    assert capsys.readouterr().err == (
        f"pmtu-analyze: {target}: expected the package pyarrow for a .parquet report, found none: pip install pyarrow\n"
    )
    with pytest.raises(UsageError, match="expected the package pyarrow"):
        save(ANALYSIS, target)
    save(ANALYSIS, target.with_suffix(".csv"))


def test_markdown_has_its_timelines_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "my report (1).md"
    save(ANALYSIS, target)
    (image,) = tmp_path.glob("*.png")
    assert image.name == "my report (1)-stream-0.png"
    assert image.read_bytes().startswith(MAGIC[".png"])
    assert "](my%20report%20%281%29-stream-0.png)" in target.read_text()


def test_a_link_in_the_place_of_a_timeline_is_refused(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    (tmp_path / "report-stream-0.png").symlink_to(precious)
    with pytest.raises(UsageError, match=r"report-stream-0\.png: is a symbolic link"):
        save(ANALYSIS, tmp_path / "report.md")
    assert precious.read_text() == "keep"
    assert not (tmp_path / "report.md").exists()


def test_timelines_are_replaced_as_long_as_the_page_names_them(tmp_path: Path) -> None:
    """The user named the report, not what comes beside it."""
    page, beside = tmp_path / "report.md", tmp_path / "report-stream-0.png"
    save(ANALYSIS, page)
    made = beside.read_bytes()
    save(OTHER, page)
    assert beside.read_bytes() != made
    save(ANALYSIS, page)
    assert beside.read_bytes() == made


@pytest.mark.parametrize("name", ["report", "my report (1)", "`a` [b] \N{SNOWMAN} -- ~c~"])
def test_a_page_names_what_lies_beside_it_whatever_its_name(tmp_path: Path, name: str) -> None:
    for analysis in (ANALYSIS, OTHER):
        save(analysis, tmp_path / f"{name}.md")
    digest = hashlib.sha256((tmp_path / f"{name}-stream-0.png").read_bytes()).hexdigest()
    assert f"-stream-0.png`, SHA-256 `{digest}`\n" in (tmp_path / f"{name}.md").read_text()


@pytest.mark.parametrize("edit", [bytes.upper, lambda text: text.replace(b"\n", b"\r\n")])
def test_a_page_that_is_not_ours_any_more(tmp_path: Path, edit: Callable[[bytes], bytes]) -> None:
    """Line ends may change on the way; what the page says of its timelines may not."""
    page, beside = tmp_path / "report.md", tmp_path / "report-stream-0.png"
    save(ANALYSIS, page)
    edited = edit(page.read_bytes())
    page.write_bytes(edited)
    made = beside.read_bytes()
    save(ANALYSIS, page)  # the same timeline lies there already
    page.write_bytes(edited)
    if edit == bytes.upper:
        with pytest.raises(UsageError, match=r"exists, and is not what an earlier report\.md put there"):
            save(OTHER, page)
        assert (page.read_bytes(), beside.read_bytes()) == (edited, made)
    else:
        save(OTHER, page)
        assert beside.read_bytes() != made


@pytest.mark.parametrize("with_page", [True, False])
def test_a_picture_that_only_looks_like_ours_is_kept(tmp_path: Path, with_page: bool) -> None:
    """What a file says of itself, anybody can write."""
    page, beside = tmp_path / "report.md", tmp_path / "report-stream-0.png"
    if with_page:
        save(ANALYSIS, page)
        beside.write_bytes(beside.read_bytes() + b"with notes by hand")
    else:
        save(ANALYSIS, tmp_path / "else.md")
        beside.write_bytes((tmp_path / "else-stream-0.png").read_bytes() + b"Software pmtu-analyze")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"report-stream-0\.png: exists, and is not what an earlier report\.md put"):
        save(OTHER, page)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_all_timelines_are_looked_at_before_one_is_replaced(tmp_path: Path) -> None:
    two = [make_flow(0, timeline=make_timeline()), make_flow(1, "ptb_ignored", timeline=make_timeline())]
    page = tmp_path / "report.md"
    save(make_analysis(two), page)
    (tmp_path / "report-stream-1.png").write_bytes(b"a picture of the family")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"report-stream-1\.png: exists"):
        save(make_analysis([replace(two[0], verdict="stall"), two[1]]), page)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_input_is_no_place_for_a_report_even_if_it_came_there_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here while the report is made; the file system knows it by another name."""
    capture, target = tmp_path / "capture.pcap", tmp_path / "report.json"
    capture.write_bytes(b"capture")

    def made(*_: object) -> Iterator[bytes]:
        os.link(capture, target)
        yield b"{}"

    monkeypatch.setattr("analyzer.report.formats.json_report.JsonReport.files", lambda *_: {target: made()})
    with pytest.raises(UsageError, match=r"report\.json: is the capture itself; the report needs another name"):
        save(replace(ANALYSIS, inputs=(capture,)), target)
    assert target.read_bytes() == b"capture"
    assert sorted(tmp_path.iterdir()) == [capture, target]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dir.html").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UsageError, match=r"dir\.html: is a directory"):
        save(ANALYSIS, tmp_path / "dir.html")
    with pytest.raises(UsageError, match=r"pipe\.csv: is no regular file"):
        save(ANALYSIS, tmp_path / "pipe.csv")


@pytest.mark.parametrize("name", ["report.htm", "report", ".json", "report.pcap", "x.\x1b[31m"])
def test_other_suffixes_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError) as error:
        check_suffix(name)
    message = str(error.value)
    assert message.endswith("its suffix must be one of .html, .md, .json, .csv, .parquet, .png, .svg, .pdf, .pcapng")
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_symbolic_link_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    for target in (precious, tmp_path / "missing"):
        link = tmp_path / "report.json"
        link.symlink_to(target)
        with pytest.raises(UsageError, match="is a symbolic link"):
            save(ANALYSIS, link)
        link.unlink()
    assert precious.read_text() == "keep"
    assert not (tmp_path / "missing").exists()


def test_an_existing_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    inode = target.stat().st_ino
    save(ANALYSIS, target)
    assert json.loads(target.read_text())["schema"] == "pmtu-analyze/1"
    assert target.stat().st_ino != inode


def test_nothing_is_left_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        save(ANALYSIS, tmp_path / "report.json")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no directory"):
        save(ANALYSIS, tmp_path / "no" / "report.json")


def test_the_umask_applies(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save(ANALYSIS, tmp_path / "report.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640
