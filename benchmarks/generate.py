"""Make a large capture of bulk transfers, fast and always the same: `generate.py OUT PACKETS [FLOWS]`.

Each flow has a handshake, then rounds of two full-size segments and one ACK, flows interleaved round by
round. Data packets are captured to 96 bytes (as with `tcpdump -s 96`), ACKs whole (66 bytes).
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

RECORD = 16
DATA_CAPTURED = 96
ACK_CAPTURED = 66
PAYLOAD = 1448
DATA_WIRE = 14 + 20 + 32 + PAYLOAD
FIRST_SECOND = 1_700_000_000
CHUNK_ROUNDS = 100_000


def packet_dtype(captured: int) -> np.dtype[np.void]:
    """One record: pcap header, Ethernet, IPv4, TCP with timestamps, the rest of the captured bytes."""
    return np.dtype(
        [
            ("sec", "<u4"), ("usec", "<u4"), ("cap", "<u4"), ("wire", "<u4"),
            ("mac", "S12"), ("type", ">u2"),
            ("vihl", "u1"), ("tos", "u1"), ("len", ">u2"), ("id", ">u2"), ("frag", ">u2"),
            ("ttl", "u1"), ("proto", "u1"), ("sum", ">u2"), ("src", ">u4"), ("dst", ">u4"),
            ("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
            ("off", "u1"), ("flags", "u1"), ("win", ">u2"), ("tsum", ">u2"), ("urg", ">u2"),
            ("opt", ">u4"), ("tsval", ">u4"), ("tsecr", ">u4"),
            ("rest", "V", captured - ACK_CAPTURED) if captured > ACK_CAPTURED else ("pad", "V", 0),
        ]
    )  # fmt: skip


ROUND = np.dtype(
    [("d0", packet_dtype(DATA_CAPTURED)), ("d1", packet_dtype(DATA_CAPTURED)), ("a", packet_dtype(ACK_CAPTURED))]
)


Array = np.ndarray[tuple[int, ...], np.dtype[np.void]]
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def fill(p: Array, us: Numbers, flow: Numbers, *, client: bool, length: int, wire: int, captured: int) -> None:
    """Set every header field but sequence and acknowledgement numbers."""
    p["sec"] = FIRST_SECOND + us // 1_000_000
    p["usec"] = us % 1_000_000
    p["cap"] = captured
    p["wire"] = wire
    p["type"] = 0x0800
    p["vihl"] = 0x45
    p["len"] = length
    p["frag"] = 0x4000
    p["ttl"] = 64
    p["proto"] = 6
    server_address = 0x0A000202
    client_address = 0x0A000100 + flow % 250 + 1
    p["src"] = client_address if client else server_address
    p["dst"] = server_address if client else client_address
    client_port = 20000 + flow // 250
    p["sport"] = client_port if client else 443
    p["dport"] = 443 if client else client_port
    p["off"] = 0x80
    p["flags"] = 0x10
    p["win"] = 501
    p["opt"] = 0x0101080A


def handshake(flow: int) -> bytes:
    """SYN, SYN/ACK and ACK of one flow, with MSS 1460, window scale 7, SACK permitted and timestamps."""
    out = b""
    client_address, server_address = 0x0A000100 + flow % 250 + 1, 0x0A000202
    client_port = 20000 + flow // 250
    options = bytes.fromhex("020405b40402080a000000010000000001030307")
    steps = ((True, 0x02, 999, 0), (False, 0x12, 4999, 1000), (True, 0x10, 1000, 5000))
    for number, (client, flags, seq, ack) in enumerate(steps):
        opt = options if flags & 2 else bytes.fromhex("0101080a0000000100000001")
        source, target = (client_address, server_address) if client else (server_address, client_address)
        ports = (client_port, 443) if client else (443, client_port)
        tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, (20 + len(opt)) << 2, flags, 64240, 0, 0) + opt
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp), number, 0x4000, 64, 6, 0, source, target)
        frame = bytes(12) + b"\x08\x00" + ip + tcp
        out += struct.pack("<IIII", FIRST_SECOND - 1, flow, len(frame), len(frame)) + frame
    return out


def main() -> None:
    """Write the capture named on the command line."""
    out, packets = Path(sys.argv[1]), int(float(sys.argv[2]))
    flows = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    rounds = max(0, packets - 3 * flows) // 3
    with out.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1))
        file.writelines(handshake(flow) for flow in range(flows))
        for first in range(0, rounds, CHUNK_ROUNDS):
            index = np.arange(first, min(first + CHUNK_ROUNDS, rounds), dtype=np.int64)
            flow, turn = index % flows, index // flows
            r = np.zeros(len(index), ROUND)
            us = index * 3
            for name, offset in (("d0", 0), ("d1", 1)):
                sizes = {"length": DATA_WIRE - 14, "wire": DATA_WIRE, "captured": DATA_CAPTURED}
                fill(r[name], us + offset, flow, client=False, **sizes)
                r[name]["id"] = (turn * 2 + offset) & 0xFFFF
                r[name]["seq"] = (5000 + turn * 2 * PAYLOAD + offset * PAYLOAD) & 0xFFFFFFFF
                r[name]["ack"] = 1000
            fill(r["a"], us + 2, flow, client=True, length=52, wire=66, captured=ACK_CAPTURED)
            r["a"]["id"] = turn & 0xFFFF
            r["a"]["seq"] = 1000
            r["a"]["ack"] = (5000 + (turn + 1) * 2 * PAYLOAD) & 0xFFFFFFFF
            r["a"]["tsval"] = turn & 0xFFFFFFFF
            file.write(r.tobytes())


if __name__ == "__main__":
    main()
