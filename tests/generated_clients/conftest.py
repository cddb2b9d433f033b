from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dialects.clients.service import Service, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("generated-clients")) as started:
        yield started


@pytest.fixture(scope="session")
def schema(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as it is served, in a file."""
    return _served(service, "/api/schema/", tmp_path_factory.mktemp("schema"))


@pytest.fixture(scope="session")
def companion_schema(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phones' document as it is served, in a file."""
    return _served(service, "/companion/schema/", tmp_path_factory.mktemp("schema"))


def _served(service: Service, path: str, folder: Path) -> Path:
    with urllib.request.urlopen(service.url + path, timeout=60) as response:
        document = json.load(response)
    file = folder / "openapi.json"
    file.write_text(json.dumps(document, indent=1))
    return file
