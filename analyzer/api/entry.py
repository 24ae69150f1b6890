"""`analyze` and `compare`: what is handed out to whoever imports the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analyzer.api.pipeline import found_in
from analyzer.api.views import Analysis, Comparison
from analyzer.capture.sources import Given
from analyzer.model.comparison import compared
from analyzer.passes.walk import Progress
from analyzer.settings import Settings

if TYPE_CHECKING:
    from analyzer.redaction.addresses import Anonymizer


def analyze(
    paths: Given | Sequence[Given],
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
    compiled: bool | None = None,
    anonymizer: Anonymizer | None = None,
    names: bool = False,
) -> Analysis:
    """Analyse a capture.

    Args:
        paths: a path, `-` for standard input, an open binary file, the bytes of a capture, or several of these (one
            capture).
        settings: thresholds of the verdicts, and the platforms for which fixes are given.
        progress: called after each chunk with (bytes read, bytes in all or None, packets read).
        notify: called with a line for the user before something that takes long: compiling, once a machine.
        compiled: force the compiled (True) or interpreted (False) skim; by default large captures compile.
        anonymizer: replaces all addresses, and names of files, in the analysis and so in every report of it.
        names: look in the capture for names of its hosts, too (`analysis.names`), which reports then show beside
            addresses: DNS answers, server names of TLS, name blocks of pcapng. It is read once more for that.

    Raises:
        TypeError: an input is nothing of that kind, or a file open as text.
        CaptureError: an input is no capture; the message names file, byte offset and what was expected.
        UsageError: `settings` names a platform that is not known; or `names` with an anonymizer, or of an input that
            cannot be read again, as a pipe.
    """
    return Analysis.of(
        found_in(
            paths,
            settings=settings,
            progress=progress,
            notify=notify,
            compiled=compiled,
            anonymizer=anonymizer,
            names=names,
        )
    )


def compare(
    before: Analysis | Given | Sequence[Given],
    after: Analysis | Given | Sequence[Given],
    *,
    settings: Settings | None = None,
    anonymizer: Anonymizer | None = None,
) -> Comparison:
    """Say whether a fix worked: what became of each path from one capture to a later one.

    Args:
        before: the capture with the problem, as for `analyze`, or its analysis.
        after: the later one.
        settings: as for `analyze`.
        anonymizer: as for `analyze`; not for what is analysed already.

    Raises:
        TypeError: an input is nothing of that kind, or a file open as text.
        CaptureError: an input is no capture.
        UsageError: `settings` names a platform that is not known.
    """
    first, second = (
        each if isinstance(each, Analysis) else analyze(each, settings=settings, anonymizer=anonymizer)
        for each in (before, after)
    )
    both = compared(first, second)
    return Comparison(first, second, both.changes)
