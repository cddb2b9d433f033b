"""Contacts, groups and imports in the console, asked as a browser's forms ask."""

from __future__ import annotations

import io
from http.client import HTTPConnection
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from python_calamine import CalamineWorkbook

from contacts import tasks
from contacts.models import Contact, ContactGroup, Import
from members import audit
from members.audit import Action
from messaging.models import OptOut
from messaging.services import opt_outs
from tests.conftest import Tenant
from tests.console.conftest import logged_in, person
from tests.http_api.live import Server, server

__all__ = ["server"]

pytestmark = pytest.mark.django_db

PLACE = "/console/contacts/"
LINES = "Telefon;Imię i nazwisko;Miasto\n500600700;Żaneta Nowak;Łódź\n4,85006E+10;Jan;Kraków\nabc;Ola;\n"


def people(tenant: Tenant, *names: str) -> list[int]:
    return [
        Contact.objects.create(account=tenant.account, name=name, phone=f"+4850060070{n}").pk
        for n, name in enumerate(names)
    ]


def text_of(response: Any) -> str:
    return str(response.content.decode())


def uploaded(client: Client, lines: str = LINES, codec: str = "cp1250", **form: Any) -> Import:
    file = SimpleUploadedFile("klienci.csv", lines.encode(codec))
    answer = client.post(f"{PLACE}imports/", {"file": file, "kind": "contacts"} | form)
    assert answer.status_code == 302, text_of(answer)
    return Import.objects.latest("pk")


def test_a_file_is_read_checked_and_imported_by_its_pages(tenant: Tenant, operator: Client) -> None:
    found = uploaded(operator)
    place = f"{PLACE}imports/{found.pk}/"
    page = text_of(operator.get(place))
    assert "Żaneta Nowak" in page
    assert "set the column to Text" in page
    operator.post(f"{place}check/", {"column": ["phone", "name", "field:Miasto"], "group": "Sklep"})
    assert "data-soon" in text_of(operator.get(place))
    tasks.run_imports()
    page = text_of(operator.get(place, headers={"Accept-Language": "pl"}))
    assert "Mam zgodę tych osób" in page
    assert "Excel skrócił ten numer" in page
    operator.post(f"{place}start/")
    assert Import.objects.get().state == "checked", "without consent nothing is started"
    operator.post(f"{place}start/", {"consent": "1", "consent_note": "formularz"})
    tasks.run_imports()
    one = Contact.objects.get()
    assert (one.name, one.fields) == ("Żaneta Nowak", {"Miasto": "Łódź"})
    assert (one.consent_by, one.consent_note) == ("piotr", "formularz")
    assert [group.name for group in one.groups.all()] == ["Sklep"]
    entry = audit.entries(tenant.account.pk)[0]
    assert (entry.action, entry.count) == (Action.IMPORT_STARTED, 3)
    assert "imported on" in text_of(operator.get(f"{PLACE}imports/{uploaded(operator).pk}/"))
    operator.post(f"{place}undo/")
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("language", "reason"), [("pl", "Excel skrócił"), ("en", "the spreadsheet cut this number")]
)
def test_refused_rows_come_as_they_were_in_the_files_own_encoding(
    operator: Client, language: str, reason: str
) -> None:
    found = uploaded(operator)
    operator.post(f"{PLACE}imports/{found.pk}/check/", {"column": ["phone", "name", ""]})
    tasks.run_imports()
    place = f"{PLACE}imports/{found.pk}/refused/"
    answer = operator.get(place, headers={"Accept-Language": language})
    lines = answer.content.decode("cp1250").split("\r\n")
    assert lines[0] == f"Telefon;Imię i nazwisko;Miasto;{'powód' if language == 'pl' else 'reason'}"
    assert lines[1].startswith(f"4,85006E+10;Jan;Kraków;{reason}")
    assert lines[2].startswith("abc;Ola;;")
    assert lines[3:] == [""]


def test_a_file_is_read_in_another_encoding(operator: Client) -> None:
    found = uploaded(operator, "500600700;Świętosława\n", "iso8859-2")
    place = f"{PLACE}imports/{found.pk}/"
    assert "Świętosława" not in text_of(operator.get(place))
    operator.post(f"{place}read/", {"encoding": "iso8859-2"})
    assert "Świętosława" in text_of(operator.get(place))


def test_copied_cells_opt_out(operator: Client) -> None:
    operator.post(f"{PLACE}imports/", {"text": "500600700\tJan\n", "kind": "opt_outs"})
    place = f"{PLACE}imports/{Import.objects.get().pk}/"
    operator.post(f"{place}check/", {"column": ["phone", ""]})
    operator.post(f"{place}start/")
    tasks.run_imports()
    assert OptOut.objects.get().phone == "+48500600700"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"text": ""}, "plik nie ma wierszy"),
        ({"text": "1\n" * 100_002}, "plik ma 100,001 wierszy"),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04 no")}, "zapisz go jako CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    operator: Client, form: dict[str, Any], words: str
) -> None:
    answer = operator.post(f"{PLACE}imports/", form, headers={"Accept-Language": "pl"})
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert not Import.objects.exists()


def test_contacts_are_shown_by_group_and_found_by_how_they_begin(
    tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    anna, jan = people(tenant, "Anna Nowak", "Jan Żak")
    Contact.objects.create(account=other_tenant.account, name="Anna Obca", phone="+48500600799")
    group = ContactGroup.objects.create(account=tenant.account, name="VIP")
    form = {"chosen": [anna], "group": group.pk, "action": "add"}
    operator.post(f"{PLACE}chosen/", form)
    opt_outs.opt_out(tenant.account.pk, "+48500600701", OptOut.Source.SMS)
    for of, names in ((str(group.pk), {"Anna"}), ("none", {"Jan"}), ("opted_out", {"Jan"}),
                      ("", {"Anna", "Jan"})):  # fmt: skip
        page = text_of(operator.get(PLACE, {"of": of}))
        assert {name for name in ("Anna", "Jan") if f">{name} " in page} == names, of
        assert "Obca" not in page
    for sought, name in (("nowak", "Anna"), ("zak", "Jan"), ("ann", "Anna"), ("500 600 701", "Jan"),
                         ("+4850060070", "Anna"), ("48500600700", "Anna")):  # fmt: skip
        assert f">{name} " in text_of(operator.post(PLACE, {"sought": sought})), sought
    assert "begins like this" in text_of(operator.post(PLACE, {"sought": "owak"}))
    operator.post(f"{PLACE}chosen/", form | {"action": "remove"})
    assert not group.contacts.exists()
    operator.post(f"{PLACE}chosen/", {"chosen": [anna, jan], "action": "delete"})
    assert [one.name for one in Contact.objects.all()] == ["Anna Obca"]
    assert audit.entries(tenant.account.pk)[0].count == 2


def test_a_contact_is_added_changed_merged_and_deleted(tenant: Tenant, operator: Client) -> None:
    added = operator.post(f"{PLACE}add/", {"phone": "tel. 500 600 700", "name": "Jan"})
    jan = Contact.objects.get()
    assert added["Location"] == f"{PLACE}{jan.pk}/"
    group = ContactGroup.objects.create(account=tenant.account, name="VIP")
    form = {
        "name": "Jan Nowak", "phone": "500600701", "groups": [group.pk], "consent_note": "umowa",
        "field": ["miasto", "", "pusty"], "value": ["Łódź", "x", ""],
    }  # fmt: skip
    operator.post(f"{PLACE}{jan.pk}/", form)
    jan.refresh_from_db()
    assert (jan.name, jan.phone, jan.fields) == ("Jan Nowak", "+48500600701", {"miasto": "Łódź"})
    assert (jan.consent_by, jan.consent_note) == ("piotr", "umowa")
    [other] = people(tenant, "Jan Nowak")
    page = text_of(operator.post(f"{PLACE}{other}/", form | {"phone": "500600701"}))
    assert "Another contact has this number." in page
    page = text_of(operator.post(f"{PLACE}{jan.pk}/", form | {"field": ["{x}"], "value": ["y"]}))
    assert "no braces" in page
    assert "Others of this name" in text_of(operator.get(f"{PLACE}{other}/"))
    operator.post(f"{PLACE}{other}/merge/", {"chosen": [jan.pk]})
    one = Contact.objects.get()
    assert (one.pk, one.fields, one.consent_note) == (other, {"miasto": "Łódź"}, "umowa")
    assert [group.name for group in one.groups.all()] == ["VIP"]
    operator.post(f"{PLACE}{other}/delete/")
    assert not Contact.objects.exists()


def test_groups_are_renamed_merged_and_deleted_with_people_or_without(
    tenant: Tenant, operator: Client
) -> None:
    place = f"{PLACE}groups/"
    for name in ("VIP", "VIP", "Sklep"):
        operator.post(f"{place}add/", {"name": name})
    vip, shop = ContactGroup.objects.order_by("pk")
    anna, jan = people(tenant, "Anna", "Jan")
    vip.contacts.add(anna, through_defaults={"account": tenant.account})
    shop.contacts.add(jan, through_defaults={"account": tenant.account})
    operator.post(f"{place}{vip.pk}/merge/", {"into_it": [shop.pk]})
    operator.post(f"{place}{vip.pk}/rename/", {"name": "Stali"})
    assert "Stali" in text_of(operator.get(place))
    assert [group.name for group in ContactGroup.objects.all()] == ["Stali"]
    assert vip.contacts.count() == 2
    operator.post(f"{place}{vip.pk}/delete/", {"with_contacts": "1"})
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()


def exported(server: Server, client: Client, query: str = "") -> bytes:
    asked = HTTPConnection("127.0.0.1", server.port, timeout=20)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    asked.request("GET", f"{PLACE}export/{query}", headers={"Cookie": cookie})
    answer = asked.getresponse()
    assert answer.status == 200
    content = answer.read()
    asked.close()
    return content


HEAD = ["phone", "name", "groups", "opted_out", "consent_note", "consent_at", "miasto"]


@pytest.mark.django_db(transaction=True)
def test_contacts_are_exported_with_their_fields(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.exports.PIECE", 1)
    anna, _ = people(tenant, "Anna", "=Jan")
    Contact.objects.filter(pk=anna).update(fields={"miasto": "Łódź"})
    owner = logged_in(person("olga", tenant))
    assert exported(server, owner).decode("utf-8-sig").splitlines() == [
        ";".join(HEAD),
        "+48500600700;Anna;;;;;Łódź",
        "+48500600701;'=Jan;;;;;",
    ]
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(exported(server, owner, "?kind=xlsx")))
    assert workbook.get_sheet_by_index(0).to_python() == [
        HEAD,
        ["+48500600700", "Anna", "", "", "", "", "Łódź"],
        ["+48500600701", "=Jan", "", "", "", "", ""],
    ]
    assert audit.entries(tenant.account.pk)[0].action == Action.CONTACTS_EXPORTED
