"""From marked kernels to object code, by numba. Runs once a machine; `cache` keeps and loads the result.

Kernels call one another through their modules' globals; the functions compiled here get globals of their
own in which each kernel's name stands for its compiled version, so the interpreted functions stay untouched.

Only the plain native function of an entry is kept, not numba's wrappers: with them, whoever calls it has to
import numba, which takes longer than the pass over a million packets.

There are two ways to the same code: a plain one, for any numba, and a quicker one that relies on its inner
classes (`fast_compile`).
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from analyzer.kernels.marks import CHECKED_IN_FRONT, INLINED, KERNELS

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Kernels allocate nothing. Without this, counting references to arrays took half of the time.
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


@intrinsic
def _unlikely(_typing: Any, _condition: Any) -> tuple[Any, Any]:
    """Tell LLVM (llvm.expect) that the condition is hardly ever true."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        bit = ir.IntType(1)
        expect = cgutils.get_or_insert_function(builder.module, ir.FunctionType(bit, [bit, bit]), "llvm.expect.i1")
        return builder.call(expect, [arguments[0], bit(0)])

    return types.boolean(types.boolean), generate


@intrinsic
def _prefetch(_typing: Any, table: Any, _row: Any, _offset: Any) -> tuple[Any, Any]:
    """Let the processor fetch (llvm.prefetch, to read, into all caches) what is at `offset` of the row."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.add(builder.mul(arguments[1], array.itemsize), arguments[2])
        where = builder.gep(builder.bitcast(array.data, byte), [place])
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(fetch, [where, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.none(table, types.int64, types.int64), generate


@intrinsic
def _array_at(_typing: Any, like: Any, _address: Any, _size: Any) -> tuple[Any, Any]:
    """An array as `like`, of one dimension, elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        array.data = builder.inttoptr(arguments[1], array.data.type)
        array.nitems = arguments[2]
        array.shape = cgutils.pack_array(builder, [arguments[2]])
        return array._getvalue()

    return like(like, types.int64, types.int64), generate


WORD_BYTES = 8


def _word(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Where the word of the first argument, an array of integers, at the place of the second one is."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def _atomic_get(_typing: Any, words: Any, _place: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_word(context, builder, signature, arguments), "acquire", WORD_BYTES)

    return types.int64(words, types.int64), generate


@intrinsic
def _atomic_set(_typing: Any, words: Any, _place: Any, _value: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = _word(context, builder, signature, arguments)
        builder.store_atomic(arguments[2], word, "release", WORD_BYTES)
        return context.get_dummy_value()

    return types.none(words, types.int64, types.int64), generate


@intrinsic
def _atomic_add(_typing: Any, words: Any, _place: Any, _number: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.atomic_rmw("add", _word(context, builder, signature, arguments), arguments[2], "acq_rel")
        return context.get_dummy_value()

    return types.none(words, types.int64, types.int64), generate


@intrinsic
def _atomic_exchange(_typing: Any, words: Any, _place: Any, _expected: Any, _value: Any) -> tuple[Any, Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = _word(context, builder, signature, arguments)
        found = builder.cmpxchg(word, arguments[2], arguments[3], "acq_rel", "acquire")
        return builder.extract_value(found, 1)

    return types.boolean(words, types.int64, types.int64, types.int64), generate


HINTS = {
    "unlikely": _unlikely,
    "prefetch": _prefetch,
    "array_at": _array_at,
    "atomic_get": _atomic_get,
    "atomic_set": _atomic_set,
    "atomic_add": _atomic_add,
    "atomic_exchange": _atomic_exchange,
}
"""What stands for functions of `marks` that mean something to LLVM only."""


class ObjectCode(NamedTuple):
    """A compiled entry: relocatable object code for this processor, its symbol, how many words it takes."""

    symbol: str
    words: int
    code: bytes


def compile_entries(examples: Mapping[str, Sequence[Any]]) -> dict[str, ObjectCode]:
    """Compile the kernels named in `examples`, for arguments of the kinds given there.

    Raises whatever numba and LLVM raise.
    """
    twins = _twins(OPTIONS)
    return {name: _compile(twins[name], arguments) for name, arguments in examples.items()}


def compile_entries_quickly(examples: Mapping[str, Sequence[Any]]) -> dict[str, ObjectCode]:
    """As `compile_entries`, in a third of the time, with this process's numba changed for good.

    Raises anything where numba is not built as expected.
    """
    from analyzer.kernels import fast_compile

    gc.disable()  # millions of objects are made and few thrown away: looking for these took a tenth of the time
    fast_compile.prepare()
    twins = _twins({**OPTIONS, "pipeline_class": fast_compile.KernelCompiler})
    fast_compile.ignore_literals(twins.values())
    found = {}
    for name, arguments in examples.items():
        signature, symbol = _translate(twins[name], arguments)
        machine = host_machine()
        module = fast_compile.join(twins[name].overloads[signature].library, symbol, machine)
        found[name] = _emit(module, symbol, machine)
    return found


def _twins(options: Mapping[str, Any]) -> dict[str, Any]:
    """Numba's dispatchers for all kernels, calling one another."""
    twins: dict[str, Any] = {}
    spaces: dict[str, dict[str, Any]] = {}
    for name, function in KERNELS.items():
        space = spaces.setdefault(function.__module__, dict(function.__globals__))
        twin = FunctionType(function.__code__, space, name, function.__defaults__)
        twin.__module__ = function.__module__
        twin.__qualname__ = function.__qualname__
        twins[name] = numba.njit(**options, boundscheck=name not in CHECKED_IN_FRONT, forceinline=name in INLINED)(twin)
    for space in spaces.values():
        space.update((name, twin) for name, twin in (twins | HINTS).items() if name in space)
    return twins


def _compile(twin: Any, arguments: Sequence[Any]) -> ObjectCode:
    signature, symbol = _translate(twin, arguments)
    module = llvm.parse_assembly(twin.inspect_llvm(signature))
    module.verify()
    return _emit(module, symbol, host_machine())


def _translate(twin: Any, arguments: Sequence[Any]) -> tuple[tuple[Any, ...], str]:
    """Let numba compile a kernel for such arguments; returns their types and the native function's name."""
    signature = tuple(numba.typeof(each) for each in arguments)
    twin.compile(signature)
    return signature, twin.overloads[signature].fndesc.llvm_func_name


def _emit(module: Any, symbol: str, machine: Any) -> ObjectCode:
    words = len(list(module.get_function(symbol).arguments))
    return ObjectCode(symbol, words, machine.emit_object(module))


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
