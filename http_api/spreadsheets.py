"""Files for spreadsheets, in which no text is taken for a formula: CSV (`;` between cells, a mark that
says UTF-8) and XLSX.

A workbook is written by hand, since it is made of rows that were committed one piece after the other, in
no more memory than a piece takes and without a file on the disk: no library goes on where a dead worker
stopped.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator
from typing import Protocol
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from typing_extensions import Buffer

BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(value: object) -> object:
    """Return a cell of CSV that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Return these rows of cells as CSV; those of people went through `as_text`."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue()


def xlsx_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return these rows as a piece of a workbook's sheet. Times are naive; a text is shown as it is."""
    return "".join(f"<row>{''.join(map(_xlsx_cell, row))}</row>" for row in rows)


_DAY_NULL = dt.datetime(1899, 12, 30)  # noqa: DTZ001 (naive, as the cells are)
# What XML cannot hold is written as the format has it; so is what already looks like that.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def _xlsx_cell(value: object) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, dt.datetime):
        return f'<c s="1"><v>{(value - _DAY_NULL) / dt.timedelta(days=1):.10f}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    text = escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", str(value)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


class Sink(Protocol):
    """A file that is only written to, from its beginning to its end."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


class _Drain(io.RawIOBase):
    """A file whose content is taken out while it is written to."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: Buffer, /) -> int:
        self._written += data
        return len(memoryview(data))

    def taken(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def xlsx(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a workbook of one sheet while it is made of these pieces."""
    file = _Drain()
    made = _made(file, pieces)
    for _ in made:
        yield file.taken()
    yield file.taken()


# Without the extension for larger files, which not every spreadsheet reads.
MOST_SHEET_BYTES = 2_000_000_000


def write_xlsx(file: Sink, pieces: Iterable[bytes]) -> None:
    """Write a workbook of one sheet, of these pieces (xlsx_rows) in UTF-8."""
    for _ in _made(file, pieces):
        pass


def _made(file: Sink, pieces: Iterable[bytes]) -> Iterator[None]:
    with ZipFile(file, "w") as archive:  # type: ignore[call-overload] # it asks no more of a file
        for name, content in _PARTS.items():
            archive.writestr(_entry(name), _XML + content)
        with archive.open(_entry("xl/worksheets/sheet1.xml"), "w") as sheet:
            sheet.write((_XML + _SHEET).encode())
            for piece in pieces:
                sheet.write(piece)
                yield
            sheet.write(b"</sheetData></worksheet>")


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    return entry


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XLSX_TYPE = f"{_TYPE}.sheet"

_SHEET = (
    f'<worksheet xmlns="{_MAIN}"><sheetFormatPr defaultColWidth="20" defaultRowHeight="15"/>'
    "<sheetData>"
)
_PLAIN = 'fontId="0" fillId="0" borderId="0"'
# The second style is that of times.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    f'<cellStyleXfs count="1"><xf numFmtId="0" {_PLAIN}/></cellStyleXfs>'
    f'<cellXfs count="2"><xf numFmtId="0" {_PLAIN} xfId="0"/>'
    f'<xf numFmtId="164" {_PLAIN} xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": _STYLES,
}
