"""A portal's contacts become those of its account."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from bitrix24 import importing, portals
from bitrix24.models import ContactChange, ContactImport, Portal, StatusPush
from contacts.models import Contact
from http_api import clock
from licenses.models import License
from tests.bitrix24.conftest import install, posted, tell_all
from tests.bitrix24.fake_portal import (
    APPLICATION_TOKEN,
    MEMBER_ID,
    WEBHOOK,
    FakePortal,
    contact,
    error,
)
from tests.conftest import Api, ManualClock, Tenant, refused


@pytest.fixture(autouse=True)
def _clock(manual_clock: ManualClock) -> None: ...


def many(number: int) -> list[dict[str, Any]]:
    return [contact(n, f"+48600100{n:03}", NAME=f"Ola {n}") for n in range(1, number + 1)]


def import_all(portal: Portal) -> ContactImport:
    importing.start(portal)
    while tell_all():
        pass
    return ContactImport.objects.latest("pk")


def counts(made: ContactImport) -> tuple[int, int, int]:
    assert made.ended_at is not None
    return made.created_count, made.updated_count, made.refused_count


def test_contacts_are_imported_into_a_group_with_the_first_number_that_is_one(
    fake: FakePortal, portal: Portal, tenant: Tenant
) -> None:
    Contact.objects.create(account_id=tenant.keys.account_id, phone="+48600100205", name="Before")
    fake.contacts = [
        contact(1, "600 100 201", LAST_NAME="Kowalska"),
        contact(2, "12", "+7 (999) 123-45-67", NAME="Иван"),
        contact(3, ("WORK", "600100202"), ("MOBILE", "600100203"), NAME="", LAST_NAME="Nowak"),
        contact(4, "600100204", NAME="", LAST_NAME=""),
        contact(5, "600100205", NAME="After"),
        contact(6, "12", "abc"),
        contact(7),
    ]
    made = import_all(portal)
    found = Contact.objects.filter(groups__name="Bitrix24").order_by("phone")
    assert list(found.values_list("name", "phone", "account_id")) == [
        (name, phone, tenant.keys.account_id)
        for name, phone in (
            ("Ola Kowalska", "+48600100201"), ("Nowak", "+48600100203"),
            ("+48600100204", "+48600100204"), ("After", "+48600100205"), ("Иван", "+79991234567"),
        )
    ]  # fmt: skip
    assert (counts(made), made.error) == ((4, 1, 2), "")
    [(first, why), (second, none)] = made.refused
    assert (first, second, none) == (6, 7, "phone: there is no number")
    assert why.startswith("phone: ")


def test_an_import_that_is_made_again_doubles_nothing(fake: FakePortal, portal: Portal) -> None:
    fake.contacts = many(3)
    assert counts(import_all(portal)) == (3, 0, 0)
    assert counts(import_all(portal)) == (0, 3, 0)
    assert Contact.objects.count() == 3


def test_one_is_under_way_at_a_time(portal: Portal) -> None:
    assert [importing.start(portal), importing.start(portal)] == [True, False]


def test_many_come_some_pages_at_each_look(fake: FakePortal, portal: Portal) -> None:
    fake.contacts = many(450)
    importing.start(portal)
    fake.calls.clear()
    assert [tell_all(), tell_all(), tell_all()] == [8, 1, 0]
    assert fake.calls == ["crm.contact.list"] * 10
    assert counts(ContactImport.objects.get()) == (450, 0, 0)


def test_what_was_imported_before_a_portal_is_too_busy_is_not_asked_for_again(
    fake: FakePortal, portal: Portal, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.contacts = many(60)
    monkeypatch.setattr(importing, "PAGES", 1)
    importing.start(portal)
    assert tell_all() == 1
    fake.next_answers = [error(503, "QUERY_LIMIT_EXCEEDED")]
    assert [tell_all(), tell_all()] == [0, 0]
    assert Portal.objects.get().last_error == "QUERY_LIMIT_EXCEEDED"
    manual_clock.advance(seconds=6)
    assert [tell_all(), tell_all()] == [1, 0]
    made = ContactImport.objects.get()
    assert (counts(made), made.last_id) == ((60, 0, 0), 60)


def test_a_crash_between_two_pages_loses_none_and_repeats_none(
    fake: FakePortal, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.contacts = many(60)
    importing.start(portal)
    save = ContactImport.save

    def die(made: ContactImport, **_: Any) -> None:
        save(made)
        if made.last_id == 60:
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(ContactImport, "save", die)
        with pytest.raises(KeyboardInterrupt):
            tell_all()
    assert (ContactImport.objects.get().last_id, Contact.objects.count()) == (50, 50)
    while tell_all():
        pass
    assert counts(ContactImport.objects.get()) == (60, 0, 0)


def test_without_the_permission_only_the_import_ends(fake: FakePortal, portal: Portal) -> None:
    fake.has_crm = False
    made = import_all(portal)
    assert (counts(made), made.error) == ((0, 0, 0), "insufficient_scope")
    assert Portal.objects.get().state == "active"


def test_a_licence_that_is_switched_off_imports_nothing(fake: FakePortal, portal: Portal) -> None:
    fake.contacts = many(1)
    License.objects.filter(pk=portal.license_id).update(is_active=False)
    assert import_all(portal).error != ""
    assert not Contact.objects.exists()


@pytest.mark.parametrize("page", [{"a": 1}, "x", [{"NAME": "no id"}], [1]])
def test_what_is_no_list_of_contacts_is_an_error_of_the_portal(
    fake: FakePortal, portal: Portal, page: Any
) -> None:
    importing.start(portal)
    fake.next_answers = [(200, {"result": page})]
    assert tell_all() == 0
    assert Portal.objects.get().last_error == "the contacts could not be read"


def test_statuses_come_before_contacts(fake: FakePortal, portal: Portal) -> None:
    fake.contacts = many(1)
    now = clock.now()
    StatusPush.objects.create(portal=portal, remote_id="m1", created_at=now, next_at=now)
    importing.start(portal)
    fake.calls.clear()
    tell_all()
    assert fake.calls == ["batch", "crm.contact.list", "crm.contact.list"]


def test_an_import_ends_with_its_app(fake: FakePortal, portal: Portal) -> None:
    importing.start(portal)
    portals.uninstall(portal)
    assert ContactImport.objects.get().ended_at is not None


# --- by an incoming webhook, without an app -----------------------------------------------------


def by_webhook(monkeypatch: pytest.MonkeyPatch, license_id: int, typed: str) -> Any:
    out = io.StringIO()
    monkeypatch.setattr(importing, "_PAUSE", 0)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    call_command("import_contacts", str(license_id), "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("end", ["", "/"])
def test_an_incoming_webhook_brings_all_contacts_without_an_app(
    fake: FakePortal, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    fake.contacts = [*many(60), contact(61, "12")]
    url = f"{fake.url}{WEBHOOK}".rstrip("/") + end
    made = by_webhook(monkeypatch, tenant.keys.license_id, url)
    assert (made["created"], made["updated"], made["left_out"][0]["id"]) == (60, 0, 61)
    assert fake.calls == ["crm.contact.list"] * 3
    assert len(people()) == 60
    assert by_webhook(monkeypatch, tenant.keys.license_id, url)["updated"] == 60


def test_what_is_wrong_with_an_incoming_webhook_is_said_without_it(
    fake: FakePortal, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed, words in (
        ("https://portal.example.com/", "is a URL like"),
        (f"{fake.url}/rest/1/wrong/", "the portal: INVALID_CREDENTIALS"),
        (f"https://127.0.0.1:1{WEBHOOK}", "the portal: the connection was refused"),
    ):
        with pytest.raises(CommandError, match=words) as caught:
            by_webhook(monkeypatch, tenant.keys.license_id, typed)
        assert "rest/1/wrong" not in str(caught.value)
    fake.has_crm = False
    with pytest.raises(CommandError, match="insufficient_scope"):
        by_webhook(monkeypatch, tenant.keys.license_id, f"{fake.url}{WEBHOOK}")
    License.objects.update(is_active=False)
    with pytest.raises(CommandError, match="licence is not active"):
        by_webhook(monkeypatch, tenant.keys.license_id, f"{fake.url}{WEBHOOK}")


# --- what the portal says is new or changed ------------------------------------------------------


def tell(
    api: Api, token: str, contact_id: object, event: str = "ONCRMCONTACTUPDATE", **auth: str
) -> Any:
    form = {"event": event, "event_handler_id": "12", "data[FIELDS][ID]": str(contact_id)}
    proof = {"application_token": APPLICATION_TOKEN, "member_id": MEMBER_ID} | auth
    return posted(api, token, "events", form | {f"auth[{k}]": value for k, value in proof.items()})


def people() -> list[tuple[str, str]]:
    found = Contact.objects.filter(groups__name="Bitrix24").order_by("phone")
    return list(found.values_list("name", "phone"))


@pytest.mark.parametrize("event", ["ONCRMCONTACTADD", "ONCRMCONTACTUPDATE", "onCrmContactUpdate"])
def test_a_contact_that_is_new_or_changed_is_imported(
    api: Api, fake: FakePortal, portal: Portal, token: str, event: str
) -> None:
    fake.contacts = many(2)
    import_all(portal)
    fake.contacts[1]["NAME"] = "Ewa"
    fake.contacts += [contact(3, "12", "600100003"), contact(4, "12")]
    fake.calls.clear()
    for contact_id in (2, 3, 2, 4, 99):
        assert tell(api, token, contact_id, event).status_code == 200
    assert tell_all() == 1
    assert fake.calls == ["crm.contact.list"]
    assert people() == [
        ("Ola 1", "+48600100001"), ("Ewa", "+48600100002"), ("Ola", "+48600100003"),
    ]  # fmt: skip
    assert tell_all() == 0


def test_nothing_follows_before_the_first_import(
    api: Api, fake: FakePortal, portal: Portal, token: str
) -> None:
    fake.contacts = many(1)
    assert tell(api, token, 1).status_code == 200
    assert tell_all() == 0
    assert people() == []


@pytest.mark.parametrize(("contact_id", "status"), [("x", 400), ("0", 400), ("", 400), (1, 200)])
def test_an_event_that_names_no_contact_is_refused(
    api: Api, portal: Portal, token: str, contact_id: object, status: int
) -> None:
    import_all(portal)
    assert tell(api, token, contact_id).status_code == status


def test_only_the_portal_can_say_what_has_changed(api: Api, portal: Portal, token: str) -> None:
    import_all(portal)
    refused(tell(api, token, 1, application_token="x"), 403, "forbidden")
    assert not ContactChange.objects.exists()


def test_more_than_a_page_of_changes_comes_at_several_looks(
    api: Api, fake: FakePortal, portal: Portal, token: str
) -> None:
    import_all(portal)
    fake.contacts = many(60)
    for number in range(1, 61):
        tell(api, token, number)
    assert [tell_all(), tell_all(), tell_all()] == [1, 1, 0]
    assert len(people()) == 60


def test_what_changes_while_it_is_read_is_read_again(
    api: Api, fake: FakePortal, portal: Portal, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_all(portal)
    fake.contacts = many(1)
    tell(api, token, 1)
    save = importing._save_rows

    def meanwhile(*values: Any) -> Any:
        fake.contacts[0]["NAME"] = "Ewa"
        tell(api, token, 1)
        return save(*values)

    with monkeypatch.context() as context:
        context.setattr(importing, "_save_rows", meanwhile)
        assert tell_all() == 1
    assert [tell_all(), tell_all()] == [1, 0]
    assert people() == [("Ewa", "+48600100001")]


def test_changes_wait_while_the_portal_is_too_busy(
    api: Api, fake: FakePortal, portal: Portal, token: str, manual_clock: ManualClock
) -> None:
    import_all(portal)
    fake.contacts = many(1)
    tell(api, token, 1)
    fake.next_answers = [error(503, "QUERY_LIMIT_EXCEEDED")]
    assert tell_all() == 0
    manual_clock.advance(seconds=6)
    assert tell_all() == 1
    assert people() == [("Ola 1", "+48600100001")]


def test_changes_that_cannot_be_imported_do_not_pile_up(
    api: Api, fake: FakePortal, portal: Portal, token: str
) -> None:
    import_all(portal)
    fake.contacts, fake.has_crm = many(1), False
    tell(api, token, 1)
    assert tell_all() == 1
    assert Portal.objects.get().state == "active", "its SMS go on"
    fake.has_crm = True
    License.objects.filter(pk=portal.license_id).update(is_active=False)
    ContactChange.objects.create(portal=portal, contact_id=1)
    tell_all()
    Portal.objects.update(state=Portal.State.BROKEN)
    License.objects.filter(pk=portal.license_id).update(is_active=True)
    tell(api, token, 1)
    assert people() == []
    assert not ContactChange.objects.exists()


def test_without_the_permission_for_contacts_it_is_installed_all_the_same(
    api: Api, fake: FakePortal, token: str
) -> None:
    fake.has_crm = False
    install(api, fake, token)
    assert Portal.objects.get().state == "incomplete"
    assert [event for event, _ in fake.events] == ["ONAPPUNINSTALL"]


def test_the_admin_begins_an_import_and_shows_what_was_left_out(
    admin_client: Any, fake: FakePortal, portal: Portal
) -> None:
    fake.contacts = [contact(17, "12"), contact(18, "600100200")]
    form = {"action": "import_contacts", "_selected_action": [str(portal.pk)]}
    response = admin_client.post("/admin/bitrix24/portal/", form, follow=True)
    assert "1 begun" in response.content.decode()
    tell_all()
    page = f"/admin/bitrix24/contactimport/{ContactImport.objects.get().pk}/change/"
    shown = admin_client.get(page).content.decode()
    assert f'href="{fake.url}/crm/contact/details/17/">17</a> phone: ' in shown
    assert "details/18/" not in shown
