"""Compressed captures, recognised by content: a stream of what they decompress to, in bounded memory.

What decompressors raise is listed in `ERRORS`, so that a reader can tell damage from a bug. A stream that ends within a
member or frame is damaged, wherever it was cut.
"""

from __future__ import annotations

import io
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
XZ_MAGIC = b"\xfd7zXZ\0"
BZIP2_MAGIC = b"BZh"
SKIPPABLE_MAGICS = tuple(bytes([number]) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))
"""Frames without data, which zstd (RFC 8878 3.1.2) and lz4 have in common."""

MAGICS = (GZIP_MAGIC, ZSTD_MAGIC, LZ4_MAGIC, XZ_MAGIC, BZIP2_MAGIC, *SKIPPABLE_MAGICS)

MEMORY_BYTES = 128 << 20
"""What a decompressor may take: a file claims what it needs. `xz -9` needs 65 MiB, `zstd --long` 128 MiB."""

INFLATE_BYTES = 44 << 10
USUAL_BYTES = 8 << 20
"""What a decompressor is taken to hold: `inflate`, and all others; xz takes 8 MiB by default, zstd 2 MiB."""

PIECE_BYTES = 16 << 10
"""Compressed bytes that are read at once. Of members of a few bytes each, what follows is copied for each of them."""

ERRORS = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)
"""Raised for damaged data; zstandard's own error is recognised by `is_damage`."""

ENDS_EARLY = "the compressed data ends early"


def is_compressed(head: bytes) -> bool:
    """True if a file that starts with `head` is compressed in a way that is known."""
    return head.startswith(MAGICS)


def is_damage(error: Exception) -> bool:
    """True if a decompressor raised `error` because of its input."""
    zstandard = sys.modules.get("zstandard")  # its error says it is of a module `zstd` up to version 0.24
    return isinstance(error, ERRORS) or (zstandard is not None and isinstance(error, zstandard.ZstdError))


def decompressed(first: bytes, rest: Any) -> Any:
    """A readable stream of what `first` and then `rest` decompress to. Raises ImportError if a package is missing.

    `rest` may be closed only after it; `compressed_bytes` of the stream is how many bytes it has taken, `held_bytes`
    what it holds.
    """
    joined = _Rejoined(first, rest)
    if first.startswith(GZIP_MAGIC):
        return _Members(joined, _Gzip)
    if first.startswith(BZIP2_MAGIC):
        import bz2

        return _Members(joined, bz2.BZ2Decompressor)
    if first.startswith(XZ_MAGIC):
        return _Members(joined, _new_xz)
    if _is_lz4(first):
        import lz4.frame

        return _Counted(lz4.frame.LZ4FrameFile(joined, mode="r"), joined)
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=MEMORY_BYTES)
    frames = _ZstdFrames(joined)
    stream = decompressor.stream_reader(cast("BinaryIO", frames), read_across_frames=True)
    return _Counted(stream, joined, frames.check_end)


def _is_lz4(first: bytes) -> bool:
    """Whether the first frame with data is one of lz4. Where none is within reach, zstd's reader skips frames, too."""
    at = 0
    while first.startswith(SKIPPABLE_MAGICS, at) and at + 8 <= len(first):
        at += 8 + int.from_bytes(first[at + 4 : at + 8], "little")
    return first.startswith(LZ4_MAGIC, at)


class _Rejoined(io.RawIOBase):
    """Bytes already read, then the rest of the file they came from; `taken` counts them."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first = memoryview(first)
        self._rest = rest
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        if len(self._first):
            count = min(len(target), len(self._first))
            target[:count] = self._first[:count]
            self._first = self._first[count:]
        else:
            count = int(self._rest.readinto(target) or 0)
        self.taken += count
        return count


class _Decompressor(Protocol):
    """One member, as the standard library's decompressors have it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _new_xz() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)  # `lzma.LZMAFile` knows no limit


class _Gzip:
    """A member of a gzip file, like the decompressors of bz2 and lzma. Its checksum is checked."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._left = b""
        self._full = False  # the last answer was as long as it might be: there may be more

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._left and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._inflate.decompress(self._left + data if self._left else data, max(max_length, 0))
        self._left = self._inflate.unconsumed_tail
        self._full = 0 < max_length == len(out)
        return out


class _Members(io.RawIOBase):
    """Members of a file, one after the other, with zeros between them and behind the last."""

    def __init__(self, source: _Rejoined, new: Callable[[], _Decompressor]) -> None:
        self._source = source
        self._new = new
        self._decompressor = new()
        self._data = b""

    @property
    def compressed_bytes(self) -> int:
        return self._source.taken

    @property
    def held_bytes(self) -> int:
        return INFLATE_BYTES if self._new is _Gzip else USUAL_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while True:
            if self._decompressor.eof:
                self._data = (self._decompressor.unused_data or self._data).lstrip(b"\0")
                while not self._data:
                    piece = self._source.read(PIECE_BYTES)
                    if not piece:
                        return 0
                    self._data = piece.lstrip(b"\0")
                self._decompressor = self._new()
            elif self._decompressor.needs_input and not self._data:
                self._data = self._source.read(PIECE_BYTES) or b""
                if not self._data:
                    raise EOFError(ENDS_EARLY)
            out = self._decompressor.decompress(self._data, max_length=len(target))
            self._data = b""
            if out:
                target[: len(out)] = out
                return len(out)


class _Counted(io.RawIOBase):
    """The stream of a package; at its end `check_end` may raise."""

    held_bytes = USUAL_BYTES

    def __init__(self, stream: Any, source: _Rejoined, check_end: Callable[[], None] | None = None) -> None:
        self._stream = stream
        self._source = source
        self._check_end = check_end
        self._read = getattr(stream, "readinto1", stream.readinto)

    @property
    def compressed_bytes(self) -> int:
        return self._source.taken

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        count = int(self._read(target) or 0)
        if not count and len(target) and self._check_end is not None:
            self._check_end()
        return count

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _ZstdFrames(io.RawIOBase):
    """Bytes of zstd frames on their way to the decompressor, which does not say whether the last one was whole.

    Only headers are looked at (RFC 8878 3.1.1): of the frame, then of each block, whose content is passed over.
    """

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._skip = 0  # bytes to pass over
        self._head = bytearray()  # of a header that is not there as a whole yet
        self._next = self._frame  # what reads the next header: it returns how many bytes it needs, or 0
        self._checksum = False
        self._between = True

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        count = int(self._source.readinto(target) or 0)
        self._follow(memoryview(target)[:count])
        return count

    def check_end(self) -> None:
        """Raises EOFError if the bytes so far end within a frame."""
        if not self._between or self._skip or self._head:
            raise EOFError(ENDS_EARLY)

    def _follow(self, data: memoryview) -> None:
        at = 0
        while at < len(data):
            if self._skip:
                passed = min(self._skip, len(data) - at)
                self._skip -= passed
                at += passed
                continue
            wanted = self._next()
            if wanted:
                self._head += data[at : at + wanted]
                at += min(wanted, len(data) - at)
                self._next()

    def _frame(self) -> int:
        head = self._head
        if len(head) < 5:
            return 5 - len(head)
        if head.startswith(SKIPPABLE_MAGICS):
            if len(head) < 8:
                return 8 - len(head)
            self._skip = int.from_bytes(head[4:8], "little")
        else:
            descriptor = head[4]
            single, dictionary = descriptor >> 5 & 1, (0, 1, 2, 4)[descriptor & 3]
            content = (single, 2, 4, 8)[descriptor >> 6]
            self._skip = (0 if single else 1) + dictionary + content
            self._checksum = bool(descriptor >> 2 & 1)
            self._between = False
            self._next = self._block
        head.clear()
        return 0

    def _block(self) -> int:
        head = self._head
        if len(head) < 3:
            return 3 - len(head)
        header = int.from_bytes(head, "little")
        kind, size = header >> 1 & 3, header >> 3
        self._skip = 1 if kind == 1 else size  # a run of one byte
        if header & 1:
            self._skip += 4 if self._checksum else 0
            self._between = True
            self._next = self._frame
        head.clear()
        return 0
