"""Kernels that are compiled beside the work that wants them: interpreted ones do it meanwhile. Emits `Coming`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from analyzer.kernels.cache import cache_file, can_be_kept, compile_apart, is_compiled_before, load_kernels

BOTH = 2
"""Processors without which compiling would take as much longer as other work goes on beside it."""

Examples = Callable[[], Mapping[str, Sequence[Any]]]


class Coming:
    """The kernels of a group, which another process compiles. Who ends before it does leaves them to the next run."""

    def __init__(self, examples: Examples, group: str) -> None:
        self._examples = examples
        self._group = group
        self._waiting = threading.Thread(target=self._compile, daemon=True)
        self._waiting.start()

    def _compile(self) -> None:
        with suppress(Exception):  # `kernels` meets it again, and tells
            compile_apart(self._examples, self._group)

    def kernels(self) -> dict[str, Callable[..., int]] | None:
        """The compiled entries, as `load_kernels` gives them, once they are there; until then None.

        Raises:
            CompileError: they will never be.
        """
        if self._waiting.is_alive():
            return None
        return load_kernels(self._examples, self._group)


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def coming(examples: Examples, group: str) -> Coming | None:
    """The kernels, if they have to be compiled and can be beside other work; None where `load_kernels` is as good."""
    # The first two load nothing where addresses are few; LLVM's library takes 80 MB of them.
    if processors() < BOTH or is_compiled_before(group) or not can_be_kept(group):
        return None
    file = cache_file(group)
    if file not in _begun:
        _begun[file] = Coming(examples, group)
    return _begun[file]


_begun: dict[Path | None, Coming] = {}
"""What was begun, by the file it is written to: once a process, however many captures it reads."""
