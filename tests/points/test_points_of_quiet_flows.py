"""Flows without trouble that several points saw: one each in the list, whichever way they were judged."""

from __future__ import annotations

import io

import pytest

import analyzer
from lab.simulated.cases import CASES
from lab.simulated.judging import analysed
from tests.builders import ACK, SYN, Packet, ipv4, pcap, tcp


@pytest.mark.parametrize("name", ["plain", "plain_nat", "plain_ipv6", "lossy_3_four_flows"])
def test_each_connection_is_listed_once(name: str) -> None:
    case = CASES[name]
    found = analysed(case.run())
    assert found.flows["stream"].tolist() == list(range(len(case.talks)))
    assert found.totals.flows == len(case.talks)
    assert len(found.all_points) == 4
    assert all(set(path.streams) <= set(range(len(case.talks))) for path in found.all_paths)
    assert all(len(path.streams) == len(set(path.streams)) for path in found.all_paths)


@pytest.mark.parametrize("name", ["plain", "lossy_3_four_flows"])
def test_verdicts_are_those_that_one_of_the_points_gives(name: str) -> None:
    taps = CASES[name].run()
    alone = [analysed([tap]) for tap in taps]
    for flow in analysed(taps).all_flows:
        assert flow.verdict in {each.flow(flow.stream).verdict for each in alone}


def test_ports_that_are_used_again_are_another_connection_at_every_point() -> None:
    def capture(late: int) -> io.BytesIO:
        packets = []
        for number in range(2):
            for i, (flags, seq, ack) in enumerate(((SYN, 999, 0), (ACK, 1000, 5001))):
                segment = tcp(
                    flags=flags, seq=seq + 7_000_000 * number, ack=ack, options=b"\x08\x0a" + bytes(6) + b"\x01\x01"
                )
                moment = (number * 60 + i) * 1_000_000_000 + late
                packets.append(Packet(moment, ipv4(segment, ident=10 * number + i + 1)))
        return io.BytesIO(pcap(packets))

    found = analyzer.analyze([capture(0), capture(3_000_000)])
    assert [file.point for file in found.files] == [0, 1]
    assert found.flows["stream"].tolist() == [0, 1]
