"""Whose folders are believed: what lies in them is executed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from analyzer.kernels.private_files import NAME, one_at_a_time, private_folder, read_private, write_private

ANOTHER = 54321

only_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives folders away")


@pytest.fixture(autouse=True)
def _temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def folder_below(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path | None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return private_folder()


def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "tmp" / f"{NAME}-{os.geteuid()}"


def test_a_folder_is_made_for_this_user_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = folder_below(tmp_path / "new" / "cache", monkeypatch)
    assert found == tmp_path / "new" / "cache" / NAME
    assert found.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_no_folder_above_may_be_writable_by_others_unless_they_can_touch_only_what_is_theirs(
    level: int, mode: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a" / "b" / NAME
    path.mkdir(parents=True, mode=0o700)
    ([path, *path.parents][level]).chmod(mode)
    safe = mode & stat.S_ISVTX and level > 0
    assert folder_below(path.parent, monkeypatch) == (path if safe else elsewhere(tmp_path))


@only_root
@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_folder_above_belongs_to_the_user_or_root(
    level: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a" / "b" / NAME
    path.mkdir(parents=True, mode=0o700)
    os.chown([path, *path.parents][level], ANOTHER, ANOTHER)
    assert folder_below(path.parent, monkeypatch) == elsewhere(tmp_path)


@only_root
def test_nothing_is_made_below_a_folder_of_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o755)
    os.chown(tmp_path / "theirs", ANOTHER, ANOTHER)
    assert folder_below(tmp_path / "theirs" / "cache", monkeypatch) == elsewhere(tmp_path)
    assert not list((tmp_path / "theirs").iterdir())


def test_a_link_on_the_way_is_followed_once_and_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert folder_below(tmp_path / "link", monkeypatch) == tmp_path / "real" / NAME
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "to open").symlink_to(tmp_path / "open")
    assert folder_below(tmp_path / "to open", monkeypatch) == elsewhere(tmp_path)


def test_a_folder_of_that_name_in_the_temporary_folder_may_be_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    elsewhere(tmp_path).mkdir()
    elsewhere(tmp_path).chmod(0o777)
    assert folder_below(tmp_path / "file", monkeypatch) is None


def test_where_nobody_knows_of_a_home_the_temporary_folder_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert private_folder() == elsewhere(tmp_path)


def test_where_users_have_no_numbers_their_own_folders_are_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("getuid", "geteuid", "fchmod", "O_NOFOLLOW", "O_NONBLOCK"):
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setattr("shutil._use_fd_functions", False)  # as there, too: else Python 3.13 asks for O_NONBLOCK
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    found = private_folder()
    assert found == tmp_path / "Local" / NAME
    write_private(found / "kernels.bin", b"code")
    assert read_private(found / "kernels.bin") == b"code"


def test_only_a_file_of_ours_is_read(tmp_path: Path) -> None:
    file = tmp_path / "kernels.bin"
    assert read_private(file) is None
    write_private(file, b"code")
    assert (read_private(file), [file]) == (b"code", [path for path in tmp_path.iterdir() if path.name != "tmp"])
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert [read_private(tmp_path / name) for name in ("link", "pipe", "tmp")] == [None] * 3
    file.chmod(0o660)
    assert read_private(file) is None


@only_root
def test_a_file_of_somebody_else_is_not_read(tmp_path: Path) -> None:
    write_private(tmp_path / "kernels.bin", b"code")
    os.chown(tmp_path / "kernels.bin", ANOTHER, ANOTHER)
    assert read_private(tmp_path / "kernels.bin") is None


def test_one_at_a_time(tmp_path: Path) -> None:
    """Who comes second waits until the first is done; who is killed lets go."""
    order = tmp_path / "order"
    code = (
        "import sys, time, pathlib\n"
        "from analyzer.kernels.private_files import one_at_a_time\n"
        "with one_at_a_time(pathlib.Path(sys.argv[1])), open(sys.argv[2], 'a') as order:\n"
        "    print('in', file=order, flush=True)\n"
        "    time.sleep(0.3)\n"
        "    print('out', file=order, flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "made.bin"), str(order)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert order.read_text().split() == ["in", "out", "in", "out"]


def test_without_locks_nobody_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with one_at_a_time(tmp_path / "made.bin"), one_at_a_time(tmp_path / "made.bin"):
        assert not list(tmp_path.glob("*.lock"))
