"""Kernels: plain functions that run interpreted, or compiled by numba when the capture is large.

A kernel is an ordinary Python function marked with `kernel`. It works on integers, buffers and numpy
arrays only, so that numba can compile it. Called directly it runs interpreted: that is what small
captures use, and what the compiled version is tested against.

Here are the marks only. `compile` turns marked functions into object code, `cache` loads and calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: dict[str, FunctionType] = {}
"""All kernels by name, in the version to compile."""
INLINED: set[str] = set()
"""Names of those whose body is copied into their callers."""
CHECKED_IN_FRONT: set[str] = set()
"""Names of those whose indexes are known to fit, and so are compiled without checks."""


def kernel(function: F) -> F:
    """Mark `function` as compilable. Its name must be unique among kernels."""
    name = function.__name__
    if name in KERNELS:
        raise ValueError(f"two kernels are named {name}")
    if not isinstance(function, FunctionType):
        raise TypeError(f"{name} is not a plain function")
    KERNELS[name] = function
    return function


def inlined(function: F) -> F:
    """Mark a kernel that every packet passes: its compiled body is copied into its callers.

    For the tiny ones, and for those called from one place. A call costs more than it looks: each array
    travels as seven words.
    """
    INLINED.add(function.__name__)
    return kernel(function)


def checked_in_front(function: F) -> F:
    """Mark a kernel whose indexes are known to fit: checked once in front, masked, or taken from our own tables.

    It is compiled without bounds checks.
    """
    CHECKED_IN_FRONT.add(function.__name__)
    return function


def compiled_as(twin: Callable[..., Any]) -> Callable[[F], F]:
    """Mark a kernel whose compiled version is `twin`: for the rare step that each world does its own way.

    The twin must check its bounds itself, once and in front: its loop is compiled without checks.
    """

    def mark(function: F) -> F:
        INLINED.add(function.__name__)
        KERNELS[function.__name__] = cast("FunctionType", twin)
        CHECKED_IN_FRONT.add(function.__name__)
        return function

    return mark


def unlikely(condition: bool) -> bool:
    """The condition. Compiled, the code for when it holds is moved out of the way of the usual."""
    return condition


def prefetch(table: Any, row: int, offset: int) -> None:
    """Nothing. Compiled: let the processor fetch the bytes at `offset` of a row, which are needed soon."""


def array_at(like: Any, address: int, size: int) -> Any:
    """The array `like`. Compiled: one of its kind with `size` elements at an address, which another thread named.

    Nobody sees to it that they are there: whoever named them must not let them go meanwhile.
    """
    return like


def atomic_get(words: list[int], place: int) -> int:
    """The word at `place`. Compiled: with all that its writer, another thread, had written before `atomic_set`."""
    return words[place]


def atomic_set(words: list[int], place: int, value: int) -> None:
    """Set the word at `place`. Compiled: who reads it by `atomic_get` sees all that was written before."""
    words[place] = value


def atomic_add(words: list[int], place: int, number: int) -> None:
    """Add to the word at `place`. Compiled: no other thread's addition is lost, as with `atomic_set` otherwise."""
    words[place] += number


def atomic_exchange(words: list[int], place: int, expected: int, value: int) -> bool:
    """Set the word at `place` if it is the expected one; whether it was. Compiled: no other thread comes between."""
    if words[place] != expected:
        return False
    words[place] = value
    return True


def bound(kernel: Callable[..., int], *first: Any) -> Callable[..., int]:
    """The kernel with its first arguments, so that their addresses are not looked up again at each call."""
    bind: Callable[..., Callable[..., int]] | None = getattr(kernel, "bind", None)
    return partial(kernel, *first) if bind is None else bind(*first)
