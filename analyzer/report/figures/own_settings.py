"""matplotlib with our own settings: reports look the same wherever and by whomever they are made.

matplotlib reads `matplotlibrc` in the working directory, which may be somebody else's and can make it run LaTeX with
any preamble; then what MATPLOTLIBRC and MPLBACKEND name, and the user's own file. None of it is for reports. matplotlib
keeps its settings once a process, not once a thread, so that figures are drawn one after the other, each with our
settings in place of those that it found, which it puts back.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from analyzer.errors import UsageError

SETTINGS = Path(__file__).with_name("settings") / "matplotlibrc"

LEFT_ALONE = ("backend", "backend_fallback", "interactive")
"""Settings of pyplot, which draws no report; to change them may open or close windows."""

_DRAWING = threading.RLock()


def load_matplotlib(*, alone: bool = False) -> None:
    """Load matplotlib, to be called before anything that imports it.

    Args:
        alone: nobody but reports draws in this process: matplotlib reads no settings but ours, and is silent, also
            where it finds no folder for its cache of fonts. Otherwise it is loaded as whoever runs the process has
            set it up, since they may draw with it later.

    Raises:
        UsageError: it is not installed.
    """
    if "matplotlib" in sys.modules:
        return
    try:
        if alone:
            _load_alone()
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"expected the package {error.name} for figures, found none") from None


def _load_alone() -> None:
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        with _working_in(SETTINGS.parent):  # where it looks first
            import matplotlib  # noqa: F401
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    import logging  # matplotlib has loaded it

    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Work in `folder` for a moment. The way back is no path where that can be: it may be gone, or not ours to walk."""
    try:
        back: int | str = os.open(".", os.O_RDONLY)
    except OSError:  # Windows opens no directories
        back = str(Path.cwd())
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(back)
        if isinstance(back, int):
            os.close(back)


@cache
def _settings() -> dict[str, Any]:
    import matplotlib as mpl

    ours = mpl.rc_params_from_file(SETTINGS)
    return {name: value for name, value in dict(ours).items() if name not in LEFT_ALONE}


@contextmanager
def own_settings(more: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw, or save, with our own settings and `more` of them, by matplotlib's names. Other threads of ours wait."""
    import matplotlib as mpl

    ours: Any = {**_settings(), **(more or {})}
    with _DRAWING, mpl.rc_context(ours):
        yield
