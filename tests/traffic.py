"""Generated captures that reach what the samples do not."""

from __future__ import annotations

from functools import cache

import numpy as np

from tests.builders import (
    ACK,
    ETHERNET,
    FIN,
    RST,
    SYN,
    Packet,
    cut,
    enhanced,
    ethernet,
    frag_needed,
    icmp,
    interface,
    ipv4,
    ipv6,
    mss,
    pcap,
    sack,
    section,
    simple,
    tcp,
    timestamps,
    too_big,
    window_scale,
)
from tests.reading import Skimmed, skim


def random_capture(seed: int, flows: int, packets: int) -> list[Packet]:
    """Traffic without sense: every kind of packet, few ports, numbers around the wrap, repeats."""
    random = np.random.default_rng(seed)
    base = random.integers(0, 2**32, flows)
    base[::3] = 2**32 - 2000  # wraps soon
    out: list[Packet] = []
    ts = 1_700_000_000_000_000_000
    for i in range(packets):
        ts += int(random.choice([1_000, 1_000_000, 300_000_000, 1_500_000_000], p=[0.5, 0.4, 0.08, 0.02]))
        kind = random.random()
        if out and kind < 0.05:
            out.append(out[-1 - int(random.integers(0, min(len(out), 20)))]._replace(ts=ts))  # the capture's copy
            continue
        flow = int(random.integers(0, flows))
        v6 = flow % 4 == 3
        back = bool(random.random() < 0.4)
        options = [b"", timestamps(i, i), sack((int(base[flow]) + 500, int(base[flow]) + 900))][
            int(random.integers(0, 3))
        ]
        flags = int(random.choice([ACK, SYN, SYN | ACK, FIN | ACK, RST | ACK], p=[0.9, 0.03, 0.03, 0.03, 0.01]))
        if flags & SYN:
            options = mss(int(random.choice([536, 1380, 1460]))) + window_scale(int(random.integers(0, 15)))
        segment = tcp(
            bytes(int(random.choice([0, 1, 100, 1400, 3000], p=[0.4, 0.05, 0.25, 0.25, 0.05]))),
            sport=443 if back else 1024 + flow,
            dport=1024 + flow if back else 443,
            seq=int(base[flow]) + 100 * int(random.integers(0, 60)),
            ack=int(base[flow]) + 100 * int(random.integers(0, 60)),
            flags=flags,
            window=int(random.choice([0, 500, 65535], p=[0.05, 0.15, 0.8])),
            options=options,
            checksum=i & 0xFFFF,
        )
        ends4 = ("10.0.0.1", f"10.0.{flow % 256}.2")
        ends6 = ("2001:db8::1", f"2001:db8::{flow % 256:x}:2")
        if kind < 0.08:
            quoted = ipv4(segment, src=ends4[0], dst=ends4[1])[: int(random.choice([28, 40, 548]))]
            message = frag_needed(int(random.choice([0, 1400])), quoted)
            out.append(Packet(ts, ethernet(ipv4(message, src="10.9.9.9", dst=ends4[0], protocol=1))))
        elif kind < 0.10:
            quoted = ipv6(segment, src=ends6[0], dst=ends6[1])[:200]
            message = too_big(1400, quoted, src="2001:db8::9", dst=ends6[0])
            out.append(Packet(ts, ethernet(ipv6(message, src="2001:db8::9", dst=ends6[0], following=58), 0x86DD)))
        elif kind < 0.12:
            out.append(Packet(ts, ethernet(ipv4(icmp(8, 0, b"\x00\x01\x00\x02", bytes(1400)), protocol=1))))
        elif kind < 0.14:
            out.append(Packet(ts, ethernet(random.bytes(60), int(random.choice([0x0800, 0x86DD, 0x0806])))))
        else:
            src, dst = (ends6 if v6 else ends4)[:: -1 if back else 1]
            if v6:
                frame = ethernet(ipv6(segment, src=src, dst=dst), 0x86DD)
            else:
                frame = ethernet(
                    ipv4(
                        segment,
                        src=src,
                        dst=dst,
                        ident=i & 0xFFFF,
                        df=flow % 5 != 0,
                        more=bool(random.random() < 0.01),
                        total=0 if random.random() < 0.01 else None,
                    )
                )
            out.append(cut(Packet(ts, frame), int(random.choice([54, 80, 96, 128, 65535]))))
    return out


@cache
def generated() -> dict[str, bytes]:
    """Captures that reach what the samples do not: many flows, growing tables, several interfaces."""
    few = random_capture(1, 12, 3_000)
    many = random_capture(2, 3_000, 9_000)
    mixed = section() + interface(ETHERNET, options=b"\x09\x00\x01\x00\x09\0\0\0") + interface(113)
    for number, packet in enumerate(random_capture(3, 5, 500)):
        mixed += simple(packet) if number % 7 == 0 else enhanced(packet)
        if number % 50 == 0:
            mixed += section() + interface(ETHERNET, options=b"\x09\x00\x01\x00\x09\0\0\0")
    return {"few flows": pcap(few, link=ETHERNET), "many flows": pcap(many, "big", link=ETHERNET), "pcapng": mixed}


@cache
def skimmed(name: str) -> Skimmed:
    """The interpreted skim of a generated capture, done once; treat it as read-only."""
    return skim(generated()[name])
