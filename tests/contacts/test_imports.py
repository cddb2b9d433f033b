"""Imports: what a file brings in, what it does not and why, once and no more, and taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError

from contacts import import_job, imports, tasks
from contacts.models import Contact, ContactGroup, Import, ImportPiece, ImportProblem, Membership
from licenses.models import License
from messaging.models import OptOut
from messaging.services import opt_outs
from tests.conftest import ManualClock, Tenant, refused
from tests.contacts.conftest import AddressBook
from webhooks import publishing

pytestmark = pytest.mark.django_db

PATH = "/api/contacts/imports/"
LINES = "telefon;imię;grupa;miasto\n500600700;Żaneta;VIP;Łódź\n500600701;Jan;VIP;Kraków\n"
BAD = (
    "telefon;imię\n4,85006E+10;Ewa\n;Ola\n500600700;Anna\nabc;Iza\n500 600 700;Adam\n"
    f"500600702;{'x' * 256}\n"
)


def send(book: AddressBook, lines: str | bytes, **form: Any) -> Any:
    data = lines.encode() if isinstance(lines, str) else lines
    form = {"file": SimpleUploadedFile("klienci.csv", data), "consent": "true"} | form
    return book.api.client.post(PATH, form, headers=book.tenant.pair_headers)


def ran(book: AddressBook, lines: str | bytes = LINES, **form: Any) -> dict[str, Any]:
    """Import a file to its end; return what the API says of it then."""
    answer = send(book, lines, **form)
    assert answer.status_code == 201, answer.content
    tasks.run_imports()
    return shown(book, answer.json()["id"])


def shown(book: AddressBook, import_id: int) -> dict[str, Any]:
    answer = book.call("get", f"imports/{import_id}/")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def people() -> dict[str, str]:
    return dict(Contact.objects.order_by("phone").values_list("phone", "name"))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two rows, so that a file has several."""
    monkeypatch.setattr(import_job, "CHUNK", 2)


def test_a_file_is_brought_in_with_groups_fields_and_consent(
    book: AddressBook, manual_clock: ManualClock
) -> None:
    done = ran(
        book, LINES, columns="phone,name,groups,field:miasto", group_name="Sklep",
        consent_note="formularz",
    )  # fmt: skip
    assert (done["state"], done["rows"], done["done_rows"]) == ("done", 2, 2)
    assert done["counts"] == {"new": 2}
    assert done["file_name"] == "klienci.csv"
    assert people() == {"+48500600700": "Żaneta", "+48500600701": "Jan"}
    [jan, _] = book.call("get", "contacts/").json()["results"]
    assert jan["fields"] == {"miasto": "Kraków"}
    assert {group["name"] for group in jan["groups"]} == {"VIP", "Sklep"}
    by = f"licence {book.tenant.keys.license_id}"
    assert jan["consent"] == {"note": "formularz", "by": by, "at": "2026-04-09T14:32:00Z"}
    assert not ImportPiece.objects.exists(), "the file goes with the end"
    assert Import.objects.get().sample == [[1, ["telefon", "imię", "grupa", "miasto"]]]


def test_the_same_file_again_changes_nothing_and_is_known(book: AddressBook) -> None:
    first = ran(book, LINES, columns="phone,name,groups,field:miasto")
    before = list(Contact.objects.order_by("pk").values())
    again = ran(book, LINES, columns="phone,name,groups,field:miasto")
    assert again["counts"] == {"unchanged": 2}
    assert (first["earlier_id"], again["earlier_id"]) == (None, first["id"])
    assert list(Contact.objects.order_by("pk").values()) == before
    assert Membership.objects.count() == 2


@pytest.mark.parametrize(
    ("known", "name", "fields", "counts"),
    [
        ("keep", "Jan", {"miasto": "Łódź", "ulica": "Długa"}, {"new": 1, "changed": 1}),
        ("overwrite", "Adam", {"miasto": "Kraków", "ulica": "Długa"}, {"new": 1, "changed": 1}),
        ("skip", "Jan", {"miasto": "Łódź"}, {"new": 1, "unchanged": 1}),
    ],
)
def test_who_is_known_is_kept_overwritten_or_passed_over(
    book: AddressBook, known: str, name: str, fields: dict[str, str], counts: dict[str, int]
) -> None:
    one = book.save("Jan", "+48500600700")
    book.call("patch", f"contacts/{one}/", {"fields": {"miasto": "Łódź"}})
    lines = "telefon;imię;miasto;ulica\n500600700;Adam;Kraków;Długa\n500600701;;;\n"
    done = ran(book, lines, columns="phone,name,field:miasto,field:ulica", known=known)
    assert done["counts"] == counts
    jan = Contact.objects.get(pk=one)
    assert (jan.name, jan.fields) == (name, fields)


def test_a_row_that_is_wrong_is_listed_with_its_reason_and_its_cells(book: AddressBook) -> None:
    done = ran(book, BAD)
    assert done["counts"] == {
        "new": 1, "rounded": 1, "missing": 1, "invalid": 1, "double": 1, "too_long": 1,
    }  # fmt: skip
    page = book.call("get", f"imports/{done['id']}/problems/", limit=2).json()
    assert [row["reason"] for row in page["results"]] == ["rounded", "missing"]
    assert page["results"][0] == {
        "row": 2, "reason": "rounded", "same_as_row": None, "cells": ["4,85006E+10", "Ewa"],
        "message": "the spreadsheet cut this number short: set the column to Text and save again",
    }  # fmt: skip
    following = urlsplit(page["next"])
    rest = book.call("get", f"imports/{done['id']}/problems/", **dict(parse_qsl(following.query)))
    rows = [(row["row"], row["reason"], row["same_as_row"]) for row in rest.json()["results"]]
    assert rows == [(5, "invalid", None), (6, "double", 4)]


def test_a_check_says_what_would_come_of_it_and_writes_nobody(
    book: AddressBook, tenant: Tenant
) -> None:
    book.save("Jan", "+48500600700")
    opt_outs.opt_out(tenant.keys.account_id, "+48500600701", OptOut.Source.SMS)
    lines = (
        "500600700\n500600701\n+4915112345678\n221234567\n500600702, 500600703\n500600700\nx1\n"
        "+48400000000\n"
    )
    checked = ran(book, lines, start="false")
    assert checked["state"] == "checked"
    assert checked["counts"] == {
        "new": 5, "known": 1, "opted_out": 1, "foreign": 1, "landline": 1, "several": 1,
        "unknown_range": 1, "double": 1, "invalid": 1,
    }  # fmt: skip
    assert people() == {"+48500600700": "Jan"}
    path = f"imports/{checked['id']}/"
    refused(book.call("post", f"{path}start/"), 400, "invalid", "consent")
    assert book.call("post", f"{path}start/", {"consent": True}).json()["state"] == "running"
    tasks.run_imports()
    done = shown(book, checked["id"])
    assert done["counts"] == {"new": 5, "changed": 1, "double": 1, "invalid": 1}
    assert ImportProblem.objects.count() == 2


def test_it_is_read_otherwise_and_checked_anew(book: AddressBook) -> None:
    lines = "telefon;imię\n500600700;Świętosława\n".encode("iso8859-2")
    found = ran(book, lines, start="false")
    assert found["reading"]["encoding"] == "cp1250"
    path = f"imports/{found['id']}/"
    change = {"encoding": "iso8859-2", "columns": ["phone", "name"], "group_name": "VIP"}
    changed = book.call("patch", path, change)
    assert changed.status_code == 200, changed.content
    assert changed.json()["state"] == "checking"
    book.call("post", f"{path}start/", {"consent": True})
    tasks.run_imports()
    assert people() == {"+48500600700": "Świętosława"}
    refused(book.call("patch", path, change), 409, "conflict")
    refused(book.call("delete", path), 409, "conflict")


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"file": SimpleUploadedFile("a.csv", b"")}, "file"),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04 no")}, "file"),
        ({"file": SimpleUploadedFile("a.csv", b"1\n" * 100_002)}, "file"),
        ({"columns": "name,phone,phone"}, "columns"), ({"columns": "name"}, "columns"),
        ({"encoding": "ebcdic"}, "encoding"), ({"known": "x"}, "known"),
        ({"consent": "false"}, "consent"), ({"group_name": "x" * 256}, "group_name"),
    ],
)  # fmt: skip
def test_a_file_or_a_choice_that_is_wrong_is_refused_and_nothing_is_kept(
    book: AddressBook, form: dict[str, Any], field: str
) -> None:
    if "file" in form:
        form["file"].seek(0)
    refused(send(book, LINES, **form), 400, "invalid", field)
    assert not Import.objects.exists()


def test_more_rows_than_may_be_are_refused_with_their_number(book: AddressBook) -> None:
    body = refused(send(book, b"500600700\n" * 100_002), 400, "invalid", "file")
    assert "has 100,001 rows; at most 100,000" in body["message"]


def test_a_table_comes_as_text_too(book: AddressBook) -> None:
    body = {
        "text": "500600700\tJan\n500600701\tOla\n",
        "consent": True,
        "columns": ["phone", "name"],
    }
    answer = book.call("post", "imports/", body)
    assert answer.status_code == 201, answer.content
    tasks.run_imports()
    assert people() == {"+48500600700": "Jan", "+48500600701": "Ola"}
    refused(book.call("post", "imports/", {"consent": True}), 400, "invalid", "body")


def test_a_post_that_comes_again_imports_once(book: AddressBook) -> None:
    keys = book.tenant.pair_headers | {"Idempotency-Key": "once"}
    ids = set()
    for _ in range(2):
        form = {"file": SimpleUploadedFile("a.csv", LINES.encode()), "consent": "true"}
        ids.add(book.api.client.post(PATH, form, headers=keys).json()["id"])
    assert len(ids) == Import.objects.count() == 1
    form = {"file": SimpleUploadedFile("a.csv", BAD.encode()), "consent": "true"}
    answer = book.api.client.post(PATH, form, headers=keys)
    refused(answer, 422, "idempotency_key_reused")


def test_a_worker_that_dies_goes_on_with_the_row_at_which_it_was(
    book: AddressBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails within a chunk leaves nothing of it; a double is known across the break."""
    lines = "".join(f"5006007{n:02}\n" for n in range(9)) + "500600700\nx\n"
    found = send(book, lines).json()["id"]
    number, written = 0, ImportProblem.objects.bulk_create

    def fail_at_times(rows: Any) -> Any:
        nonlocal number
        number += 1
        if number % 2:
            raise DatabaseError("killed")
        return written(rows)

    monkeypatch.setattr(ImportProblem.objects, "bulk_create", fail_at_times)
    for _ in range(6):
        with pytest.raises(DatabaseError):
            tasks.run_imports()
        assert Contact.objects.count() == min(shown(book, found)["done_rows"], 9)
    monkeypatch.undo()
    monkeypatch.setattr(import_job, "CHUNK", 3)
    tasks.run_imports()
    done = shown(book, found)
    assert (done["state"], done["done_rows"]) == ("done", 11)
    assert done["counts"] == {"new": 9, "double": 1, "invalid": 1}
    [double, _] = ImportProblem.objects.order_by("row")
    assert (double.row, double.other_row) == (10, 1)


def test_a_second_worker_that_has_the_same_rows_writes_none(book: AddressBook) -> None:
    found = Import.objects.get(pk=send(book, LINES).json()["id"])
    import_job.go_on(lambda: True)
    counts = Import.objects.get().counts
    chunk = import_job._Chunk(rows=2)
    assert not import_job._take(found, 0, chunk)
    assert Import.objects.get().counts == counts


def test_one_that_is_stopped_keeps_what_is_in(book: AddressBook) -> None:
    lines = "".join(f"5006007{n:02}\n" for n in range(9))
    found = send(book, lines).json()["id"]
    steps = iter([True, True, False])
    import_job.go_on(lambda: next(steps))
    stopped = book.call("post", f"imports/{found}/stop/")
    assert (stopped.json()["state"], stopped.json()["done_rows"]) == ("stopped", 4)
    tasks.run_imports()
    assert Contact.objects.count() == 4
    assert not ImportPiece.objects.exists()
    refused(book.call("post", f"imports/{found}/stop/"), 409, "conflict")


def test_it_is_taken_back_but_for_whom_somebody_touched(
    book: AddressBook, manual_clock: ManualClock
) -> None:
    before = book.save("Before", "+48500600799")
    other = book.group("Other")
    lines = "".join(f"5006007{n:02};VIP\n" for n in range(6)) + "500600799;VIP\n"
    done = ran(book, lines, columns="phone,groups")
    ids = list(Contact.objects.order_by("phone").values_list("pk", flat=True))
    book.call("patch", f"contacts/{ids[0]}/", {"name": "Renamed"})
    book.save("Saved anew", "+48500600701")
    book.call("patch", f"contacts/{ids[2]}/", {"group_ids": [other]})
    manual_clock.advance(hours=23)
    assert shown(book, done["id"])["may_be_undone"]
    answer = book.call("post", f"imports/{done['id']}/undo/")
    assert answer.json() == {"deleted_count": 3}
    assert set(Contact.objects.values_list("pk", flat=True)) == {*ids[:3], before}
    assert shown(book, done["id"])["state"] == "undone"
    refused(book.call("post", f"imports/{done['id']}/undo/"), 409, "conflict")
    assert set(ContactGroup.objects.values_list("name", flat=True)) == {"VIP", "Other"}


def test_after_a_day_it_is_not_taken_back(book: AddressBook, manual_clock: ManualClock) -> None:
    done = ran(book)
    manual_clock.advance(hours=24)
    refused(book.call("post", f"imports/{done['id']}/undo/"), 409, "conflict")
    assert Contact.objects.count() == 2


def test_numbers_that_want_no_messages_come_by_the_same_way(
    book: AddressBook, tenant: Tenant
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48500600700", OptOut.Source.SMS)
    done = ran(book, "500600700\n500600701\n'500600702.0\nx\n", kind="opt_outs", consent="false")
    assert done["counts"] == {"new": 2, "unchanged": 1, "invalid": 1}
    assert OptOut.objects.count() == 3
    assert not Contact.objects.exists()
    assert not done["may_be_undone"]


def test_files_that_nobody_imports_go_after_a_week(
    book: AddressBook, manual_clock: ManualClock
) -> None:
    kept, done = send(book, LINES, start="false").json()["id"], ran(book, BAD)["id"]
    manual_clock.advance(days=6)
    tasks.delete_old_imports()
    assert ImportPiece.objects.filter(of=kept).exists()
    assert ImportProblem.objects.filter(of=done).exists()
    manual_clock.advance(days=1, seconds=1)
    tasks.delete_old_imports()
    assert not ImportPiece.objects.exists()
    assert not ImportProblem.objects.exists()
    assert [one.pk for one in Import.objects.all()] == [done]


def test_one_that_no_worker_finished_in_a_week_ends(
    book: AddressBook, manual_clock: ManualClock
) -> None:
    found = send(book, LINES).json()["id"]
    manual_clock.advance(days=8)
    tasks.delete_old_imports()
    assert (shown(book, found)["state"], ImportPiece.objects.count()) == ("failed", 0)


def test_an_account_has_so_many_unfinished_files(book: AddressBook) -> None:
    for _ in range(imports.MOST_UNFINISHED):
        assert send(book, LINES, start="false").status_code == 201
    refused(send(book, LINES), 409, "conflict")


def test_a_key_needs_the_scope_of_contacts(book: AddressBook, tenant: Tenant) -> None:
    license = tenant.license
    license.scopes = "send"
    license.save()
    refused(send(book, LINES), 403, "scope_missing")


def test_time_is_shared_between_imports(book: AddressBook, other_tenant: Tenant) -> None:
    """The one that has got least is next."""
    lines = "".join(f"5006007{n:02}\n" for n in range(9))
    first = send(book, lines).json()["id"]
    steps = iter([True, False])
    import_job.go_on(lambda: next(steps))
    second = send(AddressBook(book.api, other_tenant), lines).json()["id"]
    steps = iter([True, False])
    import_job.go_on(lambda: next(steps))
    rows = dict(Import.objects.values_list("pk", "next_row"))
    assert rows == {first: 2, second: 2}


def test_undoing_ends_with_the_day_of_the_end(manual_clock: ManualClock) -> None:
    ended = manual_clock.now - dt.timedelta(hours=23, minutes=59)
    found = Import(state=imports.State.DONE, kind=imports.Kind.CONTACTS, ended_at=ended)
    assert imports.may_be_undone(found)


def events_of(book: AddressBook) -> list[dict[str, Any]]:
    publishing.publish(book.tenant.account.pk)
    answer = book.api.get("/api/events/", book.tenant, after="0")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return [one for one in found if one["type"] == "contacts.import.finished"]


def test_programs_are_told_how_an_import_ended(book: AddressBook) -> None:
    book.api.get("/api/events/", book.tenant)  # from now on they are kept
    done = ran(book, BAD)
    [told] = events_of(book)
    assert told["data"] == {
        "id": done["id"], "kind": "contacts", "file_name": "klienci.csv", "state": "done",
        "rows": done["rows"], "done_rows": done["rows"], "counts": done["counts"], "error": None,
    }  # fmt: skip
    waiting = send(book, LINES).json()["id"]
    assert book.call("post", f"imports/{waiting}/stop/").status_code == 200
    assert [one["data"]["state"] for one in events_of(book)] == ["done", "stopped"]


def test_a_key_that_reads_no_contacts_is_told_of_no_import(
    book: AddressBook, tenant: Tenant
) -> None:
    book.api.get("/api/events/", book.tenant)
    ran(book)
    License.objects.filter(pk=tenant.keys.license_id).update(scopes="read inbox")
    assert events_of(book) == []
