"""Make one capture, fast and always the same: `python benchmarks/generate.py KIND PACKETS OUT`.

OUT is a file, or `-` for standard output. The kinds stand in `KINDS`; `python benchmarks` makes what it needs itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.layout import file_header
from benchmarks.lossy import Lossy
from benchmarks.short import PACKETS, Short
from benchmarks.steady import Steady

WHOLE = 262_144  # tcpdump's snap length when none is given


class Source(Protocol):
    """What makes the packets of a capture."""

    @property
    def packets(self) -> int:
        """How many there will be: as many as were asked for, or a few more where whole flows or episodes are made."""

    @property
    def flows(self) -> int:
        """TCP connections."""

    @property
    def snap(self) -> int:
        """Bytes captured of a packet at most."""

    def chunks(self) -> Iterator[memoryview]:
        """Their bytes, in order."""


KINDS: dict[str, Callable[[int], Source]] = {
    "bulk": lambda packets: Steady(packets, 4, WHOLE),
    "snap96": lambda packets: Steady(packets, 10, 96),
    "snap66": lambda packets: Steady(packets, 10, 66),
    "one_flow": lambda packets: Steady(packets, 1, 96),
    "flows": lambda packets: Short(max(1, packets // PACKETS)),
    "lossy": lambda packets: Lossy(packets, min(20, max(1, packets // 16_000))),
    "pcapng": lambda packets: Steady(packets, 10, 96, container="pcapng"),
    "vxlan": lambda packets: Steady(packets, 10, 146, vxlan=True),
}


def write(source: Source, out: BinaryIO) -> None:
    """Write the capture, header first."""
    container = source.container if isinstance(source, Steady) else "pcap"
    out.write(file_header(container, source.snap))
    for chunk in source.chunks():
        out.write(chunk)


def main() -> None:
    """Write the capture named on the command line."""
    if len(sys.argv) != 4 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: generate.py {'|'.join(KINDS)} PACKETS OUT")
    source = KINDS[sys.argv[1]](int(float(sys.argv[2])))
    if sys.argv[3] == "-":
        try:
            write(source, sys.stdout.buffer)
        except BrokenPipeError:
            sys.stderr.close()  # the reader has had enough; nothing to say about it at exit either
    else:
        with Path(sys.argv[3]).open("wb") as out:
            write(source, out)


if __name__ == "__main__":
    main()
