from __future__ import annotations

from dataclasses import replace
from typing import Any

from analyzer.model.flow import Endpoint, PathMtu, Ptb
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import PROBLEMS, VERDICTS
from analyzer.report.document import document_of
from analyzer.report.one_line import damage
from tests.report.factory import SECOND, START, make_analysis, make_file, make_flow, make_stalled, refs


def test_problems_get_rows_and_the_healthy_are_counted() -> None:
    document = document_of(make_analysis([make_flow(0, "ok"), make_flow(1), make_flow(2, "loss")]))
    assert [row.stream for row in document.rows] == [1]
    assert document.not_listed == "2 flows without a problem not listed: 1 loss, 1 ok"


def test_all_lists_everything_the_worst_first() -> None:
    flows = [make_flow(i, verdict) for i, verdict in enumerate(reversed(VERDICTS))]
    document = document_of(make_analysis(flows), show_all=True)
    assert [row.verdict for row in document.rows] == list(VERDICTS)
    assert document.not_listed == ""


def test_a_row_says_which_way_the_trouble_goes() -> None:
    flows = [make_flow(0), make_flow(1, direction="client_to_server"), make_flow(2, direction=None)]
    assert [row.arrow for row in document_of(make_analysis(flows)).rows] == ["<-", "->", "--"]


def test_flows_of_the_same_hosts_and_verdict_share_a_diagnosis() -> None:
    flows = [make_flow(i, confidence="low" if i == 0 else "high") for i in range(12)]
    (diagnosis,) = document_of(make_analysis(flows)).diagnoses
    assert diagnosis.stream == 1  # the first of the surest
    assert diagnosis.same == "streams 0, 2, 3, 4 and 7 more"


def test_every_problem_is_diagnosed_with_what_where_and_frames() -> None:
    for verdict in sorted(PROBLEMS):
        (diagnosis,) = document_of(make_analysis([make_flow(0, verdict)])).diagnoses
        assert diagnosis.what.text == f"What makes it {verdict}."
        assert diagnosis.where[0].startswith("10.0.2.2 -> 10.0.1.2 (server to client)")
        assert diagnosis.why[0].frames == "frames 12, 14, 17-19"


def test_what_the_explanation_says_is_not_said_twice() -> None:
    flow = make_flow(0, "zero_window", explanation="Closed (frame 19).")
    flow = replace(
        flow, evidence=(Statement("Closed (frame 19).", refs(19, 25)),), rests_on=refs(19, 25), named=refs(19)
    )
    (diagnosis,) = document_of(make_analysis([flow])).diagnoses
    assert diagnosis.why == ()
    assert diagnosis.what.frames == "frame 25"


def test_ptbs_are_summed_up_by_router_and_reason() -> None:
    ptbs = tuple(Ptb(FrameRef(0, n), "10.0.9.9", 1400, "ignored", "checksum") for n in (13, 15, 16))
    (diagnosis,) = document_of(make_analysis([make_flow(0, "ptb_ignored", ptb=ptbs)])).diagnoses
    assert diagnosis.why[-1].text == "3 PTBs from 10.0.9.9, MTU 1400, ignored: its checksum is wrong"
    assert diagnosis.why[-1].frames == "frames 13, 15, 16"


def test_of_very_many_ptbs_the_first_are_told() -> None:
    ptbs = tuple(Ptb(FrameRef(0, n), "10.0.9.9", 1400 - n // 2, "accepted", None) for n in range(1000))
    (diagnosis,) = document_of(make_analysis([make_flow(0, "ptb_ignored", ptb=ptbs)])).diagnoses
    told = [remark for remark in diagnosis.why if "PTB" in remark.text]
    assert len(told) == 65
    assert (told[63].text, told[63].frames) == ("2 PTBs from 10.0.9.9, MTU 1337, accepted", "frames 126, 127")
    assert (told[64].text, told[64].frames) == ("872 more PTBs of other routers, MTUs or effects", "frame 128")


def test_a_cause_that_is_ruled_out_says_by_what() -> None:
    flow = make_flow(0)
    same = flow.ruled_out[0]._replace(cause="dead_path", because="a smaller packet got through")
    (diagnosis,) = document_of(make_analysis([replace(flow, ruled_out=(same,))])).diagnoses
    assert diagnosis.ruled_out[0].text == "dead path: a smaller packet got through"


def test_overheads_are_named_only_where_they_narrow_it_down() -> None:
    wide = document_of(make_analysis([make_flow(0, path_mtu=PathMtu(800, 1499))]))
    assert not any("consistent" in line for line in wide.diagnoses[0].where)
    tight = document_of(make_analysis([make_flow(0, path_mtu=PathMtu(1415, 1420))]))
    assert tight.diagnoses[0].where[1] == (
        "Consistent with 1420: WireGuard (default, or over IPv6); 1418: IPsec ESP over IPv6, AES-GCM, NAT traversal"
    )


def test_what_comes_from_outside_is_escaped() -> None:
    hostile = make_file("\x1b]0;owned\x07.pcap", damaged_at=77, problem="odd \u202e bytes")
    analysis = make_analysis([make_flow(0, explanation="\x1b[2J")], files=[hostile], notes=("note \x1b[1m\n",))
    document = document_of(analysis)
    everything = repr((document.facts, document.notes, document.diagnoses[0].what, list(damage(analysis))))
    assert "\\x1b" not in everything.replace("\\\\x1b", "")
    assert document.facts[0].startswith(r"\x1b]0;owned\x07.pcap: 130 packets")


def test_facts_add_the_packets_up() -> None:
    assert document_of(make_analysis([make_flow()])).facts == (
        "story.pcap: 130 packets, pcap, ETHERNET",
        "30.0 s from 2026-11-22 13:50:00 UTC; 124 TCP in 1 flow; 4 ICMP (1 PTB); not decoded: 2 not IP",
    )


SIX: dict[str, Any] = {"client": Endpoint("2001:db8::1", 40000), "server": Endpoint("2001:db8:1::1", 443)}


def test_an_ipv6_bracket_begins_at_1280_and_no_packet_of_that_size_is_claimed() -> None:
    document = document_of(make_analysis([make_flow(0, path_mtu=PathMtu(472, 1499), **SIX)]))
    assert "1500-byte packets vanish, 472-byte packets arrive" in document.headline
    assert document.rows[0].path_mtu == "1280..1499"
    assert (
        document.diagnoses[0]
        .where[0]
        .endswith("path MTU 1280..1499: 472 bytes got through and 1500 did not; every IPv6 link carries 1280")
    )
    narrower = document_of(make_analysis([make_flow(0, path_mtu=PathMtu(472, 1199), **SIX)]))
    assert narrower.rows[0].path_mtu == "472..1199"


def test_at_the_receiver_no_packet_is_said_to_be_lost() -> None:
    flow = make_flow(0, "blackhole_suspected", path_mtu=PathMtu(472, 1499))
    (diagnosis,) = document_of(make_analysis([flow])).diagnoses
    assert diagnosis.where[0].endswith("path MTU 472..1499: 472 bytes came, and nothing of full size (1500 bytes)")


def test_when_says_what_was_then() -> None:
    first = document_of(make_analysis([make_flow(0)])).first
    assert first is not None
    assert first.when.endswith("(first and last transmission)")
    waits = document_of(make_analysis([make_flow(0, "zero_window", stalled=None)])).first
    assert waits is not None
    assert waits.when == "2026-11-22 13:50:00 - 13:50:27 UTC (first and last packet)"
    short = document_of(make_analysis([make_flow(0, "zero_window", stalled=None, last_time=START + SECOND // 2)])).first
    assert short is not None
    assert short.when == "2026-11-22 13:50:00 UTC"


def test_a_segment_of_which_one_copy_was_captured_has_no_time_to_tell() -> None:
    flow = make_flow(0, "inconclusive", stalled=make_stalled()._replace(seconds=0.0, retransmissions=1))
    document = document_of(make_analysis([flow]))
    assert (document.rows[0].stalled, document.findings[0].stalled) == ("-", "-")
