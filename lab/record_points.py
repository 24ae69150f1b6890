"""Records real stacks at four points of a path at once: client, two routers and server in namespaces.

    python -m lab.record_points OUT ptb|nat|none [--no-offload]

The link from `router-a` to the client carries 1400 bytes, and the client announces an MSS of 1460 all the same. `ptb`:
`router-b` drops the PTBs; `nat`: so it does, and `router-a` translates the client's address; `none`: PTBs arrive.
Needs Linux, root, `ip`, `iptables`, `ethtool`, `tc` and `tcpdump`. `tests/data/points` was recorded so.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

NODES = {"client": "pts-c", "router-a": "pts-a", "router-b": "pts-b", "server": "pts-s"}
LINKS = (("client", "router-a", "10.71.1"), ("router-a", "router-b", "10.71.2"), ("router-b", "server", "10.71.3"))
TAPS = {"client": "right", "router-a": "right", "router-b": "right", "server": "left"}
SERVER = """
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("10.71.3.2", 8080)); s.listen()
c, _ = s.accept(); c.recv(1000); c.sendall(b"a" * 300); c.recv(1000)
c.sendall(b"b" * 20000 + b"c" * 700); time.sleep(0.5); c.sendall(b"d" * 300); time.sleep(12)
"""
CLIENT = """
import socket, time
c = socket.create_connection(("10.71.3.2", 8080)); c.sendall(b"x" * 100); c.recv(300); c.sendall(b"y" * 100)
c.settimeout(8); start = time.time()
while time.time() - start < 8 and c.recv(65536): pass
"""


def inside(node: str) -> list[str]:
    """What runs a command in the namespace of a node."""
    return ["ip", "netns", "exec", NODES[node]]


def run(node: str | None, command: str, *, must: bool = True) -> None:
    """Run a command, in the namespace of a node."""
    subprocess.run([*(inside(node) if node else []), *shlex.split(command)], check=must, capture_output=True)


def build(kind: str, *, offload: bool) -> None:
    """The path."""
    for name in NODES.values():
        run(None, f"ip netns del {name}", must=False)
        run(None, f"ip netns add {name}")
    for left, right, net in LINKS:
        run(None, f"ip link add right netns {NODES[left]} type veth peer name left netns {NODES[right]}")
        for node, device, host in ((left, "right", 1), (right, "left", 2)):
            run(node, f"ip addr add {net}.{host}/24 dev {device}")
            run(node, f"ip link set {device} up")
            if not offload:
                run(node, f"ethtool -K {device} tso off gso off gro off", must=False)
    run("client", "ip route add default via 10.71.1.2 advmss 1460")
    run("server", "ip route add default via 10.71.3.1")
    run("router-a", "ip route add 10.71.3.0/24 via 10.71.2.2")
    run("router-b", "ip route add 10.71.1.0/24 via 10.71.2.1")
    for node in ("router-a", "router-b"):
        run(node, "sysctl -qw net.ipv4.ip_forward=1")
    for node in ("client", "router-a", "router-b"):
        run(node, "tc qdisc add dev right root netem delay 3ms", must=False)
    run("router-a", "ip link set left mtu 1400")
    run("client", "ip link set right mtu 1400")
    if kind in ("ptb", "nat"):
        run("router-b", "iptables -A FORWARD -p icmp --icmp-type 3/4 -j DROP")
    if kind == "nat":
        run("router-a", "iptables -t nat -A POSTROUTING -o right -j MASQUERADE")


def main(arguments: Sequence[str]) -> int:
    """Record one conversation."""
    out, kind = Path(arguments[0]).resolve(), arguments[1]
    out.mkdir(parents=True, exist_ok=True)
    build(kind, offload="--no-offload" not in arguments)
    try:
        taps = [
            subprocess.Popen(
                [*inside(node), "tcpdump", "-i", device, "-s", "200", "-U", "-w", f"{out}/{node}.pcap"],
                stderr=subprocess.DEVNULL,
            )
            for node, device in TAPS.items()
        ]
        time.sleep(1)
        server = subprocess.Popen([*inside("server"), sys.executable, "-c", SERVER])
        time.sleep(0.5)
        client = [*inside("client"), sys.executable, "-c", CLIENT]
        subprocess.run(client, check=False, timeout=12, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        for process in (server, *taps):
            process.terminate()
            process.wait()
    finally:
        for name in NODES.values():
            run(None, f"ip netns del {name}", must=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
