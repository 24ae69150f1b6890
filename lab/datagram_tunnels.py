"""Encrypted tunnels for `record_datagrams`: WireGuard in user space, OpenVPN, and IPsec in UDP, with talk inside.

`apt install wireguard-go wireguard-tools openvpn`, and what `datagram_programs` needs for IKE. What a tunnel is
recorded with: TCP inside that hangs on a narrow path under the tunnel, the same over a healthy one, a lossy one, an
idle one whose ends keep it alive, one whose peer is gone, bulk transfer, and voice.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lab.datagram_programs import Program, start_ike, swanctl

if TYPE_CHECKING:
    from lab.record_datagrams import Stage

Start = Callable[["Stage"], None]
INNER = {"client": "10.9.1.1", "server": "10.9.2.1"}


def start_wireguard(stage: Stage, *, keepalive: int = 0, peer: bool = True) -> None:
    """Tunnel devices of 1,420 bytes, as is usual."""
    keys = {}
    for node in INNER:
        private = stage.run(None, "wg genkey").strip()
        (stage.folder / f"{node}.wg").write_text(private)
        keys[node] = stage.run(None, ["sh", "-c", f"wg pubkey < {node}.wg"]).strip()
    outer = {"client": "192.0.2.2", "server": "198.51.100.2"}
    for node, other in (("client", "server"), ("server", "client")):
        if node == "server" and not peer:
            continue
        device = f"w{stage.number}{node[0]}"
        stage.start(node, f"wireguard-go -f {device}", LOG_LEVEL="error")
        time.sleep(1)
        alive = f"persistent-keepalive {keepalive}" if keepalive else ""
        stage.run(node, f"wg set {device} private-key {stage.folder}/{node}.wg listen-port 51820 peer {keys[other]} "
                        f"allowed-ips 0.0.0.0/0 endpoint {outer[other]}:51820 {alive}")  # fmt: skip
        _address(stage, node, device)


def _address(stage: Stage, node: str, device: str) -> None:
    other = INNER["server" if node == "client" else "client"]
    stage.run(node, f"ip addr add {INNER[node]}/32 dev {device}")
    stage.run(node, f"ip link set {device} up mtu 1420")
    stage.run(node, f"ip route add {other}/32 dev {device}")


def start_openvpn(stage: Stage, *, ping: int = 10) -> None:
    """With certificates that both ends know by fingerprint, and a tunnel device of 1,420 bytes."""
    prints = {}
    for node in INNER:
        curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
        stage.run(None, f"openssl req -x509 {curve} -nodes -keyout {node}.k -out {node}.c -days 3000 -subj /CN={node}")
        text = stage.run(None, f"openssl x509 -in {node}.c -noout -fingerprint -sha256")
        prints[node] = text.strip().split("=")[1]
    ends = (("server", "client", "tls-server"), ("client", "server", "tls-client"))
    for node, other, role in ends:
        remote = "192.0.2.2" if other == "client" else "198.51.100.2"
        device = f"o{stage.number}{node[0]}"
        words = f"openvpn --dev {device} --dev-type tun --proto udp --remote {remote} 1194 --lport 1194 --{role}"
        words += f" --dh none --cert {node}.c --key {node}.k --peer-fingerprint {prints[other]} --ping {ping}"
        words += f" --ifconfig {INNER[node]} {INNER[other]} --tun-mtu 1420 --mssfix 0 --verb 2"
        stage.start(node, f"{words} --cipher AES-256-GCM --data-ciphers AES-256-GCM")
    for _ in range(40):
        time.sleep(0.5)
        if (stage.folder / "log").read_text(errors="replace").count("Initialization Sequence Completed") == 2:
            return


def start_ipsec(stage: Stage) -> None:
    """ESP in UDP, port 4500 (RFC 3948), between strongSwan daemons; the IKE messages are cut to fit."""
    start_ike(stage, "yes")
    swanctl(stage, "client", "--initiate --child net --timeout 20", 25)


SCRIPT = Path(__file__).with_name("inner_talk.py")


def inside(stage: Stage, *talks: str) -> None:
    """Let the two ends talk through the tunnel."""
    server = stage.start("server", [sys.executable, str(SCRIPT), "server", INNER["server"]])
    time.sleep(0.7)
    clients = [
        stage.start("client", [sys.executable, str(SCRIPT), talk, INNER["server"], INNER["client"]]) for talk in talks
    ]
    for client in clients:
        try:
            client.wait(30)
        except subprocess.TimeoutExpired:
            client.kill()
    server.terminate()


def _talk(start: Start, *talks: str) -> Callable[[Stage], None]:
    def talk(stage: Stage) -> None:
        start(stage)
        inside(stage, *talks)

    return talk


def _lossy(start: Start) -> Callable[[Stage], None]:
    """One packet in five gets lost at random, either way, whatever its size."""

    def talk(stage: Stage) -> None:
        start(stage)
        for node in ("left", "right"):
            stage.rule(node, "add rule ip f p ip protocol udp numgen random mod 10 == 0 drop")
        inside(stage, "download", "small")

    return talk


def _idle(start: Start) -> Callable[[Stage], None]:
    def talk(stage: Stage) -> None:
        start(stage)
        inside(stage, "hello")
        time.sleep(22)

    return talk


def _wireguard_alive(stage: Stage) -> None:
    start_wireguard(stage, keepalive=3)


def _openvpn_alive(stage: Stage) -> None:
    start_openvpn(stage, ping=3)


def wireguard_no_peer(stage: Stage) -> None:
    """Handshakes of 148 bytes every five seconds, to nobody."""
    start_wireguard(stage, keepalive=5, peer=False)
    time.sleep(22)


PROGRAMS: dict[str, Program] = {"wireguard_nopeer": Program(wireguard_no_peer, ("healthy",))}
for _name, _start, _alive in (
    ("wireguard", start_wireguard, _wireguard_alive),
    ("openvpn", start_openvpn, _openvpn_alive),
    ("ipsec", start_ipsec, start_ipsec),
):
    PROGRAMS |= {
        f"{_name}_tcp": Program(_talk(_start, "download", "small")),
        f"{_name}_upload": Program(_talk(_start, "upload", "small"), ("healthy", "fragments", "silent")),
        f"{_name}_voice": Program(_talk(_start, "voice", "download"), ("healthy", "fragments", "silent")),
        f"{_name}_lossy": Program(_lossy(_start), ("healthy",)),
        f"{_name}_idle": Program(_idle(_alive), ("healthy",)),
        f"{_name}_bulk": Program(_talk(_start, "bulk"), ("healthy",)),
    }
