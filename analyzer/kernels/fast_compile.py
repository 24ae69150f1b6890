"""Compiling the kernels in a third of the time, by leaving out what numba does for callers they do not have.

numba makes every compiled function fit to be called from Python at once: it optimises each together with all
that it calls, so that the innermost are optimised dozens of times, and turns each into machine code. Here its
functions are only collected as LLVM's assembly, and joined, optimised and turned into machine code once, as a
whole. numba also compiles a function again for each literal that is passed to it, tries all that `+` may mean
wherever it stands, and takes functions through passes for what kernels do not contain.

All this relies on numba's inner classes and changes numba for the whole process. So it is done in a process
that does nothing else (`cache`), and where it fails, as it may with another numba, another process compiles
the same kernels the plain way (`compile`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import llvmlite.binding as llvm
from numba.core import cgutils, codegen, registry, types
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import PassManager
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.types.functions import BaseFunction
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, TranslateByteCode


class KernelCompiler(CompilerBase):
    """numba's pipeline without the passes for closures, generators, parallel loops, and Python objects."""

    def define_pipelines(self) -> list[Any]:
        """The one pipeline that kernels go through, in numba's own order."""
        pipeline = PassManager("kernels")
        for step in (
            TranslateByteCode,
            FixupArgs,
            IRProcessing,
            GenericRewrites,
            ReconstructSSA,
            NopythonTypeInference,
            PreLowerStripPhis,
            IRLegalization,
            NativeLowering,
            NoPythonBackend,
        ):
            pipeline.add_pass(step, step.__name__)
        pipeline.finalize()
        return [pipeline]


class Collected(codegen.JITCodeLibrary):
    """A compiled function as assembly, beside the libraries of those it calls; nothing is done to it yet."""

    def __init__(self, owner: Any, name: str) -> None:
        super().__init__(owner, name)
        self.texts: list[str] = []

    def add_ir_module(self, ir_module: Any) -> None:
        """Keep the module's text."""
        self.texts.append(cgutils.normalize_ir_text(str(ir_module)))

    def finalize(self) -> None:
        """What numba calls when the function is complete: optimising and machine code come later, for all."""
        self._finalized = True

    def get_pointer_to_function(self, _name: str) -> int:
        """There is no machine code: 0 is numba's answer for a function that is not callable from Python."""
        return 0


class Collector(codegen.JITCPUCodegen):
    """numba's code generator, which now collects."""

    _library_class = Collected

    def set_env(self, env_name: str, env: Any) -> None:
        """Nothing: no function is there yet to get its environment, and kernels need none."""


def prepare() -> None:
    """Change numba in this process so that it collects, and types each kind of call once."""
    target = registry.cpu_target
    target.typing_context.refresh()
    target.target_context.refresh()  # compiles numba's own runtime, which must be done the usual way
    target.target_context._internal_codegen = Collector("kernels")
    find = BaseFunction.get_call_type
    found: dict[Any, Any] = {}

    def find_once(function: Any, context: Any, arguments: Any, keywords: Any) -> Any:
        if keywords:
            return find(function, context, arguments, keywords)
        key = function, tuple(arguments)
        if key not in found:
            found[key] = find(function, context, arguments, keywords)
        return found[key]

    BaseFunction.get_call_type = find_once  # type: ignore[method-assign, assignment]


def ignore_literals(twins: Iterable[Any]) -> None:
    """Let the dispatchers compile their kernel for integers where it is called with literals.

    What a literal is good for, the optimiser sees all the same, in kernels that are copied into their callers.
    """

    def apply(twin: Any) -> None:
        find = twin.get_call_template

        def find_general(arguments: Any, keywords: Any) -> Any:
            return find(tuple(types.unliteral(each) for each in arguments), keywords)

        twin.get_call_template = find_general

    for twin in twins:
        apply(twin)


def join(library: Any, symbol: str, machine: Any) -> Any:
    """One optimised module of the collected library and all that it calls; only `symbol` can be called from outside."""
    module = llvm.parse_assembly(str(library.codegen._create_empty_module("kernels")))
    for each in _callees_first(library, set()):
        for text in each.texts:
            module.link_in(llvm.parse_assembly(text))
    module.verify()
    for each in module.functions:
        if not each.is_declaration and each.name != symbol:
            each.linkage = "internal"
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    missing = [each.name for each in module.functions if each.is_declaration and not each.name.startswith("llvm.")]
    if missing:
        raise LookupError(f"not collected: {missing[0]}")
    _shorten_names(module, symbol)
    return module


def _shorten_names(module: Any, symbol: str) -> None:
    """Number what only the module itself names: spelled out, the names are nine tenths of the object code to load."""
    own = [each for each in module.functions if not each.is_declaration and each.name != symbol]
    for number, each in enumerate([*own, *module.global_variables]):
        each.name = f"_{number}"


def _callees_first(library: Any, seen: set[Any]) -> Iterator[Any]:
    """The collected libraries below `library`, and itself, each once. Others are numba's runtime: it is not called."""
    if isinstance(library, Collected) and library not in seen:
        seen.add(library)
        for each in library._linking_libraries:
            yield from _callees_first(each, seen)
        yield library
