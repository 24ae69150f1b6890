"""Ending the reading early, as by Ctrl-C on a live pipe, so that what came until then is analysed.

The one who writes into the pipe was asked to stop, too, in most cases (`tcpdump -w - | pmtu-analyze -`: the terminal
tells both), and now writes what it still holds: of few packets, all of them. So a pipe is read on for a moment.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LINGER_SECONDS = 1.0
"""How long a pipe is read on: its writer may have more to write than one of us can read."""

QUIET_SECONDS = 0.3
"""A pipe through which nothing came for so long has nothing more to tell."""


class Stop:
    """The wish to stop reading. Made for a signal handler: `ask` may be called at any time, in the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self.over = False
        """Nothing is read any more: to stop means to stop altogether."""
        self._raises = False
        self._until: float | None = None
        self._awake, self._wake = os.pipe()

    def ask(self) -> None:
        """Stop reading. Raises KeyboardInterrupt if that was asked before, or nothing is being read."""
        again, self.asked = self.asked or self.over, True
        if again or self._raises:
            raise KeyboardInterrupt
        os.write(self._wake, b".")

    @contextmanager
    def raising(self) -> Iterator[None]:
        """In here nothing is read yet, and what is done takes long: `ask` ends it with a KeyboardInterrupt."""
        self._raises = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._raises = False

    def pipe(self, file: Any) -> Any:
        """The open file so that reading ends when it shall; the file itself if it is a regular one, or no file at all.

        A buffered one is read past its buffer, which has to be empty.
        """
        try:
            descriptor = file.fileno()
            is_pipe = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        except (AttributeError, OSError, ValueError):
            return file
        return _Pipe(file, descriptor, self) if is_pipe and hasattr(select, "poll") else file

    def wait(self, descriptor: int) -> bool:
        """Wait for bytes, or the end of the input; False: stop reading."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not self.asked:
            poll.register(self._awake, select.POLLIN)
            if any(ready == descriptor for ready, _ in poll.poll()):
                return True
            poll.unregister(self._awake)
        now = time.monotonic()
        if self._until is None:
            self._until = now + LINGER_SECONDS
        left = min(self._until - now, QUIET_SECONDS)
        return left > 0 and bool(poll.poll(left * 1000))

    def close(self) -> None:
        """Nobody asks any more."""
        os.close(self._awake)
        os.close(self._wake)


class _Pipe:
    """An open pipe that ends when nobody wants more of it."""

    def __init__(self, file: Any, descriptor: int, stop: Stop) -> None:
        self._file = file
        self._raw = getattr(file, "raw", file)
        self._descriptor = descriptor
        self._stop = stop

    def readinto(self, target: Any) -> int:
        """Read what there is, up to as many bytes as fit; 0 at the end."""
        return int(self._raw.readinto(target) or 0) if self._stop.wait(self._descriptor) else 0

    def close(self) -> None:
        self._file.close()
