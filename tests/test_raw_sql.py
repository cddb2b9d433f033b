"""House rule: SQL by hand stands only in files that say so at the top, for readers to find all of it."""

from __future__ import annotations

import ast
import re
import tomllib

from smsgate.config import PROJECT_DIR

PACKAGES = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]
BY_HAND = re.compile(
    r"\bcursor\.execute(?:many)?\(|\.raw\(|\.extra\(|RawSQL\(|\bPrepared\(|\bstatements\(__file__"
)
A_SIGN_OF_LIFE = 'cursor.execute("SELECT 1")'


def test_raw_sql_stands_only_in_files_that_say_so() -> None:
    saying: list[str] = []
    silent: list[str] = []
    for package in set(PACKAGES["root_packages"]) - {
        "phone_simulator"
    }:  # the phone's journal is SQLite
        for file in (PROJECT_DIR / package).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if BY_HAND.search(text.replace(A_SIGN_OF_LIFE, "")):
                says = "raw sql" in (ast.get_docstring(ast.parse(text)) or "").lower()
                (saying if says else silent).append(str(file.relative_to(PROJECT_DIR)))
    assert silent == []
    assert "messaging/moves.py" in saying
