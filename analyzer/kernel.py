"""Kernels: plain functions that run interpreted, or compiled by numba when the capture is large.

A kernel is an ordinary Python function marked with `kernel`. It works on integers, buffers and numpy
arrays only, so that numba can compile it. Called directly it runs interpreted: that is what small
captures use, and what the compiled version is tested against.

`compile_kernels` builds the compiled twins. Kernels call one another through their modules' globals;
the twins get globals of their own in which each kernel's name stands for its compiled version, so the
interpreted functions stay untouched.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_REGISTRY: dict[str, FunctionType] = {}
_INLINED: set[str] = set()
_CHECKED_IN_FRONT: set[str] = set()


def kernel(function: F) -> F:
    """Mark `function` as compilable. Its name must be unique among kernels."""
    name = function.__name__
    if name in _REGISTRY:
        raise ValueError(f"two kernels are named {name}")
    if not isinstance(function, FunctionType):
        raise TypeError(f"{name} is not a plain function")
    _REGISTRY[name] = function
    return function


def inlined(function: F) -> F:
    """Mark a kernel that every packet passes: its compiled body is copied into its callers.

    For the tiny ones, and for those called from one place. A call costs more than it looks: each array
    travels as seven words.
    """
    _INLINED.add(function.__name__)
    return kernel(function)


def compiled_as(twin: Callable[..., Any]) -> Callable[[F], F]:
    """Mark a kernel whose compiled version is `twin`: for the rare step that each world does its own way.

    The twin must check its bounds itself, once and in front: its loop is compiled without checks.
    """

    def mark(function: F) -> F:
        _INLINED.add(function.__name__)
        _REGISTRY[function.__name__] = cast("FunctionType", twin)
        _CHECKED_IN_FRONT.add(function.__name__)
        return function

    return mark


def _fingerprint() -> str:
    """Hash of every source file that kernels are made of, so that a change in one invalidates all of them.

    numba's own cache looks only at the file of the outermost function, not at what it calls nor at the
    constants that are compiled in. The kernels' folders hold nothing else of weight.
    """
    package = Path(__file__).parent
    sources = [package / "kernel.py", package / "settings.py", package / "skim.py"]
    for folder in ("capture", "decode", "flows"):
        sources += sorted((package / folder).glob("*.py"))
    digest = hashlib.sha256(f"{sys.version} {package}".encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_directory() -> Path:
    """Directory for compiled kernels: the user's cache, or a private temporary one if that is read-only."""
    roots = [os.environ.get("XDG_CACHE_HOME") or str(Path("~").expanduser() / ".cache")]
    roots.append(str(Path(tempfile.gettempdir()) / f"pmtu-analyze-{os.getuid()}"))
    for root in roots:
        path = Path(root) / "pmtu-analyze" / _fingerprint()
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if path.stat().st_uid == os.getuid() and os.access(path, os.W_OK):
            return path
    return Path(tempfile.mkdtemp(prefix="pmtu-analyze-"))


def is_compiled_before() -> bool:
    """True if compiled kernels lie in the cache, so that loading takes a moment instead of seconds."""
    return any(cache_directory().rglob("*.nbi"))


@functools.cache
def compile_kernels() -> dict[str, Callable[..., Any]] | None:
    """Compiled twins of all kernels by name, or None where numba cannot be imported."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    try:
        import numba
    except ImportError:
        return None
    options: dict[str, Any] = {
        "cache": True,
        "nogil": True,
        "error_model": "numpy",
        # Kernels allocate nothing. Without this, counting references to arrays took half of the time.
        "_nrt": False,
    }
    compiled: dict[str, Callable[..., Any]] = {}
    spaces: dict[str, dict[str, Any]] = {}
    for name, function in _REGISTRY.items():
        space = spaces.setdefault(function.__module__, dict(function.__globals__))
        twin = FunctionType(function.__code__, space, name, function.__defaults__)
        twin.__module__ = function.__module__
        twin.__qualname__ = function.__qualname__
        compiled[name] = numba.njit(**options, boundscheck=name not in _CHECKED_IN_FRONT, forceinline=name in _INLINED)(
            twin
        )
    for space in spaces.values():
        space.update((name, twin) for name, twin in compiled.items() if name in space)
    return compiled
