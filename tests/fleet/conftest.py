"""The fleet needs the packages of an extra; where they are missing, its tests are skipped, and say so."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

MISSING = [name for name in ("distributed", "fsspec", "s3fs", "pyarrow") if find_spec(name) is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if MISSING:
        why = f"{', '.join(MISSING)} not installed: pip install 'pmtu-analyze[cluster]'"
        for item in items:
            if "/fleet/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=why))
