"""Reading ahead: the next chunk comes in a thread of its own while this one is walked.

Reading and decompressing let other threads run, and so do the compiled kernels; so the two overlap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class ReadAhead:
    """Fills one buffer at a time in the background: `ask` for it, do something else, `take` the result.

    Exceptions of `read` are raised by `take`. At most one request is under way.
    """

    def __init__(self, read: Callable[[memoryview], int]) -> None:
        self._read = read
        self._failed: Exception | None = None
        self._asked: SimpleQueue[memoryview | None] = SimpleQueue()
        self._answers: SimpleQueue[int | Exception] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="read ahead", daemon=True)
        self._thread.start()

    def ask(self, view: memoryview) -> None:
        """Start to fill `view`, as far as bytes come at once."""
        self._asked.put(view)

    def take(self) -> int:
        """Wait for what was asked for; returns the number of bytes, 0 at the end of the input."""
        answer = self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        """End the thread, after the read that is under way."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (view := self._asked.get()) is not None:
            with view:
                answer = self._fill(view)
            self._answers.put(answer)

    def _fill(self, view: memoryview) -> int | Exception:
        """Decompressors give their bytes in small portions: gather them, so that the walk is not stopped for each."""
        if self._failed is not None:
            return self._failed
        filled = 0
        try:
            while filled < len(view):
                with view[filled:] as rest:
                    got = self._read(rest)
                if not got:
                    break
                filled += got
        except Exception as error:
            if not filled:
                return error
            self._failed = error
        return filled
