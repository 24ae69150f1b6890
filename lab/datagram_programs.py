"""DNS, RADIUS, IKE, DTLS and QUIC by programs of Debian: what `record_datagrams` lets them say.

`apt install bind9 bind9-dnsutils bind9-utils unbound freeradius eapoltest charon-systemd strongswan-swanctl
libcharon-extra-plugins openssl`; QUIC needs `pip install aioquic` for the Python in DATAGRAM_PYTHON, or this one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.record_datagrams import Stage

PYTHON = os.environ.get("DATAGRAM_PYTHON", sys.executable)


@dataclass(frozen=True)
class Program:
    """What is said; in the states given, or all."""

    talk: Callable[[Stage], None]
    states: tuple[str, ...] = ()


# DNS.

NAMED = """options {{ directory "{d}"; listen-on {{ any; }}; listen-on-v6 {{ none; }}; recursion no;
dnssec-validation no; pid-file "{d}/pid";
max-udp-size {size}; edns-udp-size {size}; session-keyfile "{d}/k"; lock-file none; }};
zone "example" {{ type master; file "{d}/z.signed"; }}; controls {{ }};"""
UNBOUND = """server:
 chroot: ""
 username: ""
 directory: "{d}"
 pidfile: "{d}/upid"
 interface: 127.0.0.1
 module-config: "iterator"
 do-not-query-localhost: no
 do-ip6: no
 edns-buffer-size: 4096
 max-udp-size: 4096
 root-hints: ""
 local-zone: "example." nodefault
remote-control:
 control-enable: no
forward-zone:
 name: "."
 forward-addr: 198.51.100.2
"""


def _bind(stage: Stage, size: int = 4096) -> None:
    d = stage.folder
    zone = "$TTL 60\n$ORIGIN example.\n@ IN SOA ns h 1 60 60 60 60\n@ IN NS ns\nns IN A 198.51.100.2\n"
    zone += "small IN A 192.0.2.77\nsmall2 IN A 192.0.2.78\n"
    for name, count in (("large", 6), ("huge", 12)):
        zone += "".join(f'{name} IN TXT "{chr(97 + i) * 200}"\n' for i in range(count))
    (d / "z").write_text(zone)
    stage.run(None, f"dnssec-keygen -q -a ECDSAP256SHA256 -K {d} example")
    stage.run(None, f"dnssec-keygen -q -f KSK -a ECDSAP256SHA256 -K {d} example")
    stage.run(None, f"dnssec-signzone -q -S -K {d} -o example -f {d}/z.signed {d}/z")
    (d / "c").write_text(NAMED.format(d=d, size=size))
    stage.run(None, ["chmod", "-R", "a+rwX", str(d)])
    stage.start("server", f"named -g -c {d}/c")
    time.sleep(1.5)


def _dig(stage: Stage, port: int, words: str) -> None:
    stage.run("client", f"dig @198.51.100.2 +dnssec +noall -b 192.0.2.2#{port} {words}", must=False)


def dns(stage: Stage) -> None:
    """A stub that asks four times for large signed answers, and now and then for small ones."""
    _bind(stage)
    stub = "+bufsize=4096 +ignore +tries=4 +time=1"
    _dig(stage, 40001, f"{stub} small.example A")
    for turn, name in enumerate(("large", "huge")):
        asking = stage.start(
            "client", f"dig @198.51.100.2 +dnssec +noall -b 192.0.2.2#4010{turn} {stub} {name}.example TXT"
        )
        for each in range(4):
            _dig(stage, 40010 + 10 * turn + each, f"{stub} small.example A")
            time.sleep(0.8)
        asking.wait()
    _dig(stage, 40004, f"{stub} small.example A")


def dns_truncated(stage: Stage) -> None:
    """The server sends at most 1,232 bytes by UDP: truncated answers, and the questions again by TCP."""
    _bind(stage, 1232)
    for port, name in enumerate(("small", "large", "huge", "small")):
        _dig(stage, 40001 + port, f"+bufsize=4096 +tries=2 +time=2 {name}.example TXT")


def dns_smaller(stage: Stage) -> None:
    """A stub that asks again with smaller EDNS sizes, and at last by TCP."""
    _bind(stage)
    _dig(stage, 40001, "+bufsize=4096 +tries=1 +time=1 small.example A")
    for port, name in ((40010, "large"), (40020, "huge")):
        for step, size in enumerate((4096, 4096, 1232)):
            _dig(stage, port + step, f"+bufsize={size} +ignore +tries=1 +time=1 {name}.example TXT")
        _dig(stage, port + 4, f"+tcp +tries=1 +time=2 {name}.example TXT")
    _dig(stage, 40002, "+bufsize=4096 +tries=1 +time=1 small.example A")


def dns_resolver(stage: Stage) -> None:
    """Unbound at the client: a new identifier and port for every try."""
    _bind(stage)
    d = stage.folder
    (d / "u").write_text(UNBOUND.format(d=d))
    stage.start("client", f"unbound -d -c {d}/u")
    time.sleep(1.5)
    for name, kind in (("small", "A"), ("large", "TXT"), ("small2", "A"), ("huge", "TXT"), ("ns", "A")):
        stage.run("client", f"dig @127.0.0.1 +dnssec +tries=1 +time=8 {name}.example {kind}", must=False)


# RADIUS.

SUPPLICANT = """network={{
 ssid="x"
 key_mgmt=WPA-EAP
 eap=TLS
 identity="user"
 ca_cert="{d}/ca.pem"
 client_cert="{d}/s.pem"
 private_key="{d}/k.pem"
 fragment_size={size}
}}
"""


def _certificate(stage: Stage, name: str = "radius", bits: int = 4096) -> None:
    stage.run(None, ["openssl", "req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-keyout", "k.pem", "-out", "c.pem",
                     "-days", "3000", "-subj", f"/CN={name}/O={'x' * 60}", "-addext",
                     f"subjectAltName=DNS:{name}"])  # fmt: skip
    certificate = (stage.folder / "c.pem").read_text()
    (stage.folder / "ca.pem").write_text(certificate)
    (stage.folder / "s.pem").write_text(2 * certificate)


def radius(stage: Stage, size: int = 1450, supplicant: int = 1300) -> None:
    """EAP-TLS with fragments of EAP of so many bytes."""
    d = stage.folder
    shutil.copytree("/etc/freeradius/3.0", d / "r", symlinks=True)
    _certificate(stage)
    with (d / "r/clients.conf").open("a") as clients:
        clients.write("\nclient lab {\n ipaddr = 192.0.2.0/24\n secret = testing123\n}\n")
    eap = d / "r/mods-available/eap"
    text = eap.read_text()
    for key, value in (("private_key_file", "k.pem"), ("certificate_file", "s.pem"), ("ca_file", "ca.pem")):
        text = re.sub(rf"(?m)^(\s*){key} = .*", rf"\1{key} = {d}/{value}", text)
    text = re.sub(r"#?\s*fragment_size = 1024", f"fragment_size = {size}", text)
    eap.write_text(text.replace("private_key_password = whatever", ""))
    stage.run(None, ["chmod", "-R", "a+rX", str(d)])
    stage.start("server", f"freeradius -X -d {d}/r")
    time.sleep(3)
    (d / "e.conf").write_text(SUPPLICANT.format(d=d, size=supplicant))
    stage.run("client", "eapol_test -c e.conf -a 198.51.100.2 -s testing123 -t 25", timeout=30, must=False)


def radius_small(stage: Stage) -> None:
    """As `radius`, but all of it fits."""
    radius(stage, 1000, 1000)


# IKE.

PLUGINS = (
    "random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey kdf vici kernel-libipsec kernel-netlink"
)
STRONGSWAN = """charon-systemd {{
 load = {plugins}
 fragment_size = {size}
 plugins {{ vici {{ socket = unix://{d}/{node}.vici }} }}
 filelog {{ log {{ path = {d}/{node}.charon
   default = 1 }} }}
}}
"""
CONNECTION = """connections {{ lab {{
 version = 2
 local_addrs = {here}
 remote_addrs = {there}
 {ports}
 fragmentation = {fragmentation}
 local {{ auth = pubkey
  certs = {d}/{node}.pem }}
 remote {{ auth = pubkey }}
 children {{ net {{ local_ts = {here_net}
  remote_ts = {there_net} }} }}
}} }}
"""


def start_ike(stage: Stage, fragmentation: str, size: int = 1280, ports: str = "") -> None:
    """Two strongSwan daemons with certificates of RSA-4096, not yet connected; ESP in user space."""
    d = stage.folder
    stage.run(None, ["sh", "-c", "pki --gen --type rsa --size 4096 --outform pem > ca.key && "
                     "pki --self --ca --in ca.key --dn CN=ca --outform pem > ca.pem"])  # fmt: skip
    ends = {"client": ("192.0.2.2", "198.51.100.2", "10.9.1.1/32", "10.9.2.1/32")}
    ends["server"] = tuple(ends["client"][i] for i in (1, 0, 3, 2))  # type: ignore[assignment]
    for node, (here, there, here_net, there_net) in ends.items():
        stage.run(None, ["sh", "-c", f"pki --gen --type rsa --size 4096 --outform pem > {node}.key && "
                         f"pki --issue --in {node}.key --type priv --cacert ca.pem --cakey ca.key --dn CN={node} "
                         f"--san {here} --outform pem > {node}.pem"])  # fmt: skip
        for folder, file in (("x509ca", "ca.pem"), ("private", f"{node}.key"), ("x509", f"{node}.pem")):
            (d / node / folder).mkdir(parents=True)
            shutil.copy(d / file, d / node / folder)
        (d / f"{node}.conf").write_text(
            STRONGSWAN.format(
                d=d, node=node, size=size, plugins=f"{PLUGINS} kernel-libipsec kernel-netlink socket-default"
            )
        )
        (d / node / "swanctl.conf").write_text(
            CONNECTION.format(
                d=d, node=node, here=here, there=there, here_net=here_net, there_net=there_net,
                fragmentation=fragmentation, ports=ports,
            )
        )  # fmt: skip
        stage.run(node, f"ip addr add {here_net} dev lo")
        stage.start(node, "charon-systemd", STRONGSWAN_CONF=str(d / f"{node}.conf"))
    time.sleep(2)
    for node in ends:
        swanctl(stage, node, "--load-all")


def swanctl(stage: Stage, node: str, words: str, timeout: float = 40) -> None:
    """Tell a daemon to do something."""
    d = stage.folder
    uri = f"--uri unix://{d}/{node}.vici"
    environment = f"env SWANCTL_DIR={d}/{node} STRONGSWAN_CONF={d}/{node}.conf"
    text = stage.run(node, f"{environment} swanctl {words} {uri}", must=False, timeout=timeout)
    with (stage.folder / "log").open("a") as log:
        log.write(text)


def ike(stage: Stage, fragmentation: str = "no", size: int = 1280, ports: str = "") -> None:
    """IKE_SA_INIT and IKE_AUTH with certificates; then the tunnel is taken down."""
    start_ike(stage, fragmentation, size, ports)
    swanctl(stage, "client", "--initiate --child net --timeout 27", 30)
    time.sleep(1)
    swanctl(stage, "client", "--terminate --ike lab --timeout 3", 5)


def ike_fragmented(stage: Stage) -> None:
    """As `ike`, with messages cut by IKE itself (RFC 7383), to fit."""
    ike(stage, "yes")


def ike_fragmented_large(stage: Stage) -> None:
    """As before, but cut larger than the narrow path carries."""
    ike(stage, "yes", 1400)


def ike_4500(stage: Stage) -> None:
    """As `ike`, on port 4500 from the first message on."""
    ike(stage, ports="local_port = 4500\n remote_port = 4500")


def ike_4500_fragmented_large(stage: Stage) -> None:
    """As `ike_fragmented_large`, on port 4500 from the first message on."""
    ike(stage, "yes", 1400, "local_port = 4500\n remote_port = 4500")


# DTLS.


def dtls(stage: Stage, mtu: int = 1400) -> None:
    """A handshake with a chain of certificates."""
    _certificate(stage)
    common = f"openssl s_server -dtls -accept 198.51.100.2:4444 -cert s.pem -key k.pem -cert_chain s.pem -mtu {mtu}"
    stage.start("server", f"{common} -quiet")
    time.sleep(1)
    client = stage.start("client", f"openssl s_client -dtls -connect 198.51.100.2:4444 -mtu {mtu}")
    try:
        client.wait(18)
    except subprocess.TimeoutExpired:
        client.terminate()


def dtls_small(stage: Stage) -> None:
    """As `dtls`, but all of it fits."""
    dtls(stage, 1200)


# QUIC.


def quic(stage: Stage, size: int = 1400, probing: int = 0, later: int = 0) -> None:
    """A request and its answer, in datagrams of so many bytes."""
    _certificate(stage, "quic", 2048)
    script = Path(__file__).with_name("quic_talk.py")
    common = f"--size {size} --probing {probing} --later {later}"
    stage.start("server", f"{PYTHON} {script} server {common}")
    time.sleep(2)
    stage.run("client", f"{PYTHON} {script} client {common}", timeout=20, must=False)


def quic_small(stage: Stage) -> None:
    """In datagrams of 1,200 bytes, as most begin."""
    quic(stage, 1200)


def quic_probing(stage: Stage) -> None:
    """In datagrams of 1,200 bytes, beside which the server tries larger ones (RFC 8899), three times each."""
    quic(stage, 1200, probing=1)


def quic_later(stage: Stage) -> None:
    """In datagrams of 1,200 bytes at first, and of 1,400 later, without probing."""
    quic(stage, 1200, later=1400)


PROGRAMS = {
    "dns": Program(dns),
    "dns_truncated": Program(dns_truncated),
    "dns_smaller": Program(dns_smaller),
    "dns_resolver": Program(dns_resolver),
    "radius": Program(radius),
    "radius_small": Program(radius_small),
    "ike": Program(ike),
    "ike_fragmented": Program(ike_fragmented),
    "ike_fragmented_large": Program(ike_fragmented_large),
    "ike_4500": Program(ike_4500),
    "ike_4500_fragmented_large": Program(ike_4500_fragmented_large),
    "dtls": Program(dtls),
    "dtls_small": Program(dtls_small),
    "quic": Program(quic),
    "quic_small": Program(quic_small),
    "quic_probing": Program(quic_probing),
    "quic_later": Program(quic_later),
}
