"""UDP and fragments of the same hosts in several groups: on which leg large ones get lost, or that none is told."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from analyzer.api import together
from analyzer.fleet import Fleet, analyze, datagram_hosts
from analyzer.fleet.crossing import datagram_crossings
from analyzer.fleet.keeping import FINISHED
from analyzer.fleet.terminal import lines_of
from analyzer.points import datagram_legs
from tests.builders import CLIENT, CLIENT6, SECOND, SERVER, SERVER6, Packet, address, ipv4, pcap, udp
from tests.datagram_talk import FAR, answer, question, sent
from tests.fleet.captures import BUCKET, as_told, json_in, plain_json
from tests.fleet.test_keeping import kept, stopping_after
from tests.passes.test_blanked import POINTS
from tests.points.test_datagrams import LOCATED, RECORDED, TRUTHS

DAY = 86_400 * SECOND


def both_ends(name: str, folder: Path) -> Path:
    """Both ends of a recording, each in a folder of its own."""
    for end in ("client", "server"):
        (folder / end).mkdir(parents=True)
        shutil.copy(RECORDED / f"{name}_{end}.pcap", folder / end)
    return folder


def of_both(folder: Path) -> str:
    return plain_json(*sorted(folder.glob("*/*")))


def legs(fleet: Fleet) -> list[tuple[str, str, int | None, int | None]]:
    return [(leg.before, leg.behind, leg.at_least, leg.at_most) for leg in fleet.answer.legs]


@pytest.mark.parametrize("name", LOCATED)
def test_it_is_told_on_which_leg_large_datagrams_get_lost(tmp_path: Path, name: str) -> None:
    folder = both_ends(name, tmp_path / "in")
    fleet = analyze(folder, output=tmp_path / "out")
    crossed, lost, at = LOCATED[name]
    before = "server" if at == "client" else "client"
    assert legs(fleet) == [(before, at, crossed, lost - 1)]
    assert json_in(tmp_path / "out" / "joined") == {"client+server": of_both(folder)}
    [leg] = fleet.answer.legs
    assert leg.protocol == "udp"
    assert leg.lost >= 3
    page = (tmp_path / "out" / "index.html").read_text()
    told = f"between {before} and {at} up to {crossed:,} bytes crossed, {lost:,} bytes and more did not"
    assert told in page
    assert any(told in line for line in lines_of(fleet.answer))


@pytest.mark.parametrize("name", sorted(name for name in TRUTHS if name.endswith("_healthy")))
def test_of_a_healthy_path_no_leg_is_told(tmp_path: Path, name: str) -> None:
    fleet = analyze(both_ends(name, tmp_path / "in"), output=tmp_path / "out")
    assert len(fleet.answer.groups) == 2
    assert fleet.answer.legs == ()
    assert fleet.answer.joined == ()


def written(folder: Path, **captures: Sequence[Packet]) -> Path:
    """Captures, each in a folder of its own."""
    for name, packets in captures.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "a.pcap").write_bytes(pcap(sorted(packets, key=lambda packet: packet.ts)))
    return folder


def numbered(packet: Packet, ident: int) -> Packet:
    """The packet with another identification; its checksum is not looked at."""
    return Packet(packet.ts, packet.data[:4] + ident.to_bytes(2) + packet.data[6:])


def talk(*, narrow: bool, far: bool, other: bytes = b"\x05small\x07example\x00") -> list[Packet]:
    """Questions and their answers, small ones and, with DF, large ones; `far`: seen beside the client.

    `narrow`: no large one gets that far, so that each is asked for twice more.
    """
    out = []
    asked, answered = (64, FAR) if far else (FAR, 64)
    number = 0
    for i in range(12):
        large = i % 2 == 1
        for again in range(3 if large and narrow else 1):
            at = 5 + 4 * i + again
            number += 1
            out.append(numbered(sent(at, question(i, other), sport=40_000 + i, ttl=asked), number))
            if not (large and narrow and far):
                size = 1480 if large else 120
                body = answer(i, size)[:20] + other.ljust(size - 48, b"\x07")
                out.append(numbered(sent(at + 0.01, body, back=True, sport=40_000 + i, ttl=answered), 5000 + number))
    out += [sent(0, b"x", sport=9, dport=9), sent(90, b"x", sport=9, dport=9)]
    return out


def test_so_it_is_of_datagrams_written_one_by_one(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", near=talk(narrow=True, far=False), far=talk(narrow=True, far=True))
    fleet = analyze(folder, output=tmp_path / "out")
    assert legs(fleet) == [("near", "far", 120, 1479)]
    assert json_in(tmp_path / "out" / "joined") == {"far+near": of_both(folder)}


def test_where_large_ones_cross_none_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "in", near=talk(narrow=False, far=False), far=talk(narrow=False, far=True))
    assert analyze(folder, output=tmp_path / "out").answer.legs == ()


def test_the_same_hosts_on_another_day_are_not_compared(tmp_path: Path) -> None:
    later = [Packet(packet.ts + DAY, packet.data) for packet in talk(narrow=True, far=True)]
    fleet = analyze(written(tmp_path / "in", near=talk(narrow=True, far=False), far=later), output=tmp_path / "out")
    assert any(each["troubles"] for each in fleet.answer.groups)
    assert fleet.answer.joined == ()
    assert fleet.answer.legs == ()


def test_private_addresses_of_another_network_are_not_the_same_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is equal but what the datagrams say: addresses, identifications, and when they were sent."""
    elsewhere = talk(narrow=True, far=True, other=b"\x05other\x07example\x00")
    folder = written(tmp_path / "in", near=talk(narrow=True, far=False), far=elsewhere)
    fleet = analyze(folder, output=tmp_path / "out")
    assert any(each["troubles"] for each in fleet.answer.groups)
    assert fleet.answer.legs == ()
    monkeypatch.setattr(datagram_legs, "_of_one_path", lambda at, _: [at])  # what is not asked otherwise
    assert legs(analyze(folder, output=tmp_path / "trap")) == [("near", "far", 120, 1479)]


@pytest.mark.parametrize("source", ["files", "store"])
def test_workers_tell_the_same(tmp_path: Path, store: Any, workers: Any, source: str) -> None:
    folder = both_ends("dtls_silent", tmp_path / "in")
    store.put(f"{folder}/", f"{BUCKET}/datagrams-{source}", recursive=True)
    there = str(folder) if source == "files" else f"s3://{BUCKET}/datagrams-{source}"
    fleet = analyze(there, client=workers, output=tmp_path / "out")
    assert legs(fleet) == legs(analyze(folder, output=tmp_path / "here"))
    assert len(legs(fleet)) == 1
    assert json_in(tmp_path / "out" / "joined") == {"client+server": as_told(of_both(folder), folder, there)}


def test_an_interrupted_run_goes_on_to_the_same_legs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = both_ends("radius_switch", tmp_path / "in")
    analyze(folder, output=tmp_path / "whole")
    monkeypatch.setattr("analyzer.fleet.spreading.BATCH_GROUPS", 1)
    stopped = analyze(folder, output=tmp_path / "out", progress=stopping_after(1))
    assert (stopped.interrupted, stopped.answer.waiting, stopped.answer.legs) == (True, 1, ())
    fleet = analyze(folder, output=tmp_path / "out")
    assert len(fleet.answer.legs) == 1
    assert kept(tmp_path / "out") == kept(tmp_path / "whole")
    again = analyze(folder, output=tmp_path / "out")
    assert legs(again) == legs(fleet)
    (tmp_path / "out" / "joined" / FINISHED).unlink()  # killed before these were done
    assert legs(analyze(folder, output=tmp_path / "out")) == legs(fleet)
    assert kept(tmp_path / "out") == kept(tmp_path / "whole")


def test_what_a_version_without_them_kept_is_done_again(tmp_path: Path) -> None:
    folder = both_ends("dtls_silent", tmp_path / "in")
    expected = legs(analyze(folder, output=tmp_path / "out"))
    for log in (tmp_path / "out" / FINISHED, tmp_path / "out" / "joined" / FINISHED):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            for each in line["groups"]:
                del each["hosts"]
                each["legs"] = []
        log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert legs(analyze(folder, output=tmp_path / "out")) == expected


def test_a_capture_that_is_another_one_by_now_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = both_ends("dtls_silent", tmp_path / "in")
    usual = datagram_crossings

    def changing(summaries: Any) -> Any:
        os.utime(folder / "client" / "dtls_silent_client.pcap", (1, 1))
        return usual(summaries)

    monkeypatch.setattr("analyzer.fleet.fleet_entry.datagram_crossings", changing)
    fleet = analyze(folder, output=tmp_path / "out")
    assert fleet.answer.joined == ()
    assert fleet.answer.legs == ()
    assert len(fleet.answer.groups) == 2


def test_captures_joined_for_their_flows_tell_of_datagrams_too(tmp_path: Path) -> None:
    folder = both_ends("dtls_silent", tmp_path / "in")
    ends = [path for path in POINTS if path.parent.name == "ptb"][:2]
    for end, path in zip(("client", "server"), ends, strict=True):
        shutil.copy(path, folder / end)
    fleet = analyze(folder, output=tmp_path / "out")
    assert [each["name"] for each in fleet.answer.joined] == ["client+server"]
    assert {leg.protocol for leg in fleet.answer.legs} == {"tcp", "udp"}


def test_what_is_kept_of_hosts_is_bounded_and_those_in_trouble_are_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        Packet(each.ts, each.data.replace(address(SERVER), address("192.0.2.77")))
        for each in (sent(1 + i / 100, b"hello", sport=5000 + i, dport=7, ttl=64) for i in range(400))
    ]
    monkeypatch.setattr(datagram_hosts, "MOST_HOSTS", 1)
    for packets, expected in (([*talk(narrow=True, far=False), *others], SERVER), (others, "192.0.2.77")):
        folder = written(tmp_path / expected / "in", near=packets)
        [summary] = analyze(folder, output=tmp_path / expected / "out").answer.groups
        [[one, two, first, last, verdict]] = summary["hosts"]
        assert {one, two} == {CLIENT, expected}
        assert first < last
        assert (verdict is not None) == (expected == SERVER)


def test_hosts_of_fragments_and_of_both_versions_are_known_but_no_groups(tmp_path: Path) -> None:
    fragment = ipv4(b"0" * 64, src=SERVER, dst=CLIENT, protocol=47, ident=7, more=True, df=False)
    back = ipv4(b"0" * 64, src=CLIENT, dst=SERVER, protocol=47, ident=8, more=True, df=False)
    packets = [
        Packet(3 * SECOND, fragment),
        Packet(4 * SECOND, back),
        sent(5, b"hello", v6=True),
        sent(7, b"hello", v6=True, back=True),
        Packet(8 * SECOND, ipv4(udp(b"hello", dport=1900), src=CLIENT, dst="239.255.255.250", protocol=17)),
    ]
    group = packets[-1:]
    [summary] = analyze(written(tmp_path / "group", one=group), output=tmp_path / "none").answer.groups
    assert summary["hosts"] == []
    [summary] = analyze(written(tmp_path / "in", one=packets), output=tmp_path / "out").answer.groups
    assert sorted(summary["hosts"]) == [
        [CLIENT, SERVER, 3 * SECOND, 4 * SECOND, None],
        [SERVER6, CLIENT6, 5 * SECOND, 7 * SECOND, None],
    ]


@pytest.mark.parametrize("most", [0, 8, 20, 40, 80])
def test_where_more_would_have_to_be_compared_no_other_leg_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(together, "MOST_DATAGRAMS", most)
    narrow = written(tmp_path / "narrow", near=talk(narrow=True, far=False), far=talk(narrow=True, far=True))
    found = legs(analyze(narrow, output=tmp_path / "out"))
    assert found == ([("near", "far", 120, 1479)] if most >= 20 else [])  # half for each


def test_groups_cross_by_hosts_at_one_time() -> None:
    def group(name: str, *hosts: list[Any]) -> dict[str, Any]:
        return {"name": name, "error": None, "hosts": list(hosts)}

    stuck = ["10.0.0.1", "10.0.0.2", 0, 5 * SECOND, "blackhole"]
    seen = ["10.0.0.1", "10.0.0.2", 0, 5 * SECOND, None]
    other = ["10.0.0.1", "10.0.0.3", 0, 5 * SECOND, None]
    later = ["10.0.0.1", "10.0.0.2", DAY, DAY + SECOND, None]
    found = datagram_crossings([group("a", stuck), group("b", seen, other), group("c", other), group("d", later)])
    assert [(each.groups, each.flows) for each in found] == [(("a", "b"), 1)]
    assert datagram_crossings([group("a", seen), group("b", seen)]) == []
    assert datagram_crossings([{"name": "x", "error": "cannot be read"}]) == []
