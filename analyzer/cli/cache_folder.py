"""Where compiled code is kept, and how to clear it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from analyzer.kernels.private_files import private_folder
from analyzer.model.text import plural, printable


def cache_lines() -> Iterator[str]:
    """The folder and what lies in it, then the command that clears it."""
    folder = private_folder()
    if folder is None:
        yield "Compiled code is not kept: no folder is safe to keep it in."
        return
    sizes = [file.stat().st_size for file in folder.iterdir() if file.is_file()]
    yield f"Compiled code is kept in {printable(str(folder))} ({plural(len(sizes), 'file')}, {sum(sizes):,} bytes)."
    yield "It may be deleted at any time; the next large capture compiles again:"
    yield f"  rm -r {printable(shlex.quote(str(folder)))}"
