"""The fleet needs the packages of an extra; where they are missing, its tests are skipped, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from analyzer.fleet.running import local_workers
from tests.fleet.captures import BUCKET

MISSING = [name for name in ("distributed", "fsspec", "s3fs", "pyarrow") if find_spec(name) is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if MISSING:
        why = f"{', '.join(MISSING)} not installed: pip install 'pmtu-analyze[cluster]'"
        for item in items:
            if "/fleet/" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def workers(store: Any) -> Iterator[Any]:
    """Two worker processes, in the environment that names the object store."""
    del store
    pytest.importorskip("distributed")
    with local_workers(2) as client:
        yield client


@pytest.fixture(scope="session")
def store() -> Iterator[Any]:
    """An object store on loopback, as the environment names it."""
    server = pytest.importorskip("moto.server", reason="needs moto[server]")
    s3fs = pytest.importorskip("s3fs")
    moto = server.ThreadedMotoServer(port=0)
    moto.start()
    _, port = moto.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "very-known")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdir(BUCKET)
    yield system
    patch.undo()
    s3fs.S3FileSystem.clear_instance_cache()
    moto.stop()
