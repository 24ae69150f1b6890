"""What is made of the runs: statistics, targets, the page. Nothing here is timed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks import captures, command, guard, measure
from benchmarks.captures import RECORDED, CaptureError, Made, Wanted, make
from benchmarks.figures import differences, number, rates, ratios, spread, summary
from benchmarks.forms import FORMS
from benchmarks.page import BEGIN, END, measured, write
from benchmarks.plot import draw
from benchmarks.programs import ALL, TCPDUMP, TCPTRACE, TOOL, UNPACK, Program
from benchmarks.results import CaptureFacts, Outcome, Results, Sample, Series, load
from benchmarks.targets import added, targets
from benchmarks.workloads import scaling, workloads

MB = 1_000_000


def series(program: str, capture: CaptureFacts, seconds: list[float], peak: int = 100 * MB) -> Series:
    return Series(program, capture, [Sample(one, one, peak) for one in seconds])


SMALL = CaptureFacts("snap96_5000000.pcap", 5_000_000, 10, 510 * MB)
LARGE = CaptureFacts("snap96_20000000.pcap", 20_000_000, 10, 2040 * MB)
SLICES = CaptureFacts("slice_1", 50_000, 10, 5 * MB), CaptureFacts("slice_2", 200_000, 10, 20 * MB)


def results(
    tool: tuple[list[float], list[float]] = ([0.6, 0.7, 0.8], [1.4, 1.5, 1.6]),
    tcptrace: tuple[list[float], list[float]] = ([1.4, 1.4, 1.5], [5.6, 5.6, 5.7]),
) -> Results:
    outcome = Outcome("snap96", "96-byte snap length", "About it")
    for name, pair in (("tool", tool), ("tcptrace", tcptrace), ("tcpdump", ([0.3, 0.3, 0.3], [1.2, 1.2, 1.2]))):
        outcome.series += [series(name, SMALL, pair[0]), series(name, LARGE, pair[1])]
    outcome.series += [series("tshark", SLICES[0], [2.0, 2.0]), series("tshark", SLICES[1], [7.0, 7.0])]
    outcome.series.append(Series("dpkt", SLICES[0], problem="it <broke>"))
    return Results(
        {"Python": "3.11"}, 3, False, [outcome], [series("tool", SMALL, [0.6]), series("tool", LARGE, [1.4])]
    )


def row(of: Results, beginning: str) -> tuple[str, bool | None]:
    return next((one.measured, one.met) for one in targets(of) if one.what.startswith(beginning))


def test_medians_and_spread() -> None:
    one = summary([3.0, 1.0, 2.0, 9.0, 2.5])
    assert (one.median, one.low, one.high) == (2.5, 1.0, 9.0)
    assert spread(one) == "2.50 (1.00 to 9.00)"


def test_ratios_are_taken_run_by_run() -> None:
    """A machine that is three times as slow in one round changes no ratio; a median over a median would."""
    assert ratios([2.0, 6.0, 2.0], [1.0, 3.0, 1.0]) == [2.0, 2.0, 2.0]
    assert ratios([2.0, 4.0], [1.0, 2.0, 9.0]) == [2.0, 2.0], "fewer runs of a slow program"


def test_the_marginal_rate_is_free_of_start_up() -> None:
    more = differences([10.5, 10.0], [11.5, 11.0])
    assert more == [1.0, 1.0]
    assert rates(15e6, more) == [15e6, 15e6]


def test_a_difference_within_the_noise_says_nothing() -> None:
    noisy = results(tool=([0.6, 1.9, 0.8], [1.4, 1.5, 1.6]))
    assert added(noisy.outcomes[0].of("tool")) == []
    assert row(noisy, "96-byte snap length, marginal") == ("not measured", None)
    assert "less than the noise" in measured(noisy, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"),
        (0.0031, "0.0031"),
        (0.45, "0.45"),
        (9.994, "9.99"),
        (15.23, "15.2"),
        (999.6, "1.00 k"),
        (2e7, "20.0 M"),
    ],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text


def test_targets_that_are_met() -> None:
    assert row(results(), "96-byte snap length, marginal") == ("18.8 M (18.8 M to 18.8 M) packets/s", True)
    assert row(results(), "... 5 times tcptrace")[1] is True
    assert row(results(), "... ahead of `tcpdump")[1] is True
    assert row(results(), "... 500 times tshark") == ("625 (625 to 625) times", True)
    assert row(results(), "96-byte snap length, 5 million")[1] is True
    assert row(results(), "Peak memory")[1] is True


def test_targets_that_are_missed() -> None:
    slow = results(tool=([0.6, 0.7, 0.8], [2.4, 2.5, 2.6]))
    assert row(slow, "96-byte snap length, marginal")[1] is False
    assert row(slow, "... 5 times tcptrace")[1] is False
    assert row(slow, "... ahead of `tcpdump")[1] is False
    assert row(slow, "... 500 times tshark")[1] is False
    same = results(tcptrace=([0.6, 0.7, 0.8], [1.4, 1.5, 1.6]))
    assert row(same, "96-byte snap length, 5 million")[1] is False


def test_what_was_not_measured_is_not_met() -> None:
    assert all(one.met is None for one in targets(Results({}, 5, False)))
    for beginning in ("Bulk", "One million", "Lossy", "A capture of 30"):
        assert row(results(), beginning) == ("not measured", None)


@pytest.mark.parametrize(("judged", "met"), [(1_000_000, True), (300_000, False)])
def test_a_tool_that_leaves_flows_out_is_not_ahead(judged: int, met: bool) -> None:
    capture = CaptureFacts("flows_10000000.pcap", 10_000_000, 1_000_000, 926 * MB)
    outcome = Outcome("flows", "Short flows", "About it", verdicts={"ok": judged})
    outcome.series = [series("tool", capture, [5.0]), series("tcptrace", capture, [20.0], 8000 * MB)]
    assert row(Results({}, 1, False, [outcome]), "One million flows")[1] is met


@pytest.mark.parametrize(
    ("verdicts", "seconds", "met"), [({"loss": 20}, 3.1, True), ({"loss": 19}, 3.1, False), ({"loss": 20}, 2.9, False)]
)
def test_the_lossy_target_needs_speed_and_every_verdict(verdicts: dict[str, int], seconds: float, met: bool) -> None:
    capture = CaptureFacts("lossy_2000000.pcap", 2_000_000, 20, 220 * MB)
    outcome = Outcome("lossy", "A lossy path", "About it", verdicts=verdicts)
    outcome.series = [series("tool", capture, [1.0]), series("tcptrace", capture, [seconds])]
    assert row(Results({}, 1, False, [outcome]), "Lossy")[1] is met


HUNG = (
    CaptureFacts("hung_1.pcap", 1_000_000, 100_000, 106 * MB),
    CaptureFacts("hung_10.pcap", 10_000_000, 1_000_000, 1060 * MB),
)


@pytest.mark.parametrize(("one", "met"), [(1.4, True), (1.1, False)])
def test_what_a_second_processor_gains(one: float, met: bool) -> None:
    """The programs' start-up is not in it."""
    outcome = Outcome("flows", "Short flows", "About it")
    outcome.series = [series("tool", SMALL, [0.5]), series("tool", LARGE, [1.1])]
    outcome.series += [series("one", SMALL, [0.4]), series("one", LARGE, [one])]
    found = row(Results({}, 1, False, [outcome]), "... short flows")
    assert found[1] is met
    assert row(Results({}, 1, False, [outcome]), "Two processors") == ("not measured", None)


@pytest.mark.parametrize(("seconds", "peak", "met"), [(29, 1999, True), (31, 1999, False), (29, 2001, False)])
def test_trouble_in_bulk_has_bounds_of_time_and_memory(seconds: float, peak: int, met: bool) -> None:
    outcome = Outcome("hung", "Trouble in bulk", "About it")
    outcome.series = [series("tool", HUNG[0], [2.9], 3000 * MB), series("tool", HUNG[1], [seconds], peak * MB)]
    found = Results({}, 1, False, [outcome])
    assert row(found, "100,000 hung")[1] is True, "bounded in time only"
    assert row(found, "One million hung") == (
        f"{seconds:.1f} ({seconds:.1f} to {seconds:.1f}) s, {peak:,} MB",
        met,
    )


def test_start_up_is_told_in_imports_of_numpy() -> None:
    outcome = Outcome("trouble", "A small capture with trouble", "About it")
    outcome.series = [series("tool", SMALL, [0.2, 0.4]), series("numpy", SMALL, [0.1, 0.2])]
    found = Results({}, 1, False, [outcome])
    assert row(found, "... with a hang") == ("2.00 (2.00 to 2.00) times", True)
    assert "import numpy" not in measured(found, None).partition("## Where a peer")[2].partition("\n## ")[0]


def test_the_slowest_form_decides() -> None:
    fast, slow = Outcome("gre", "GRE", ""), Outcome("ipip", "IPIP", "")
    for form, seconds in ((fast, 1.0), (slow, 1.5)):
        form.series = [series("tool", SMALL, [0.5]), series("tool", LARGE, [0.5 + seconds])]
        form.series += [series("plain", SMALL, [0.5]), series("plain", LARGE, [1.0])]
    found = Results({}, 1, False, forms=[fast, slow])
    assert row(found, "In every form") == ("10.0 M packets/s, IPIP", False)
    assert "| IPIP | 10.0 M (10.0 M to 10.0 M) | 3.00 (3.00 to 3.00) |" in measured(found, None)
    slow.series[1].samples[0] = slow.series[0].samples[0]
    assert row(found, "In every form") == ("not measured", None)
    assert "| IPIP | less than the noise | |" in measured(found, None)


def test_datagrams_are_compared_with_connections_of_the_same_run() -> None:
    udp, tcp = Outcome("udp", "UDP", ""), Outcome("flows", "Short flows", "")
    udp.series, tcp.series = [series("tool", LARGE, [3.0])], [series("tcptrace", LARGE, [20.0])]
    assert row(Results({}, 1, False, [udp, tcp]), "Ten million UDP") == ("3.00 s against 20.0 s", True)
    assert row(Results({}, 1, False, [udp]), "Ten million UDP") == ("not measured", None)


def test_the_page_says_where_a_peer_is_ahead() -> None:
    text = measured(results(), "performance.png")
    ahead = text.partition("## Where a peer is ahead")[2].partition("\n## ")[0]
    assert "20,000,000 packets: `tcpdump -r F -w X icmp` takes 1.20 s, the tool 1.50 s" in ahead
    assert "tcptrace" not in ahead
    assert "it <broke>" in text
    assert "![Time and peak memory against packets](performance.png)" in text


def test_a_quick_run_says_that_it_means_nothing() -> None:
    quick = results()
    quick.quick = True
    assert "say nothing about speed" in measured(quick, None)


def test_the_page_is_written_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, "new\n")
    write(page, "newer\n")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"
    page.write_text("no markers", encoding="utf-8")
    with pytest.raises(ValueError, match="measured"):
        write(page, "new\n")


def test_results_are_kept_whole(tmp_path: Path) -> None:
    results().save(tmp_path / "results.json")
    assert load(tmp_path / "results.json") == results()


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(results(), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_capture_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted("lossy", 8000)
    made = make(wanted, tmp_path)
    assert (made.packets, made.flows, made.size) == (7947, 1, made.path.stat().st_size)
    assert made.retransmitted
    made.path.write_bytes(b"kept")
    assert make(wanted, tmp_path) == made
    assert made.path.read_bytes() == b"kept"
    monkeypatch.setattr(captures, "_digest", lambda: "another generator")
    assert make(wanted, tmp_path) == made
    assert made.path.stat().st_size == made.size, "made again"


@pytest.mark.parametrize("kind", ["bulk", "snap96", "one_flow", "flows", "hung", "turns", "lossy", "pcapng", "vxlan"])
def test_the_need_of_disk_is_known_beforehand(kind: str, tmp_path: Path) -> None:
    wanted = Wanted(kind, 32_000)
    assert make(wanted, tmp_path).size == pytest.approx(wanted.expected_bytes, rel=0.05)


def test_a_recording_that_fails_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CaptureError, match=r"recorded_1\.pcap"):
        make(Wanted(RECORDED, 1), tmp_path)
    assert not list(tmp_path.iterdir())


def test_memory_is_that_of_the_program_itself() -> None:
    """Whoever starts it is large: this process, and 300 MB more."""
    ballast = bytearray(os.urandom(300 * MB))
    sample = measure.once(["true"], 60)
    assert sample.peak < 20 * MB
    sample = measure.once([sys.executable, "-I", "-S", "-c", "b = b'x' * 200_000_000"], 60)
    assert 200 * MB < sample.peak < 260 * MB
    assert ballast


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(measure.ProgramError, match="No such file"):
        measure.once(["cat", "/nowhere/at/all"], 60)
    with pytest.raises(measure.ProgramError, match="not done after 0 s"):
        measure.once(["sleep", "60"], 0.2)


def test_what_is_too_large_to_keep_comes_through_a_pipe() -> None:
    tool, floor = measure.through_a_pipe(1000, 1, 60, lambda _: None)
    assert (tool.program, floor.program) == ("tool", "cat")
    assert len(tool.samples) == len(floor.samples) == 1
    assert tool.capture.packets == 1000


def test_programs_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"")
    made = Made(Wanted("snap96", 1), path, 1, 1, 0)
    called: list[str] = []

    def once(words: list[str], _: float) -> Sample:
        called.append(words[0])
        if words[0] == "c":
            raise measure.ProgramError("no")
        return Sample(len(called), 0, 0)

    monkeypatch.setattr(measure, "once", once)
    programs = [Program(name, name, (name,), slow=name == "slow") for name in ("a", "b", "c", "slow")]
    made_of = measure.alternate([(one, made) for one in programs], 5, 1, lambda _: None)
    assert [len(one.samples) for one in made_of] == [5, 5, 0, measure.SLOW_RUNS]
    assert made_of[2].problem == "no"
    assert called.count("a") == 6, "one run more than counted"
    assert called.count("c") == 1, "what failed is not tried again"
    rounds = "".join(one for one in called if one in "ab")
    assert {rounds[i : i + 2] for i in range(0, len(rounds), 2)} == {"ab", "ba"}


def test_compressed_captures_reach_every_program(tmp_path: Path) -> None:
    path = tmp_path / "it's.pcap.zst"
    assert TOOL.on(path) == [*TOOL.command[:-1], str(path)]
    piped = TCPTRACE.on(path)
    assert piped is not None
    assert piped[0] == "sh"
    assert piped[3] == str(path), "never part of the shell's text"
    assert TCPDUMP.on(tmp_path / "x.pcap") == ["tcpdump", "-r", str(tmp_path / "x.pcap"), "-w", "/dev/null", "icmp"]
    assert UNPACK.on(tmp_path / "x.pcap") is None


def test_workloads_have_names_of_their_own() -> None:
    for quick in (False, True):
        names = [one.name for one in workloads(quick=quick)]
        assert len(names) == len(set(names))
        for one in workloads(quick=quick):
            assert one.captures
            assert all(wanted.expected_bytes > 0 for wanted in one.wanted)
    assert [one.amount for one in scaling(quick=False)] == [10**4, 10**5, 10**6, 10**7, 10**8]
    peers = {"tcptrace", "tcpdump", "tshark", "dpkt"}
    assert {one.name for one in ALL} == peers | {"tool", "one", "numpy", "cat", "unpack"}
    assert {one.name for one in ALL if one.peer and one is not TOOL} == peers


def test_the_guard_fails_only_on_a_large_loss() -> None:
    stored = {"small": {"ratio": 0.6, "peak": 40e6}, "lossy": {"ratio": 1.0, "peak": 120e6}}
    assert guard.regressions(stored, stored) == []
    slower = {"small": {"ratio": 1.19, "peak": 59e6}, "lossy": {"ratio": 1.9, "peak": 170e6}}
    assert guard.regressions(slower, stored) == []
    bad = {"small": {"ratio": 1.21, "peak": 40e6}, "lossy": {"ratio": 1.0, "peak": 181e6}}
    assert [line.partition(":")[0] for line in guard.regressions(bad, stored)] == ["small", "lossy"]
    assert set(json.loads(guard.STORED.read_text(encoding="utf-8"))) == set(guard.CAPTURES)


def test_the_guard_tries_again_before_it_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.loads(guard.STORED.read_text(encoding="utf-8"))
    slow = {name: {"ratio": one["ratio"] * 3, "peak": one["peak"]} for name, one in stored.items()}
    monkeypatch.setattr(guard, "make", lambda wanted, _: wanted)
    answers = [slow, stored, slow, slow]
    monkeypatch.setattr(guard, "measured", lambda _: answers.pop(0))
    assert guard.main([]) == 0
    assert guard.main([]) == 1
    assert not answers
    assert "times the fixed loop" in capsys.readouterr().err


def quick_page(folder: Path, workload: str) -> str:
    """What the command writes of one workload; from the results that it kept it writes the same."""
    page = folder / "page.md"
    options = ["--quick", "--runs", "1", "--captures", str(folder / "captures"), "--page", str(page)]
    assert command.main([*options, "--workloads", workload]) == 0
    text = page.read_text(encoding="utf-8")
    page.unlink()
    assert command.main([*options, "--again"]) == 0
    assert page.read_text(encoding="utf-8") == text
    return text


def test_forms_are_measured_in_turn_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "FORMS", {name: FORMS[name] for name in ("plain", "sll")})
    text = quick_page(tmp_path, "forms")
    assert "captures of 10,000 and 40,000 packets" in text
    assert "\n| `-i any`, SLL | " in text
    assert not list((tmp_path / "captures").glob("*.pcap"))


def test_too_little_disk_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "missing_bytes", lambda *_: 10**18)
    assert command.main(["--quick", "--captures", str(tmp_path)]) == 2
    assert "too little room" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_one_quick_workload_from_the_command_to_the_page(tmp_path: Path) -> None:
    text = quick_page(tmp_path, "small")
    assert "| pmtu-analyze | 30 |" in text
    assert "Verdicts: 1 `ok`." in text
