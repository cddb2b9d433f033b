"""What people are mailed: invitations and links for a new password, over a real mail server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from members import audit, services
from members.audit import Action, Actor
from members.models import AlertRule, Invitation, Mail, Member, Role
from members.selectors import addresses_of_owners
from messaging.tasks import send_mail
from tests.conftest import Phone, Tenant
from tests.console.conftest import PASSWORD, logged_in, person
from tests.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "staple battery horse"
ANNA = "anna@example.org"


@pytest.fixture(autouse=True)
def _nothing_was_asked_before() -> None:
    cache.clear()


def text(response: Any) -> str:
    return str(response.content.decode())


def invited(owner: Client, **form: str) -> Any:
    return owner.post("/console/team/invite/", {"name": "Anna", "role": "operator", **form})


def follow(client: Client, link: str) -> Any:
    """Open a link as the pages' script does: what stands behind # is posted."""
    address, _, token = link.partition("#")
    return client.post(re.sub(r"^https?://[^/]+", "", address), {"token": token}, follow=True)


def choose(link: str, password: str = NEW) -> Any:
    """Follow a link for a new password, and choose one."""
    client = Client()
    form = follow(client, link)
    if not form.redirect_chain:
        return form
    twice = {"password1": password, "password2": password}
    return client.post(form.redirect_chain[-1][0], twice, follow=True)


def can_log_in(name: str, password: str) -> bool:
    response = Client().post("/account/login/", {"login": name, "password": password})
    return response.status_code == 302


def test_an_invitation_is_mailed_and_its_link_lets_in(
    owner: Client, mails: MailServer, tenant: Tenant
) -> None:
    shown = text(invited(owner, email=ANNA))
    assert f"It is mailed to {ANNA}" in shown
    send_mail()
    [mail] = mails.to(ANNA)
    assert mail["Subject"] == "An invitation to Alice"
    assert "olga invites you to the SMS account Alice as operator." in mail.get_content()
    link = mails.link()
    assert link in shown
    client = Client()
    assert f'value="{ANNA}"' in text(follow(client, link))
    form = {"token": link.partition("#")[2], "accept": "1", "username": "anna", "password": NEW,
            "email": ANNA}  # fmt: skip
    assert client.post("/console/join/", form).status_code == 302
    assert Member.objects.get(user__username="anna").role == Role.OPERATOR
    assert Invitation.objects.get().email == ""
    assert "Open the link that was mailed to you" in text(client.get("/console/"))


def test_an_address_that_was_given_when_joining_is_mailed_nothing_before_its_link_is_opened(
    mails: MailServer, tenant: Tenant
) -> None:
    made = services.invite(tenant.account.pk, "Anna", Role.OWNER, Actor(None))
    form = {"token": made.token, "accept": "1", "username": "anna", "password": NEW, "email": ANNA}
    client = Client()
    assert client.post("/console/join/", form).status_code == 302
    send_mail()
    [mail] = mails.to(ANNA)
    assert mail["Subject"] == "Is this your e-mail address?"
    link = mails.link()
    # Not by what allauth takes from somebody who has no other address, either.
    client.post("/account/login/", {"login": "anna", "password": NEW})
    client.post("/account/email/", {"email": ANNA, "action_primary": ""})
    Client().post("/account/password/reset/", {"email": ANNA})
    assert addresses_of_owners(tenant.account.pk) == []
    send_mail()
    assert len(mails.mails) == 1
    client.post(re.sub(r"^http://127\.0\.0\.1:8000", "", link))
    assert addresses_of_owners(tenant.account.pk) == [ANNA]
    Client().post("/account/password/reset/", {"email": ANNA})
    send_mail()
    assert "log-in anna" in mails.mails[-1].get_content()
    assert User.objects.get(username="anna").email == ANNA


def test_a_polish_owner_invites_in_polish(owner: Client, mails: MailServer) -> None:
    owner.cookies["django_language"] = "pl"
    invited(owner, email=ANNA)
    send_mail()
    [mail] = mails.mails
    assert mail["Subject"] == "Zaproszenie do Alice"
    assert "Twoja rola: operator" in mail.get_content()


def test_what_is_no_address_is_not_mailed_to(owner: Client, mails: MailServer) -> None:
    assert invited(owner, email="anna@").status_code == 302
    assert not Invitation.objects.exists()


def test_an_account_mails_few_strangers_a_day(
    owner: Client, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("members.services.INVITATIONS_A_DAY", 1)
    assert invited(owner, email=ANNA).status_code == 200
    Invitation.objects.all().delete()
    assert invited(owner, email=ANNA).status_code == 302
    assert Mail.objects.count() == 1


def test_without_a_mail_server_nothing_is_promised(owner: Client) -> None:
    assert "Ask an owner" in text(Client().get("/account/login/"))
    assert "Ask an owner" in text(Client().get("/account/password/reset/"))
    assert 'name="email"' not in text(owner.get("/console/team/"))


def test_who_forgot_a_password_gets_a_new_one_by_mail(mails: MailServer, tenant: Tenant) -> None:
    person("anna", tenant, email=ANNA)
    assert "I forgot my password" in text(Client().get("/account/login/"))
    answers = {
        text(Client().post("/account/password/reset/", {"email": address}, follow=True))
        for address in (ANNA, "nobody@example.org")
    }
    assert len(answers) == 1
    send_mail()
    assert [mail["To"] for mail in mails.mails] == [ANNA]
    assert "log-in anna" in mails.mails[0].get_content()
    link = mails.link()
    assert link.startswith("http://127.0.0.1:8000/console/reset/#"), (
        "not by the Host of the request"
    )
    assert "Your password is changed" in text(choose(link))
    assert can_log_in("anna", NEW)
    assert not can_log_in("anna", PASSWORD)
    assert "Your password is changed" not in text(choose(link, PASSWORD)), "it is good once"
    assert Action.PASSWORD_RESET in [entry.action for entry in audit.entries(tenant.account.pk)]


def test_many_links_for_one_address_are_refused(mails: MailServer, tenant: Tenant) -> None:
    person("anna", tenant, email=ANNA)
    statuses = [
        Client().post("/account/password/reset/", {"email": ANNA}).status_code for _ in range(6)
    ]
    assert statuses == [302] * 5 + [429]


@pytest.mark.parametrize("key", ["", "x", "1-x", "é-x", "1/../x"])
def test_a_link_of_no_use_is_told_so(key: str) -> None:
    response = follow(Client(), f"http://x/console/reset/#{key}")
    assert response.status_code in {200, 404}
    assert 'name="password1"' not in text(response)


def test_an_owner_makes_a_link_for_a_member_of_this_account_alone(
    owner: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    anna, ewa = person("anna", tenant, Role.VIEWER), person("ewa", tenant, Role.VIEWER)
    root = person("root", tenant, is_staff=True)
    Member.objects.create(account=other_tenant.account, user=ewa, role=Role.VIEWER)
    own = Member.objects.get(user__username="olga")
    page = text(owner.get("/console/team/"))
    assert page.count("/new-password/") == 1
    for member in (*Member.objects.filter(user__in=[ewa, root]), own):
        response = owner.post(f"/console/team/{member.pk}/new-password/")
        assert response.status_code == 404
    member = Member.objects.get(user=anna)
    shown = text(owner.post(f"/console/team/{member.pk}/new-password/"))
    [link] = re.findall(r"http://127\.0\.0\.1:8000/console/reset/#[\w-]+", shown)
    Invitation.objects.all().delete()
    assert "Your password is changed" in text(choose(link))
    assert can_log_in("anna", NEW)
    actions = [entry.action for entry in audit.entries(tenant.account.pk)]
    assert Action.RESET_LINK_MADE in actions


def test_an_owners_link_is_void_once_the_member_joins_another_account(
    owner: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    anna = person("anna", tenant, Role.VIEWER)
    client = logged_in(anna)
    User.objects.filter(pk=anna.pk).update(last_login="2026-01-01T00:00Z")  # it counts in seconds
    member = Member.objects.get(user=anna)
    shown = text(owner.post(f"/console/team/{member.pk}/new-password/"))
    [link] = re.findall(r"http://127\.0\.0\.1:8000/console/reset/#[\w-]+", shown)
    bob = logged_in(person("bob", other_tenant))
    token = re.findall(r"/console/join/#([\w-]+)", text(invited(bob)))[0]
    assert client.post("/console/join/", {"token": token, "accept": "1"}).status_code == 302
    assert "Your password is changed" not in text(choose(link))
    assert not can_log_in("anna", NEW)


def test_an_address_changes_once_it_is_confirmed(mails: MailServer, tenant: Tenant) -> None:
    anna = person("anna", tenant, email=ANNA)
    client = logged_in(anna)
    client.post("/account/login/", {"login": "anna", "password": PASSWORD})
    response = client.post("/account/email/", {"email": "new@example.org", "action_add": ""})
    assert response.status_code == 302
    send_mail()
    anna.refresh_from_db()
    assert anna.email == ANNA
    [mail] = mails.to("new@example.org")
    assert "The log-in anna gave this" in mail.get_content()
    client.post(re.sub(r"^http://127\.0\.0\.1:8000", "", mails.link()))
    anna.refresh_from_db()
    assert anna.email == "new@example.org"


def test_an_owner_chooses_who_is_mailed_about_all_phones_and_about_one(
    owner: Client, tenant: Tenant, phone: Phone, mails: MailServer
) -> None:
    anna = person("anna", tenant, Role.VIEWER, email=ANNA)
    member = Member.objects.get(user=anna)
    assert text(owner.get("/console/phones/")).count("no confirmed e-mail yet") == 2  # olga, twice
    owner.post("/console/phones/alerts/", {"members": [member.pk], "minutes": "30"})
    own = f"/console/phones/{phone.device.pk}/alerts/"
    assert "As for all phones. Saved here" in text(owner.get("/console/phones/"))
    owner.post(own, {"members": [], "minutes": ""})
    page = text(owner.get("/console/phones/"))
    assert "a rule of its own" in page
    assert page.count(f'value="{member.pk}" checked') == 1
    owner.post(own, {"members": [member.pk], "minutes": "99999"})
    rule = AlertRule.objects.get(device=phone.device)
    assert audit.entries(tenant.account.pk)[0].details["minutes"] == rule.minutes == 10_080
    owner.post(own, {"as_all": "1"})
    assert text(owner.get("/console/phones/")).count(f'value="{member.pk}" checked') == 2
    changes = audit.entries(tenant.account.pk).filter(action=Action.ALERTS_CHANGED)
    assert [entry.object_id for entry in changes] == [*[phone.device.pk] * 3, None]
    assert changes.reverse()[0].details == {"members": [member.pk], "minutes": 30}


def test_without_a_mail_server_a_phones_page_offers_no_alerts(owner: Client, phone: Phone) -> None:
    page = text(owner.get("/console/phones/"))
    assert "has no mail server" in page
    assert "/alerts/" not in page


def test_the_sessions_name_the_address_that_a_proxy_saw(tenant: Tenant, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    person("anna", tenant)
    client = Client(headers={"X-Forwarded-For": "2001:db8::7"})
    client.post("/account/login/", {"login": "anna", "password": PASSWORD})
    assert "2001:db8::7" in text(client.get("/account/sessions/"))
