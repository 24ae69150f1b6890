"""Compares TCP packets, streams and PTBs with tshark: `python -m tests.compare_with_tshark DIR...`.

Takes every capture below the folders. A difference is counted under its name in `docs/limits.md`; one without a name
is told, and makes the exit code 1. tshark is asked not to put fragments together, since that is one of the names.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from analyzer.decode.icmp import KIND_PTB, icmp_kind
from analyzer.decode.layers import layer_names
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    LAYERS,
    PROTO,
    REASON_AGGREGATE,
    REASON_LINK_TYPE,
    REASON_TCP_CUT,
    REASON_TCP_MALFORMED,
    UNDECODED_REASONS,
)
from analyzer.errors import CaptureError
from tests.reading import decode, open_reader, records, skim

FIELDS = ("frame.number", "frame.protocols", "tcp.stream", "icmp.type", "icmp.code", "icmpv6.type", "frame.len")
WHOLE = ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE")

TOLD_PORTS = {"GUE": "GUE", "FOU": "FOU", "Teredo": "FOU", "VXLAN": "VXLAN on port 8472", "L2TP": "L2TPv3"}
"""Names of differences where we look into an encapsulation and tshark does not, by its layer."""
UNDECODED = {
    UNDECODED_REASONS[REASON_AGGREGATE]: "A-MSDU",
    UNDECODED_REASONS[REASON_LINK_TYPE]: "Link types",
    UNDECODED_REASONS[REASON_TCP_CUT]: "Cut and malformed TCP headers",
    UNDECODED_REASONS[REASON_TCP_MALFORMED]: "Cut and malformed TCP headers",
}
"""The same where tshark sees TCP and we do not, by our reason."""
PROTOCOLS = {"sflow": "sFlow", "ipcomp": "IPComp", "ayiya": "AYIYA"}
"""The same by what tshark sees around it."""
OTHER_NAMES = ("BIG TCP", "Damage", "Frames that hold no packet")
LARGEST_IP = 65_535


class Frame(NamedTuple):
    """What one side says of a frame."""

    tcp: bool
    ptb: bool
    stream: str = ""  # of TCP packets
    inside: str = ""  # tshark: its protocols; we: the reason why not decoded, or the layers
    wire_len: int = 0


@dataclass
class Comparison:
    """What became of one capture, or the sum of many."""

    ours: Counter[str] = field(default_factory=Counter)
    theirs: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)  # frames that differ, by name
    unnamed: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        """Take another capture into the sum."""
        self.ours.update(other.ours)
        self.theirs.update(other.theirs)
        self.named.update(other.named)
        self.unnamed += other.unnamed


def tshark_fields(path: Path, fields: Sequence[str], *options: str) -> Iterator[tuple[int, list[str]]]:
    """The number of every frame that tshark reads, and its values of the fields behind the first, the number."""
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "fields", "-E", "occurrence=a"]
    for each in fields:
        command += ["-e", each]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    for line in done.stdout.decode(errors="replace").splitlines():
        number, *values = line.split("\t")
        if len(values) == len(fields) - 1 and number.isdigit():  # else a field that holds a line end
            yield int(number), values


def seen_by_tshark(path: Path) -> dict[int, Frame]:
    """Every frame that tshark reads."""
    return {number: _frame_of_tshark(*values) for number, values in tshark_fields(path, FIELDS, *WHOLE)}


def _frame_of_tshark(protocols: str, stream: str, kind: str, code: str, kind6: str, wire_len: str) -> Frame:
    names = protocols.split(":")
    first = next((name for name in names if name in ("tcp", "icmp", "icmpv6")), "")
    kind, code, kind6 = (text.split(",")[0] for text in (kind, code, kind6))
    ptb = (kind, code) == ("3", "4") if first == "icmp" else first == "icmpv6" and kind6 == "2"
    return Frame(first == "tcp", ptb, stream.rpartition(",")[2] if first == "tcp" else "", protocols, int(wire_len))


def seen_by_us(path: Path) -> dict[int, Frame]:
    """Every packet that we read."""
    streams = {int(row["frame"]): str(row["flow"]) for row in skim(path).rows()}
    frames = {}
    for record in records(path):
        h, reason = decode(record.data, record.link, record.wire_len)
        tcp = not reason and h[PROTO] == PROTO_TCP
        ptb = not reason and not tcp and icmp_kind(h) == KIND_PTB
        inside = reason or " ".join(layer_names(h[LAYERS]))
        frames[record.frame] = Frame(tcp, ptb, streams.get(record.frame, ""), inside, record.wire_len)
    return frames


def name_of(ours: Frame | None, theirs: Frame | None, *, damaged: bool) -> str:
    """The name of the difference in `docs/limits.md`; empty if it has none."""
    if ours is None or theirs is None:
        # tshark numbers blocks of pcapng that hold no packet, and so do we, but we do not read them.
        block = theirs is not None and theirs.inside in ("", "data")
        return "Frames that hold no packet" if block else "Damage" if damaged else ""
    if theirs.tcp or theirs.ptb:
        around = next((name for protocol, name in PROTOCOLS.items() if protocol in theirs.inside.split(":")), "")
        return around or UNDECODED.get(ours.inside, "")
    if ours.wire_len > LARGEST_IP:
        return "BIG TCP"
    return next((name for layer, name in TOLD_PORTS.items() if layer in ours.inside.split()), "")


def compare(path: Path) -> Comparison | None:
    """Both views of one capture; None if one of the two cannot read it at all."""
    theirs = seen_by_tshark(path)
    try:
        ours = seen_by_us(path)
    except CaptureError:
        return None
    if not theirs:
        return None
    found = Comparison(Counter(captures=1), Counter(captures=1))
    for frames, counts in ((ours, found.ours), (theirs, found.theirs)):
        counts["TCP packets"] = sum(frame.tcp for frame in frames.values())
        counts["PTBs"] = sum(frame.ptb for frame in frames.values())
        counts["streams"] = len({frame.stream for frame in frames.values() if frame.tcp})
    damaged = ours.keys() != theirs.keys() and _is_damaged(path)
    pairs: set[tuple[str, str]] = set()
    for number in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(number), theirs.get(number)
        if mine and other and (mine.tcp, mine.ptb) == (other.tcp, other.ptb):
            if mine.tcp and other.stream:
                pairs.add((mine.stream, other.stream))
        elif name := name_of(mine, other, damaged=damaged):
            found.named[name] += 1
        else:
            found.unnamed.append(f"{path}: frame {number}: {mine} {other}")
    if not len(pairs) == len({mine for mine, _ in pairs}) == len({other for _, other in pairs}):
        found.unnamed.append(f"{path}: streams do not belong together one to one")
    return found


def _is_damaged(path: Path) -> bool:
    """True if we, or tshark, cannot read it to its end."""
    reader = open_reader(path)
    records(reader)
    done = subprocess.run(["tshark", "-r", str(path)], capture_output=True, text=True, check=False, errors="replace")
    return reader.damaged_at is not None or "tshark: " in done.stderr


def captures(folders: Sequence[Path]) -> Iterator[Path]:
    """All files below the folders."""
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def main(words: list[str] | None = None) -> int:
    """Compare and tell; returns 1 if a difference has no name."""
    parser = argparse.ArgumentParser(prog="python -m tests.compare_with_tshark", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    total = Comparison()
    skipped = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(compare, captures(parser.parse_args(words).folders)):
            skipped += found is None
            if found is not None:
                total.add(found)
    out = [f"{total.ours['captures']} captures; {skipped} files that one of the two does not read"]
    out += [
        f"{what}: {total.ours[what]:,}, tshark {total.theirs[what]:,}" for what in ("TCP packets", "streams", "PTBs")
    ]
    out += [f"{name}: {count:,} frames" for name, count in total.named.most_common()]
    out += total.unnamed
    sys.stdout.write("\n".join(out) + "\n")
    return 1 if total.unnamed else 0


if __name__ == "__main__":
    raise SystemExit(main())
