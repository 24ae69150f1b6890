"""Options of the test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--captures",
        metavar="DIR",
        help="compare every capture below DIR with tshark: stream numbers and lengths",
    )
