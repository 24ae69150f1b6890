"""What reports say of several points: the leg, the points in order, the clocks; and no address that was replaced."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import analyzer
from analyzer.capture.capture_filter import read_names
from analyzer.cli.main import main
from analyzer.report.figures.two_points import two_points
from lab.simulated.cases import CASES
from lab.simulated.judging import analysed
from lab.simulated.path import capture_of

FROM_SERVER = ("server", "router-b", "router-a", "client")


def written(folder: Path, name: str, offsets: tuple[float, ...] = (0.0, 0.4, -10_800.0, 0.0)) -> list[str]:
    out = []
    for tap, offset in zip(CASES[name].run(), offsets, strict=True):
        file = folder / f"{tap.name}.pcap"
        file.write_bytes(capture_of(tap, offset=offset))
        out.append(str(file))
    return out


def test_terminal_markdown_and_html_show_the_strip(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    files = written(tmp_path, "ptb_lost_later")
    assert main([*files, "-o", str(tmp_path / "r.md"), "-o", str(tmp_path / "r.html")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "router-a.pcap -> client.pcap: 752 bytes crossed, 1500 did not (14 of 14 packets)" in shown
    assert shown.count("points in order:") == 1
    assert "points in order: client.pcap -> router-a.pcap -> router-b.pcap -> server.pcap, and back" in shown
    assert "router-b.pcap +10,800.0" in shown
    markdown = (tmp_path / "r.md").read_text()
    assert "- `router-a.pcap` -> `client.pcap`: 752 bytes crossed, 1500 did not (14 of 14 packets)" in markdown
    page = (tmp_path / "r.html").read_text()
    assert re.findall(r'<li class="point">([\w.-]+)</li>', page) == [f"{name}.pcap" for name in FROM_SERVER]
    assert "at both ends of the leg" in page
    assert page.count('<li class="leg bad">') == 2  # the narrow one, and that on which the PTB gets lost


def test_json_has_points_legs_and_where(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    files = written(tmp_path, "ptb_lost_later")
    main([*files, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [point["files"] for point in found["points"]] == [[file] for file in files]
    assert abs(found["points"][2]["clock"]["offset_s"] - 10_800) < found["points"][2]["clock"]["uncertainty_s"] + 0.001
    located = found["flows"][0]["located"]
    assert (located["between"], located["crossed"], located["lost"]) == ([1, 0], 752, 1500)
    assert located["ptb_lost_between"] == [2, 3]
    assert located["frames"][0]["file"] == files[1]
    assert found["findings"][0]["leg"] == [1, 0]
    legs = next(path["legs"] for path in found["paths"] if path["src"] == "203.0.113.10")
    assert [(leg["from"], leg["to"]) for leg in legs] == [(3, 2), (2, 1), (1, 0)]


def test_tables(tmp_path: Path) -> None:
    found = analyzer.analyze(written(tmp_path, "silent_middle"))
    assert found.points["number"].tolist() == [0, 1, 2, 3]
    rows = found.legs.to_dict("records")
    narrow = [row for row in rows if row["ends"] == "size"]
    assert [(row["src"], row["from"], row["to"]) for row in narrow] == [("203.0.113.10", 2, 1)]
    assert (narrow[0]["at_least"], narrow[0]["at_most"], narrow[0]["lost"]) == (752, 1499, 14)
    assert len(rows) == 6


def test_an_address_is_mapped_alike_at_all_points() -> None:
    files = []
    for tap in CASES["nat_ptb_lost"].run():
        file = io.BytesIO(capture_of(tap))
        file.name = f"{tap.name}.pcap"
        files.append(file)
    found = analyzer.analyze(files, anonymizer=analyzer.Anonymizer())
    plain = analysed(CASES["nat_ptb_lost"].run())
    flow, other = found.flow(0), plain.flow(0)
    assert flow.client.ip != other.client.ip
    assert flow.located is not None
    assert other.located is not None
    assert flow.located.between == other.located.between
    assert flow.located.ptb_lost_between == other.located.ptb_lost_between
    assert "server.pcap" not in flow.explanation
    assert "198.51.100.1" not in flow.explanation
    assert len(found.all_paths) == len(plain.all_paths)


def test_a_file_that_can_be_read_only_once_is_no_reason_to_fail(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: object) -> int:
            raise OSError("a pipe")

    taps = CASES["silent_middle"].run()
    found = analyzer.analyze([Pipe(capture_of(taps[0])), io.BytesIO(capture_of(taps[-1]))])
    assert found.flow(0).verdict == "blackhole"
    assert found.flow(0).located is None
    assert any("is not told" in note for note in found.notes)


def test_the_flow_is_drawn_at_both_ends_of_the_leg(tmp_path: Path) -> None:
    found = analyzer.analyze(written(tmp_path, "silent_middle"))
    located = found.flow(0).located
    assert located is not None
    assert located.names == ("router-b.pcap", "router-a.pcap")
    left, came = located.seen
    assert [packet.ip_len for packet in left if packet.lost] == [1500] * 14
    assert not any(packet.lost or packet.ip_len > 752 for packet in came)
    small = [packet for packet in left if not packet.lost]
    assert len(small) == len(came) > 2
    # By one clock, although those of the two points differ by hours.
    assert all(0 <= b.ts - a.ts < 10_000_000 for a, b in zip(small, came, strict=True))
    upper, lower = two_points(found.flow(0).located).axes
    assert (upper.get_title(loc="left"), lower.get_title(loc="left")) == ("left router-b.pcap", "came to router-a.pcap")
    drawn = [np.size(line.get_xdata()) for axes in (upper, lower) for line in axes.lines]
    assert drawn == [len(small), 14, len(came), 0]
    with pytest.raises(ValueError, match="two points"):
        two_points(analyzer.analyze(written(tmp_path, "plain")).flow(0).located)


def test_evidence_keeps_the_points_apart_and_names_them(tmp_path: Path) -> None:
    found = analyzer.analyze(written(tmp_path, "silent_middle"))
    found.save(tmp_path / "evidence.pcapng")
    names = read_names((tmp_path / "evidence.pcapng").read_bytes())
    assert sorted(names) == ["client.pcap", "router-a.pcap", "router-b.pcap", "server.pcap"]
