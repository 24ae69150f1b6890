"""Compiled kernels: what is executed from a cache must be whole, private, and not need numba."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer import native, skim
from analyzer.capture.reader import CaptureReader
from analyzer.inputs import prepare, walk_inputs
from analyzer.native import CompileError
from analyzer.pipeline import analyze
from tests.reading import ROOT
from tests.test_skim import SMALL


def private_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    native._cache_file.cache_clear()
    file = native._cache_file()
    monkeypatch.undo()
    native._cache_file.cache_clear()
    assert file is not None
    return file


def test_cache_lies_in_the_users_cache_and_only_they_can_write_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = private_cache(monkeypatch, tmp_path)
    assert file.parent == tmp_path / "pmtu-analyze"
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_cache_that_others_can_write_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pmtu-analyze").mkdir()
    (tmp_path / "pmtu-analyze").chmod(0o777)
    file = private_cache(monkeypatch, tmp_path)
    assert file.parent != tmp_path / "pmtu-analyze"


def test_cache_behind_a_symbolic_link_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "pmtu-analyze").symlink_to(tmp_path / "elsewhere")
    assert private_cache(monkeypatch, tmp_path).parent != tmp_path / "pmtu-analyze"


def test_cache_file_is_read_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    skim.Skimmer(compiled=True)  # there is one now
    content = native._read_cache()
    assert content is not None
    file = tmp_path / "kernels.bin"
    monkeypatch.setattr(native, "_cache_file", lambda group: file)
    for damaged in (b"", b"{}\n", b"[1]\n", content[:-1], content[:100], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(damaged)
        assert native._read_cache() is None
    file.write_bytes(content)
    assert native._read_cache() == content


def test_words_follow_the_native_calling_convention() -> None:
    table = np.zeros((3, 5), np.int32)
    row = np.zeros(4, np.uint8)
    assert native._words([7, (table, row)]) == [
        7,
        *(0, 0, 15, 4, table.ctypes.data, 3, 5, 20, 4),
        *(0, 0, 4, 1, row.ctypes.data, 4, 1),
    ]  # fmt: skip


def test_leaving_the_bounds_of_an_array_is_an_error_in_compiled_code() -> None:
    skimmer = skim.Skimmer(compiled=True)
    assert skimmer.compiled
    skimmer.state = skimmer.state._replace(counters=np.zeros(1, np.int64))  # kernels count at more places
    reader = CaptureReader(SMALL, "small")
    reader.start()
    with pytest.raises(IndexError):
        for _ in walk_inputs(skimmer, prepare(skimmer, [reader])):
            pass
    reader.close()


def test_where_nothing_compiles_the_capture_is_read_interpreted_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(examples: object, group: str = "") -> None:
        raise CompileError("ImportError: no numba here")

    usual = analyze(SMALL, compiled=False)
    monkeypatch.setattr(skim, "load_kernels", fails)
    slow = analyze(SMALL, compiled=True)
    assert slow.all_flows == usual.all_flows
    assert any("no numba here" in note for note in slow.notes)


def test_compiling_takes_no_memory_of_the_process_that_wants_it(tmp_path: Path) -> None:
    """It is done in another one; what lies in the current directory is not imported there."""
    (tmp_path / "numba.py").write_text("raise SystemExit('imported from the current directory')")
    code = (
        "import sys; sys.path.remove(''); from analyzer.skim import Skimmer; assert Skimmer(compiled=True).compiled; "
        "from tests.fuzz.checks import most_memory; print('numba' in sys.modules, most_memory())"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    loaded, memory = seen.stdout.split()
    assert (loaded, int(memory) < 150) == ("False", True)
    assert len(list((tmp_path / "pmtu-analyze").glob("skim-*.bin"))) == 1


def test_compiling_in_the_same_process_where_no_other_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def compile_here(_examples: object, group: str) -> bytes:
        made.append(group)
        return b""

    monkeypatch.setattr(native, "_cache_file", lambda group: tmp_path / group)
    monkeypatch.setattr(native, "_compile", compile_here)
    monkeypatch.setattr(native, "_link", lambda content: {})
    for executable in ("", str(tmp_path / "gone")):
        monkeypatch.setattr(sys, "executable", executable)
        native.load_kernels.__wrapped__(dict)
    assert made == ["skim", "skim"]


def test_compiled_before_means_numba_is_not_loaded_again() -> None:
    skim.Skimmer(compiled=True)
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from analyzer.skim import Skimmer; assert Skimmer(compiled=True).compiled; "
            "print('numba' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert seen.stdout.strip() == "False"
