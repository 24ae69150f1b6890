"""What Dask's workers begin with (`--preload`) where they are not to read ahead: one core a worker, and no more."""

from __future__ import annotations

from analyzer.capture.reader import CaptureReader


def _nothing(reader: CaptureReader) -> None:
    """Each chunk is read, and decompressed, when the one before it is done."""


CaptureReader.read_ahead = _nothing  # type: ignore[method-assign, assignment]
