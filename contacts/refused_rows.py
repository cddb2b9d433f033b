"""The rows that an import refused, as a file: as they came, in their file's own encoding and delimiter,
with the reason behind each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from contacts import imports
from contacts.models import Import
from http_api import spreadsheets

# Of a reason's code, its sentence, and another row: the sentence in somebody's language.
InWords = Callable[[str, str, int | None], str]


def as_file(found: Import, title: str, in_words: InWords) -> bytes:
    """Return the file; `title` heads the column of reasons."""
    rows = list(imports.problems(found))
    header = found.sample[0][1] if found.has_header and found.sample else []
    width = max([len(header), *(len(row.cells) for row in rows)])
    text = io.StringIO(newline="")
    lines = csv.writer(text, delimiter=found.delimiter or ";")
    if header:
        lines.writerow([*_padded(header, width), title])
    for row in rows:
        reason = in_words(row.reason, row.words, row.other_row)
        lines.writerow([*_padded(row.cells, width), reason])
    encoding = "utf-8-sig" if found.encoding in ("", "utf-8") else found.encoding
    return text.getvalue().encode(encoding, errors="replace")


def _padded(cells: list[str], width: int) -> list[object]:
    safe = (cell if _is_number(cell) else spreadsheets.as_text(cell) for cell in cells)
    return [*safe, *[""] * (width - len(cells))]


def _is_number(cell: str) -> bool:
    return cell.removeprefix("+").replace(" ", "").isdigit()
