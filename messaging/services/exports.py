"""Exports of an account's messages, as CSV or XLSX: asked for, written by the worker in pieces, kept for
a day.

Each piece is committed with the place where the next begins, so that whoever goes on after a `kill -9`
writes no row twice and leaves none out. Those of a workbook are packed once all are there.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from http_api import clock, spreadsheets
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from licenses.models import Account
from messaging import selectors
from messaging.models import Export, ExportPiece, Message
from messaging.selectors import MessageFilter
from messaging.states import MessageState

KEPT = dt.timedelta(days=1)
MOST_ROWS = 1_000_000
MOST_EXPORTS = 5  # of an account at a time
PIECE = 5_000  # messages that are looked at for one piece

COLUMNS = (
    "id", "external_id", "phone", "text", "status", "failure_reason", "parts",
    "created_at", "sent_at", "delivered_at",
)  # fmt: skip


def exports(account_id: int) -> QuerySet[Export]:
    """Return those that are kept, each with its phone, the newest first."""
    kept = Export.objects.filter(account_id=account_id, asked_at__gt=clock.now() - KEPT)
    return kept.select_related("device").order_by("-pk")


def export(account_id: int, export_id: int) -> Export:
    """Raise `not_found`."""
    return or_not_found(exports(account_id).filter(pk=export_id).first(), "export")


@transaction.atomic
def ask(account_id: int, wanted: MessageFilter, kind: Export.Kind = Export.Kind.CSV) -> Export:
    """Have these messages written; those that are accepted later are not. Raise `conflict`."""
    Account.objects.select_for_update().get(pk=account_id)
    if exports(account_id).count() >= MOST_EXPORTS:
        raise ApiError(
            ErrorCode.CONFLICT, f"There are {MOST_EXPORTS} exports; each goes after a day."
        )
    newest = selectors.messages(account_id, MessageFilter()).aggregate(Max("pk"))["pk__max"]
    return Export.objects.create(
        account_id=account_id,
        kind=kind,
        status=wanted.status or "",
        since=wanted.since,
        until=wanted.until,
        device_id=wanted.device,
        phones=wanted.phones or [],
        external_id=wanted.external_id or "",
        end_id=newest or 0,
        asked_at=clock.now(),
    )


def delete(account_id: int, export_id: int) -> None:
    """Delete it, finished or not. Raise `not_found`."""
    export(account_id, export_id).delete()


@transaction.atomic
def write_piece() -> bool:
    """Write a piece of the export that has got least so far; return whether there was any."""
    found = _next_export()
    if found is None:
        return False
    looked_at, rows = _next_rows(found)
    _add(found, rows)
    found.last_id = looked_at
    if found.rows > MOST_ROWS or (_is_xlsx(found) and found.size > spreadsheets.MOST_SHEET_BYTES):
        ExportPiece.objects.filter(export=found).delete()
        found.is_too_large = True
        found.finished_at = clock.now()
    elif looked_at >= found.end_id:
        if _is_xlsx(found):
            _pack(found)
        found.finished_at = clock.now()
    found.save()
    return True


def _is_xlsx(export: Export) -> bool:
    return export.kind == Export.Kind.XLSX


def _next_export() -> Export | None:
    unfinished = Export.objects.select_for_update(skip_locked=True).filter(finished_at=None)
    return unfinished.order_by("rows", "pk").first()


def _next_rows(export: Export) -> tuple[int, list[Message]]:
    """Return up to which id it looked, and what of that the export wants.

    A bounded number of messages is looked at, however few of them it wants.
    """
    wanted = MessageFilter(
        status=MessageState(export.status) if export.status else None,
        since=export.since,
        until=export.until,
        device=export.device_id,
        phones=tuple(export.phones) or None,
        external_id=export.external_id or None,
    )
    days = MessageFilter(since=export.since, until=export.until)
    walked = _between(export, export.end_id, days)
    ids = list(walked.values_list("pk", flat=True)[:PIECE])
    edge = ids[-1] if len(ids) == PIECE else export.end_id
    return edge, list(_between(export, edge, wanted))


def _between(export: Export, end_id: int, wanted: MessageFilter) -> QuerySet[Message]:
    """Return these messages behind what is written already, up to an id."""
    found = selectors.messages(export.account_id, wanted)
    return found.filter(pk__gt=export.last_id, pk__lte=end_id).order_by("pk")


def _add(export: Export, rows: list[Message]) -> None:
    values = [_values(row, export.account.zone) for row in rows]
    is_first = export.last_id == 0
    table: list[list[object]] = [list(COLUMNS), *values] if is_first else values
    if _is_xlsx(export):
        text = spreadsheets.xlsx_rows(table)
    else:
        text = (spreadsheets.BOM if is_first else "") + spreadsheets.lines(map(_csv_cells, table))
    if content := text.encode():
        ExportPiece.objects.create(export=export, data=zlib.compress(content))
    export.rows += len(rows)
    export.size += len(content)


def _values(message: Message, zone: ZoneInfo) -> list[object]:
    """Return the cells of a row; times as the account's clocks show them."""
    values = (getattr(message, column) for column in COLUMNS)
    return [
        value.astimezone(zone).replace(tzinfo=None, microsecond=0)
        if isinstance(value, dt.datetime)
        else value
        for value in values
    ]


def _csv_cells(values: list[object]) -> Iterable[object]:
    """A number stays as it is, though a spreadsheet takes it for one."""
    for column, value in zip(COLUMNS, values, strict=True):
        yield value if column == "phone" else spreadsheets.as_text(value)


def _pack(export: Export) -> None:
    """Make a workbook of the rows that are written, in place of them."""
    rows = _pieces_of(export)
    file = _Pieces(export)
    spreadsheets.write_xlsx(file, (_data(export.pk, piece_id) for piece_id in rows))
    file.close()
    ExportPiece.objects.filter(export=export, pk__lte=rows[-1]).delete()
    export.size = file.size


def _pieces_of(export: Export) -> list[int]:
    pieces = ExportPiece.objects.filter(export=export).order_by("pk")
    return list(pieces.values_list("pk", flat=True))


def _data(export_id: int, piece_id: int) -> bytes:
    """Raise where the export was deleted meanwhile."""
    pieces = ExportPiece.objects.values_list("data", flat=True)
    return zlib.decompress(pieces.get(pk=piece_id, export_id=export_id))


class _Pieces:
    """A file that is written as pieces of an export, and is compressed already."""

    def __init__(self, export: Export) -> None:
        self._export, self._left, self.size = export, bytearray(), 0

    def write(self, data: bytes) -> int:
        self._left += data
        if len(self._left) >= _PIECE_BYTES:
            self.close()
        return len(data)

    def flush(self) -> None:
        """Nothing is read before the whole is committed."""

    def close(self) -> None:
        ExportPiece.objects.create(export=self._export, data=zlib.compress(self._left, level=0))
        self.size += len(self._left)
        self._left.clear()


_PIECE_BYTES = 1 << 20


class Reader:
    """A finished export as a file of which one piece is held at a time."""

    def __init__(self, export: Export) -> None:
        self._pieces = _pieces_of(export)
        self._export_id, self._left = export.pk, b""

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, b"" at the end. Raise where the export was deleted meanwhile."""
        if not self._left and self._pieces:
            self._left = self._piece(self._pieces.pop(0))
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken

    def _piece(self, piece_id: int) -> bytes:
        try:
            return _data(self._export_id, piece_id)
        finally:
            connection.close()  # the server reads files in threads that ask nothing else

    def close(self) -> None:
        self._pieces, self._left = [], b""
