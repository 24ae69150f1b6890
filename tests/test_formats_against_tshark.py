"""tshark as judge of every link type, encapsulation and container: TCP packets, their streams, and PTBs.

Where tshark decodes less, `docs/limits.md` names it; what needs a word to tshark is compared with that word, too.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from analyzer.decode.icmp import KIND_PTB
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import PROTO
from tests.builders import END_OF_OPTIONS, ETHERNET, Packet, enhanced, interface, option, section
from tests.reading import ROOT, SAMPLE_FOLDER, decode, skim
from tests.wrapping import (
    CONTAINERS,
    ENCAPSULATIONS,
    ENCAPSULATIONS6,
    LINKS,
    around,
    frame,
    ip_packets,
    wrapped,
)

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

PACKETS = ip_packets(SAMPLE_FOLDER / "tunnel_pmtud_ok_at_server.pcap")
PACKETS6 = ip_packets(SAMPLE_FOLDER / "ipv6_upload_pmtud_ok_at_client.pcap")

NEVER = {
    "Ethernet, MPLS pseudowire with control word": "MPLS pseudowires",
    "GUE": "GUE",
    "GRE in GUE": "GUE",
    "gretap in GUE": "GUE",
    "L2TPv3 over IP with a cookie": "L2TPv3",
}
"""Cases of which tshark decodes nothing whatever it is told, and their names in `docs/limits.md`."""
TOLD = {
    "VXLAN, Linux' own port": "VXLAN on port 8472",
    "FOU": "FOU",
}
"""Cases of which it decodes nothing unless it is told by `WORDS`."""
WORDS = ("-d", "udp.port==8472,vxlan", "-d", "udp.port==5555,ip")
LENGTHS = "Ethernet, 802.3 with LLC/SNAP"
"""tshark takes a length field between 1501 and 1535 for no length."""
CONTAINERS_NOT_READ = {"pcap.xz": "xz and bzip2", "pcap.bz2": "xz and bzip2"}


class Seen(NamedTuple):
    """What one side says of a capture: stream by frame of TCP packets, and frames of PTBs."""

    streams: dict[int, str]
    ptbs: set[int]

    def within(self, frames: range) -> Seen:
        """The same for some frames."""
        return Seen({n: s for n, s in self.streams.items() if n in frames}, {n for n in self.ptbs if n in frames})


def theirs(path: Path, *words: str) -> Seen:
    """What tshark says, of the innermost packets."""
    fields = ("frame.number", "frame.protocols", "tcp.stream", "icmp.type", "icmp.code", "icmpv6.type")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", *words]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    seen = Seen({}, set())
    for line in done.stdout.splitlines():
        number, protocols, stream, kind, code, kind6 = line.split("\t")
        if stream and "icmp" not in protocols:
            seen.streams[int(number)] = stream
        if (kind, code) == ("3", "4") or kind6 == "2":
            seen.ptbs.add(int(number))
    return seen


def ours(path: Path) -> Seen:
    """What the skim says."""
    skimmed = skim(path)
    ptbs = {int(row["frame"]) for row in skimmed.tables()["icmps"] if row["kind"] == KIND_PTB}
    return Seen({int(row["frame"]): str(row["flow"]) for row in skimmed.rows()}, ptbs)


def cases() -> Iterator[tuple[str, int, list[Packet]]]:
    """Name, link type and packets of every case."""
    for name, (link, wrap) in LINKS.items():
        yield name, link, wrapped(PACKETS, wrap)
        yield f"{name}, IPv6", link, wrapped(PACKETS6, wrap)
    for name, (wrap, _, _) in ENCAPSULATIONS.items():
        yield name, ETHERNET, wrapped(PACKETS, around(wrap))
    for name, (wrap, _, _) in ENCAPSULATIONS6.items():
        yield f"{name}, IPv6", ETHERNET, wrapped(PACKETS6, around(wrap))


NAMES = [name for name, _, _ in cases()]


class Judged(NamedTuple):
    """All cases in one capture, as all see it."""

    frames: dict[str, range]
    ours: Seen
    plain: Seen
    told: Seen


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """One pcapng with an interface for each case; tshark reads it once as it is and once told what it cannot know."""
    path = tmp_path_factory.mktemp("formats") / "all.pcapng"
    data = section()
    frames = {}
    first = 1
    clock = option(9, b"\x09") + END_OF_OPTIONS
    for number, (name, link, packets) in enumerate(cases()):
        data += interface(link, options=clock) + b"".join(enhanced(each, number=number) for each in packets)
        frames[name] = range(first, first + len(packets))
        first += len(packets)
    path.write_bytes(data)
    return Judged(frames, ours(path), theirs(path), theirs(path, *WORDS))


@pytest.mark.parametrize("name", NAMES)
def test_tcp_packets_streams_and_ptbs(judged: Judged, name: str) -> None:
    frames = judged.frames[name]
    mine, plain, told = (seen.within(frames) for seen in (judged.ours, judged.plain, judged.told))
    packets = PACKETS6 if name.endswith(", IPv6") else PACKETS
    case = name.removesuffix(", IPv6")
    assert len(mine.streams) == expected_tcp(packets)
    assert mine.ptbs
    if case in NEVER:
        assert (plain, told) == (Seen({}, set()), Seen({}, set()))
    elif case in TOLD:
        assert plain == Seen({}, set())
        assert told == mine
    elif case == LENGTHS:
        odd = {n for n, packet in zip(frames, packets, strict=True) if 1500 < packet.wire_len + 8 < 1536}
        assert odd
        assert plain.streams == {n: stream for n, stream in mine.streams.items() if n not in odd}
        assert plain.ptbs == mine.ptbs
    else:
        assert plain == mine


def expected_tcp(packets: list[Packet]) -> int:
    """TCP packets among IP packets."""
    return sum(decode(packet.data, 101, packet.wire_len)[0][PROTO] == PROTO_TCP for packet in packets)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(tmp_path: Path, name: str) -> None:
    path = tmp_path / "capture"
    path.write_bytes(CONTAINERS[name](wrapped(PACKETS, frame)))
    mine = ours(path)
    assert len(mine.streams) == expected_tcp(PACKETS)
    assert theirs(path) == (Seen({}, set()) if name in CONTAINERS_NOT_READ else mine)


def test_the_differences_are_explained_by_name() -> None:
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    _, _, explained = text.partition("## Differences from tshark")
    names = {*NEVER.values(), *TOLD.values(), *CONTAINERS_NOT_READ.values(), "Lengths from 1501 to 1535"}
    assert all(f"**{name}**" in explained for name in names)
