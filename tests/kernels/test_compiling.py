"""How kernels are compiled: elsewhere or here, the quick or the plain way, or not at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analyzer.api.entry import analyze
from analyzer.capture.reader import CaptureReader
from analyzer.decode.integers import ones_sum
from analyzer.decode.packet_fields import COUNT, END, HAS_TS, IP_END, IP_LEN, MSS, SACK_OK, WIRE_LEN, WSCALE
from analyzer.decode.tcp import decode_tcp
from analyzer.kernels import background, cache
from analyzer.kernels.cache import CompileError
from analyzer.passes import first as skim
from analyzer.passes import walk
from analyzer.passes.walk import prepare, walk_inputs
from tests.kernels.test_cache import small_examples
from tests.passes.test_first import SMALL
from tests.reading import ROOT


def test_what_cannot_be_compiled_is_not_announced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without numba, installed or loadable, nothing is compiled; and what cannot be kept is compiled each time."""
    told: list[str] = []
    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    walk.tell_of_compiling("packet loop", "skim", told.append)
    monkeypatch.setattr(cache, "cache_file", lambda group: None)
    walk.tell_of_compiling("packet loop", "skim", told.append)
    assert ["once on this machine" in line for line in told] == [True, False]
    monkeypatch.setitem(sys.modules, "numba", None)
    walk.tell_of_compiling("packet loop", "skim", told.append)
    assert len(told) == 2
    with pytest.raises(CompileError, match="numba is not installed"):
        cache.load_kernels.__wrapped__(small_examples)


def test_where_the_compilers_library_cannot_be_loaded_nothing_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(group: str) -> None:
        raise OSError("Could not find/load shared object file 'libllvmlite.so'")

    monkeypatch.setattr(cache, "cache_file", fails)
    assert cache.is_compiled_before()
    with pytest.raises(CompileError, match="libllvmlite"):
        cache.load_kernels.__wrapped__(small_examples)


def test_words_follow_the_native_calling_convention() -> None:
    table = np.zeros((3, 5), np.int32)
    row = np.zeros(4, np.uint8)
    assert cache._words([7, (table, row)]) == [
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
    monkeypatch.setattr(cache, "load_kernels", fails)
    slow = analyze(SMALL, compiled=True)
    assert slow.all_flows == usual.all_flows
    assert any("no numba here" in note for note in slow.notes)


@pytest.mark.thorough
def test_compiling_takes_no_memory_of_the_process_that_wants_it(tmp_path: Path) -> None:
    """It is done in another one; what lies in the current directory is not imported there."""
    (tmp_path / "numba.py").write_text("raise SystemExit('imported from the current directory')")
    code = (
        "import sys; sys.path.remove(''); from analyzer.passes.first import Skimmer; "
        "assert Skimmer(compiled=True).compiled; "
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
    (file,) = (tmp_path / "pmtu-analyze").glob("skim-*.bin")
    assert way_of(file.read_bytes()) == cache.QUICK, "numba changed: see analyzer.kernels.fast_compile"


def way_of(content: bytes) -> str:
    way = json.loads(content.partition(b"\n")[0])["way"]
    assert isinstance(way, str)
    return way


@pytest.mark.parametrize("way", [cache.QUICK, cache.PLAIN])
def test_both_ways_to_compile_give_what_the_interpreted_kernels_give(tmp_path: Path, way: str) -> None:
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from analyzer.kernels.cache import fill_cache; fill_cache(*sys.argv[1:])",
            *(__name__, "small_examples", "skim", way),
        ],
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    (file,) = (tmp_path / "pmtu-analyze").glob("skim-*.bin")
    content = file.read_bytes()
    assert way_of(content) == way
    compiled = cache._link(content)
    # A SYN with maximum segment size, selective acknowledgements, timestamps, and a window scale.
    header = bytes.fromhex(
        "c350 01bb 11223344 00000000 a0 02 faf0 beef 0000 020405b4 0402 080a0102030400000000 01 030307".replace(" ", "")
    )
    array = np.frombuffer(header, np.uint8)
    assert compiled["ones_sum"](array, 1, len(header), 7) == ones_sum(header, 1, len(header), 7)
    for end in range(len(header) + 1):
        numbers = [0] * COUNT
        numbers[END] = numbers[IP_END] = end
        numbers[WIRE_LEN] = numbers[IP_LEN] = len(header)
        integers = np.array(numbers, np.int64)
        assert compiled["decode_tcp"](array, integers) == decode_tcp(header, numbers)
        assert integers.tolist() == numbers
    assert (numbers[MSS], numbers[WSCALE], numbers[SACK_OK], numbers[HAS_TS]) == (1460, 7, 1, 1)
    with pytest.raises(IndexError):
        compiled["ones_sum"](array, 0, len(header) + 1, 0)
    with pytest.raises(IndexError):
        compiled["decode_tcp"](array, np.zeros(WIRE_LEN, np.int64))


def test_the_plain_way_where_the_quick_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def compile_apart(command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        assert not any(name.startswith("NUMBA_") for name in env), "what is kept must not depend on the environment"
        tried.append(command[-1])
        if command[-1] in works:
            monkeypatch.setattr(cache, "_read_cache", lambda group: command[-1].encode())
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "0")
    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    monkeypatch.setattr(subprocess, "run", compile_apart)
    works = [cache.QUICK, cache.PLAIN]
    assert cache.compile_apart(small_examples, "skim") == b"quick"
    monkeypatch.setattr(cache, "_read_cache", lambda group: None)
    works = [cache.PLAIN]
    assert cache.compile_apart(small_examples, "skim") == b"plain"
    monkeypatch.setattr(cache, "_read_cache", lambda group: None)
    works = []
    assert cache.compile_apart(small_examples, "skim") is None
    assert tried == ["quick", "quick", "plain", "quick", "plain"]


def test_compiling_in_the_same_process_where_no_other_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def compile_here(examples: object, group: str, way: str) -> bytes:
        made.append(f"{group} {way}")
        return b""

    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    monkeypatch.setattr(cache, "_compile", compile_here)
    monkeypatch.setattr(cache, "_trusted", lambda content: {})
    for executable in ("", str(tmp_path / "gone")):
        monkeypatch.setattr(sys, "executable", executable)
        cache.load_kernels.__wrapped__(dict)
    assert made == ["skim plain", "skim plain"]


def test_compiled_before_means_numba_is_not_loaded_again() -> None:
    skim.Skimmer(compiled=True)
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from analyzer.passes.first import Skimmer; assert Skimmer(compiled=True).compiled; "
            "print('numba' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert seen.stdout.strip() == "False"


def test_what_another_process_has_compiled_meanwhile_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As where several captures are analysed at once on a new machine."""
    made: list[str] = []
    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    monkeypatch.setattr(cache, "_compile", lambda _examples, group, _way: made.append(group))
    cache.fill_cache("analyzer.passes.first", "examples", "skim", "quick")
    cache._write_cache(b"index\n", "skim")
    cache.fill_cache("analyzer.passes.first", "examples", "skim", "quick")
    assert made == ["skim"]


def test_a_process_begins_each_group_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun: list[str] = []
    monkeypatch.setattr(background, "compile_apart", lambda _examples, group: begun.append(group))
    monkeypatch.setattr(background, "is_compiled_before", lambda _group: False)
    monkeypatch.setattr(background, "can_be_kept", lambda _group: True)
    monkeypatch.setattr(background, "processors", lambda: 2)
    monkeypatch.setattr(background, "cache_file", lambda group: tmp_path / group)
    first = background.coming(dict, "skim")
    assert background.coming(dict, "skim") is first
    assert background.coming(dict, "names") is not first
    assert begun == ["skim", "names"]
