"""Compressed captures, recognised by content: a stream of what they decompress to, in bounded memory.

What decompressors raise is listed in `ERRORS`, so that a reader can tell damage from a bug.
"""

from __future__ import annotations

import io
import lzma
import sys
import zlib
from typing import Any, BinaryIO, cast

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
XZ_MAGIC = b"\xfd7zXZ\0"
BZIP2_MAGIC = b"BZh"
MAGICS = (GZIP_MAGIC, ZSTD_MAGIC, LZ4_MAGIC, XZ_MAGIC, BZIP2_MAGIC)

MEMORY_BYTES = 128 << 20
"""What a decompressor may take: a file claims what it needs. `xz -9` needs 65 MiB, `zstd --long` 128 MiB."""

PIECE_BYTES = 64 << 10

ERRORS = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)
"""Raised for damaged data; zstandard's own error is recognised by `is_damage`."""


def is_compressed(head: bytes) -> bool:
    """True if a file that starts with `head` is compressed in a way that is known."""
    return head.startswith(MAGICS)


def is_damage(error: Exception) -> bool:
    """True if a decompressor raised `error` because of its input."""
    zstandard = sys.modules.get("zstandard")  # its error says it is of a module `zstd` up to version 0.24
    return isinstance(error, ERRORS) or (zstandard is not None and isinstance(error, zstandard.ZstdError))


def decompressed(first: bytes, rest: Any) -> Any:
    """A readable stream of what `first` and then `rest` decompress to. Raises ImportError if a package is missing."""
    joined = _Rejoined(first, rest)
    if first.startswith(GZIP_MAGIC):
        import gzip

        return gzip.GzipFile(fileobj=joined, mode="rb")
    if first.startswith(ZSTD_MAGIC):
        import zstandard

        decompressor = zstandard.ZstdDecompressor(max_window_size=MEMORY_BYTES)
        return decompressor.stream_reader(cast("BinaryIO", joined), read_across_frames=True)
    if first.startswith(LZ4_MAGIC):
        import lz4.frame

        return lz4.frame.LZ4FrameFile(joined, mode="r")
    if first.startswith(BZIP2_MAGIC):
        import bz2

        return bz2.BZ2File(joined, mode="rb")
    return _Xz(joined)


class _Rejoined(io.RawIOBase):
    """Bytes already read, then the rest of the file they came from."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first = first
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if self._first:
            count = min(len(target), len(self._first))
            target[:count] = self._first[:count]
            self._first = self._first[count:]
            return count
        return int(self._rest.readinto(target) or 0)


class _Xz(io.RawIOBase):
    """Streams of an xz file, one after the other. `lzma.LZMAFile` knows no limit of memory."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._decompressor = self._new()
        self._data = b""

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while True:
            if self._decompressor.eof:
                self._data = (self._decompressor.unused_data or self._data).lstrip(b"\0")  # padding of streams
                if not self._data:
                    self._data = self._source.read(PIECE_BYTES) or b""
                    if not self._data:
                        return 0
                    continue
                self._decompressor = self._new()
            elif self._decompressor.needs_input and not self._data:
                self._data = self._source.read(PIECE_BYTES) or b""
                if not self._data:
                    raise EOFError("the compressed data ends early")
            out = self._decompressor.decompress(self._data, max_length=len(target))
            self._data = b""
            if out:
                target[: len(out)] = out
                return len(out)
