"""The shipped phone against the vectors that every agent has to pass."""

from pathlib import Path

import pytest

import protocol
from tests.phone_simulator.vectors import Vector

VECTORS = sorted((protocol.FOLDER / "vectors").glob("*.json"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_it_keeps_the_contract(path: Path, tmp_path: Path) -> None:
    Vector(path, tmp_path).play()


def test_there_are_vectors() -> None:
    assert len(VECTORS) >= 20
