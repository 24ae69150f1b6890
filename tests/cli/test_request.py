"""Every option of the command arrives at what is done."""

from __future__ import annotations

import ast
import inspect

from analyzer.cli import options
from analyzer.cli.command import Request


def test_each_wish_is_handed_on() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(options))) if isinstance(node, ast.Call)]
    made = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == Request.__name__]
    assert len(made) == 1
    given = {keyword.arg for keyword in made[0].keywords}
    assert given | {"captures"} == set(Request._fields)


def test_each_option_is_looked_at() -> None:
    """An argument that nothing reads is an option without effect; what its callback has done is deleted."""
    functions = [node for node in ast.parse(inspect.getsource(options)).body if isinstance(node, ast.FunctionDef)]
    (command,) = (each for each in functions if any(arg.arg == "captures" for arg in each.args.args))
    read = {
        node.id
        for node in ast.walk(command)
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Load, ast.Del))
    }
    arguments = {arg.arg for arg in (*command.args.args, *command.args.kwonlyargs)}
    assert arguments <= read
