"""Workbooks for tests, written by hand: also those that no program writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

XLS = Path(__file__).parent / "files/people.xls"  # two sheets, Klienci and Inne

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_OFFICE = "http://schemas.openxmlformats.org"
_XLSX = {
    "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_OFFICE}/package/2006/content-types"/>',
    "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="r" Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument"'
    ' Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main"'
    f' xmlns:r="{_OFFICE}/officeDocument/2006/relationships">'
    '<sheets><sheet name="Klienci" sheetId="1" r:id="s1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_OFFICE}/package/2006/relationships">'
    f'<Relationship Id="s1" Type="{_OFFICE}/officeDocument/2006/relationships/worksheet"'
    ' Target="worksheets/sheet1.xml"/></Relationships>',
}
SHEET = f'<worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><sheetData>'
END = "</sheetData></worksheet>"


def number(value: float | str) -> str:
    return f"<c><v>{value}</v></c>"


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


FORMULA_WITHOUT_VALUE = "<c><f>B1+1</f></c>"


def xlsx(*rows: Iterable[str]) -> bytes:
    """Return a workbook of these rows of cells."""
    body = "".join(f"<row>{''.join(cells)}</row>" for cells in rows)
    return of_sheet([_HEAD, SHEET, body, END])


def of_sheet(pieces: Iterable[str]) -> bytes:
    """Return a workbook whose sheet is this XML."""
    return _zipped(_XLSX, "xl/worksheets/sheet1.xml", pieces)


def ods(pieces: Iterable[str]) -> bytes:
    """Return a workbook of OpenDocument with this XML in its body."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    before = (
        f'{_HEAD}<office:document-content xmlns:office="{office}:office:1.0"'
        f' xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0"><office:body>'
        '<office:spreadsheet><table:table table:name="Klienci">'
    )
    after = "</table:table></office:spreadsheet></office:body></office:document-content>"
    files = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'{_HEAD}<m:manifest xmlns:m="{office}:manifest:1.0"/>',
    }
    return _zipped(files, "content.xml", [before, *pieces, after])


def _zipped(files: dict[str, str], name: str, pieces: Iterable[str]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content, zipfile.ZIP_STORED)
        with archive.open(name, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece.encode())
    return whole.getvalue()
