"""The statements of protocol/journal.sql, by name."""

from __future__ import annotations

import re

import protocol


def _named(source: str) -> dict[str, str]:
    pieces = re.split(r"^-- name: (\w+)\n", source, flags=re.MULTILINE)[1:]
    without_comments = [re.sub(r"--[^\n]*", "", sql).strip() for sql in pieces[1::2]]
    return dict(zip(pieces[::2], without_comments, strict=True))


SQL = _named((protocol.FOLDER / "journal.sql").read_text("utf-8"))

# Step n brings a journal from version n - 1 to n; a new file begins at version 0.
SCHEMA = [SQL[f"schema_{n}"] for n in range(1, 1 + sum(name.startswith("schema_") for name in SQL))]
