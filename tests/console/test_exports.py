"""An export is fetched over a real socket, and each fetching is in the audit trail."""

from __future__ import annotations

import io
from zipfile import ZipFile

import pytest
from django.test import Client

from members import audit
from members.audit import Action
from messaging import tasks
from messaging.models import Export, ExportPiece
from messaging.services import exports
from tests.conftest import Api, Tenant
from tests.console.conftest import logged_in, person
from tests.delivery import accept
from tests.http_api.live import Answer, Server, server

__all__ = ["server"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_asked_for_written_fetched_and_deleted(
    server: Server, api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PIECE", 2)
    for number in range(7):
        accept(api, tenant, f"id-{number}", message=f"Żółw {number} " + "x" * 400)
    owner = logged_in(person("olga", tenant))
    page = owner.post("/console/messages/exports/", {"first": "2026-02-31"})
    assert page.status_code == 400
    owner.post("/console/messages/exports/", {"state": "pending"})
    place = f"/console/messages/exports/{Export.objects.get().pk}/"
    assert owner.get(place).status_code == 302  # it is not written yet
    tasks.write_exports()
    assert "Fetch it" in owner.get("/console/messages/exports/").content.decode()
    answer = fetched(server, owner, place)
    assert answer.status == 200
    lines = answer.body.decode("utf-8-sig").splitlines()
    assert len(lines) == 8
    assert lines[-1].split(";")[1] == "id-6"
    assert [entry.action for entry in audit.entries(tenant.account.pk)[:2]] == [
        Action.EXPORT_FETCHED, Action.MESSAGES_EXPORTED,
    ]  # fmt: skip
    owner.post(f"{place}delete/")
    assert owner.get(place).status_code == 404
    assert not ExportPiece.objects.exists()


def test_a_workbook_is_fetched_as_one(server: Server, api: Api, tenant: Tenant) -> None:
    accept(api, tenant)
    owner = logged_in(person("olga", tenant))
    owner.post("/console/messages/exports/", {"kind": "xlsx"})
    tasks.write_exports()
    answer = fetched(server, owner, f"/console/messages/exports/{Export.objects.get().pk}/")
    assert "spreadsheetml.sheet" in answer.headers["content-type"]
    assert ".xlsx" in answer.headers["content-disposition"]
    with ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert b"+48123456789" in archive.read("xl/worksheets/sheet1.xml")


def fetched(server: Server, client: Client, place: str) -> Answer:
    cookie = client.cookies["sessionid"].value
    return server.request("GET", place, b"", f"Cookie: sessionid={cookie}")
