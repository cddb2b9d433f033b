"""Read a workbook (xlsx, xls, xlsb, ods) in a process of its own: a few kilobytes can ask for gigabytes,
and the library that reads them ends its process where memory ends. `python -m contacts.workbook [SHEET]`

It reads the file from its standard input and writes lines of JSON: what there is, each row as texts, and
`null` behind the last: whoever sees no `null` has not got all.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

MEMORY = 256 * 2**20  # bytes of address space: of these some 50 MiB are taken before a cell is read
SECONDS = 30  # of processor time
WAIT_SECONDS = 20.0  # for another workbook that is being read
SIGNS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # what the files begin with: zip, OLE

_one_at_a_time = threading.BoundedSemaphore()


class BadWorkbook(ValueError):
    """Says in one sentence what is wrong with the file."""


class Busy(Exception):
    """Others' workbooks are being read."""


class Sheet(NamedTuple):
    """A sheet with its rows, which are all of one width, and the names of all sheets."""

    sheets: list[str]
    name: str
    rows: Iterator[list[str]]


_NOT_READ = "this is no workbook that can be read, or it takes too much memory: save it as CSV"
_PASSWORD = "the workbook has a password: save it without one"
_NO_SHEET = "the workbook has no sheet with cells"


@contextmanager
def opened(data: bytes, sheet: str = "") -> Iterator[Sheet]:
    """Read a sheet of this workbook, by default the first. Raise Busy, and BadWorkbook, also
    between rows."""
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise Busy
    try:
        reader = subprocess.Popen(
            [sys.executable, "-m", "contacts.workbook", sheet],
            cwd=Path(__file__).resolve().parent.parent,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with reader:
            try:
                yield _sheet(reader, data)
            finally:
                reader.kill()
    finally:
        _one_at_a_time.release()


def _sheet(reader: subprocess.Popen[bytes], data: bytes) -> Sheet:
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:
        with reader.stdin as given:
            given.write(data)
    except BrokenPipeError:
        raise BadWorkbook(_NOT_READ) from None
    lines = _lines(reader.stdout)
    head = next(lines)
    if "problem" in head:
        raise BadWorkbook(head["problem"])
    return Sheet(head["sheets"], head["name"], lines)


def _lines(said: Any) -> Iterator[Any]:
    for line in said:
        if (value := json.loads(line)) is None:
            return
        yield value
    raise BadWorkbook(_NOT_READ)


def main(wanted: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        for line in _read(sys.stdin.buffer.read(), wanted):
            sys.stdout.write(f"{json.dumps(line)}\n")
    except PasswordError:
        sys.stdout.write(f"{json.dumps({'problem': _PASSWORD})}\n")
    except CalamineError:
        sys.stdout.write(f"{json.dumps({'problem': _NOT_READ})}\n")


def _read(data: bytes, wanted: str) -> Iterator[Any]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = book.sheet_names
    name = wanted if wanted in names else next(iter(names), "")
    sheet = book.get_sheet_by_name(name) if names else None
    if sheet is None or sheet.start is None:
        yield {"problem": _NO_SHEET}
        return
    yield {"sheets": names, "name": name}
    for row in sheet.iter_rows():
        yield [as_text(value) for value in row]
    yield None


def as_text(value: object) -> str:
    """Return a cell as it would be typed; a number without the fraction that it has not got."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1])
