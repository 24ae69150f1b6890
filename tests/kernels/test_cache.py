"""Compiled kernels: what is executed from a cache must be whole, private, and not need numba."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.api.entry import analyze
from analyzer.capture.container import FRAME
from analyzer.decode.packet_fields import COUNT
from analyzer.decode.tcp import decode_tcp
from analyzer.flows.flow_tables import State
from analyzer.kernels import cache, known_answer
from analyzer.kernels.cache import CompileError
from analyzer.kernels.marks import KERNELS, bound
from analyzer.passes import blanked as blanking
from analyzer.passes import first as skim
from analyzer.passes import names as search
from analyzer.passes import second as listing
from analyzer.passes import shared_segments as sharing
from analyzer.passes import watched as watching
from tests.passes.test_first import SMALL
from tests.reading import ROOT


def private_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    cache.cache_file.cache_clear()
    file = cache.cache_file()
    monkeypatch.undo()
    cache.cache_file.cache_clear()
    assert file is not None
    return file


def small_examples() -> dict[str, tuple[Any, ...]]:
    """Kernels that take little time to compile: with loops, literals, kernels copied in and kernels called."""
    buffer = np.zeros(1, np.uint8)
    return {"ones_sum": (buffer, 0, 0, 0), "decode_tcp": (buffer, np.zeros(COUNT, np.int64))}


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
    content = cache._read_cache()
    assert content is not None
    file = tmp_path / "kernels.bin"
    monkeypatch.setattr(cache, "cache_file", lambda group: file)
    for damaged in (b"", b"{}\n", b"[1]\n", content[:-1], content[:100], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(damaged)
        assert cache._read_cache() is None
    cache._write_cache(content, "skim")
    assert cache._read_cache() == content
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o666)
    assert cache._read_cache() is None, "others could have written it"


DAMAGED_FILES = 200
"""Files with one byte changed, at as many places; of the index at the beginning, each seventh byte."""


def answers_from_damaged_caches() -> None:
    """Runs in a process of its own, which a changed index ended before it was under the digest, too."""
    cache.compile_apart = lambda *_: None
    cache._compile = no_compiler
    sys.stdout.write(str(sum(map(damaged_files_refused, cache.GROUPS))))


def damaged_files_refused(group: str) -> int:
    whole = (file := cache.cache_file(group)) and file.read_bytes()
    assert file is not None
    assert whole
    index = whole.index(b"\n") + 1
    changed = [*range(0, index, 7), *range(index, len(whole), len(whole) // DAMAGED_FILES)]
    for at in changed:
        with file.open("r+b") as opened:
            opened.seek(at)
            opened.write(bytes([whole[at] ^ (1 << at % 8)]))
            opened.flush()
            refuse(group)
            opened.seek(at)
            opened.write(whole[at : at + 1])
    broken = [whole[: len(whole) * part // 16] for part in range(16)]
    for content in (
        *broken,
        b"\0" * len(whole),
        whole[::-1],
        whole + b"\0",
        whole + whole,
        b"\n" + whole,
        b"{" * 100_000,
    ):
        file.write_bytes(content)
        refuse(group)
    found, usual = analyze(SMALL, compiled=True), analyze(SMALL, compiled=False)
    assert any("no compiler here" in note for note in found.notes) == (group == "skim")
    assert found.all_flows == usual.all_flows
    file.write_bytes(whole)
    assert analyze(SMALL, compiled=True).notes == usual.notes
    return len(changed)


def refuse(group: str) -> None:
    try:
        cache.load_kernels.__wrapped__(sys.modules[cache.GROUPS[group]].examples, group)
    except CompileError as error:
        if "no compiler here" in str(error):
            return
    analyze(SMALL, compiled=True)
    raise AssertionError("what was changed was loaded")


def no_compiler(examples: object, group: str, way: str) -> bytes:
    raise CompileError("no compiler here")


def test_no_changed_byte_of_the_cache_is_loaded(tmp_path: Path) -> None:
    skim.Skimmer(compiled=True)
    listing.Lister(compiled=True, rows=1)
    cache.load_kernels(sharing.examples, "sharing")
    cache.load_kernels(search.examples, "names")
    cache.load_kernels(blanking.examples, "blanking")
    watching.Watcher([], files=1, most=1, compiled=True)
    (tmp_path / "pmtu-analyze").mkdir(mode=0o700)
    for made in map(cache.cache_file, cache.GROUPS):
        assert made is not None
        (tmp_path / "pmtu-analyze" / made.name).write_bytes(made.read_bytes())
    seen = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import answers_from_damaged_caches as run; run()"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
    )
    assert seen.returncode == 0, seen.stderr[-2000:]
    assert int(seen.stdout) > len(cache.GROUPS) * DAMAGED_FILES


@pytest.mark.thorough
@pytest.mark.parametrize("there", ["garbage", "pipe", "link"])
def test_a_broken_cache_is_made_anew(there: str, tmp_path: Path) -> None:
    name = (made := cache.cache_file("skim")) and made.name
    assert name
    (tmp_path / "pmtu-analyze").mkdir(mode=0o700)
    file = tmp_path / "pmtu-analyze" / name
    if there == "garbage":
        file.write_bytes(b"half of it")
    elif there == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(SMALL)
    code = f"from analyzer import analyze; print(analyze({str(SMALL)!r}, compiled=True).notes)"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
        )
        for _ in range(2)
    ]
    assert [(run.returncode, run.stdout, run.stderr) for run in runs] == [(0, "()\n", "")] * len(runs)
    assert file.is_file()
    assert not file.is_symlink()


def test_the_cache_depends_on_every_module_that_a_kernel_is_in_or_takes_something_from() -> None:
    """Wherever kernels are moved to, what is kept of them goes with their sources."""
    entries = {skim.__name__, sharing.__name__, listing.__name__, search.__name__, watching.__name__, blanking.__name__}
    assert entries == set(cache.GROUPS.values())
    for group, entry in cache.GROUPS.items():
        sources = cache.sources_of(entry)
        waiting = list(sys.modules[entry].examples())
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += [used for used in KERNELS[name].__code__.co_names if used in KERNELS]
        modules = {KERNELS[name].__module__ for name in reached}
        assert len(modules) > 10, group
        assert modules <= set(sources), group
        assert {"analyzer.settings", "analyzer.kernels.compile", "analyzer.kernels.fast_compile"} <= set(sources)


LENGTH, DATA = 2, 4


def words_of_another_numba(arguments: Sequence[Any]) -> list[int]:
    """As the words of the calling convention, but the address of an array is where its length was."""
    words: list[int] = []
    for each in arguments:
        if isinstance(each, tuple):
            words += words_of_another_numba(each)
            continue
        own = USUAL_WORDS([each])
        if isinstance(each, np.ndarray):
            own[LENGTH], own[DATA] = own[DATA], own[LENGTH]
        words += own
    return words


USUAL_WORDS = cache._words


def notes_with_another_layout() -> None:
    """Runs in a process of its own, which the code as it was before ended: it took a length for an address."""
    cache._words = words_of_another_numba
    found = analyze(SMALL, compiled=True)
    usual = analyze(SMALL, compiled=False)
    assert found.all_flows == usual.all_flows
    sys.stdout.write(json.dumps(found.notes))


def test_code_that_takes_arrays_in_another_layout_is_not_used() -> None:
    assert skim.Skimmer(compiled=True).compiled  # there is code in the cache now
    seen = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import notes_with_another_layout as run; run()"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert seen.returncode == 0, seen.stderr
    assert any("in another layout" in note for note in json.loads(seen.stdout))


def test_a_cache_with_a_wrong_answer_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    skim.Skimmer(compiled=True)
    usual = known_answer.known_answer
    monkeypatch.setattr(known_answer, "known_answer", lambda *arguments: usual(*arguments) + 1)
    monkeypatch.setattr(known_answer.known_answer, "__name__", usual.__name__)
    with pytest.raises(CompileError, match="another layout"):
        cache.load_kernels.__wrapped__(skim.examples)


@pytest.mark.parametrize("fault", ["another layout", "another answer"])
def test_what_answers_wrongly_when_compiled_is_not_kept(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    if fault == "another layout":
        monkeypatch.setattr(cache, "_words", words_of_another_numba)
    else:
        monkeypatch.setitem(KERNELS, "decode_tcp", lambda *arguments: decode_tcp(*arguments) + 1)
        kernels = dict(KERNELS, decode_tcp=decode_tcp)
        monkeypatch.setattr("analyzer.kernels.compile.KERNELS", kernels)
    with pytest.raises(CompileError, match=fault):
        cache._compile(small_examples(), "skim", cache.PLAIN)
    assert not list(tmp_path.iterdir())


def test_every_difference_in_an_array_is_seen() -> None:
    table = np.zeros(2, known_answer.RECORD)

    def interpreted(rows: Any, numbers: Any) -> int:
        rows[1]["side"] = 1
        numbers[1] = 2
        return 3

    def leaves(side: int, number: int, answer: int) -> bool:
        def compiled(rows: Any, numbers: Any) -> int:
            rows[1]["side"] = side
            numbers[1] = number
            return answer

        return cache._gives_the_same(compiled, interpreted, (table, np.zeros(2, np.int64)))

    assert leaves(1, 2, 3)
    assert not leaves(0, 2, 3)
    assert not leaves(1, 1, 3)
    assert not leaves(1, 2, 0)
    assert not table["side"].any(), "the examples stay as they are"


@pytest.mark.parametrize(("status", "told"), [(-11, "signal 11"), (0xC0000005, "status 0xc0000005")])
def test_code_that_crashes_the_process_that_compiles_is_not_compiled_in_this_one(
    status: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_file", lambda group: tmp_path / group)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, status))
    monkeypatch.setattr(cache, "_compile", lambda *_: pytest.fail("compiled here"))
    with pytest.raises(CompileError, match=told):
        cache.load_kernels.__wrapped__(small_examples)


@pytest.mark.parametrize("module", [skim, listing])
def test_the_examples_make_the_entries_do_some_of_everything(module: Any) -> None:
    """So that comparing the first call tells something of all kinds of arrays."""
    name, arguments = next(iter(module.examples().items()))
    given = [cache._as_interpreted(cache._copied(each)) for each in arguments]
    KERNELS[name](*given)
    state = given[0]
    untouched = {each for each in State._fields if not getattr(state, each).view(np.uint8).any()}
    no_tcp = {
        "fragments",
        "pairs",
        "pair_slots",
        "conversations",
        "odd_conversations",
        "datagrams",
        "datagram_heads",
    }  # the first pass's
    no_tcp |= {"timed", "timed_heads", "questions"}
    no_tcp |= {name for name in State._fields if name.startswith("udp_")}
    assert not untouched - (no_tcp if "second" in module.__name__ else set())


def test_what_is_bound_is_called_as_the_whole() -> None:
    """In both modes: the first arguments are looked at once, what lies in their arrays at each call."""
    entries = cache.load_kernels(listing.examples, "listing")
    for call in (KERNELS["pick_chunk"], entries["pick_chunk"]):
        arguments = [cache._copied(each) for each in listing.examples()["pick_chunk"]]
        if call is KERNELS["pick_chunk"]:
            arguments = [cache._as_interpreted(each) for each in arguments]
        pick = bound(call, *arguments[:3])
        frames = arguments[5]
        seen = []
        for wanted in (9, 12):
            arguments[0][1] = wanted
            assert pick(*arguments[3:]) == listing.PICKED
            seen.append(int(frames[FRAME]))
        assert seen == [9, 12]
