from __future__ import annotations

import pytest

from analyzer.model.comparison import compared
from analyzer.report.one_line import damage, line_of
from tests.report.factory import make_analysis, make_file, make_flow

CUT = "expected the rest of a record, found the end of the file"


@pytest.mark.parametrize(
    ("packets", "problem", "told"),
    [
        (73, CUT, "cut.pcap is cut off after 73 packets (byte 8948); these were analysed"),
        (1, CUT, "cut.pcap is cut off after 1 packet (byte 8948); these were analysed"),
        (0, CUT, "cut.pcap is cut off before the first packet (byte 8948)"),
        (73, "odd\nlength", r"cut.pcap is damaged after 73 packets (byte 8948: odd\x0alength); these were analysed"),
    ],
)
def test_how_far_a_damaged_file_was_read(packets: int, problem: str, told: str) -> None:
    file = make_file("cut.pcap", damaged_at=8948, problem=problem, is_cut=problem == CUT, packets=packets)
    assert list(damage(make_analysis(files=[file, make_file("whole.pcap")]))) == [told]


def test_a_capture_and_its_answer() -> None:
    analysis = make_analysis([make_flow(0)])
    assert line_of(analysis).startswith("story.pcap: The only flow hangs in a PMTUD black hole")
    several = make_analysis([make_flow(0)], files=[make_file("a\n.pcap"), make_file("b.pcap"), make_file("c.pcap")])
    assert line_of(several).startswith(r"a\x0a.pcap and 2 more files: ")
    later = compared(analysis, make_analysis([make_flow(0)], files=[make_file("after.pcap")]))
    assert line_of(later).startswith("story.pcap and after.pcap: Not fixed: ")
