"""Compiled kernels: kept as object code in the user's cache, loaded by LLVM, called through ctypes.

numba's own cache would do, but it needs numba, whose import and set-up take longer than the pass over a
million packets. An entry is called the way numba calls natively: two pointers, for the result and for an
exception, then the arguments as 64-bit words, of which an array takes 3 + 2 * dimensions + 2. numba may change that
layout any day, so it is believed only where it is seen to hold: by the compiled function's number of arguments; by a
call of every entry with its examples, in the process that compiles, before anything is kept; and by the known answer
of a small kernel in each group, whenever a group is loaded. Where one of these differs there is no compiled code.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analyzer.kernels import known_answer
from analyzer.kernels.address_limit import address_limit
from analyzer.kernels.marks import KERNELS
from analyzer.kernels.private_files import one_at_a_time, private_folder, read_private, write_private

FINE = (0, -2)
"""Statuses of numba's calling convention for a value and for None; any other is an exception."""


QUICK, PLAIN = "quick", "plain"
"""Ways to compile: with shortcuts through numba's inner classes, and without."""


SCRATCH = ("ring_header_bytes", "udp_ring_heads")
"""Tables that hold anything behind what counts: compiled code copies more bytes than it needs, as that is quicker."""


DIGEST_BYTES = hashlib.sha256().digest_size
"""The end of a cache file, over all that is before it."""


LEAST_ADDRESSES = 500_000 << 10
"""Bytes of addresses that a process needs to load LLVM and its code beside all else. With 400,000 kB it was seen to
fail; where LLVM itself fails, it ends the process."""


_read_before: dict[Path | None, bytes] = {}
"""Content of cache files that was asked for before it is loaded: reading and checking it takes milliseconds."""


class CompileError(Exception):
    """The kernels cannot be compiled here: numba is missing, does not know this processor, or is built otherwise."""


GROUPS = {
    "skim": "analyzer.passes.first",
    "sharing": "analyzer.passes.shared_segments",
    "listing": "analyzer.passes.second",
    "names": "analyzer.passes.names",
    "watching": "analyzer.passes.watched",
    "blanking": "analyzer.passes.blanked",
}
"""Kernels that are compiled together, into one cache file, and the module that holds their entry.
What not every run needs is a group of its own, so that the main job's first run is not kept waiting."""

_IMPORT = re.compile(rb"\n *from (analyzer[\w.]*) import ([\w, ]*)")
"""Every import of our own modules, lazy ones too: the lint sees to it that there is no other form."""


_PACKAGE = Path(__file__).parents[1]

MODULE_DOTS = 2
"""Dots in the name of a module of a folder of ours; what has fewer may be the folder."""


class _Entry(NamedTuple):
    """Line of the cache file's index: which bytes after it are the object code of which symbol."""

    name: str
    symbol: str
    words: int
    size: int


def _fingerprint(group: str) -> str:
    """Hash of all that a group's object code depends on: the kernels' sources and the processor.

    Versions of Python and numba are left out: object code, once made, needs neither.
    """
    digest = hashlib.sha256(_processor().encode())
    for source in sources_of(GROUPS[group]).values():
        digest.update(source)
    return digest.hexdigest()[:16]


def sources_of(module: str) -> dict[str, bytes]:
    """The sources of a module, of all of ours that it imports, and so on, by name in alphabetical order.

    A kernel and what it takes its constants and functions from are among them wherever they are moved to.
    """
    found: dict[str, bytes] = {}
    seen: set[bytes] = set()
    waiting = [module.encode(), __name__.encode()]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        with suppress(FileNotFoundError):  # a name in a folder: its `__init__` holds no kernel
            source = (_PACKAGE / f"{name.decode().partition('.')[2].replace('.', '/')}.py").read_bytes()
            found[name.decode()] = source
            for package, names in _IMPORT.findall(source):
                waiting.append(package)
                if package.count(b".") < MODULE_DOTS:
                    waiting += [package + b"." + word.split()[0] for word in names.split(b",") if word.strip()]
    return dict(sorted(found.items()))


def _processor() -> str:
    """The processor's name and abilities as LLVM sees them: a home directory may be shared by machines."""
    import llvmlite.binding as llvm

    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


@functools.cache
def cache_file(group: str = "skim") -> Path | None:
    """Where a group's object code is kept; None if there is no place that is safe."""
    folder = private_folder()
    return folder / f"{group}-{_fingerprint(group)}.bin" if folder else None


def is_compiled_before(group: str = "skim") -> bool:
    """True if nothing will be compiled: the kernels lie in the cache, ready to be loaded, or it cannot be done here."""
    if address_limit() < LEAST_ADDRESSES:
        return True
    try:
        content = _read_cache(group)
        if content is not None:
            _read_before[cache_file(group)] = content
        return content is not None or not _has_numba()
    except (ImportError, OSError):  # llvmlite, or its library, is missing or cannot be loaded
        return True


def can_be_kept(group: str = "skim") -> bool:
    """True if there is a place for what is compiled: a folder that nobody else can write to."""
    return cache_file(group) is not None


def _has_numba() -> bool:
    """Whether numba is installed, which is not loaded for that."""
    try:
        return importlib.util.find_spec("numba") is not None
    except (ImportError, ValueError):
        return False


@functools.cache
def load_kernels(
    examples: Callable[[], Mapping[str, Sequence[Any]]], group: str = "skim"
) -> dict[str, Callable[..., int]]:
    """The compiled entries of a group by name, from the cache or compiled now. `examples()` are arguments for each.

    They are of the kinds that it will be called with, and for a call that does some of everything: the first call
    of what was just compiled is that one, and compared with the interpreted kernel's.

    Raises:
        CompileError: there is no compiled code to be had on this machine.
    """
    if address_limit() < LEAST_ADDRESSES:
        raise CompileError(f"the limit of addresses (ulimit -v) is below {LEAST_ADDRESSES >> 10:,} kB")
    try:
        content = _read_before.pop(cache_file(group), None) or _read_cache(group)
        if content is None and not _has_numba():
            raise CompileError("the package numba is not installed")
        content = content or compile_apart(examples, group) or _compile(examples(), group, PLAIN)
        return _trusted(content)
    except CompileError:
        raise
    except Exception as error:  # numba and LLVM raise many kinds; the interpreted kernels always remain
        raise CompileError(f"{type(error).__name__}: {error}") from error


def compile_apart(examples: Callable[[], Mapping[str, Sequence[Any]]], group: str) -> bytes | None:
    """The content of the cache file, compiled by another process: numba takes 300 MB, which this one has no use for.

    The quick way first; where numba does not allow it, the plain one. None where neither is possible.

    Raises:
        CompileError: what was compiled the plain way crashed that process, and would crash this one.
    """
    if cache_file(group) is None or not sys.executable:
        return None
    code = "import sys; from analyzer.kernels.cache import fill_cache; fill_cache(*sys.argv[1:])"
    # -P: what lies in the current directory is not to be imported. The rest of the path is ours.
    command = [sys.executable, "-P", "-c", code, examples.__module__, examples.__qualname__, group]
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    # What is kept must not depend on how someone has set up numba for a program of theirs: without bounds checks, say.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    ended = 0
    for way in (QUICK, PLAIN):
        with suppress(OSError):
            ended = subprocess.run(  # noqa: S603 - our own interpreter and code
                [*command, way],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, "PYTHONPATH": path},
                check=False,
            ).returncode
        content = _read_cache(group)
        if content:
            return content
    if ended not in (0, 1):  # 1: by an exception
        how = f"was ended by signal {-ended}" if ended < 0 else f"ended with status {ended:#x}"  # as Windows tells it
        raise CompileError(f"the process that compiles {how}")
    return None


def fill_cache(module: str, examples: str, group: str, way: str) -> None:
    """Compile a group into its cache file; `examples` is the name of a function in `module`, `way` QUICK or PLAIN.

    The quick way changes numba for the rest of the process. Of several processes that want it at once, as when many
    captures are analysed on a new machine one after the other, the first does it and the others wait for it.
    """
    file = cache_file(group)
    with one_at_a_time(file) if file is not None else nullcontext():
        if _read_cache(group) is None:
            _compile(getattr(importlib.import_module(module), examples)(), group, way)


def _compile(examples: Mapping[str, Sequence[Any]], group: str, way: str) -> bytes:
    from analyzer.kernels.compile import compile_entries, compile_entries_quickly

    known = known_answer.examples()
    kinds = {**known, **examples}
    compiled = compile_entries_quickly(kinds) if way == QUICK else compile_entries(kinds)
    entries = []
    objects = b""
    for name, (symbol, words, code) in compiled.items():
        expected = 2 + len(_words(kinds[name]))
        if words != expected:
            raise CompileError(f"{name} takes {words} words instead of {expected}")
        entries.append(_Entry(name, symbol, words, len(code)))
        objects += code
    index = json.dumps({"way": way, "entries": entries})
    content = index.encode() + b"\n" + objects
    for name, call in _trusted(content).items():
        if not _gives_the_same(call, KERNELS[name], examples[name]):
            raise CompileError(f"{name}, compiled, gives another answer than interpreted")
    _write_cache(content, group)
    return content


def _gives_the_same(compiled: Callable[..., int], interpreted: Callable[..., int], arguments: Sequence[Any]) -> bool:
    """True if both answer a call with copies of `arguments` alike, and leave the same in all arrays."""
    mine = [_copied(each) for each in arguments]
    usual = [_as_interpreted(_copied(each)) for each in arguments]
    if compiled(*mine) != interpreted(*usual):
        return False
    return all(np.array_equal(one, np.asarray(other, one.dtype)) for one, other in _arrays_of(mine, usual))


def _copied(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return type(argument)(*map(_copied, argument))
    return argument.copy() if isinstance(argument, np.ndarray) else argument


def _as_interpreted(argument: Any) -> Any:
    """The argument in the kind that the interpreted kernels get: integers that do not overflow."""
    if not isinstance(argument, np.ndarray) or argument.ndim != 1:
        return argument
    if argument.dtype == np.uint8:
        return memoryview(argument.data)
    return argument.tolist() if argument.dtype == np.int64 else argument


def _arrays_of(mine: Sequence[Any], others: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The arrays among the first arguments, each beside what is in its place among the others."""
    names = getattr(mine, "_fields", ("",) * len(mine))
    for name, one, other in zip(names, mine, others, strict=True):
        if name in SCRATCH:
            continue
        if isinstance(one, tuple):
            yield from _arrays_of(one, other)
        elif isinstance(one, np.ndarray):
            yield one, other


def _read_cache(group: str = "skim") -> bytes | None:
    """Index and object code from the cache file; None if there is none, or it is not as it was written."""
    file = cache_file(group)
    content = (file and read_private(file)) or b""
    kept, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    return kept if digest == hashlib.sha256(kept).digest() else None


def _write_cache(content: bytes, group: str) -> None:
    file = cache_file(group)
    if file is not None:  # a full disk costs the next run its time, not this one its result
        write_private(file, content + hashlib.sha256(content).digest())


def _trusted(content: bytes) -> dict[str, Callable[..., int]]:
    """The linked entries, once the kernel among them whose answer is known has given it.

    Raises:
        CompileError: it gave another.
    """
    linked = _link(content)
    if not known_answer.is_right(linked.pop(known_answer.known_answer.__name__)):
        raise CompileError("compiled code takes its arguments in another layout than it is given them")
    return linked


def _link(content: bytes) -> dict[str, Callable[..., int]]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    index, _, objects = content.partition(b"\n")
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)  # the engine will own it
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    entries = [_Entry(*each) for each in json.loads(index)["entries"]]
    position = 0
    for each in entries:
        engine.add_object_file(llvm.ObjectFileRef.from_data(objects[position : position + each.size]))
        position += each.size
    engine.finalize_object()
    return {
        each.name: _caller(each.name, engine, engine.get_function_address(each.symbol), each.words) for each in entries
    }


def _caller(name: str, engine: Any, address: int, words: int) -> Callable[..., int]:
    """A Python function around the native one at `address`. Other threads run while it works."""
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * (words - 2))(address)

    def run(words: list[int]) -> int:
        result = ctypes.c_int64(0)
        failure = ctypes.c_void_p(0)
        status = function(ctypes.addressof(result), ctypes.addressof(failure), *words)
        if status not in FINE:
            raise IndexError(f"{name} left the bounds of an array")
        return result.value

    def call(*arguments: Any) -> int:
        return run(_words(arguments))

    def bind(*first: Any) -> Callable[..., int]:
        words = _words(first)

        def call_with(*rest: Any) -> int:
            return run(words + _words(rest))

        call_with.first = first  # type: ignore[attr-defined]  # arrays live as long as their addresses are used
        return call_with

    run.engine = engine  # type: ignore[attr-defined]  # the code lives as long as its engine
    call.bind = bind  # type: ignore[attr-defined]
    return call


def _words(arguments: Sequence[Any]) -> list[int]:
    """Arguments as the 64-bit words of numba's calling convention."""
    words: list[int] = []
    for each in arguments:
        if isinstance(each, np.ndarray):
            words += (0, 0, each.size, each.itemsize, each.ctypes.data, *each.shape, *each.strides)
        elif isinstance(each, tuple):
            words += _words(each)
        else:
            words.append(int(each))
    return words
