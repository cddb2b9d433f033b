from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dialects.clients.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all of a worker's tests."""
    with running(tmp_path_factory.mktemp("http-clients")) as started:
        yield started
