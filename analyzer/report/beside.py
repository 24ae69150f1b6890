"""Files that a report puts beside itself unasked, and how a later report knows them again.

The page names each with its SHA-256, for whoever gets them along with it. A report that replaces the page also replaces
such a file, as long as it is still the one that the page names. Any other file in its place is somebody's own,
whatever it holds, and stays.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from analyzer.errors import UsageError
from analyzer.model.text import printable

MOST_PAGE_BYTES = 4 << 20
"""Read of the page to be replaced. One that we wrote has some 60 kB."""


def link_to(name: str) -> str:
    """A file name as the target of a relative link."""
    return quote(os.fsencode(name), safe="")


def record(name: str, digest: str) -> str:
    """The line of a page on a file beside it; nothing in it is markup."""
    return f"- Timeline: `{link_to(name)}`, SHA-256 `{digest}`"


def records(files: Iterable[tuple[Path, Sequence[bytes]]]) -> list[str]:
    """The lines of a page on the files beside it."""
    return [record(path.name, _digest(pieces)) for path, pieces in files]


def is_to_be_written(path: Path, content: Sequence[bytes], page: Path) -> bool:
    """Whether a file beside a page is new, or replaces what the page to be replaced put there; False if it is there.

    Raises:
        UsageError: something else is in its place, or nobody can tell.
    """
    try:
        with path.open("rb") as file:
            there = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: cannot be written: {error.strerror or error}") from error
    if there == _digest(content):
        return False
    if record(path.name, there) in _lines(page):
        return True
    raise UsageError(
        f"{printable(str(path))}: exists, and is not what an earlier {printable(page.name)} put there; "
        "move it away, or give the report another name"
    )


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _lines(page: Path) -> list[str]:
    try:
        with page.open("rb") as file:
            return file.read(MOST_PAGE_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
