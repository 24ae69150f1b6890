"""Ctrl-C while captures are read: the first one ends the reading, the second one everything.

What was read until then is analysed and reported; while nothing is read, the first one ends everything, too.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.capture.stop import Stop


@contextmanager
def stopping() -> Iterator[Stop | None]:
    """In here Ctrl-C asks what is handed out to stop; None where it is not for us to say what Ctrl-C does."""
    from analyzer.capture.stop import Stop

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # as in the background: `pmtu-analyze &`
        yield None
        return
    stop = Stop()
    try:
        signal.signal(signal.SIGINT, lambda _number, _frame: stop.ask())
    except ValueError:  # not in the main thread
        stop.close()
        yield None
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.close()
