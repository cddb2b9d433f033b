"""Nothing that cannot be undone is done by one click: a part of the page has to be opened. Browsers do
that by itself, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple

import pytest
from django.urls import Resolver404, resolve

from console.urls import urlpatterns
from contacts import imports, templates
from contacts.models import Contact, ContactGroup, Import
from licenses import tokens
from members import services as members
from members.audit import Actor
from members.models import Role
from messaging.models import Message, OptOut
from messaging.selectors import MessageFilter
from messaging.services import exports, opt_outs, threads
from tests.conftest import Api, Phone, Tenant
from tests.console.conftest import logged_in, person
from tests.console.test_access import READ
from tests.delivery import accept
from webhooks import endpoints

pytestmark = pytest.mark.django_db

# Which forms do what nobody can take back; where a form has several buttons, by which of them.
DESTROY: dict[str, tuple[str, str] | None] = {
    "cancel": None, "resolve_many": None, "export_delete": None, "opt_out_take_back": None,
    "contacts_chosen": ("action", "delete"), "contact_delete": None, "contact_merge": None,
    "group_merge": None, "group_delete": None,
    "import_stop": None, "import_undo": None, "import_delete": None, "phone_unpair": None,
    "key_replace": None, "api_keys_replace": None, "credential_replace": None, "hook_revoke": None,
    "license_switch": ("is_active", "0"), "webhook_secret": ("rotate", "1"), "webhook_delete": None,
    "withdraw": None, "member_remove": None, "person_erase": None, "template_delete": None,
}  # fmt: skip
# The others: what they do is made undone as easily, is what the page is for, or is its own question
# (what became of an uncertain message?).
PLAIN = {
    "send", "resolve", "opt_out_add", "contact_add", "group_add", "group_rename", "import_read",
    "import_check", "import_start", "phone_rename", "phone_pause", "alerts", "phone_alerts", "pair",
    "key_scopes", "webhook_change", "key_make", "hook_make", "subscribe", "webhook_test",
    "webhook_switch", "webhook_replay",
    "person_export", "settings", "first_steps_put_away", "invite", "member_role", "reset_link",
    "appearance", "switch", "join", "reset",
    "template_new", "template",
    "threads", "thread", "thread_begin", "thread_change",
}  # fmt: skip


class Button(NamedTuple):
    route: str
    names: tuple[str, str]
    is_asked_about: bool
    is_red: bool


class Buttons(HTMLParser):
    """The buttons of a page: to where each posts, and whether something is opened before."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path, self.route, self.opened = path, "", 0
        self.found: list[Button] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "details":
            self.opened += 1
        elif tag == "form":
            is_post = given.get("method") == "post"
            self.route = route_of(given.get("action") or self.path) if is_post else ""
        elif tag == "button" and self.route:
            names = (given.get("name", ""), given.get("value", ""))
            is_red = "danger" in given.get("class", "")
            self.found.append(Button(self.route, names, self.opened > 0, is_red))

    def handle_endtag(self, tag: str) -> None:
        self.opened -= tag == "details"
        if tag == "form":
            self.route = ""


def route_of(path: str) -> str:
    try:
        return str(resolve(path.partition("?")[0]).url_name)
    except Resolver404:
        return ""


@pytest.fixture
def paths(api: Api, tenant: Tenant, phone: Phone) -> list[str]:
    """Pages with a row of everything."""
    account, actor = tenant.account, Actor(None)
    for number in range(2):
        accept(api, tenant, external_id=f"id-{number}")
        ContactGroup.objects.create(account=account, name=f"Group {number}")
        Contact.objects.create(account=account, name="Jan", phone=f"+4860000000{number}")
    waiting, doubtful = Message.objects.order_by("pk")
    Message.objects.filter(pk=doubtful.pk).update(status="uncertain")
    opt_outs.opt_out(account.pk, "+48601000001", OptOut.Source.API)
    endpoint, _ = endpoints.subscribe(
        tenant.sender, "https://example.org/", name="n8n", event_types=[], only_license=False
    )
    tokens.new_hook(tenant.license)
    members.invite(account.pk, "Jan", Role.VIEWER, actor)
    exports.ask(account.pk, MessageFilter())
    thread = threads.opened(account.pk, "+48601000002")
    template = templates.save(account.pk, None, by="x", name="x", text="x")
    files = [imports.upload(account.pk, "PL", b"601000003", name="x", by="x") for _ in range(3)]
    for one, state in zip(
        files, (Import.State.READY, Import.State.RUNNING, Import.State.DONE), strict=True
    ):
        Import.objects.filter(pk=one.pk).update(state=state, ended_at=one.made_at)
    return [
        "", "messages/?state=uncertain", f"messages/{waiting.pk}/", f"messages/{doubtful.pk}/",
        "messages/exports/", "send/", "opt-outs/", "phones/", "contacts/",
        f"contacts/{Contact.objects.latest('pk').pk}/", "contacts/groups/", "contacts/imports/",
        *(f"contacts/imports/{one.pk}/" for one in files),
        "keys/", "webhooks/", f"webhooks/{endpoint.pk}/", "settings/", "team/", "person/",
        "conversations/", f"conversations/{thread.pk}/",
        "templates/", "templates/new/", f"templates/{template.pk}/",
    ]  # fmt: skip


@pytest.fixture
def buttons(paths: list[str], tenant: Tenant) -> list[Button]:
    owner = logged_in(person("olga", tenant))

    def of_pages() -> Iterator[Button]:
        for path in paths:
            if path == "person/":  # a number has no place in an address
                number = {"phone": Contact.objects.latest("pk").phone}
                answer = owner.post(f"/console/{path}", number)
            else:
                answer = owner.get(f"/console/{path}")
            assert answer.status_code == 200, path
            yield from Buttons(f"/console/{path}", answer.content.decode()).found

    return list(of_pages())


def destroys(button: Button) -> bool:
    return button.route in DESTROY and DESTROY[button.route] in {None, button.names}


def test_every_form_is_known_to_destroy_or_not() -> None:
    posted = {str(one.name) for one in urlpatterns} - (
        READ
        - {
            "send",
            "settings",
            "appearance",
            "template_new",
            "template",
            "threads",
            "thread",
        }
    )
    assert posted == DESTROY.keys() | PLAIN


def test_what_cannot_be_undone_is_asked_about_first(buttons: list[Button]) -> None:
    destroying = [one for one in buttons if destroys(one)]
    assert {one.route for one in destroying} == DESTROY.keys()
    assert [one for one in destroying if not one.is_asked_about] == []


def test_a_red_button_is_never_the_first_one_that_is_shown(buttons: list[Button]) -> None:
    red = [one for one in buttons if one.is_red]
    assert len(red) > 10
    assert [one for one in red if not one.is_asked_about] == []
    assert [one for one in red if not destroys(one)] == []
