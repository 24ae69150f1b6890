from __future__ import annotations

import io
from dataclasses import replace

import pytest

import analyzer
from analyzer.errors import UsageError
from analyzer.model.flow import Endpoint
from analyzer.report.document import document_of
from analyzer.tables.selection import anonymous_host, narrow
from tests.builders import ICMPV6, Packet, ip, pcap, too_big
from tests.report.factory import make_analysis, make_flow
from tests.talk import Talk

ANALYSIS = make_analysis(
    [
        make_flow(0),
        make_flow(1, "ok", server=Endpoint("10.0.3.3", 80)),
        make_flow(2, "ok", client=Endpoint("2001:db8::1", 5000), server=Endpoint("2001:db8::2", 443)),
    ]
)


def streams(**criteria: object) -> list[int]:
    return [flow.stream for flow in narrow(ANALYSIS, **criteria).all_flows]  # type: ignore[arg-type]


def test_without_criteria_nothing_changes() -> None:
    assert narrow(ANALYSIS) is ANALYSIS


def test_by_stream_host_and_port() -> None:
    assert streams(streams=[2, 0]) == [0, 2]
    assert streams(host="10.0.1.2") == [0, 1]
    assert streams(port=443) == [0, 2]
    assert streams(host="10.0.1.2", port=443) == [0]
    assert streams(port=1) == []


def test_a_network_is_where_one_end_is() -> None:
    assert streams(host="10.0.3.0/24") == [1]
    assert streams(host="10.0.2.0/23") == [0, 1]
    assert streams(host="10.0.3.3/24") == [1]  # as people copy it from `ip addr`
    assert streams(host="2001:db8::/32") == [2]
    assert streams(host="2001:db8:0:0:0:0:0:2/128") == [2]
    assert streams(host="0.0.0.0/0") == [0, 1]


@pytest.mark.parametrize("network", ["10.0.3.0/24", "10.0.2.0/23", "2001:db8::/127"])
def test_an_anonymous_network_has_the_same_flows(network: str) -> None:
    anonymizer = analyzer.Anonymizer()
    replaced = [
        replace(
            flow,
            client=Endpoint(anonymizer.text(flow.client.ip), 1),
            server=Endpoint(anonymizer.text(flow.server.ip), 2),
        )
        for flow in ANALYSIS.all_flows
    ]
    found = narrow(make_analysis(replaced), host=anonymous_host(network, anonymizer)).all_flows
    assert [flow.stream for flow in found] == streams(host=network)


def test_an_address_is_found_in_any_spelling() -> None:
    assert streams(host="2001:DB8:0::1") == [2]


@pytest.mark.parametrize("host", ["::FFFF:c000:201", "::ffff:192.0.2.1"])
def test_an_ipv4_mapped_address_is_written_alike_by_each_python_and_found_in_any_spelling(host: str) -> None:
    talk = Talk(ends=("::ffff:192.0.2.1", "::ffff:192.0.2.2"))
    hang = [*talk.handshake(), *(talk.data(ms, 0, 1440) for ms in (100, 400, 1000, 2200))]
    router, sender = "::ffff:192.0.2.9", talk.ends[1]
    told = too_big(1400, hang[-1].data[:1232], src=router, dst=sender)
    ptb = Packet(hang[-1].ts + 1, ip(told, src=router, dst=sender, protocol=ICMPV6))
    analysis = narrow(analyzer.analyze(io.BytesIO(pcap([*hang, ptb]))), host=host)
    (flow,) = analysis.all_flows
    assert (flow.client.ip, flow.server.ip) == talk.ends
    assert list(analysis.ptbs["router"]) == [router]


def test_a_stream_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UsageError, match="no stream 7 in this capture: they are numbered 0 to 2"):
        narrow(ANALYSIS, streams=[7])


def test_a_host_that_is_no_address_is_an_error() -> None:
    with pytest.raises(UsageError, match="--host needs an IP address or a network"):
        narrow(ANALYSIS, host="example.org")


def test_totals_stay_those_of_the_capture_and_the_headline_speaks_of_the_selection() -> None:
    narrowed = narrow(ANALYSIS, host="10.0.1.2")
    assert narrowed.totals == ANALYSIS.totals
    assert narrowed.selection == "host 10.0.1.2"
    assert document_of(narrowed).headline.startswith("1 of 2 selected flows hangs in a PMTUD black hole")


def test_paths_go_with_their_flows() -> None:
    assert [path.src for path in narrow(ANALYSIS, streams=[1]).all_paths] == ["10.0.3.3"]


def test_nothing_matches() -> None:
    assert document_of(narrow(ANALYSIS, port=1)).headline == "No flow matches port 1; the capture has 3 flows."
