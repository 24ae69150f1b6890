"""The tool and its peers: what each is called, how it is started on a capture, and what it cannot read."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.captures import HERE

FIRST = min(os.sched_getaffinity(0))  # a processor that may be used
_UNPACK = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True)
class Program:
    """One program. In its command `{}` is the capture; `piped` reads it from standard input.

    `packed` are the suffixes of compressed captures that it reads itself; others are unpacked through a pipe. `slow`
    programs get a slice of a large workload. Those that are no peers (the floor, the tool itself started otherwise) are
    never said to be ahead; those that name workloads run on them `only`.
    """

    name: str
    label: str
    command: tuple[str, ...]
    piped: tuple[str, ...] = ()
    packed: tuple[str, ...] = ()
    tunnels: bool = True  # it looks into VXLAN
    unpacks: bool = False  # it does nothing but decompress
    slow: bool = False
    peer: bool = True
    only: tuple[str, ...] = ()

    def installed(self) -> bool:
        """Whether it can be started here."""
        return shutil.which(self.command[0]) is not None

    def on(self, path: Path) -> list[str] | None:
        """The command for this capture, or None if it cannot read it."""
        if self.unpacks:
            return [_UNPACK[path.suffix], "-dc", str(path)] if shutil.which(_UNPACK.get(path.suffix, "")) else None
        if path.suffix not in _UNPACK or path.suffix in self.packed:
            return [part.replace("{}", str(path)) for part in self.command]
        if not self.piped or shutil.which(_UNPACK[path.suffix]) is None:
            return None
        return ["sh", "-c", f'{_UNPACK[path.suffix]} -dc "$0" | exec "$@"', str(path), *self.piped]


_DUMP = ("-w", "/dev/null", "icmp")
_FIELDS = ("-T", "fields", "-e", "ip.src", "-e", "tcp.len")
TOOL = Program(
    "tool", "pmtu-analyze", (sys.executable, "-m", "analyzer", "{}"),
    piped=(sys.executable, "-m", "analyzer", "-"), packed=(".gz", ".zst"),
)  # fmt: skip
ONE = Program(
    "one", "pmtu-analyze on one processor", ("taskset", "-c", str(FIRST), *TOOL.command),
    peer=False, only=("flows", "turns"),
)  # fmt: skip
NUMPY = Program(
    "numpy", '`python -c "import numpy"`', (sys.executable, "-c", "import numpy"),
    peer=False, only=("small", "trouble"),
)  # fmt: skip
CAT = Program("cat", "`cat` (the floor)", ("cat", "{}"), packed=(".gz", ".zst"), peer=False)
TCPTRACE = Program(
    "tcptrace", "`tcptrace -n`", ("tcptrace", "-n", "{}"),
    piped=("tcptrace", "-n", "stdin"), packed=(".gz",), tunnels=False,
)  # fmt: skip
TCPDUMP = Program(
    "tcpdump", "`tcpdump -r F -w X icmp`", ("tcpdump", "-r", "{}", *_DUMP),
    piped=("tcpdump", "-r", "-", *_DUMP), tunnels=False,
)  # fmt: skip
UNPACK = Program("unpack", "`gzip -dc`, `zstd -dc`", ("sh",), unpacks=True, peer=False)
TSHARK = Program(
    "tshark", "`tshark`, two fields", ("tshark", "-n", "-r", "{}", *_FIELDS), packed=(".gz", ".zst"), slow=True
)
DPKT = Program("dpkt", "a loop with dpkt", (sys.executable, str(HERE / "dpkt_loop.py"), "{}"), tunnels=False, slow=True)
ALL = (TOOL, ONE, NUMPY, CAT, UNPACK, TCPTRACE, TCPDUMP, TSHARK, DPKT)
