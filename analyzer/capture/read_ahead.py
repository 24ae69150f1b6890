"""Reading ahead: the next chunk comes in a thread of its own while this one is walked.

Reading and decompressing let other threads run, and so do the compiled kernels; so the two overlap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

MARGIN = 64 << 10
"""Bytes in front of what is read ahead: room for the record that the chunk before it broke off."""


class ReadAhead:
    """Fills one buffer at a time in the background: `ask` for it, do something else, `take` the result, `join` it.

    Exceptions of `read` are raised by `take`. At most one request is under way.
    """

    def __init__(self, read: Callable[[memoryview], int], chunk: int) -> None:
        self._read = read
        self._chunk = chunk
        self._spare = bytearray()  # the buffer that is filled meanwhile
        self._failed: Exception | None = None
        self._asked: SimpleQueue[memoryview | None] = SimpleQueue()
        self._answers: SimpleQueue[int | Exception] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="read ahead", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Start to read a chunk, as far as bytes come at once."""
        if len(self._spare) != MARGIN + self._chunk:
            self._spare = bytearray(MARGIN + self._chunk)
        self._asked.put(memoryview(self._spare)[MARGIN:])

    def take(self) -> int:
        """Wait for what was asked for; returns the number of bytes, 0 at the end of the input."""
        answer = self._answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def join(self, old: bytearray, position: int, end: int, got: int) -> tuple[bytearray, int]:
        """A buffer of old[position:end] and the `got` bytes taken behind them, and where it starts in that buffer.

        The old one is filled by the next request.
        """
        new, start = self._spare, MARGIN - (end - position)
        if start < 0:
            new, start = old[position:end] + new[MARGIN : MARGIN + got], 0
        else:
            new[start:MARGIN] = old[position:end]
        self._spare = old
        return new, start

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
