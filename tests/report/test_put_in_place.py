"""Who may read a report: nobody who might not read what it replaces, at no moment."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.report.put_in_place import ACCESS_LIST, put

NOBODY = 65534

Entry = tuple[int, int, int]
OWNER, USER, GROUP, MASK, OTHER = 1, 2, 4, 16, 32
UNNAMED = 0xFFFFFFFF


def access_list(*entries: Entry) -> bytes:
    """An access control list as Linux keeps it (linux/posix_acl_xattr.h): tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def for_nobody(group: int) -> bytes:
    """The user `nobody` may read; the owning group has these permissions."""
    return access_list(
        (OWNER, 6, UNNAMED), (USER, 4, NOBODY), (GROUP, group, UNNAMED), (MASK, 4, UNNAMED), (OTHER, 0, UNNAMED)
    )


def set_access_list(file: Path, content: bytes, name: str = ACCESS_LIST) -> None:
    try:
        os.setxattr(file, name, content)
    except (AttributeError, OSError):
        pytest.skip("no access control lists here")


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text("old")
    return path


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666, 0o4755])
def test_what_is_replaced_says_who_may_read(target: Path, umask: int, mode: int) -> None:
    target.chmod(mode)
    put(target, [b"new"])
    assert target.read_bytes() == b"new"
    assert mode_of(target) == mode & 0o777


def test_the_umask_says_it_of_a_new_file(tmp_path: Path, umask: int) -> None:
    put(tmp_path / "new.json", [b"new"])
    assert mode_of(tmp_path / "new.json") == 0o666 & ~umask


@pytest.mark.parametrize("umask", [0o000], indirect=True)
def test_nobody_else_may_read_while_it_is_written(target: Path, umask: int) -> None:
    target.chmod(0o640)
    seen: list[int] = []

    def look() -> Iterator[bytes]:
        for _ in range(3):
            yield b"piece"
            seen.extend(mode_of(file) for file in target.parent.iterdir() if file != target)

    put(target, look(), lambda: seen.extend(mode_of(file) for file in target.parent.iterdir() if file != target))
    assert set(seen) == {0o600}
    assert mode_of(target) == 0o640


def test_the_mode_is_that_of_the_last_moment(target: Path) -> None:
    target.chmod(0o644)
    put(target, [b"new"], lambda: target.chmod(0o600))
    assert mode_of(target) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(target: Path) -> None:
    os.chown(target, NOBODY, NOBODY)
    target.chmod(0o640)
    told: list[str] = []
    put(target, [b"new"], notify=told.append)
    status = target.stat()
    assert (status.st_uid, status.st_gid, mode_of(target)) == (NOBODY, NOBODY, 0o640)
    assert told == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("mode", "then"), [(0o640, 0o600), (0o660, 0o600), (0o644, 0o644), (0o664, 0o644)])
def test_another_group_may_do_no_more_than_everybody(
    target: Path, monkeypatch: pytest.MonkeyPatch, mode: int, then: int
) -> None:
    os.chown(target, NOBODY, NOBODY)
    target.chmod(mode)

    def refuse(descriptor: int, owner: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    told: list[str] = []
    put(target, [b"new"], notify=told.append)
    assert mode_of(target) == then
    assert told == [f"{target}: replaced; its owner or group could not be kept"]


@pytest.mark.parametrize("group", [0, 4])
def test_an_access_list_stays(target: Path, group: int) -> None:
    """The group's bits of the mode are then the mask: they alone would open the file to the group."""
    set_access_list(target, for_nobody(group))
    put(target, [b"new"])
    assert os.getxattr(target, ACCESS_LIST) == for_nobody(group)
    assert mode_of(target) == 0o640


def test_the_list_that_a_directory_gives_is_not_taken(target: Path) -> None:
    target.chmod(0o640)
    set_access_list(target.parent, for_nobody(4), "system.posix_acl_default")
    put(target, [b"new"])
    with pytest.raises(OSError, match="No data available"):
        os.getxattr(target, ACCESS_LIST)
    assert mode_of(target) == 0o640
    put(target.with_name("new.json"), [b"new"])  # that of a new file is
    assert os.getxattr(target.with_name("new.json"), ACCESS_LIST)


def test_a_list_that_cannot_be_kept_opens_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_access_list(target, for_nobody(0))

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    put(target, [b"new"])
    assert mode_of(target) == 0o600


def test_without_posix_permissions_it_is_written_all_the_same(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fchmod", "fchown", "getxattr", "setxattr", "removexattr"):
        monkeypatch.delattr(os, name, raising=False)
    put(target, [b"new"])
    assert target.read_bytes() == b"new"


def test_a_last_look_may_stop_it(target: Path) -> None:
    def stop() -> None:
        raise UsageError("not now")

    with pytest.raises(UsageError, match="not now"):
        put(target, [b"new"], stop)
    assert [file.read_text() for file in target.parent.iterdir()] == ["old"]
