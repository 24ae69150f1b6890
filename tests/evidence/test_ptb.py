from __future__ import annotations

import pytest

from analyzer.evidence.ptb import CHECKSUM_WRONG, PtbSeen
from analyzer.model.statement import FrameRef

from .timeline import conversation, to_client

VALID = PtbSeen(
    ref=FrameRef(0, 8),
    ts=1_000_000_000,
    version=4,
    router="192.0.2.1",
    target="10.2.0.2",
    mtu=1400,
    checksum_wrong=False,
    quoted_len=1500,
    quoted_df=True,
    quoted_src="10.2.0.2",
    quoted_dst="10.1.0.2",
    quoted_ports=(443, 40000),
    quoted_seq=1001,
    flow=0,
    side=0,
    una=1001,
    snd_max=5000,
)


def test_a_ptb_without_defect_is_plausible() -> None:
    assert VALID.defect is None
    assert VALID.plausible


@pytest.mark.parametrize(
    ("changed", "defect"),
    [
        (VALID._replace(checksum_wrong=True), "checksum"),
        (VALID._replace(flow=-1), "tuple"),
        (VALID._replace(quoted_seq=1000), "sequence"),  # acknowledged already
        (VALID._replace(quoted_seq=5000), "sequence"),  # never sent
        (VALID._replace(quoted_seq=4999), None),  # RFC 5927 4.1: una <= seq < snd_max
        (VALID._replace(quoted_seq=None), None),  # the snap length cut it
        (VALID._replace(una=-1, quoted_seq=77), None),  # no ACK seen: nothing to compare with
        (VALID._replace(mtu=0), "mtu_zero"),
        (VALID._replace(mtu=67), "mtu_zero"),  # RFC 791: every link carries 68
        (VALID._replace(mtu=68), None),
        (VALID._replace(mtu=1500), "mtu_not_smaller"),
        (VALID._replace(mtu=9000), "mtu_not_smaller"),
        (VALID._replace(version=6, mtu=1279), "below_1280"),
        (VALID._replace(version=6, mtu=1280), None),
        (VALID._replace(version=6, mtu=0), "below_1280"),
        (VALID._replace(checksum_wrong=True, flow=-1, mtu=0), "checksum"),  # the first that a host tests
        (VALID._replace(flow=-1, mtu=0), "tuple"),
        (VALID._replace(quoted_seq=9, mtu=0), "sequence"),
    ],
)
def test_defects_in_the_order_in_which_a_host_finds_them(changed: PtbSeen, defect: str | None) -> None:
    assert changed.defect == defect


STUCK = """
    handshake
    0.021            C > S  data 1:518
    0.031            S > C  data 1:1449 lost
    0.031            S > C  data 1449:1600
    0.037            R > S  ptb 1400 of 1:1449
    0.041            C > S  ack 1 sack 1449:1600
    """


def test_a_ptb_is_tied_to_its_flow_by_the_quote() -> None:
    (ptb,) = to_client(STUCK).ptbs
    assert (ptb.router, ptb.mtu, ptb.quoted_len, ptb.quoted_df) == ("192.0.2.1", 1400, 1500, True)
    assert ptb.quoted_seq is not None
    assert ptb.quoted_seq & 0xFFFF_FFFF == 5_000_001
    assert ptb.plausible
    assert conversation(STUCK).direction_to_server().ptbs == []


def test_a_ptb_with_a_wrong_checksum_is_known_as_such() -> None:
    (ptb,) = to_client(STUCK.replace("of 1:1449", "of 1:1449 badsum")).ptbs
    assert ptb.checksum_wrong
    assert CHECKSUM_WRONG == 2


def test_a_ptb_with_rewritten_ports_is_found_by_its_sequence_number() -> None:
    ladder = "0.25 0.68 1.54  S > C  data 1:1449 lost"
    (ptb,) = to_client(STUCK.replace("of 1:1449", "of 1:1449 natport 7777") + ladder).ptbs
    assert ptb.defect == "tuple"


def test_only_late_and_too_large_copies_ignore_a_ptb() -> None:
    direction = to_client(STUCK + "0.10 0.25 0.68  S > C  data 1:1449 lost\n 1.54  S > C  data 1:1349 lost")
    late = direction.ptb_answers.resends_after(direction.ptbs[0], 200_000_000)
    assert [segment.ip_len for segment in late] == [1500, 1500]


def test_the_ack_of_the_quoted_byte_after_the_ptb() -> None:
    direction = to_client(STUCK + "0.05 S > C data 1:1349, 1349:1449\n 0.061 C > S ack 1349\n 0.062 C > S ack 1600")
    ack = direction.ptb_answers.acked_after(direction.ptbs[0])
    assert ack is not None
    assert ack.ack & 0xFFFF_FFFF == 5_000_000 + 1349
    stuck = to_client(STUCK)
    assert stuck.ptb_answers.acked_after(stuck.ptbs[0]) is None
