"""Reports: the analysis as text, data, pages and figures.

Analysis -> document (all wording, plain data) -> terminal
                  -> page (what paper says besides) -> html, markdown
         -> data (JSON, CSV, DataFrames), parquet
         -> figures (timelines)
         -> excerpt (the evidence packets)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from analyzer.errors import UsageError
from analyzer.report.text import printable
from analyzer.results import Analysis

SUFFIXES = (".html", ".md", ".json", ".csv", ".parquet", ".png", ".svg", ".pdf")
"""Report formats by the suffix of the file's name; the last three are timelines."""

EVIDENCE = ".pcapng"
"""The suffix of an evidence capture: the packets that the verdicts rest on."""

MADE_BY = "pmtu-analyze"
"""What a PNG says of the program that made it."""

FIGURES_BESIDE = 6
"""Timelines written beside a Markdown report at most."""


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for, as its suffix in lower case.

    Raises:
        UsageError: no such format; the message names all there are.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (*SUFFIXES, EVIDENCE):
        name = printable(os.fspath(path))
        raise UsageError(
            f"{name}: unknown kind of report; its suffix must be one of {', '.join((*SUFFIXES, EVIDENCE))}"
        )
    return suffix


def check_target(path: str | os.PathLike[str]) -> str:
    """As `check_suffix`, and refuses what cannot be written: all but a regular file or a free name."""
    suffix = check_suffix(path)
    target = Path(path)
    name = printable(str(target))
    if not target.parent.is_dir():
        raise UsageError(f"{name}: there is no directory {printable(str(target.parent))}")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return suffix
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror or error}") from error
    if stat.S_ISLNK(mode):
        raise UsageError(f"{name}: is a symbolic link; name the file itself")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name}: is {'a directory' if stat.S_ISDIR(mode) else 'no regular file'}")
    return suffix


def check_beside(path: Path) -> None:
    """As `check_target`, for a file that the user has not named: only what an earlier report put there is replaced.

    Raises:
        UsageError: something else is in its place.
    """
    check_target(path)
    try:
        with path.open("rb") as file:
            ours = MADE_BY.encode() in file.read(200)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: cannot be written: {error.strerror or error}") from error
    if not ours:
        raise UsageError(f"{printable(str(path))}: exists, and is not the timeline of an earlier report; move it away")


def check_not_a_source(target: Path, sources: Iterable[object]) -> None:
    """Refuse an evidence capture in the place of the capture that it is taken from."""
    for source in sources:
        with suppress(OSError):
            if isinstance(source, (str, os.PathLike)) and target.samefile(source):
                raise UsageError(f"{printable(str(target))}: is the capture itself; the evidence needs another name")


def save(analysis: Analysis, path: str | os.PathLike[str], *, plots: bool = True, keep_payload: bool = False) -> None:
    """Write a report, each file whole or not at all.

    Args:
        analysis: what to report.
        path: its suffix picks the format. An existing regular file is replaced; a symbolic link is refused:
            it could lead elsewhere. The timelines of a Markdown report are written beside it, as
            "report-stream-3.png" beside "report.md"; there, only timelines of earlier reports are replaced.
        plots: draw timelines into or beside the pages that have some.
        keep_payload: leave the payload in the packets of an evidence capture (`.pcapng`).

    Raises:
        UsageError: unknown suffix, something else in the place of a file, the file cannot be written, or the
            capture cannot be read again for an evidence capture.
    """
    suffix = check_target(path)
    target = Path(path)
    if suffix == EVIDENCE:
        check_not_a_source(target, [again.source for again in analysis.sources if again is not None])
    for beside, content in _rendered(analysis, target, suffix, plots=plots, keep_payload=keep_payload).items():
        check_target(beside) if beside == target else check_beside(beside)
        try:
            _replace(beside, content)
        except OSError as error:
            raise UsageError(f"{printable(str(beside))}: cannot be written: {error.strerror or error}") from error


def _rendered(
    analysis: Analysis, target: Path, suffix: str, *, plots: bool, keep_payload: bool
) -> dict[Path, Iterable[bytes]]:
    """The files to write in pieces, the one that was named last: once it is there, all it refers to is there."""
    if suffix == ".md":
        return _markdown(analysis, target, plots=plots)
    if suffix == ".html":
        from analyzer.report.html import to_html

        return {target: [_utf8(to_html(analysis, plots=plots))]}
    if suffix == ".parquet":
        from analyzer.report.parquet import to_parquet

        return {target: [to_parquet(analysis)]}
    if suffix in (".json", ".csv"):
        from analyzer.report import data

        pieces = data.json_pieces(analysis) if suffix == ".json" else [data.to_csv(analysis)]
        return {target: (piece.encode() for piece in pieces)}
    if suffix == EVIDENCE:
        from analyzer.report.excerpt import excerpt_of

        return {target: [excerpt_of(analysis, keep_payload=keep_payload).content]}
    from analyzer.report.figures import timelines_image

    return {target: [timelines_image(analysis, suffix.removeprefix("."))]}


def _markdown(analysis: Analysis, target: Path, *, plots: bool) -> dict[Path, Iterable[bytes]]:
    from analyzer.report.document import fair_choice
    from analyzer.report.markdown import SHOWN_DIAGNOSES, image_link, to_markdown
    from analyzer.report.page import page_of

    page = page_of(analysis)
    files: dict[Path, Iterable[bytes]] = {}
    links: dict[int, str] = {}
    if plots:
        from analyzer.report.figures import image, is_drawable, timeline

        shown = fair_choice(page.document.diagnoses, SHOWN_DIAGNOSES)
        drawable = [diagnosis for diagnosis in shown if is_drawable(diagnosis.flow)]
        for flow in (diagnosis.flow for diagnosis in fair_choice(drawable, FIGURES_BESIDE)):
            beside = target.with_name(f"{target.stem}-stream-{flow.stream}.png")
            files[beside] = [image(timeline(analysis, flow), "png")]
            links[flow.stream] = image_link(beside.name)
    files[target] = [_utf8(to_markdown(page, links))]
    return files


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _replace(target: Path, content: Iterable[bytes]) -> None:
    """Put `content` in place in one step: a reader sees the old file or the new one, never half of it."""
    temporary = target.with_name(f".{target.name[:40]}.{os.urandom(8).hex()}")
    # O_EXCL: never through a file or link that somebody put there. The umask applies as to any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(content)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
