"""Files that nobody else can have written: what lies in the cache is executed.

A folder is ours if neither its place nor what lies in it can be changed by other users but root: it and every folder
above it belongs to us or to root, and others may not write there. In one like /tmp, where they may, but only touch what
is theirs (the sticky bit), what is ours is safe.

Windows tells nothing of this by the numbers that POSIX has. There a user's own folders are closed to others by what
they inherit, and are believed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "pmtu-analyze"

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_folder() -> Path | None:
    """A folder for this user alone: in their cache, else in the temporary folder; None if neither is safe."""
    for folder in _wanted():
        with suppress(OSError):
            real = folder.parent.resolve() / folder.name  # from here on no link can be made to lead elsewhere
            there = next(each for each in (real, *real.parents) if os.path.lexists(each))
            if not _is_out_of_reach(there):
                continue
            real.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _is_mine(real.lstat()) and _is_out_of_reach(real) and os.access(real, os.W_OK):
                return real
    return None


def _wanted() -> Iterator[Path]:
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):  # the second is Windows' name of it
        cache = Path(os.environ.get(variable, ""))
        if cache.is_absolute():  # a relative one is to be ignored, as the specification says
            yield cache / NAME
            break
    else:
        with suppress(RuntimeError):  # nobody knows of a home
            yield Path.home() / ".cache" / NAME
    user = f"-{os.geteuid()}" if hasattr(os, "geteuid") else ""
    with suppress(OSError):  # no temporary folder
        yield Path(tempfile.gettempdir()) / f"{NAME}{user}"


def _is_mine(found: os.stat_result) -> bool:
    """True if a file or folder belongs to this user, and nobody else may write to it."""
    return not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE)


def _is_out_of_reach(folder: Path) -> bool:
    """True if this is a folder, no link, and nobody but this user and root can put another in its place."""
    for each in (folder, *folder.parents):
        found = each.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return False
        if not hasattr(os, "geteuid"):
            continue
        if found.st_uid not in (0, os.geteuid()) or (
            found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX
        ):
            return False
    return True


def read_private(file: Path) -> bytes | None:
    """What a file of ours holds; None if there is none, or if it may be somebody else's."""
    # Neither a link nor a pipe is followed or waited for, where the system can be told so.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(file, "rb", opener=lambda path, _: os.open(path, flags)) as opened:
            found = os.fstat(opened.fileno())
            return opened.read() if stat.S_ISREG(found.st_mode) and _is_mine(found) else None
    except OSError:
        return None


def write_private(file: Path, content: bytes) -> None:
    """Put a file in its place in one step; not at all where that cannot be done, as on a full disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with suppress(OSError), tempfile.TemporaryDirectory(dir=file.parent, prefix="new-") as folder:
        new = Path(folder) / file.name
        with open(new, "wb", opener=lambda path, _: os.open(path, flags, 0o600)) as opened:
            opened.write(content)
        new.replace(file)


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Hold the lock beside a file of ours, once whoever holds it lets go; nothing where the system has no such locks.

    It is let go when its process ends, however that ends.
    """
    lock = -1
    with suppress(ImportError, OSError):
        import fcntl  # not on Windows

        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        lock = os.open(file.with_suffix(".lock"), flags, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if lock >= 0:
            os.close(lock)
