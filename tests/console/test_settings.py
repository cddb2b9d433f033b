"""The account's settings: saved by what was changed, and what that means for messages that wait."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from licenses.models import Account
from members import audit
from members.audit import Action
from messaging.models import Message
from tests.conftest import Api, ManualClock, Tenant
from tests.console.conftest import logged_in, person
from tests.delivery import accept

pytestmark = pytest.mark.django_db

URL = "/console/settings/"


class Fields(HTMLParser):
    """What a browser posts of the page's form where nothing was typed."""

    def __init__(self, page: str, form: str = "") -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._text = name
            self.values[name] = ""
        elif tag == "option" and "selected" in given:
            self.values[self._select] = given.get("value") or ""
        elif tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.values[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.values[self._text] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""


def page_of(client: Client, path: str = URL) -> dict[str, str]:
    return Fields(client.get(path).content.decode()).values


def told(client: Client, form: dict[str, str]) -> str:
    answer = client.post(URL, form, follow=True)
    assert answer.status_code == 200, answer.context["form"].errors
    [message] = answer.context["messages"]
    return str(message)


def test_two_people_who_save_at_once_undo_nothing_of_each_other(
    tenant: Tenant, owner: Client
) -> None:
    other = logged_in(person("ola", tenant))
    first, second = page_of(owner), page_of(other)
    told(owner, first | {"name": "Acme", "needs_second_factor": "", "retention_days": "30"})
    hours = {"sending_hours-0-0-from": "09:00", "sending_hours-0-0-to": "17:00"}
    told(other, second | hours | {"stop_words": "KONIEC"})
    account = tenant.account
    account.refresh_from_db()
    assert (account.name, account.retention_days) == ("Acme", 30)
    assert (account.sending_hours, account.stop_words) == ("Mo 09:00-17:00", "KONIEC")
    entries = audit.entries(account.pk).filter(action=Action.SETTINGS_CHANGED)
    assert [set(one.details) for one in entries] == [
        {"sending_hours", "stop_words"}, {"name", "retention_days"},
    ]  # fmt: skip


def test_two_changes_that_do_not_go_together_are_refused_in_words(
    tenant: Tenant, owner: Client
) -> None:
    stale = page_of(owner)
    Account.objects.filter(pk=tenant.account.pk).update(start_words="HALO")
    answer = owner.post(URL, stale | {"stop_words": "HALO"})
    assert answer.status_code == 400
    assert "halo" in str(answer.context["form"].errors)
    assert audit.entries(tenant.account.pk).filter(action=Action.SETTINGS_CHANGED).count() == 0


def test_what_the_page_showed_may_be_written_over(tenant: Tenant, owner: Client) -> None:
    form = page_of(owner) | {"initial-sending_hours": "never", "initial-retention_days": "x"}
    assert told(owner, form) == "Saved."
    assert not audit.entries(tenant.account.pk).filter(action=Action.SETTINGS_CHANGED).exists()


def test_an_administrator_saves_what_they_changed_alone(tenant: Tenant) -> None:
    root = logged_in(person("root", is_superuser=True, is_staff=True))
    for model, pk in (("account", tenant.account.pk), ("license", tenant.license.pk)):
        path = f"/admin/licenses/{model}/{pk}/change/"
        stale = page_of(root, path)
        type(getattr(tenant, model)).objects.filter(pk=pk).update(is_active=False)
        answer = root.post(path, stale | {"name": "Acme"})
        assert answer.status_code == 302, answer.context["errors"]
        row = getattr(tenant, model)
        row.refresh_from_db()
        assert (row.name, row.is_active) == ("Acme", False)


HOURS = {f"sending_hours-{day}-0-{end}": at for day in range(7)
         for end, at in (("from", "09:00"), ("to", "17:00"))}  # fmt: skip


@pytest.fixture
def noon(manual_clock: ManualClock, tenant: Tenant) -> dt.datetime:
    """Noon of a day in Warsaw."""
    at = timezone.make_aware(dt.datetime(2026, 7, 1, 12), tenant.account.zone)
    manual_clock.now = at
    return at


def waiting(api: Api, tenant: Tenant, number: int, **rules: Any) -> None:
    for one in range(number):
        accept(api, tenant, external_id=f"{len(rules)}-{one}-{Message.objects.count()}", **rules)


@pytest.mark.usefixtures("noon")
def test_hours_that_close_now_say_how_many_messages_move(
    api: Api, tenant: Tenant, owner: Client
) -> None:
    waiting(api, tenant, 2)
    waiting(api, tenant, 1, send_after="2026-07-02T10:00:00+02:00")  # within both
    morning = HOURS | {name: "11:00" for name in HOURS if name.endswith("to")}
    form = page_of(owner)
    assert told(owner, form | morning) == "Saved. 2 waiting messages move to another time."
    # The first who opens them again moves them back.
    assert told(owner, page_of(owner) | HOURS) == "Saved. 2 waiting messages move to another time."
    assert told(owner, page_of(owner) | HOURS) == "Saved."


@pytest.mark.usefixtures("noon")
def test_another_time_zone_says_how_many_messages_move(
    api: Api, tenant: Tenant, other_tenant: Tenant, owner: Client
) -> None:
    tenant.set_rules(sending_hours="09:00-17:00")
    waiting(api, tenant, 1)
    waiting(api, tenant, 1, send_after="2026-07-01T23:00:00+02:00")  # its owner chose the night
    waiting(api, other_tenant, 1)
    said = told(owner, page_of(owner) | {"time_zone": "Asia/Tokyo"})
    assert said == "Saved. 1 waiting message moves to another time."


@pytest.mark.usefixtures("noon")
def test_a_long_queue_is_counted_up_to_a_bound(
    api: Api, tenant: Tenant, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.moved_starts.COUNTED", 2)
    monkeypatch.setattr("console.pages.settings.COUNTED", 2)
    waiting(api, tenant, 3)
    night = {name: "22:00" if name.endswith("from") else "05:00" for name in HOURS}
    said = told(owner, page_of(owner) | night)
    assert said == "Saved. 2+ waiting messages move to another time."
