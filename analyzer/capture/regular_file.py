"""Opening what a path leads to; a regular file can be let go of while nobody reads it, as of many few are open."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.errors import CaptureError

if TYPE_CHECKING:
    from analyzer.capture.stop import Stop

Identity = tuple[int, int]
"""Device and inode."""


class ReplacedError(OSError):
    """Another file has the name that was opened before."""


class RegularFile:
    """An open file that is closed by `let_go` and opened again, where it was, by the next read.

    `gone` says that the file is not there any more, or another in its place.
    """

    def __init__(self, path: Path, identity: Identity | None = None) -> None:
        """Open it. Raises OSError where it cannot be opened, or is not the one of that `identity`."""
        self._path = path
        self._at = 0
        self._file: Any = None
        self.identity = identity
        self.size = 0
        self.gone = False
        self._open()

    @property
    def closed(self) -> bool:
        """True while no file is open."""
        return self._file is None

    def readinto(self, target: Any) -> int:
        """Read up to as many bytes as fit; 0 at the end. Raises OSError."""
        if self._file is None:
            self._open()
        return int(self._file.readinto(target) or 0)

    def let_go(self) -> None:
        """Close it until it is read again."""
        if self._file is not None:
            self._at = self._file.tell()
            self._file.close()
            self._file = None

    close = let_go

    def _open(self) -> None:
        try:
            file = self._path.open("rb", buffering=0)
        except FileNotFoundError:
            self.gone = True
            raise
        status = os.fstat(file.fileno())
        identity = status.st_dev, status.st_ino
        if self.identity not in (None, identity):
            file.close()
            self.gone = True
            raise ReplacedError("another file is in its place")
        self.identity, self.size = identity, status.st_size
        if self._at:
            file.seek(self._at)
        self._file = file


def opened(path: Path, name: str, identity: Identity | None, stop: Stop | None) -> Any:
    """The file open: a RegularFile, which must have this `identity` if one is given, or what is none, as a pipe.

    Raises:
        CaptureError: it is a directory, or cannot be opened.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CaptureError(name, None, "a directory, and no capture")
        if stat.S_ISREG(mode):
            return RegularFile(path, identity)
        if stop is None:
            return path.open("rb", buffering=0)
        with stop.raising():  # it waits until somebody writes into it
            return path.open("rb", buffering=0)
    except FileNotFoundError:
        raise CaptureError(name, None, "no such file") from None
    except OSError as error:
        raise CaptureError(name, None, (error.strerror or str(error)).lower()) from None
