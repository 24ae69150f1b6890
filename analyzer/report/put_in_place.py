"""Putting a file in place: whole or not at all, and open to nobody who could not read what it replaces."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from analyzer.model.text import printable

ACCESS_LIST = "system.posix_acl_access"
"""Where Linux keeps an access control list (acl(5)); the group's bits of a mode are then its mask."""


def put(
    target: Path,
    content: Iterable[bytes],
    last_look: Callable[[], None] = lambda: None,
    notify: Callable[[str], None] | None = None,
) -> None:
    """Put `content` in place in one step: a reader sees the old file or the new one, never half of it.

    A new file has the permissions that the umask gives it. One that replaces another has those of that one, at most,
    and its owner and group where that is allowed.

    Args:
        target: a free name, or a regular file to be replaced.
        content: the pieces of the file.
        last_look: called when all is written and nothing replaced yet; what it raises ends the matter.
        notify: called with a line for the user if the owner or group could not be kept.

    Raises:
        OSError: the file cannot be written; nothing has changed.
    """
    temporary = target.with_name(f".{target.name[:40]}.{os.urandom(8).hex()}")
    # What replaces a file may be written before anybody knows who may read that one: until then, nobody else may.
    mode = 0o600 if target.exists() else 0o666
    # O_EXCL: never through a file or link that somebody put there.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(content)
            out.flush()
            last_look()
            kept = _as_open_as(target, descriptor)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if not kept and notify is not None:
        notify(f"{printable(str(target))}: replaced; its owner or group could not be kept")


def _as_open_as(target: Path, descriptor: int) -> bool:
    """Give the new file owner, group and permissions of the one that it replaces; False if not the first two."""
    try:
        before = target.lstat()
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(before.st_mode) or not hasattr(os, "fchmod"):  # Windows, where the directory decides
        return True
    access_list = _access_list(target)
    mode = stat.S_IMODE(before.st_mode) & 0o777
    kept, group_kept = _given_to(descriptor, before.st_uid, before.st_gid)
    if not group_kept or not _listed(descriptor, access_list):
        mode &= 0o707 | (mode & 0o007) << 3  # another group may do no more than everybody
    os.fchmod(descriptor, mode)
    return kept


def _given_to(descriptor: int, owner: int, group: int) -> tuple[bool, bool]:
    """Whether owner and group, and whether at least the group, are now these."""
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) == (owner, group):
        return True, True
    try:
        os.fchown(descriptor, owner, group)
    except OSError:
        pass
    else:
        return True, True
    try:
        os.fchown(descriptor, -1, group)
    except OSError:
        return False, now.st_gid == group
    return now.st_uid == owner, True


def _access_list(file: Path) -> bytes | None:
    try:
        return os.getxattr(file, ACCESS_LIST)
    except (AttributeError, OSError):
        return None  # it has none, or such lists are not known here


def _listed(descriptor: int, access_list: bytes | None) -> bool:
    """Give the new file this access control list, or take away the one that its directory gave it."""
    try:
        if access_list is not None:
            os.setxattr(descriptor, ACCESS_LIST, access_list)
        elif hasattr(os, "removexattr"):
            with suppress(OSError):
                os.removexattr(descriptor, ACCESS_LIST)
    except OSError:
        return False
    return True
