"""The simulation of fleets: what it must say where that is known."""

from __future__ import annotations

import pytest

pytest.importorskip("distributed")

from benchmarks.fleet_model import Costs, costs_of, simulated

FREE = Costs(scheduler=0.0, worker=1.0, home=0.0, size=100.0)


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_without_anything_in_common_it_scales(workers: int) -> None:
    found = simulated(workers, FREE)
    assert found.bytes_a_second == pytest.approx(100.0 * workers, rel=0.02)
    assert found.limit == "workers"


@pytest.mark.parametrize(
    ("costs", "limit"),
    [
        (FREE._replace(scheduler=0.1), "scheduler"),
        (FREE._replace(home=0.1), "home"),
        (FREE._replace(link=1000.0), "link"),
    ],
)
def test_what_all_share_bounds_it(costs: Costs, limit: str) -> None:
    few, many = simulated(4, costs), simulated(64, costs)
    assert few.limit == "workers"
    assert few.bytes_a_second == pytest.approx(400.0, rel=0.05)
    assert many.limit == limit
    assert many.bytes_a_second == pytest.approx(1000.0, rel=0.05)


def test_heartbeats_take_the_time_of_the_scheduler() -> None:
    calm, busy = FREE._replace(scheduler=0.01), FREE._replace(scheduler=0.01, heartbeat=0.01)
    assert simulated(256, busy).bytes_a_second < 0.6 * simulated(256, calm).bytes_a_second


def test_what_was_measured_becomes_costs() -> None:
    def run(workers: list[float], idle: float, seconds: float, scheduler: float, home: float) -> dict[str, object]:
        return {"workers": workers, "idle": idle, "seconds": seconds, "scheduler": scheduler, "home": home}

    measured = {
        "bytes": 1e9,
        "captures": 50,
        "runs": {
            "1": [run([3.0], 0.01, 10, 0.5, 1.0)],
            "2": [run([1.6, 1.4], 0.02, 10, 0.7, 1.0)],
        },
        "small": run([5.0, 5.0], 0.02, 100, 3.5, 11.0) | {"captures": 10_000, "summary_bytes": 10_000_000},
    }
    costs = costs_of(measured, 100e6, 0, 0.0, 0.0)
    assert costs.worker == pytest.approx(0.3)
    assert costs.home == pytest.approx(0.001)
    assert costs.home_bytes == 1_000
    assert costs.scheduler == pytest.approx((1.5 - 0.5) / 200)
    assert costs.heartbeat == pytest.approx(0.005)
    assert costs.idle == pytest.approx(0.0)
