"""Exports: each message once, whoever dies, in cells that a spreadsheet shows as they are."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zlib
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from http_api.errors import ApiError
from messaging import tasks
from messaging.models import Export, ExportPiece, Message
from messaging.selectors import MessageFilter
from messaging.services import exports
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Tenant, in_threads
from tests.delivery import accept

pytestmark = pytest.mark.django_db

ALL = MessageFilter()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PIECE", 2)


def content_of(export: Export) -> bytes:
    pieces = ExportPiece.objects.filter(export=export).order_by("pk")
    content = b"".join(zlib.decompress(piece.data) for piece in pieces)
    export.refresh_from_db()
    assert export.size == len(content)
    return content


XML = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_of(export: Export) -> list[dict[str, tuple[str, str]]]:
    """Return the rows of a workbook: by column the type of the cell, its style, and what it holds."""
    with ZipFile(io.BytesIO(content_of(export))) as archive:
        assert archive.testzip() is None
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = [
        [(cell.get("t", "") + cell.get("s", ""), "".join(cell.itertext())) for cell in row]
        for row in sheet.iter(f"{XML}row")
    ]
    head = [text for _, text in rows[0]]
    return [dict(zip(head, row, strict=True)) for row in rows[1:]]


def rows_of(export: Export) -> list[dict[str, str]]:
    content = content_of(export)
    assert content.startswith("\ufeff".encode())
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    return list(reader)


def test_it_has_each_message_of_the_account_once_and_nobody_elses(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    ids = [accept(api, tenant, f"id-{number}") for number in range(5)]
    accept(api, other_tenant)
    export = exports.ask(tenant.account.pk, ALL)
    accept(api, tenant, "later")
    tasks.write_exports()
    rows = rows_of(export)
    assert [int(row["id"]) for row in rows] == ids
    assert rows[0]["phone"] == "+48123456789"
    assert export.rows == 5
    assert export.finished_at is not None


def test_one_of_nothing_has_its_columns(tenant: Tenant) -> None:
    export = exports.ask(tenant.account.pk, ALL)
    tasks.write_exports()
    assert rows_of(export) == []


def test_it_has_the_state_and_the_days_that_were_asked_for(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    accept(api, tenant, "before")
    manual_clock.advance(days=1)
    start = manual_clock()
    wanted = [accept(api, tenant, f"id-{number}") for number in range(3)]
    accept(api, tenant, "failed")
    Message.objects.filter(external_id="failed").update(status="failed")
    manual_clock.advance(days=1)
    end = manual_clock()
    accept(api, tenant, "after")
    filter_ = MessageFilter(status=MessageState.PENDING, since=start, until=end)
    export = exports.ask(tenant.account.pk, filter_)
    tasks.write_exports()
    assert [int(row["id"]) for row in rows_of(export)] == wanted


def test_no_text_becomes_a_formula(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    texts = ["=1+1", "+1", "-1", "@A1", 'a;b\n"c"', "Zażółć"]
    for number, text in enumerate(texts):
        accept(api, tenant, f"=id-{number}", message=text)
    export = exports.ask(tenant.account.pk, ALL)
    tasks.write_exports()
    rows = rows_of(export)
    assert [row["text"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@A1", *texts[4:]]
    assert rows[0]["external_id"] == "'=id-0"
    assert rows[0]["created_at"] == "2026-04-09 16:32:00"  # in Warsaw


def test_a_workbook_has_texts_as_they_are_and_times_as_times(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    texts = ["=1+1", "<r>&</r>", "a\x0bb\r\nc", "_x0041_", " Zażółć \ufffe"]
    for number, text in enumerate(texts):
        accept(api, tenant, f"=id-{number}", message="x")
        Message.objects.filter(external_id=f"=id-{number}").update(text=text)
    export = exports.ask(tenant.account.pk, ALL, Export.Kind.XLSX)
    tasks.write_exports()
    rows = sheet_of(export)
    shown = ["=1+1", "<r>&</r>", "a_x000B_b_x000D_\nc", "_x005F_x0041_", " Zażółć _xFFFE_"]
    assert [row["text"] for row in rows] == [("inlineStr", text) for text in shown]
    assert rows[0]["external_id"] == ("inlineStr", "=id-0")
    assert rows[0]["phone"] == ("inlineStr", "+48123456789")
    assert rows[0]["id"] == ("", str(Message.objects.first().pk))  # type: ignore[union-attr]
    assert rows[0]["sent_at"] == ("", "")
    kind, days = rows[0]["created_at"]
    assert (kind, round(float(days), 6)) == ("1", 46121.688889)  # 2026-04-09 16:32 in Warsaw


def test_a_workbook_of_several_pieces_has_each_message_once_though_its_packing_died(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [accept(api, tenant, f"id-{number}") for number in range(7)]
    export = exports.ask(tenant.account.pk, ALL, Export.Kind.XLSX)
    with monkeypatch.context() as patch:
        patch.setattr(exports, "_pack", _dies)
        with pytest.raises(KeyboardInterrupt):
            tasks.write_exports()
    monkeypatch.setattr(exports, "_PIECE_BYTES", 100)
    tasks.write_exports()
    assert [int(row["id"][1]) for row in sheet_of(export)] == ids
    export.refresh_from_db()
    assert export.rows == 7


def test_a_workbook_of_nothing_has_its_columns(tenant: Tenant) -> None:
    export = exports.ask(tenant.account.pk, ALL, Export.Kind.XLSX)
    tasks.write_exports()
    assert sheet_of(export) == []


def test_more_than_the_most_is_refused_and_not_cut(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 2)
    for number in range(3):
        accept(api, tenant, f"id-{number}")
    export = exports.ask(tenant.account.pk, ALL)
    tasks.write_exports()
    export.refresh_from_db()
    assert export.is_too_large
    assert not ExportPiece.objects.exists()


def test_an_account_has_few_and_each_goes_after_a_day(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    for _ in range(exports.MOST_EXPORTS):
        exports.ask(tenant.account.pk, ALL)
    with pytest.raises(ApiError) as refused:
        exports.ask(tenant.account.pk, ALL)
    assert "each goes after a day" in refused.value.message
    tasks.write_exports()
    manual_clock.advance(seconds=exports.KEPT / dt.timedelta(seconds=1))
    assert not exports.exports(tenant.account.pk)
    tasks.erase_old()
    assert not Export.objects.exists()
    assert not ExportPiece.objects.exists()


def test_a_large_one_does_not_hold_up_a_small_one(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    for number in range(9):
        accept(api, tenant, f"id-{number}")
    accept(api, other_tenant)
    exports.ask(tenant.account.pk, ALL)
    small = exports.ask(other_tenant.account.pk, ALL)
    exports.write_piece()
    exports.write_piece()
    small.refresh_from_db()
    assert small.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_each_row_once(api: Api, tenant: Tenant) -> None:
    ids = [accept(api, tenant, f"id-{number}") for number in range(20)]
    export = exports.ask(tenant.account.pk, ALL)
    in_threads([exports.write_piece] * 40, threads=4)
    while exports.write_piece():
        pass
    assert [int(row["id"]) for row in rows_of(export)] == ids


def test_a_piece_that_did_not_get_through_is_written_again(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [accept(api, tenant, f"id-{number}") for number in range(5)]
    export = exports.ask(tenant.account.pk, ALL)
    exports.write_piece()
    with monkeypatch.context() as patch:
        patch.setattr(Export, "save", _dies)
        with pytest.raises(KeyboardInterrupt):
            exports.write_piece()
    tasks.write_exports()
    assert [int(row["id"]) for row in rows_of(export)] == ids


def _dies(export: Export) -> None:
    raise KeyboardInterrupt
