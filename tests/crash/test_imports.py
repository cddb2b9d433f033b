"""A few kills of those that `make crash-import` plays on 100,000 rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import imports

pytestmark = pytest.mark.timeout(300)


def test_a_worker_that_is_killed_again_and_again_imports_each_row_once(tmp_path: Path) -> None:
    played = imports.play(tmp_path, rows=6_000, kills=3, seed=0)
    assert played.wrong == []
