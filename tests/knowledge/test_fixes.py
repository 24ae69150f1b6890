from __future__ import annotations

import ipaddress
import re
import subprocess
from pathlib import Path

import pytest

from analyzer.knowledge import fixes as module
from analyzer.knowledge.fixes import (
    ALL,
    PLATFORMS,
    SIZE_WORDS,
    entries,
    fixes_for,
    inner_mtu,
    settled_mtu,
    unknown_platforms,
)
from analyzer.knowledge.fragment_fixes import fragment_fixes
from analyzer.knowledge.overheads import Tunnel
from analyzer.model.flow import PathMtu
from analyzer.model.statement import Fix
from analyzer.model.verdicts import PROBLEMS, SIZE_PROBLEMS, VERDICTS

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
BLANK = re.compile(r"<[a-z][a-z0-9_]*>")
MOST = 8  # of the short list


def fixes(
    verdict: str, version: int, bracket: PathMtu, *reasons: str, platforms: tuple[str, ...] = ()
) -> tuple[Fix, ...]:
    sender, receiver = ENDS[version]
    return fixes_for(
        verdict,
        sender_ip=sender,
        receiver_ip=receiver,
        path_mtu=bracket,
        version=version,
        ptb_reasons=reasons,
        platforms=platforms,
    )


def text_of(found: tuple[Fix, ...]) -> str:
    return "\n".join(fix.command for fix in found)


def commands(version: int, bracket: PathMtu, verdict: str = "blackhole") -> str:
    return text_of(fixes(verdict, version, bracket))


# The data.


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_entry_has_what_it_needs(platform: str) -> None:
    steps = {step for plans in (module._PLANS, module._PTB_PLANS) for plan in plans.values() for step in plan}
    assert entries(platform)
    for entry in entries(platform):
        assert set(entry) <= {"step", "ip", "where", "command", "alternative", "why", "source", "extra", "platform"}
        assert not re.search(r"^#", entry["command"], re.MULTILINE)  # an alternative is no line of the command
        if "alternative" in entry:
            assert set(entry["alternative"]) == {"lead", "line"}
            assert re.fullmatch(r"or\b[^:]*(?<! )", entry["alternative"]["lead"])
            assert "\n" not in entry["alternative"]["line"]
        assert entry["step"] in steps
        assert entry.get("ip") in (None, 4, 6)
        assert entry["where"]
        assert entry["why"]
        assert not entry["why"].endswith(".")
        assert entry["source"]
        for url in entry["source"].split():
            assert re.fullmatch(r"https://[\w.-]+/\S+", url)


@pytest.mark.parametrize(
    ("layers", "kind"), [(("GRE",), "gre"), (("GRE", "IPIP"), "gre"), (("VXLAN",), "vxlan"), (("WireGuard",), None)]
)
def test_how_to_find_the_device_is_told_where_linux_has_a_kind(layers: tuple[str, ...], kind: str | None) -> None:
    (fix,) = (each for each in against(PathMtu(472, 1499), Tunnel(layers, 50, None)) if each.step == "tunnel_mtu")
    leads = [(each.lead, each.line) for each in fix.commands[1:]]
    assert leads == ([("or, to find DEVICE: ", f"ip -d link show type {kind}")] if kind else [])
    assert f"the {' in '.join(layers)} tunnel" in fix.where


def test_every_file_is_a_platform() -> None:
    assert {path.stem for path in (Path(module.__file__).parent / "platforms").glob("*")} == set(PLATFORMS)


def test_every_step_has_a_way_on_linux() -> None:
    steps = {step for plans in (module._PLANS, module._PTB_PLANS) for plan in plans.values() for step in plan}
    assert {entry["step"] for entry in entries("linux")} == steps


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("bracket", BRACKETS)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_template_is_filled(verdict: str, bracket: PathMtu, version: int) -> None:
    for reason in REASONS if verdict == "ptb_ignored" else ("host",):
        for fix in (*fixes(verdict, version, bracket, reason, platforms=(ALL,)), *fixes(verdict, version, bracket)):
            text = " ".join((fix.where, fix.command, fix.why))
            assert not BLANK.search(text)
            assert "None" not in text
            assert not re.search(r"(-s|-l|-g|-G|mss|mtu) -\d", text)  # no negative sizes
            assert "blocked" not in text


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("version", [4, 6])
def test_every_platform_cures_a_black_hole(platform: str, version: int) -> None:
    found = fixes("blackhole", version, PathMtu(1400, 1499), platforms=(platform,))
    assert {"1400", "1360" if version == 4 else "1340"} & set(re.findall(r"\d+", text_of(found))) or platform in (
        "cilium",  # its number is the MTU below the overlay
        "flannel",
    )
    assert any(fix.platform == platform for fix in found)
    assert {fix.platform for fix in found} <= {platform, "linux"}  # Linux where the platform is no host


def test_the_shell_understands_the_measurement() -> None:
    for version in (4, 6):
        command = next(fix.command for fix in fixes("blackhole", version, PathMtu(752, 1499)) if "lo=" in fix.command)
        subprocess.run(["/bin/sh", "-n", "-c", command], check=True)
        # `ping` as it answers on a path of 1400 bytes: the search must end there.
        stub = 'ping() { for a in "$@"; do [ "$last" = -s ] && size=$a; last=$a; done; [ $((size + H)) -le 1400 ]; }; '
        headers = 28 if version == 4 else 48
        done = subprocess.run(
            ["/bin/sh", "-c", stub.replace("H", str(headers)) + command], check=True, capture_output=True, text=True
        )
        assert done.stdout == "1400\n"


# What is given.


@pytest.mark.parametrize("verdict", sorted(SIZE_PROBLEMS))
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("bracket", BRACKETS)
def test_problems_of_size_get_a_handful_of_fixes(verdict: str, version: int, bracket: PathMtu) -> None:
    found = fixes(verdict, version, bracket, "host")
    most = MOST + 1 if verdict == "ptb_ignored" else MOST  # why it was ignored comes on top
    assert 3 <= len(found) <= most
    assert {fix.platform for fix in found} == {"linux"}


@pytest.mark.parametrize("verdict", sorted(set(VERDICTS) - PROBLEMS - {"loss"}))
def test_healthy_flows_need_none(verdict: str) -> None:
    assert fixes(verdict, 4, PathMtu(1500), platforms=(ALL,)) == ()


def test_other_problems_get_short_advice() -> None:
    for verdict in ("dead_path", "zero_window", "content_drop", "stall", "inconclusive", "loss"):
        assert 1 <= len(fixes(verdict, 4, PathMtu(1500))) <= 2
        assert fixes(verdict, 4, PathMtu(1500), platforms=("cisco",)) == fixes(verdict, 4, PathMtu(1500))


def test_numbers_for_ipv4() -> None:
    text = commands(4, PathMtu(1400, 1499))
    assert "ping -M do -c 3 -s 1472 10.0.1.2" in text  # 1500 less 28: lost
    assert "ping -M do -c 3 -s 1372 10.0.1.2" in text  # 1400 less 28: passes
    assert "TCPMSS --set-mss 1360" in text
    assert "maxseg size set 1360" in text
    assert "iptables -I FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT" in text
    assert "icmp type destination-unreachable icmp code frag-needed accept" in text
    assert "ip route replace 10.0.1.2/32 $(ip route get 10.0.1.2 | grep -oE '(via|dev) [^ ]+') mtu 1400" in text
    assert "sysctl -w net.ipv4.tcp_mtu_probing=1" in text
    assert text.count("-s 1472") == 2  # the finding, and the fix


def test_numbers_for_ipv6() -> None:
    text = commands(6, PathMtu(1400, 1499))
    assert "-s 1452 fe80::1%DEVICE" in text  # a link-local address needs its interface
    assert "-s 1352 " in text
    assert "ip6tables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1340" in text
    assert "packet-too-big" in text
    assert "iptables -t" not in text.replace("ip6tables", "")


@pytest.mark.parametrize(
    ("bracket", "mtu"),
    [
        (PathMtu(1400, 1499, 1420), 1420),
        (PathMtu(1400, 1499, None), 1400),
        (PathMtu(1400, None, None), 1400),
        (PathMtu(752, 1499, None), None),  # no tiny MTU only because nothing larger was tried
        (PathMtu(1076, 1499, None), None),  # nor what a stack fell back to
        (PathMtu(None, None, None), None),
        (PathMtu(None, 1499, None), None),
        (PathMtu(300, 551, None), 300),
        (PathMtu(None, 551, None), None),
    ],
)
def test_the_mtu_that_the_evidence_gives(bracket: PathMtu, mtu: int | None) -> None:
    assert settled_mtu(bracket) == mtu


@pytest.mark.parametrize("bracket", [b for b in BRACKETS if settled_mtu(b) is None])
@pytest.mark.parametrize("version", [4, 6])
def test_without_evidence_no_number_but_a_measurement(bracket: PathMtu, version: int) -> None:
    found = fixes("blackhole", version, bracket, platforms=(ALL,))
    first = [fix.command for fix in found[:9]]
    assert any(command.startswith("lo=") for command in first)
    for fix in found:
        if re.search(r"mss|mtu", fix.command) and "probing" not in fix.command and "ss -ti" not in fix.command:
            words = set(re.findall(r"[A-Z]+", fix.command))
            assert words & (SIZE_WORDS | {"UNDERLAY"}) or "path-mtu" in fix.command or "unreachables" in fix.command
            assert not re.search(r"(mss|mtu)[ =:-]\d", fix.command, re.IGNORECASE)
    assert "MSS is the number that Measure gave, less" in " ".join(fix.why for fix in found)


def test_a_narrow_bracket_needs_no_measurement() -> None:
    assert "lo=" not in commands(4, PathMtu(1400, 1499))
    assert "lo=" in commands(4, PathMtu(1400, None))  # what is lost is not known


def test_each_reason_of_an_ignored_ptb_has_its_own_cure() -> None:
    plans = {reason: fixes("ptb_ignored", 6, PathMtu(1400, 1400, 1400), reason) for reason in REASONS}
    first = {reason: next(fix for fix in plan if fix.kind == "fix") for reason, plan in plans.items()}
    assert len(set(first.values())) == len(REASONS)
    assert "OutOfWindowIcmps" in first["sequence"].command
    assert "InCsumErrors" in first["checksum"].command


def test_addresses_are_placed_as_they_came() -> None:
    for version, (sender, receiver) in ENDS.items():
        text = " ".join(
            f"{fix.command} {fix.why} {fix.where}" for fix in fixes("blackhole", version, PathMtu(1400, 1499))
        )
        assert sender in text
        assert receiver in text
        assert ipaddress.ip_address(sender).version == version


# Platforms.


def test_the_short_list_is_part_of_linux() -> None:
    short = fixes("blackhole", 4, PathMtu(1400, 1499))
    long = fixes("blackhole", 4, PathMtu(1400, 1499), platforms=("linux",))
    assert set(short) < set(long)
    assert set(long) < set(fixes("blackhole", 4, PathMtu(1400, 1499), platforms=(ALL,)))


def test_hosts_ping_in_their_own_way() -> None:
    for platform, ping in (("windows", "ping -f -n 3 -l 1472"), ("macos", "ping -D -c 3 -s 1472")):
        text = text_of(fixes("blackhole", 4, PathMtu(1400, 1499), platforms=(platform,)))
        assert ping in text
        assert "ping -M" not in text
    assert "ping -M do" in text_of(fixes("blackhole", 4, PathMtu(1400, 1499), platforms=("cisco",)))


def test_several_platforms_come_together() -> None:
    found = fixes("blackhole", 4, PathMtu(1400, 1499), platforms=("pf", "cisco"))
    text = text_of(found)
    assert "ip tcp adjust-mss 1360" in text
    assert "scrub (max-mss 1360)" in text
    assert "TCPMSS" not in text


def test_unknown_names() -> None:
    assert unknown_platforms(("cisco", "all", "os/2", "linux")) == ["os/2"]


# What carries the packets.

VXLAN = Tunnel(("VXLAN",), 50, None)


def against(bracket: PathMtu, tunnel: Tunnel | None, *platforms: str) -> tuple[Fix, ...]:
    sender, receiver = ENDS[4]
    return fixes_for(
        "blackhole", sender_ip=sender, receiver_ip=receiver, path_mtu=bracket, version=4, tunnel=tunnel,
        platforms=platforms,
    )  # fmt: skip


def cures(bracket: PathMtu, tunnel: Tunnel | None, *platforms: str) -> list[Fix]:
    return [fix for fix in against(bracket, tunnel, *platforms) if fix.kind == "fix"]


def test_a_tunnel_that_was_seen_is_mended_first_and_by_its_number() -> None:
    first, *others = cures(PathMtu(472, 1499), VXLAN)
    assert first.where.startswith("on both ends of the VXLAN tunnel")
    assert first.commands[0].line == "ip link set dev DEVICE mtu 1450"
    assert first.commands[1].line == "ip -d link show type vxlan"
    assert first.why == "its headers take 50 bytes of every packet: 1500 - 50 = 1450"
    assert first.short == "set the MTU of the VXLAN tunnel to 1450"
    assert "--set-mss 1410" in text_of(tuple(others))
    assert not re.search(r"\b(MTU|MSS)\b", text_of((first, *others)))
    assert all("tunnel" not in fix.where for fix in cures(PathMtu(472, 1499), None))


@pytest.mark.parametrize(
    ("bracket", "tunnel", "mtu"),
    [
        (PathMtu(472, 1499), Tunnel(("GRE",), 24, 1376), 1376),  # a router told its end
        (PathMtu(1300, 1350), VXLAN, 1300),  # something narrower: what got through fits
        (PathMtu(472, 1350), VXLAN, None),
        (PathMtu(1460, 1499), VXLAN, 1460),
        (PathMtu(1372, 1372, 1372), VXLAN, 1372),
        (PathMtu(None, None), VXLAN, 1450),
    ],
)
def test_its_number_never_contradicts_the_evidence(bracket: PathMtu, tunnel: Tunnel, mtu: int | None) -> None:
    assert inner_mtu(bracket, tunnel) == mtu
    (first, *_) = cures(bracket, tunnel)
    assert first.commands[0].line == f"ip link set dev DEVICE mtu {mtu or 'MTU'}"
    assert ("Measure" in first.why) == (mtu is None)


def test_other_platforms_have_their_own_way_at_the_tunnel() -> None:
    found = cures(PathMtu(472, 1499), VXLAN, "cisco")
    assert all(fix.platform == "cisco" for fix in found)
    assert "ip mtu 1450" in text_of(tuple(found))


@pytest.mark.parametrize(
    ("came", "told"), [(1420, "INNER_MTU: 1420 bytes, the size that came"), (None, "INNER_MTU: the size")]
)
def test_the_mtu_of_a_tunnel_follows_from_what_came(came: int | None, told: str) -> None:
    steps = fragment_fixes("192.0.2.1", "192.0.2.2", "esp", (), came=came)
    [step] = [step for step in steps if "INNER_MTU" in step.command]
    assert told in step.why
    assert not any(character in f"{each.why}{each.where}{each.command}" for each in steps for character in "<>")


@pytest.mark.parametrize(
    ("protocol", "port", "says"),
    [
        ("dns", 53, "edns-udp-size 1232"),
        ("radius", 1812, "Framed-MTU"),
        ("radius", 1812, "fragment_size"),
        ("ike", 500, "fragmentation = yes"),
        ("quic", 4433, "QuicAllowed"),
        ("udp", 9, "-j ACCEPT"),
    ],
)
def test_each_protocol_has_its_own_way_out_with_a_source(protocol: str, port: int, says: str) -> None:
    steps = fragment_fixes("192.0.2.1", "192.0.2.2", protocol, {port, 40000})
    [step] = [step for step in steps if says in step.command]
    assert step.source.startswith("https://")
