"""Options of the test suite."""

from __future__ import annotations

import pytest

from tests import profiles

profiles.load()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--captures",
        metavar="DIR",
        help="compare every capture below DIR with tshark: stream numbers and lengths",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sampled(n): of the cases one in n every day, all in the thorough profile")
    config.addinivalue_line("markers", "thorough: only in the thorough profile; an everyday test covers the kind")


@pytest.hookimpl(trylast=True)  # after -k and -m: what these leave is counted
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:], left_out = profiles.select(items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
