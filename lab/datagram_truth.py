"""What became of the UDP datagrams of a path that was captured at both ends, packet by packet."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from lab.capture_file import ip_of, read_capture

UDP = 17
LARGE = 1280
TOGETHER = 2.0  # seconds within which fragments with one identification belong together


class Datagram(NamedTuple):
    """One, as both captures know it."""

    src: str
    dst: str
    sport: int
    dport: int
    length: int
    checksum: int

    @property
    def size(self) -> int:
        """Bytes of IP, put together."""
        return 20 + self.length


def compared(client: Path, server: Path, *, tunnel: bool) -> dict[str, object]:
    """For each direction how many large datagrams were sent, how many did not come, and the sizes around that."""
    there = (_complete(client), _complete(server))
    ways = {
        "client_to_server": (there[0], there[1], "192.0.2.2"),
        "server_to_client": (there[1], there[0], "198.51.100.2"),
    }
    found: dict[str, object] = {"tunnel": tunnel}
    for name, (sent, came, source) in ways.items():
        own = {each: count for each, count in sent.items() if each.src == source}
        lost = {each: count - came[each] for each, count in own.items() if count > came[each]}
        arrived = [each.size for each in own if came[each]]
        found[name] = {
            "large": sum(count for each, count in own.items() if each.size > LARGE),
            "large_lost": sum(count for each, count in lost.items() if each.size > LARGE),
            "small_lost": sum(count for each, count in lost.items() if each.size <= LARGE),
            "smallest_lost": min((each.size for each in lost if each.size > LARGE), default=None),
            "largest_arrived": max(arrived, default=None),
        }
    return found


def _complete(path: Path) -> Counter[Datagram]:
    """The datagrams of which all bytes are in a capture, and how often."""
    capture = read_capture(path)
    whole: Counter[Datagram] = Counter()
    waiting: dict[tuple[bytes, bytes], dict[int, int]] = {}
    heads: dict[tuple[bytes, bytes], Datagram] = {}
    since: dict[tuple[bytes, bytes], float] = defaultdict(float)
    for record in capture.records:
        ip = ip_of(capture.link_type, record.data)
        if len(ip) < 20 or ip[0] >> 4 != 4 or ip[9] != UDP:
            continue
        header = (ip[0] & 15) * 4
        place = int.from_bytes(ip[6:8])
        offset, more = (place & 0x1FFF) * 8, bool(place & 0x2000)
        key, at = (ip[12:20], ip[4:6]), record.time_ns / 1e9
        if at - since[key] > TOGETHER:
            waiting.pop(key, None)
            heads.pop(key, None)
        since[key] = at
        if offset == 0:
            head = _head(ip, header)
            if not more:
                whole[head] += 1
                continue
            heads[key] = head
        parts = waiting.setdefault(key, {})
        parts[offset] = int.from_bytes(ip[2:4]) - header
        if key in heads and sum(parts.values()) == heads[key].length:
            whole[heads.pop(key)] += 1
            waiting.pop(key)
    return whole


def _head(ip: bytes, header: int) -> Datagram:
    ends = [".".join(str(byte) for byte in ip[start : start + 4]) for start in (12, 16)]
    numbers = [int.from_bytes(ip[header + i : header + i + 2]) for i in (0, 2, 4, 6)]
    return Datagram(ends[0], ends[1], numbers[0], numbers[1], numbers[2], numbers[3])
