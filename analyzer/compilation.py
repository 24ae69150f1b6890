"""From marked kernels to object code, by numba. Runs once a machine; `native` keeps and loads the result.

Kernels call one another through their modules' globals; the functions compiled here get globals of their
own in which each kernel's name stands for its compiled version, so the interpreted functions stay untouched.

Only the plain native function of an entry is kept, not numba's wrappers: with them, whoever calls it has to
import numba, which takes longer than the pass over a million packets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numba

from analyzer.kernel import CHECKED_IN_FRONT, INLINED, KERNELS

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Kernels allocate nothing. Without this, counting references to arrays took half of the time.
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


class ObjectCode(NamedTuple):
    """A compiled entry: relocatable object code for this processor, its symbol, how many words it takes."""

    symbol: str
    words: int
    code: bytes


def compile_entries(examples: Mapping[str, Sequence[Any]]) -> dict[str, ObjectCode]:
    """Compile the kernels named in `examples`, for arguments of the kinds given there.

    Raises whatever numba and LLVM raise.
    """
    twins = _twins()
    return {name: _compile(twins[name], arguments) for name, arguments in examples.items()}


def _twins() -> dict[str, Any]:
    """Numba's dispatchers for all kernels, calling one another."""
    twins: dict[str, Any] = {}
    spaces: dict[str, dict[str, Any]] = {}
    for name, function in KERNELS.items():
        space = spaces.setdefault(function.__module__, dict(function.__globals__))
        twin = FunctionType(function.__code__, space, name, function.__defaults__)
        twin.__module__ = function.__module__
        twin.__qualname__ = function.__qualname__
        twins[name] = numba.njit(**OPTIONS, boundscheck=name not in CHECKED_IN_FRONT, forceinline=name in INLINED)(twin)
    for space in spaces.values():
        space.update((name, twin) for name, twin in twins.items() if name in space)
    return twins


def _compile(twin: Any, arguments: Sequence[Any]) -> ObjectCode:
    signature = tuple(numba.typeof(each) for each in arguments)
    twin.compile(signature)
    symbol = twin.overloads[signature].fndesc.llvm_func_name
    module = llvm.parse_assembly(twin.inspect_llvm(signature))
    module.verify()
    words = len(list(module.get_function(symbol).arguments))
    return ObjectCode(symbol, words, host_machine().emit_object(module))


def host_machine() -> Any:
    """LLVM's target machine for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )
