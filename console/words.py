"""Words of the console for the codes of states, refusals and actions. Codes are for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts import people
from contacts.models import Import
from contacts.spreadsheets import Unreadable
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses.scopes import Scope
from members.audit import Action
from members.models import Role
from messaging.phone import InvalidPhone
from messaging.states import MessageState

Words = str | Promise


class Label(NamedTuple):
    """A state as a badge: `tone` is a class of console.css."""

    words: Words
    tone: str


STATES: dict[str, Label] = {
    MessageState.SCHEDULED: Label(_("scheduled"), "calm"),
    MessageState.PENDING: Label(_("waiting for a phone"), "calm"),
    MessageState.LEASED: Label(_("on a phone"), "busy"),
    MessageState.SENDING: Label(_("being sent"), "busy"),
    MessageState.UNCERTAIN: Label(_("uncertain"), "doubt"),
    MessageState.SENT: Label(pgettext_lazy("state", "sent"), "good"),
    MessageState.DELIVERED: Label(_("delivered"), "good"),
    MessageState.UNDELIVERED: Label(_("not delivered"), "bad"),
    MessageState.FAILED: Label(_("failed"), "bad"),
    MessageState.EXPIRED: Label(_("too late"), "bad"),
    MessageState.CANCELLED: Label(_("cancelled"), "calm"),
}
OPTED_OUT = Label(_("opted out"), "calm")

ROLES: dict[str, Words] = {
    Role.VIEWER: _("viewer"),
    Role.OPERATOR: _("operator"),
    Role.OWNER: _("owner"),
}

ACTIONS: dict[str, Words] = {
    Action.LOGGED_IN: _("logged in"),
    Action.SECOND_FACTOR_FAILED: _("gave a wrong code as second factor"),
    Action.SECOND_FACTOR_ADDED: _("set up a second factor"),
    Action.SECOND_FACTOR_REMOVED: _("removed a second factor"),
    Action.PASSWORD_CHANGED: _("changed their password"),
    Action.NAME_CHANGED: _("changed how they are called"),
    Action.VISITED: _("looked in, as administrator of the installation"),
    Action.OPERATED: _("posted a form, as administrator of the installation"),
    Action.MEMBER_INVITED: _("invited somebody"),
    Action.INVITATION_WITHDRAWN: _("took an invitation back"),
    Action.MEMBER_JOINED: _("joined"),
    Action.MEMBER_CHANGED: _("changed a role"),
    Action.MEMBER_REMOVED: _("removed a member"),
    Action.RESET_LINK_MADE: _("made a link for a member's new password"),
    Action.PASSWORD_RESET: _("chose a new password, by a link"),
    Action.MESSAGE_SENT: _("sent a message"),
    Action.MESSAGE_CANCELLED: _("cancelled a message"),
    Action.MESSAGE_RESOLVED: _("decided about an uncertain message"),
    Action.MESSAGES_EXPORTED: _("exported messages"),
    Action.EXPORT_FETCHED: _("fetched an export"),
    Action.EXPORT_DELETED: _("deleted an export"),
    Action.TRAIL_EXPORTED: _("fetched the audit trail"),
    Action.CONTACT_CHANGED: _("added or changed a contact"),
    Action.CONTACTS_DELETED: _("deleted contacts"),
    Action.CONTACTS_EXPORTED: _("exported contacts"),
    Action.IMPORT_STARTED: _("imported a file"),
    Action.IMPORT_STOPPED: _("stopped an import"),
    Action.IMPORT_DELETED: _("deleted a file before its import"),
    Action.REFUSED_FETCHED: _("fetched the refused rows of an import"),
    Action.IMPORT_UNDONE: _("took an import back"),
    Action.GROUP_CHANGED: _("made or changed a group"),
    Action.GROUP_DELETED: _("deleted a group"),
    Action.THREAD_CHANGED: _("marked, put away or assigned a conversation"),
    Action.TEMPLATE_CHANGED: _("made or changed a template"),
    Action.TEMPLATE_DELETED: _("deleted a template"),
    Action.PERSON_EXPORTED: _("fetched what there is of a person"),
    Action.PERSON_ERASED: _("erased what there was of a person"),
    Action.OPT_OUT_ADDED: _("added an opt-out"),
    Action.OPT_OUT_REMOVED: _("took an opt-out back"),
    Action.PAIRING_CODE_MADE: _("made a pairing code"),
    Action.PHONE_CHANGED: _("changed a phone"),
    Action.ALERTS_CHANGED: _("changed who is mailed about phones"),
    Action.PHONE_UNPAIRED: _("unpaired a phone"),
    Action.KEY_MADE: _("made a key"),
    Action.KEY_CHANGED: _("changed what a key may do"),
    Action.KEY_REPLACED: _("replaced a key"),
    Action.KEY_REVOKED: _("revoked a key"),
    Action.LICENSE_SWITCHED: _("switched a licence on or off"),
    Action.WEBHOOK_MADE: _("made a webhook"),
    Action.WEBHOOK_CHANGED: _("changed a webhook"),
    Action.WEBHOOK_DELETED: _("deleted a webhook"),
    Action.WEBHOOK_TESTED: _("sent a test to a webhook"),
    Action.WEBHOOK_REPLAYED: _("sent events to a webhook again"),
    Action.SECRET_SHOWN: _("was shown a webhook's secret"),
    Action.SETTINGS_CHANGED: _("changed the settings"),
}

PAGES: dict[str, Words] = {
    "overview": _("Overview"),
    "send": _("Send"),
    "messages": _("Messages"),
    "message": _("Message"),
    "threads": _("Conversations"),
    "thread": _("Conversation"),
    "contacts": _("Contacts"),
    "contact": _("Contact"),
    "groups": _("Groups"),
    "imports": _("Imports"),
    "import": _("Import"),
    "templates": _("Templates"),
    "template": _("Template"),
    "template_new": _("New template"),
    "opt_outs": _("Opt-outs"),
    "phones": _("Phones"),
    "keys": _("Keys"),
    "webhooks": _("Webhooks"),
    "first_steps": _("First steps"),
    "settings": _("Settings"),
    "person": _("A person's data"),
    "team": _("Team"),
    "audit": _("Audit trail"),
    "appearance": _("Profile"),
}


SCOPES: dict[str, Words] = {
    Scope.SEND: _("send messages"),
    Scope.READ: _("see what became of them"),
    Scope.INBOX: _("read received SMS"),
    Scope.CONTACTS: _("contacts, groups and templates, and opt somebody out"),
    Scope.MANAGE: _("cancel, decide about a doubtful message, take an opt-out back, webhooks"),
}

IMPORT_STATES: dict[str, Label] = {
    Import.State.READY: Label(_("read"), "calm"),
    Import.State.CHECKING: Label(_("being checked"), "busy"),
    Import.State.CHECKED: Label(_("checked"), "calm"),
    Import.State.RUNNING: Label(_("running"), "busy"),
    Import.State.DONE: Label(_("done"), "good"),
    Import.State.STOPPED: Label(_("stopped"), "doubt"),
    Import.State.FAILED: Label(_("failed"), "bad"),
    Import.State.UNDONE: Label(_("taken back"), "calm"),
}

COLUMNS: dict[str, Words] = {
    people.IGNORED: _("leave out"),
    people.PHONE: _("number"),
    people.NAME: _("name"),
    people.FIRST_NAME: _("first name"),
    people.LAST_NAME: _("last name"),
    people.GROUPS: _("groups, separated by ;"),
}

DELIMITERS: dict[str, Words] = {
    ";": _("semicolon"), ",": _("comma"), "\t": _("tab"), "|": _("vertical bar"),
}  # fmt: skip

KNOWN: dict[str, Words] = {
    Import.Known.KEEP: _("keep their name, add what is missing"),
    Import.Known.OVERWRITE: _("take name and fields from the file"),
    Import.Known.SKIP: _("leave them as they are"),
}

# What an erasure has erased, in the order in which it is shown.
ERASED: dict[str, Words] = {
    "messages": _("messages"),
    "received": _("received SMS"),
    "threads": _("conversations"),
    "contacts": _("contacts"),
    "refused_rows": _("refused rows of imports"),
    "files": _("files that were to be imported"),
    "exports": _("files of messages"),
    "events": _("events"),
    "answers": _("answers kept for repeated requests"),
    "alert_links": _("alert links"),
}

# In the order in which they are shown.
_COUNTS: dict[str, Words] = {
    "new": _("new"),
    "known": _("known already"),
    "changed": _("changed"),
    "unchanged": _("unchanged"),
    "opted_out": _("want no messages: saved, and sent nothing"),
    people.Reason.DOUBLE: _("refused: the same number twice"),
    people.Reason.MISSING: _("refused: no number"),
    people.Reason.ROUNDED: _("refused: cut short by the spreadsheet"),
    people.Reason.INVALID: _("refused: no phone number"),
    people.Reason.TOO_LONG: _("refused: too long"),
    people.Reason.TOO_MANY_FIELDS: _("refused: too many fields"),
    "several": _("with several numbers, of which the first is taken"),
    "foreign": _("to be looked at: another country's number"),
    "landline": _("to be looked at: a landline"),
    "unknown_range": _("to be looked at: in no range that is known"),
    "undone": _("deleted again"),
}


def import_counts(counts: Mapping[str, int]) -> list[tuple[Words, int]]:
    return [(said, counts[name]) for name, said in _COUNTS.items() if counts.get(name)]


def row_problem(reason: str, sentence: str, other_row: int | None = None) -> str:
    """Return why a row is refused, in the language of the page."""
    if reason == people.Reason.INVALID:
        return invalid_phone(InvalidPhone(sentence))
    if other_row is not None:
        return gettext("row %(row)s has the same number") % {"row": other_row}
    return gettext(sentence)


def unreadable(error: Unreadable) -> str:
    """Return what is wrong with a file, in the language of the page."""
    return gettext(error.words) % error.values


_REFUSALS: dict[ErrorCode, Words] = {
    ErrorCode.OPTED_OUT: _("This person wants no messages any more."),
    ErrorCode.DAILY_LIMIT_EXCEEDED: _("Today's limit is used up."),
    ErrorCode.LICENSE_INACTIVE: _("This licence is switched off."),
    ErrorCode.LICENSE_NOT_FOUND: _("This account has no licence to send with."),
    ErrorCode.SUBSCRIPTION_EXPIRED: _("The subscription of this account has ended."),
    ErrorCode.DUPLICATE_EXTERNAL_ID: _(
        "This form has sent another message before. Send again to send this one, too."
    ),
    ErrorCode.CONFLICT: _("It is too late for that: look at its state."),
    ErrorCode.TOO_MANY_REQUESTS: _("That is too much for one day: try again tomorrow."),
    ErrorCode.UNAVAILABLE: _("The server has too much to do; try again in a few seconds."),
}


def invalid_phone(error: InvalidPhone) -> str:
    """Return what is wrong with a number, in the language of the page."""
    return "; ".join(gettext(part) for part in (error.words, error.hint) if part)


def address_problem(error: ApiError) -> Words:
    """Return what is wrong with an address to be called, in the language of the page."""
    problems: list[str] = error.errors.get("url", [])
    return " ".join(map(gettext, problems)) or refusal(error)


def refusal(error: ApiError) -> Words:
    """Return the sentence for what a service refused; its own, in English, where there is no other."""
    return _REFUSALS.get(error.code, error.message)
