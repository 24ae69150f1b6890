"""The bytes of one captured TCP packet as a numpy record, and how its fields are set, a column at a time.

    pcap or pcapng header | [Ethernet, IPv4, UDP, VXLAN] | Ethernet, IPv4, TCP, options | captured payload | [trailer]

Lengths are bytes, times microseconds since `FIRST_SECOND`. All traffic is between one server (port 443) and many
clients. IPv4 checksums are right; TCP checksums are not, as where a network card fills them in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.forms import Form

Container = Literal["pcap", "pcapng"]
Records = npt.NDArray[np.void]
Numbers = npt.NDArray[np.int64]
Value = Numbers | int

ETHERNET, IPV4, IPV6, VXLAN = 14, 20, 40, 8 + 8 + 14 + 20
FIRST_SECOND = 1_700_000_000
SERVER_ADDRESS, SERVER_PORT = 0x0A00_0202, 443
CLIENT_MAC, SERVER_MAC = bytes.fromhex("020000000101"), bytes.fromhex("020000000202")
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
MSS = 1448  # payload bytes of a full-size segment with timestamps, on an MTU of 1500
SYN_OPTIONS = 20
TIMESTAMPS = 12
_CLIENTS = 250  # hosts; the rest of a flow's number is its port
_SEED = 7


def sack_options(blocks: int) -> int:
    """Bytes of TCP options with timestamps and that many SACK blocks."""
    return TIMESTAMPS + (4 + 8 * blocks if blocks else 0)


@dataclass(frozen=True, slots=False)
class Shape:
    """What records of one kind have in common.

    `options` is the length of the TCP options, `payload` how many bytes the segments hold at least, `snap` the snap
    length. Bytes beyond the headers that are captured are random, as if they were encrypted.
    """

    options: int
    payload: int
    snap: int
    container: Container = "pcap"
    vxlan: bool = False
    form: Form | None = None

    @property
    def outer(self) -> int:
        """Bytes in front of the inner Ethernet header, or with a `form`, of the inner IP header."""
        return len(self.form.front(0)) if self.form is not None else VXLAN if self.vxlan else 0

    @property
    def before_ip(self) -> int:
        """Bytes in front of the inner IP header."""
        return self.outer + (0 if self.form is not None else ETHERNET)

    @property
    def ip_header(self) -> int:
        """Bytes of the inner IP header."""
        return IPV6 if self.form is not None and self.form.v6 else IPV4

    @property
    def headers(self) -> int:
        """Bytes from the first one of the frame to the end of the TCP options."""
        return self.before_ip + self.ip_header + 20 + self.options

    @property
    def captured(self) -> int:
        """Bytes of the packet that the file holds."""
        return min(self.snap, self.headers + self.payload)

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The record, packed."""
        fields: list[tuple[Any, ...]] = []
        if self.container == "pcap":
            fields += [("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("wire", "<u4")]
        else:
            fields += [("block", "<u4"), ("total", "<u4"), ("interface", "<u4"), ("high", "<u4"), ("low", "<u4")]
            fields += [("captured", "<u4"), ("wire", "<u4")]
        if self.vxlan:
            fields += [("outer_macs", "V12"), ("outer_type", ">u2"), ("outer_ip", IPV4_HEADER)]
            fields += [("outer_source", ">u2"), ("outer_target", ">u2"), ("outer_length", ">u2"), ("outer_sum", ">u2")]
            fields += [("vxlan_flags", ">u4"), ("vxlan_network", ">u4")]
        if self.form is None:
            fields += [("macs", "V12"), ("type", ">u2"), ("ip", IPV4_HEADER)]
        else:
            fields += [("front", "V", self.outer), ("ip", _IPV6 if self.form.v6 else IPV4_HEADER)]
        fields += [
            ("sport", ">u2"),
            ("dport", ">u2"),
            ("seq", ">u4"),
            ("ack", ">u4"),
            ("offset", "u1"),
            ("flags", "u1"),
        ]
        fields += [("window", ">u2"), ("tcp_sum", ">u2"), ("urgent", ">u2")]
        if self.options == SYN_OPTIONS:
            fields += [("mss", "V4"), ("kinds", "V4"), ("tsval", ">u4"), ("tsecr", ">u4"), ("scale", "V4")]
        else:
            fields += [("kinds", "V4"), ("tsval", ">u4"), ("tsecr", ">u4")]
            if blocks := (self.options - TIMESTAMPS) // 8:
                fields += [("sack_kind", "V4"), ("edges", ">u4", (blocks, 2))]
        if self.captured < self.headers:
            raise ValueError(f"a snap length of {self.snap} cuts the headers")
        fields.append(("payload", "V", self.captured - self.headers))
        if self.container == "pcapng":
            fields += [("padding", "V", -self.captured % 4)]
            fields += [("trailer", "V", len(self.form.options) if self.form is not None else 0), ("total_again", "<u4")]
        return np.dtype([field for field in fields if field[1:] != ("V", 0)])

    def empty(self, count: int) -> Records:
        """Records with everything set that is the same in all of them, and random payload."""
        records: Records = np.zeros(count, self.dtype)
        set_all = {
            "captured": self.captured,
            "type": 0x0800,
            "offset": (20 + self.options) << 2,
            "tcp_sum": 0x1A2B,
            "window": 64240 if self.options == SYN_OPTIONS else 501,
            "kinds": bytes.fromhex("0402080a" if self.options == SYN_OPTIONS else "0101080a"),
            "mss": bytes.fromhex("020405b4"),
            "scale": bytes.fromhex("01030307"),
            "sack_kind": bytes((1, 1, 5, max(0, self.options - TIMESTAMPS - 2))),
            "block": 6,
            "total": self.dtype.itemsize,
            "total_again": self.dtype.itemsize,
            "outer_type": 0x0800,
            "outer_macs": SERVER_MAC + CLIENT_MAC,
            "outer_target": 4789,
            "vxlan_flags": 0x0800_0000,
            "vxlan_network": 77 << 8,
        }
        for name, value in set_all.items():
            if name in (self.dtype.names or ()):
                records[name] = np.void(value) if isinstance(value, bytes) else value
        if self.form is not None and self.form.options:
            records["trailer"] = np.void(self.form.options)
        for name in ("ip", "outer_ip"):
            if name in (self.dtype.names or ()):
                ip = records[name]
                if "hops" in (ip.dtype.names or ()):
                    ip["version"], ip["next"], ip["hops"] = 0x6000_0000, 6, 64
                    ip["net"] = ip["far_net"] = np.void(bytes.fromhex("20010db8") + bytes(8))
                    continue
                ip["version"], ip["fragment"], ip["ttl"], ip["protocol"] = 0x45, 0x4000, 64, 6 if name == "ip" else 17
        if "payload" in (self.dtype.names or ()):
            size = self.captured - self.headers
            # The bit generator's own stream is the same in every version of numpy; what is drawn from it need not be
            random = np.random.PCG64(_SEED).random_raw(count * size // 8 + 1).astype("<u8").tobytes()
            records["payload"] = np.frombuffer(random[: count * size], f"V{size}")
        return records


_IPV6 = np.dtype(
    [
        ("version", ">u4"), ("length", ">u2"), ("next", "u1"), ("hops", "u1"),
        ("net", "V12"), ("source", ">u4"), ("far_net", "V12"), ("target", ">u4"),
    ]
)  # fmt: skip

IPV4_HEADER = np.dtype(
    [
        ("version", "u1"), ("tos", "u1"), ("length", ">u2"), ("id", ">u2"), ("fragment", ">u2"),
        ("ttl", "u1"), ("protocol", "u1"), ("sum", ">u2"), ("source", ">u4"), ("target", ">u4"),
    ]
)  # fmt: skip


def file_header(container: Container, snap: int, link: int = 1) -> bytes:
    """What stands before the first packet; microseconds."""
    if container == "pcap":
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + struct.pack("<IIHHII", 1, 20, link, 0, snap, 20)


def first_sequence(flow: Numbers, *, client: bool) -> Numbers:
    """The number of the SYN of one side: any, but always the same."""
    return (flow * 2_654_435_761 + (97 if client else 1_000_003)) & 0xFFFF_FFFF


def client_ends(flow: Value) -> tuple[Value, Value]:
    """Address and port of each flow's client."""
    return 0x0A00_0101 + flow % _CLIENTS, 20_000 + flow // _CLIENTS


def set_ends(records: Records, flow: Value, *, client: bool) -> None:
    """Set addresses and ports of packets that the client, or the server, of each flow sends."""
    address, port = client_ends(flow)
    ip = records["ip"]
    mine, other = ("source", "sport"), ("target", "dport")
    for here, (name, port_name) in ((client, mine), (not client, other)):
        ip[name] = address if here else SERVER_ADDRESS
        records[port_name] = port if here else SERVER_PORT
    if "macs" in (records.dtype.names or ()):
        records["macs"] = np.void(SERVER_MAC + CLIENT_MAC if client else CLIENT_MAC + SERVER_MAC)
    if "outer_ip" in (records.dtype.names or ()):
        outer = records["outer_ip"]
        outer["source"], outer["target"] = (0xC000_0201, 0xC000_0202) if client else (0xC000_0202, 0xC000_0201)
        records["outer_source"] = 49_152 + flow % 16_384


def set_times(records: Records, micros: Numbers) -> None:
    """Set the capture's times."""
    if "seconds" in (records.dtype.names or ()):
        seconds = micros // 1_000_000
        records["seconds"] = FIRST_SECOND + seconds
        records["micros"] = micros - seconds * 1_000_000
    else:
        since = FIRST_SECOND * 1_000_000 + micros
        records["high"] = since >> 32
        records["low"] = since & 0xFFFF_FFFF


def set_numbers(records: Records, flags: int, numbers: tuple[Value, Value], micros: Numbers, echoed: Value) -> None:
    """Set what a segment says of its connection, and when: own number and the other side's, time, and time echoed.

    Both times are microseconds; the timestamps option counts milliseconds from 1000 on.
    """
    set_times(records, micros)
    records["flags"] = flags
    records["seq"] = numbers[0] & 0xFFFF_FFFF
    records["ack"] = numbers[1] & 0xFFFF_FFFF if flags & ACK else 0
    records["tsval"] = 1000 + micros // 1000
    records["tsecr"] = 1000 + echoed // 1000 if flags & ACK else 0


def set_lengths(shape: Shape, records: Records, payload: Value) -> None:
    """Set every length field of segments with so many bytes of payload, and the outer checksum."""
    length = shape.ip_header + 20 + shape.options + payload
    records["ip"]["length"] = length - (IPV6 if shape.ip_header == IPV6 else 0)
    records["wire"] = shape.before_ip + length
    if shape.form is not None:
        records["front"] = np.void(shape.form.front(int(length)))
    if shape.vxlan:
        records["outer_ip"]["length"] = VXLAN + length
        records["outer_length"] = VXLAN - IPV4 + length
        set_checksum(records["outer_ip"])


def set_ident(ip: Records, ident: Value) -> None:
    """Set the identification of IPv4 headers."""
    if "id" in (ip.dtype.names or ()):
        ip["id"] = ident


def set_checksum(ip: Records) -> None:
    """Set the checksum of IPv4 headers (RFC 1071): the complement of the ones' complement sum of their words."""
    if "sum" not in (ip.dtype.names or ()):
        return
    source, target = ip["source"].astype(np.int64), ip["target"].astype(np.int64)
    total = 0x4500 + ip["fragment"].astype(np.int64) + ip["length"] + ip["id"] + ip["ttl"].astype(np.int64) * 256
    total += ip["protocol"].astype(np.int64) + (source >> 16) + (source & 0xFFFF) + (target >> 16) + (target & 0xFFFF)
    total = (total & 0xFFFF) + (total >> 16)
    ip["sum"] = 0xFFFF - ((total & 0xFFFF) + (total >> 16))
