from __future__ import annotations

import ipaddress
import re

import pytest

from analyzer.knowledge.fixes import MOST_FIXES, Fix, fixes_for, safe_mtu
from analyzer.results import PROBLEMS, SIZE_PROBLEMS, VERDICTS, PathMtu

BRACKETS = (
    PathMtu(1400, 1499, None),
    PathMtu(1400, 1400, 1400),
    PathMtu(None, 1499, None),
    PathMtu(752, 1499, None),
    PathMtu(1400, None, None),
    PathMtu(None, None, None),
    PathMtu(300, 551, None),
    PathMtu(None, 40, None),
    PathMtu(8000, 8999, None),
)
ENDS = {4: ("10.0.2.2", "10.0.1.2"), 6: ("2001:db8:5::10", "fe80::1")}
REASONS = ("checksum", "tuple", "sequence", "mtu_zero", "mtu_not_smaller", "below_1280", "host")


def fixes(verdict: str, version: int, bracket: PathMtu, *reasons: str) -> tuple[Fix, ...]:
    sender, receiver = ENDS[version]
    return fixes_for(
        verdict,
        sender_ip=sender,
        receiver_ip=receiver,
        path_mtu=bracket,
        version=version,
        ptb_reasons=reasons,
    )


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("bracket", BRACKETS)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_blank_is_filled(verdict: str, bracket: PathMtu, version: int) -> None:
    for reason in REASONS if verdict == "ptb_ignored" else ("host",):
        for fix in fixes(verdict, version, bracket, reason):
            text = " ".join(fix)
            assert "{" not in text
            assert "None" not in text
            assert not re.search(r"(-s|--set-mss|mtu) -\d", text)  # no negative sizes
            assert fix.where
            assert fix.why
            assert not fix.why.endswith(".")
            assert "blocked" not in text


@pytest.mark.parametrize("verdict", sorted(SIZE_PROBLEMS))
@pytest.mark.parametrize("version", [4, 6])
def test_problems_of_size_get_a_handful_of_fixes(verdict: str, version: int) -> None:
    least = 2 if (verdict, version) == ("fragment_loss", 6) else 4  # IPv6 has no fragments on the way
    assert least <= len(fixes(verdict, version, PathMtu(1400, 1499), *REASONS)) <= MOST_FIXES


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS) - PROBLEMS - {"loss"}))
def test_healthy_flows_need_none(verdict: str) -> None:
    assert fixes(verdict, 4, PathMtu(1500)) == ()


def test_other_problems_get_short_advice() -> None:
    for verdict in ("dead_path", "zero_window", "content_drop", "stall", "inconclusive", "loss"):
        assert 1 <= len(fixes(verdict, 4, PathMtu(1500))) <= 2


def commands(version: int, bracket: PathMtu, verdict: str = "blackhole") -> str:
    return "\n".join(fix.command for fix in fixes(verdict, version, bracket))


def test_numbers_for_ipv4() -> None:
    text = commands(4, PathMtu(1400, 1499))
    assert "ping -M do -c 3 -s 1472 10.0.1.2" in text  # 1500 less 28: lost
    assert "ping -M do -c 3 -s 1372 10.0.1.2" in text  # 1400 less 28: passes
    assert "TCPMSS --set-mss 1360" in text
    assert "maxseg size set 1360" in text
    assert "iptables -I FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT" in text
    assert "icmp type destination-unreachable icmp code frag-needed accept" in text
    assert "ip route replace 10.0.1.2/32 via GATEWAY mtu 1400" in text
    assert "sysctl -w net.ipv4.tcp_mtu_probing=1" in text


def test_numbers_for_ipv6() -> None:
    text = commands(6, PathMtu(1400, 1499))
    assert "-s 1452 fe80::1%DEVICE" in text  # a link-local address needs its interface
    assert "-s 1352 " in text
    assert "ip6tables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1340" in text
    assert "packet-too-big" in text
    assert "iptables -t" not in text.replace("ip6tables", "")


@pytest.mark.parametrize(
    ("bracket", "version", "safe", "guess"),
    [
        (PathMtu(1400, 1499, 1420), 4, 1420, False),
        (PathMtu(1400, 1499, None), 4, 1400, False),
        (PathMtu(752, 1499, None), 4, 1280, True),  # no tiny MTU only because nothing larger was tried
        (PathMtu(752, 1499, None), 6, 1280, False),  # IPv6 promises 1280
        (PathMtu(None, None, None), 4, 1280, True),
        (PathMtu(300, 551, None), 4, 300, False),
        (PathMtu(None, 551, None), 4, 68, False),
        (PathMtu(900, 1000, None), 6, 1280, True),
    ],
)
def test_the_safe_mtu(bracket: PathMtu, version: int, safe: int, guess: bool) -> None:
    assert safe_mtu(bracket, version) == (safe, guess)


def test_a_guess_is_called_one() -> None:
    whys = " ".join(fix.why for fix in fixes("blackhole_suspected", 4, PathMtu(None, 1499)))
    assert "1280 is a guess to be verified" in whys
    assert "guess" not in " ".join(fix.why for fix in fixes("blackhole", 4, PathMtu(1400, 1499)))


def test_each_reason_of_an_ignored_ptb_has_its_own_cure() -> None:
    first = {reason: fixes("ptb_ignored", 6, PathMtu(1400, 1400, 1400), reason)[0] for reason in REASONS}
    assert len(set(first.values())) == len(REASONS)
    assert "OutOfWindowIcmps" in first["sequence"].command
    assert "InCsumErrors" in first["checksum"].command


def test_addresses_are_placed_as_they_came() -> None:
    for version, (sender, receiver) in ENDS.items():
        text = " ".join(" ".join(fix) for fix in fixes("blackhole", version, PathMtu(1400, 1499)))
        assert sender in text
        assert receiver in text
        assert ipaddress.ip_address(sender).version == version
