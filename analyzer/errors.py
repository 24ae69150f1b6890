"""What stops a run: input that cannot be read as a capture, or wrong usage. Everything else is counted."""

from __future__ import annotations


class PmtuAnalyzeError(Exception):
    """Base of all errors that the command line reports in one line with exit code 2."""


class CaptureError(PmtuAnalyzeError):
    """Input that is no capture at all: names the file, the byte offset and what was expected there.

    Where there is no byte to be read, as without a file, the message names no offset; `offset` is 0.
    """

    def __init__(self, path: str, offset: int | None, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if offset is None else f"{path}: at byte {offset}: {problem}")
        self.path = path
        self.offset = offset or 0
        self.problem = problem


class UsageError(PmtuAnalyzeError):
    """A request that cannot be carried out: an unknown suffix, verdict or stream."""
