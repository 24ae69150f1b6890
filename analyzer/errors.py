"""What stops a run: input that cannot be read as a capture, or wrong usage. Everything else is counted."""

from __future__ import annotations


class PmtuAnalyzeError(Exception):
    """Base of all errors that the command line reports in one line with exit code 2."""


class CaptureError(PmtuAnalyzeError):
    """Input that is no capture at all: names the file, the byte offset and what was expected there."""

    def __init__(self, path: str, offset: int, problem: str) -> None:
        super().__init__(f"{path}: at byte {offset}: {problem}")
        self.path = path
        self.offset = offset
        self.problem = problem


class UsageError(PmtuAnalyzeError):
    """A request that cannot be carried out: an unknown suffix, verdict or stream."""
