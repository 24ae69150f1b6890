"""One more pass, for who asks: names of hosts that the capture itself tells.

Packets that can hold one are picked by a kernel, so that of a large capture the few are decoded that do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import ip_address
from typing import Any

import numpy as np

from analyzer.capture.container import BIG, FORMAT, GOT_PACKET, I_WIDTH, NEED_BYTES, PCAPNG, POS
from analyzer.capture.pcapng import BYTE_ORDER_MAGIC, NAME_RESOLUTION, SECTION, next_packet
from analyzer.capture.reader import CaptureReader
from analyzer.decode.host_names import dns_names, names_in_block, server_name
from analyzer.decode.integers import Buffer, be16, int32
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import COUNT, DST, IP_END, L4, OK, PROTO, REASON_NOT_TCP, TCP_LEN, VERSION
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.kernels.marks import bound, kernel
from analyzer.model.analysis import Analysis
from analyzer.model.host_name import NAMED_ADDRESSES, NAMES_PER_ADDRESS, HostName, NameSource
from analyzer.model.text import packed_ip_text
from analyzer.passes.first import Skimmer
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.reread import reader_of
from analyzer.passes.trial import trial_capture
from analyzer.passes.walk import Notify, goes_compiled, prepare, start_all, walk_inputs

MOST_MESSAGES = 500_000
"""Messages that are decoded, in all files together: some 10 s."""

LONGEST_BLOCK = 1 << 20
"""Bytes of a block of names that is read. A longer one is passed over."""

LISTED_FLOWS = 10_000
"""Of a capture with more flows, names are looked for of those with a problem, and of the ends of paths."""

PORT_DNS = 53
PORT_MDNS = 5353
TLS_HANDSHAKE = 22
TLS_MAJOR = 3
CLIENT_HELLO = 1

FOUND = -14
OF_DNS, OF_TLS, OF_BLOCK = 1, 2, 3
KIND, BEGIN, BEHIND = 0, 1, 2


@kernel
def names_chunk(
    found: list[int], buf: Buffer, end: int, container: list[int], interfaces: list[int], h: list[int]
) -> int:
    """Step to the next place of buf[POS:end] that can hold a name; returns FOUND, or why it stopped.

    `found` gets what it is, and where it begins and ends.
    """
    while True:
        before = container[POS]
        limit = end
        if container[FORMAT] == PCAPNG and before + 12 <= end:
            big = container[BIG]
            kind = int32(buf, before, big)
            if kind == SECTION:
                big = 0 if int32(buf, before + 8, 0) == BYTE_ORDER_MAGIC else 1
            length = int32(buf, before + 4, big)
            if kind == NAME_RESOLUTION and 12 <= length <= LONGEST_BLOCK:
                if before + length > end:
                    return NEED_BYTES
                found[KIND] = OF_BLOCK
                found[BEGIN] = before + 8
                found[BEHIND] = before + length - 4
                container[POS] = before + length
                return FOUND
            if 12 <= length <= end - before:
                limit = before + length  # one block at a time, so that none is passed over unseen
        status = next_packet(buf, limit, container, interfaces, h)
        if status == NEED_BYTES and limit < end and container[POS] > before:
            continue
        if status != GOT_PACKET:
            return status
        reason = decode_packet(buf, h)
        o = h[L4]
        if reason == OK and h[PROTO] == PROTO_TCP:
            o += h[TCP_LEN]
            if (
                o + 6 <= h[IP_END]
                and buf[o] + 0 == TLS_HANDSHAKE
                and buf[o + 1] + 0 == TLS_MAJOR
                and buf[o + 5] + 0 == CLIENT_HELLO
            ):
                found[KIND] = OF_TLS
                found[BEGIN] = o
                found[BEHIND] = h[IP_END]
                return FOUND
        elif reason == REASON_NOT_TCP and h[PROTO] == PROTO_UDP and o + 20 <= h[IP_END]:
            port = be16(buf, o)
            is_answer = buf[o + 10] + 0 >= 0x80 and be16(buf, o + 14) > 0
            if is_answer and (port in (PORT_DNS, PORT_MDNS)):
                found[KIND] = OF_DNS
                found[BEGIN] = o + 8
                found[BEHIND] = h[IP_END]
                return FOUND


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entry, for a call that does some of everything."""
    buf, container = trial_capture()
    found, interfaces, numbers = (np.zeros(count, np.int64) for count in (3, I_WIDTH, COUNT))
    return {"names_chunk": (found, buf, len(buf), container, interfaces, numbers)}


class _Finder(Skimmer):
    """As the Skimmer, but hands on what can hold a name: its kind, its bytes, the fields of its packet."""

    def __init__(self, take: Callable[[int, bytes, Any, Any], None], *, compiled: bool) -> None:
        super().__init__(compiled=False)
        self._found_one = take
        step = self._entry(names_chunk, examples, "names", compiled=compiled)
        self._h = self.integers(COUNT)
        self._found = self.integers(3)
        self._step = bound(step, self._found)
        self._skim = self._find

    def _find(self, view: Any, end: int, container: Any, interfaces: Any, h: Any, q: Any, until: int) -> int:
        del q, until  # the order of times does not matter
        while (status := self._step(view, end, container, interfaces, h)) == FOUND:
            kind, begin, behind = (int(value) for value in self._found)
            self._found_one(kind, bytes(view[begin:behind]), h, container)
        return int(status)


class _Names:
    """The names found so far, of addresses that matter."""

    def __init__(self, wanted: Collection[bytes]) -> None:
        self.by_address: dict[bytes, dict[str, list[NameSource]]] = {address: {} for address in wanted}
        self.messages = 0

    def take(self, kind: int, content: bytes, h: Any, container: Any) -> None:
        self.messages += 1
        if kind == OF_DNS:
            for address, name in dns_names(content):
                self._add(address, name, "dns")
        elif kind == OF_BLOCK:
            for address, name in names_in_block(content, big=bool(container[BIG])):
                self._add(address, name, "capture")
        else:
            words = 1 if h[VERSION] == 4 else 4
            server = b"".join(int(h[DST + i]).to_bytes(4) for i in range(words))
            if server in self.by_address and (name := server_name(content)):
                self._add(server, name, "sni")

    def _add(self, address: bytes, name: str, source: NameSource) -> None:
        known = self.by_address.get(address)
        if known is None or (name not in known and len(known) >= NAMES_PER_ADDRESS):
            return
        sources = known.setdefault(name, [])
        if source not in sources:
            sources.append(source)


def names_in(
    analysis: Analysis, notify: Notify | None = None, *, compiled: bool | None = None
) -> tuple[dict[str, tuple[HostName, ...]], str]:
    """Names of the hosts of an analysis by their addresses, and a note where not all messages were looked into.

    Args:
        analysis: its files are read once more.
        notify: called with a line for the user before something that takes long.
        compiled: force the compiled or interpreted pass; by default large captures compile.

    Raises:
        UsageError: a file cannot be read again, as a pipe, or changed since it was analysed.
    """
    found = _Names(_addresses(analysis))
    for number in range(len(analysis.files)):
        with reader_of(analysis, number) as reader:
            _find_in(reader, found, notify, compiled)
        if found.messages >= MOST_MESSAGES:
            break
    names = {
        packed_ip_text(address): tuple(HostName(name, tuple(sources)) for name, sources in known.items())
        for address, known in found.by_address.items()
        if known
    }
    note = f"Names of hosts are from the first {MOST_MESSAGES:,} answers of DNS and beginnings of TLS."
    return names, note if found.messages >= MOST_MESSAGES else ""


def _find_in(reader: CaptureReader, found: _Names, notify: Notify | None, compiled: bool | None) -> None:
    for _ in start_all([reader]):
        pass
    large = goes_compiled([reader], "search for names", "names", compiled, notify)
    finder = _Finder(found.take, compiled=large)
    for _ in walk_inputs(finder, prepare(finder, [reader])):
        if found.messages >= MOST_MESSAGES:
            return


def _addresses(analysis: Analysis) -> list[bytes]:
    """The addresses that reports are about, those of the gravest flows first, packed."""
    texts: dict[str, None] = {}
    for _, brief in analysis.problems:
        texts |= {brief.sender: None, brief.receiver: None}
    for path in analysis.all_paths:
        texts |= {path.src: None, path.dst: None}
    if len(analysis.all_flows) <= LISTED_FLOWS:
        for flow in analysis.all_flows:
            texts |= {flow.client.ip: None, flow.server.ip: None}
    return [ip_address(text).packed for text in list(texts)[:NAMED_ADDRESSES]]
