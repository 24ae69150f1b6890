"""Make one capture, fast and always the same: `python benchmarks/generate.py KIND PACKETS OUT`.

OUT is a file (`.gz` and `.zst` are compressed), or `-` for standard output. With a file, what is in it is printed as
JSON: packets, flows, and in `lossy` the segments sent again. `python benchmarks` makes what it needs itself.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import zstandard

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import datagrams, hung
from benchmarks.datagrams import Datagrams
from benchmarks.forms import FORMS, Form
from benchmarks.hung import Hung
from benchmarks.layout import file_header
from benchmarks.lossy import Lossy
from benchmarks.short import PACKETS, Short
from benchmarks.steady import Steady

WHOLE = 262_144  # tcpdump's snap length when none is given


class Source(Protocol):
    """What makes the packets of a capture."""

    @property
    def packets(self) -> int:
        """How many there will be: about as many as were asked for, where whole flows or episodes are made."""

    @property
    def flows(self) -> int:
        """Connections of TCP, or conversations of UDP."""

    @property
    def snap(self) -> int:
        """Bytes captured of a packet at most."""

    def chunks(self) -> Iterator[memoryview]:
        """Their bytes, in order."""


def _in_form(form: Form, packets: int) -> Steady:
    """As `snap96`, with a snap length that leaves as much of the inner packet."""
    snap = 96 - 14 + len(form.front(0)) + (20 if form.v6 else 0)
    return Steady(packets, 10, snap, container="pcapng" if form.options else "pcap", form=form)


KINDS: dict[str, Callable[[int], Source]] = {
    "bulk": lambda packets: Steady(packets, 4, WHOLE),
    "snap96": lambda packets: Steady(packets, 10, 96),
    "turns": lambda packets: Steady(packets, min(100_000, max(1, packets // 20)), 96),
    "one_flow": lambda packets: Steady(packets, 1, 96),
    "flows": lambda packets: Short(max(1, packets // PACKETS)),
    "hung": lambda packets: Hung(max(1, packets // hung.PACKETS)),
    "lossy": lambda packets: Lossy(packets, min(20, max(1, packets // 16_000))),
    "udp": lambda packets: Datagrams(max(1, packets // datagrams.PACKETS)),
    "pcapng": lambda packets: Steady(packets, 10, 96, container="pcapng"),
    "vxlan": lambda packets: Steady(packets, 10, 146, vxlan=True),
}


IN_FORMS: dict[str, Callable[[int], Source]] = {name: partial(_in_form, form) for name, form in FORMS.items()}
"""As `snap96`, each packet in something else."""


def write(source: Source, out: BinaryIO) -> None:
    """Write the capture, header first."""
    container = source.container if isinstance(source, Steady) else "pcap"
    form = source.form if isinstance(source, Steady) else None
    out.write(file_header(container, source.snap, 1 if form is None else form.link))
    for chunk in source.chunks():
        out.write(chunk)


def write_file(source: Source, path: Path) -> None:
    """Write the capture to a file, compressed as its suffix says."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                write(source, cast("BinaryIO", packed))
        elif path.suffix == ".zst":
            with zstandard.ZstdCompressor(3).stream_writer(file) as packer:
                write(source, cast("BinaryIO", packer))
        else:
            write(source, file)


def main() -> None:
    """Write the capture named on the command line."""
    kinds = KINDS | IN_FORMS
    if len(sys.argv) != 4 or sys.argv[1] not in kinds:
        sys.exit(f"usage: generate.py {'|'.join(kinds)} PACKETS OUT")
    source = kinds[sys.argv[1]](int(float(sys.argv[2])))
    if sys.argv[3] == "-":
        try:
            write(source, sys.stdout.buffer)
        except BrokenPipeError:
            sys.stderr.close()  # the reader has had enough; nothing to say about it at exit either
        return
    write_file(source, Path(sys.argv[3]))
    facts = {"packets": source.packets, "flows": source.flows}
    if isinstance(source, Lossy):
        facts["retransmitted"] = source.retransmitted
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
