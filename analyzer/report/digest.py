"""SHA-256 of the captures, so that whoever gets a report can tell which file it is about."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from analyzer.model.analysis import CaptureFile, Rereadable

NOT_A_FILE = "none: it was not read from a regular file"
CHANGED = "none: the file has changed since it was read"


def sha256_of(file: CaptureFile, source: Rereadable | None = None) -> str:
    """The digest of the file as it lies on the disk (compressed or not) in hexadecimal, or why there is none.

    `source` is where to read it, if not under the name it is shown by.
    """
    if file.stamp is None:
        return NOT_A_FILE
    return _digest(source.source if source and isinstance(source.source, Path) else Path(file.path), file.stamp)


@lru_cache(maxsize=64)  # several reports of one run share the work
def _digest(path: Path, stamp: tuple[int, int]) -> str:
    try:
        with path.open("rb") as capture:
            digest = hashlib.file_digest(capture, "sha256").hexdigest()
        status = path.stat()
    except OSError:
        return CHANGED
    return digest if (status.st_size, status.st_mtime_ns) == stamp else CHANGED
