from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import analyzer
from analyzer.errors import UsageError
from analyzer.model.path import Path
from analyzer.notebook import plots
from tests.reading import SAMPLE_FOLDER, SAMPLES
from tests.report.factory import handed_out, make_analysis, make_flow, make_timeline

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


@pytest.fixture(autouse=True)
def _settings_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    mpl.use("Agg")
    monkeypatch.setattr(plt, "show", lambda *args, **kw: pytest.fail("show() was called"))
    plt.close("all")
    before = dict(plt.rcParams)
    yield
    plt.close("all")
    assert dict(plt.rcParams) == before


def labels(axes: Any) -> list[str]:
    return [str(text) for text in axes.get_legend_handles_labels()[1]]


@pytest.mark.parametrize("draw", ["plot", "plot_sizes"])
def test_a_flow_draws_into_the_axes_given(draw: str) -> None:
    flow = analyzer.analyze(STORY).flow(1)
    axes = Figure().subplots(2)
    assert getattr(flow, draw)(axes[1]) is axes[1]
    assert axes[1].has_data()
    assert not axes[0].has_data()
    assert not plt.get_fignums()


@pytest.mark.parametrize("draw", ["plot", "plot_sizes"])
def test_without_axes_there_is_one_new_figure(draw: str) -> None:
    axes = getattr(analyzer.analyze(STORY).flow(1), draw)()
    assert plt.get_fignums() == [axes.figure.number]


def test_paths_are_drawn_with_their_brackets() -> None:
    axes = analyzer.analyze(STORY).plot()
    assert [text.get_text() for text in axes.get_yticklabels()] == ["203.0.113.10 -> 192.0.2.10"]
    assert [text.get_text() for text in axes.texts] == ["472..1499, blackhole"]
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == [472, 1499]


def test_paths_of_every_kind_and_no_more_than_fit() -> None:
    paths = [
        Path("a", f"b{i}", at_least, at_most, exact, "blackhole", (), (i,))
        for i, (at_least, at_most, exact) in enumerate(
            [(1400, 1499, None), (1400, None, None), (None, 1499, None), (1400, 1400, 1400), (None, None, None)] * 10
        )
    ]
    shown = plots.known_paths(make_analysis(all_paths=tuple(paths)))
    assert len(shown) == 30  # nothing is known of the others
    figure = Figure()
    axes = handed_out(all_paths=tuple(paths)).plot(figure.subplots())
    assert len(axes.get_yticks()) == plots.SHOWN_PATHS
    assert "5 more paths not drawn" in axes.get_title("left")
    figure.savefig(os.devnull, format="png")


def test_no_paths_to_draw() -> None:
    assert handed_out().plot(Figure().subplots()).get_title("left") == "No path shows its MTU"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sizes_of_every_flow_can_be_drawn(path: Any) -> None:
    for flow in analyzer.analyze(path).all_flows:
        axes = flow.plot_sizes(Figure().subplots())
        data = flow.packets.query("payload_len > 0")
        assert axes.get_ylim()[1] >= data["ip_len"].max()


def test_sizes_tell_delivered_from_lost() -> None:
    axes = analyzer.analyze(STORY).flow(1).plot_sizes()
    assert labels(axes) == [
        "delivered (3)", "neither acknowledged nor sent again (11)", "lost (6)", "path MTU 472..1499",
    ]  # fmt: skip
    lost = axes.lines[2]
    assert set(np.asarray(lost.get_ydata()).tolist()) == {1500}


def test_of_a_pipe_the_recorded_packets_are_drawn() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(STORY.read_bytes())
    with os.fdopen(reading, "rb") as pipe:
        flow = analyzer.analyze(pipe).flow(1)
    assert "lost (6)" in labels(flow.plot_sizes())


def test_a_million_packets_at_few_places_are_few_markers() -> None:
    x, y = np.linspace(0, 100, 1_000_000), np.tile([60, 1500], 500_000)
    assert len(plots._places(x, y)[0]) <= 2 * (plots.GRID[0] + 1)


def test_a_healthy_flow_is_read_again_to_be_drawn() -> None:
    flow = analyzer.analyze(STORY).flow(0)
    assert flow.timeline is None
    assert {"acknowledged", "delivered"} <= set(labels(flow.plot()))


def test_what_cannot_be_read_again_cannot_be_drawn(tmp_path: pathlib.Path) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(STORY.read_bytes())
    flow = analyzer.analyze(capture).flow(0)
    capture.unlink()
    with pytest.raises(UsageError, match="cannot be read again"):
        flow.plot()


def test_the_users_style_is_followed() -> None:
    with plt.style.context({"axes.titlesize": 33, "axes.facecolor": "#123456"}):
        for axes in (analyzer.analyze(STORY).plot(), analyzer.analyze(STORY).flow(1).plot_sizes()):
            assert axes.title.get_fontsize() == 33
            assert mpl.colors.to_hex(axes.get_facecolor()) == "#123456"


def test_a_recorded_flow_made_by_hand() -> None:
    flow = handed_out([make_flow(timeline=make_timeline())]).flow(0)
    assert flow.plot(Figure().subplots()).has_data()


def test_both_plots_of_a_stalled_flow_share_a_time_axis_in_seconds_from_its_start() -> None:
    """Steps as wide as on the other, also where they share x; even seconds for who wants them."""
    flow = analyzer.analyze(STORY).flow(2)
    assert flow.stalled is not None
    since = (flow.stalled.first_time - flow.first_time) / 1e9
    times = np.array([since, since + 1, since + 15])
    upper, lower = plt.subplots(2)[1]
    flow.plot(upper)
    flow.plot_sizes(lower)
    places = [axes.transAxes.inverted().transform(axes.transData.transform([(t, 0) for t in times]))[:, 0]
              for axes in (upper, lower)]  # fmt: skip
    assert places[0] == pytest.approx(places[1], abs=0.01)
    assert places[0][1] - places[0][0] > places[0][2] - places[0][1]
    for axes in (upper, lower):
        assert axes.get_xlabel().startswith("time since the stalled packet was first seen, 2026-11-22 14:38:51 UTC")
    upper.set_xscale("linear")
    even = upper.transAxes.inverted().transform(upper.transData.transform([(t, 0) for t in times]))[:, 0]
    assert (even[1] - even[0]) * 14 == pytest.approx(even[2] - even[1])
    upper.figure.draw_without_rendering()
    assert {"5", "10"} <= {label.get_text() for label in upper.get_xticklabels()}
