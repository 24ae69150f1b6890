"""A plain loop with dpkt, as in many scripts: every packet decoded to TCP, payload bytes summed for each flow."""

from __future__ import annotations

import sys
from pathlib import Path

import dpkt


def main() -> None:
    """Read the capture named on the command line."""
    flows: dict[tuple[bytes, int, bytes, int], int] = {}
    with Path(sys.argv[1]).open("rb") as file:
        for _, packet in dpkt.pcap.UniversalReader(file):
            ip = dpkt.ethernet.Ethernet(packet).data
            if not isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)) or not isinstance(ip.data, dpkt.tcp.TCP):
                continue
            tcp = ip.data
            key = (ip.src, tcp.sport, ip.dst, tcp.dport)
            flows[key] = flows.get(key, 0) + len(tcp.data)
    sys.stdout.write(f"{len(flows)} directions, {sum(flows.values())} bytes\n")


if __name__ == "__main__":
    main()
