"""The OpenAPI 3.1 documents: of what programs call, and of what phones call. Bodies and answers come
from the very types that validate and answer; this page adds the words. Tests hold it to the routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, NotRequired

from django.conf import settings
from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from companion_api import requests as companion
from companion_api import responses as companion_answers
from contacts import requests as contacts
from contacts import responses as contact_answers
from contacts.imports import ImportEnded
from dialects.hooks import AlertAnswer, HookAnswer
from http_api.error_codes import ErrorCode
from http_api.pagination import Page
from http_api.shapes import Shape, names_of
from licenses.responses import DeviceRead
from licenses.views import MeAnswer
from messaging import requests as messages
from messaging import responses as message_answers
from messaging.fields import ExternalId, Phone, Text, Time
from outbox.types import WORDS as EVENT_WORDS
from outbox.types import EventType
from privacy import requests as persons
from privacy import responses as person_answers
from smsgate.pages import examples
from smsgate.pages.json_schemas import Types, used
from webhooks import requests as webhooks
from webhooks import responses as webhook_answers
from webhooks.bodies import EventBody, LimitReached, WebhookTested


class Error(TypedDict):
    """Every refusal, on every route."""

    message: str  # one sentence a person can act on
    code: ErrorCode  # stable, for programs
    errors: dict[str, Any]  # by field; of a bulk by index, then field
    incident: NotRequired[str]  # of a 500: what to look for in the server's log


class Ready(TypedDict):
    ready: bool


EventStream = TypeAliasType("EventStream", str)  # text/event-stream
HookOrAlert = TypeAliasType("HookOrAlert", HookAnswer | AlertAnswer)


class HookCall(Shape):
    """Fields of a call of a hook link, by our names."""

    message: Text
    phone: Annotated[
        Phone | None, Field(description="Of an alert link: leave it out. Else required.")
    ] = None
    external_id: ExternalId | None = None
    send_after: Annotated[Time | None, Field(description="Not of an alert link.")] = None


class StreamQuery(Shape):
    """Query of `GET /api/events/stream/`."""

    after: webhooks.After = None
    type: webhooks.Types = []


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route."""

    id: str
    tag: str
    summary: str
    answers: Mapping[int, Any]  # status → type of the body; None: no body
    refusals: Sequence[int] = ()  # beside those that `_refusals` adds
    body: Any = None
    description: str = ""
    example: Mapping[str, Any] | None = None
    query: Any = None  # a shape whose fields are query parameters
    security: str = "licenseKey"
    has_idempotency_key: bool = False
    media: str = "application/json"  # of its answers
    takes_a_file: bool = False  # in a multipart form


_MESSAGES, _CONTACTS, _GROUPS, _TEMPLATES, _ACCOUNT, _PERSONS, _EVENTS, _CALLS, _HOOKS, _PHONE = (
    "Messages", "Contacts", "Contact groups", "Templates", "Account", "Persons", "Events",
    "Webhook calls", "Hook links", "Phones",
)  # fmt: skip

_TAGS = {
    _MESSAGES: "Send SMS, and see what became of them. Key: `license__key` in the body, or a header.",
    _CONTACTS: "People, known by phone number. Keys: `key` and `api_key` in the body, or headers.",
    _GROUPS: "Named lists of contacts. Keys as for contacts.",
    _TEMPLATES: "Texts with variables, strictly rendered. Keys as for contacts.",
    _ACCOUNT: "What is left of the daily limit, your phones, the inbox, opt-outs. Key in a header.",
    _PERSONS: "All that is kept of one person, and its erasure. Both keys, in headers.",
    _EVENTS: "What happened: as webhooks to your URL, or as a feed to ask. See docs/webhooks.md.",
    _CALLS: "What smsgate posts to your URL. See docs/webhooks.md.",
    _HOOKS: "URLs that send, for programs that have nothing but a URL field. See docs/hooks.md.",
    _PHONE: "What phones call; programs do not need it. See docs/protocol.md.",
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/api/messages/"): Operation(
        "sendMessage", _MESSAGES, "Send one SMS",
        {201: message_answers.Accepted}, (400, 403, 404, 429), messages.SingleMessage,
        "Queues one SMS; a phone sends it. Outside the account's sending hours it waits for the"
        " next opening, which the answer then names as `send_after`.",
        examples.MESSAGE, has_idempotency_key=True,
    ),
    ("get", "/api/messages/"): Operation(
        "listMessages", _MESSAGES, "List messages", {200: message_answers.MessagePage},
        (400, 403, 404, 429), query=messages.MessageQuery,
        description="Newest first. `status=pending` also finds what is scheduled.",
    ),
    ("post", "/api/messages/bulk/"): Operation(
        "sendMessages", _MESSAGES, "Send up to 1,000 SMS",
        {201: message_answers.BatchAnswer}, (400, 403, 404, 429), messages.BulkMessages,
        "Items that cannot be accepted are skipped with a `reason`. With `all_or_nothing` any of them"
        " refuses the whole batch.",
        examples.MESSAGES_BULK, has_idempotency_key=True,
    ),
    ("post", "/api/messages/preview/"): Operation(
        "previewMessage", _MESSAGES, "Say what a send would do, and send nothing",
        {200: message_answers.MessagePreview}, (400, 403, 404, 429), messages.SingleMessage,
        "The body of a send. Says how it is read, how many parts it has and why, when it would go out"
        " at the earliest, and whether it would be refused. What cannot be read is the same 400.",
        examples.MESSAGE,
    ),
    ("get", "/api/messages/{message_id}/"): Operation(
        "getMessage", _MESSAGES, "One message with its timeline",
        {200: message_answers.MessageWithTimeline}, (400, 403, 404, 429),
        description="With each change of its state, oldest first, for as long as they are kept.",
    ),
    ("delete", "/api/messages/{message_id}/"): Operation(
        "cancelMessage", _MESSAGES, "Cancel a message",
        {200: message_answers.MessageRead, 202: message_answers.MessageRead},
        (400, 403, 404, 409, 429),
        description="200: cancelled; or `uncertain`, where an earlier attempt may have sent it. 202: a"
        " phone holds it and is asked to give it back. 409: too late.", has_idempotency_key=True,
    ),
    ("post", "/api/messages/{message_id}/resolve/"): Operation(
        "resolveMessage", _MESSAGES, "Decide about an uncertain message",
        {200: message_answers.MessageRead}, (400, 403, 404, 409, 429), messages.Resolve,
        "`sent`: it was sent. `again`: send it again, perhaps a second time. `given_up`: it failed.",
        {"as": "sent"}, has_idempotency_key=True,
    ),
    ("post", "/api/contacts/contacts/"): Operation(
        "saveContact", _CONTACTS, "Save one contact, and send it an SMS",
        {200: contact_answers.ContactAnswer, 201: contact_answers.ContactAnswer},
        (400, 401, 403, 429), contacts.SingleContact,
        "Creates (201) or updates (200) the contact with this phone. `{name}` in the message is"
        " replaced by the contact's name; a message needs a `send_after`.",
        examples.CONTACT, security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/contacts/contacts/bulk/"): Operation(
        "saveContacts", _CONTACTS, "Save up to 500 contacts",
        {201: contact_answers.ContactsAnswer}, (400, 401, 403, 429),
        contacts.BulkContacts, "As if one after the other. `all_or_nothing` has no effect yet.",
        examples.CONTACTS_BULK, security="keyPair", has_idempotency_key=True,
    ),
    ("get", "/api/contacts/contacts/"): Operation(
        "listContacts", _CONTACTS, "List contacts", {200: contact_answers.ContactPage},
        (400, 401, 403, 429), query=contacts.ContactQuery, security="keyPair",
        description="Newest first. With `search` a page looks at 10,000 contacts: go on until `next`"
        " is null.",
    ),
    ("get", "/api/contacts/contacts/{contact_id}/"): Operation(
        "getContact", _CONTACTS, "One contact", {200: contact_answers.ContactRead},
        (400, 401, 403, 404, 429), security="keyPair",
        description="With the groups that it is in, and whether it has opted out.",
    ),
    ("patch", "/api/contacts/contacts/{contact_id}/"): Operation(
        "changeContact", _CONTACTS, "Change a contact", {200: contact_answers.ContactRead},
        (400, 401, 403, 404, 409, 429), contacts.ChangedContact,
        "What is absent stays. `group_ids` are all groups that it is in afterwards. 409: another"
        " contact has the number.",
        examples.CHANGED_CONTACT, security="keyPair", has_idempotency_key=True,
    ),
    ("delete", "/api/contacts/contacts/{contact_id}/"): Operation(
        "deleteContact", _CONTACTS, "Delete a contact", {204: None}, (400, 401, 403, 404, 429),
        description="The number's opt-out stays, and so do its messages, also those that wait.",
        security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/contacts/contacts/delete/"): Operation(
        "deleteContacts", _CONTACTS, "Delete up to 500 contacts",
        {200: contact_answers.ContactsDeleted}, (400, 401, 403, 429), contacts.ChosenContacts,
        "As one. Ids that are none of yours are passed over.",
        examples.CHOSEN_CONTACTS, security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/contacts/contacts/{contact_id}/merge/"): Operation(
        "mergeContacts", _CONTACTS, "Make one contact of several",
        {200: contact_answers.ContactRead}, (400, 401, 403, 404, 429), contacts.MergedContacts,
        "It keeps its number, is in the others' groups, and gets what it lacks of their name, fields and"
        " consent; the others are deleted.",
        examples.CHOSEN_CONTACTS, security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/contacts/groups/{group_id}/merge/"): Operation(
        "mergeGroups", _GROUPS, "Make one group of several", {200: contact_answers.GroupRead},
        (400, 401, 403, 404, 409, 429), contacts.MergedContacts, example=examples.CHOSEN_CONTACTS,
        security="keyPair", has_idempotency_key=True,
        description="The others' contacts come into it, and the others are deleted. 409: an alert link"
        " sends to one of them.",
    ),
    ("post", "/api/contacts/imports/"): Operation(
        "importContacts", _CONTACTS, "Import a file of contacts",
        {201: contact_answers.ImportRead}, (400, 401, 403, 409, 429, 503), contacts.NewImport,
        "The worker brings it in, 500 rows at a time; ask for it again to see how far it is. People are"
        " known by their numbers: the same file again changes nothing. What is not said of its encoding,"
        " delimiter and columns is guessed. With `kind` `opt_outs` its numbers get no more messages.",
        examples.IMPORT, security="keyPair", has_idempotency_key=True,
        takes_a_file=True,
    ),
    ("get", "/api/contacts/imports/"): Operation(
        "listImports", _CONTACTS, "List imports", {200: contact_answers.ImportPage},
        (400, 401, 403, 429), query=Page, security="keyPair", description="Newest first.",
    ),
    ("get", "/api/contacts/imports/{import_id}/"): Operation(
        "getImport", _CONTACTS, "One import, and how far it is",
        {200: contact_answers.ImportRead}, (400, 401, 403, 404, 429), security="keyPair",
        description="`counts` grow while it is checked or runs.",
    ),
    ("patch", "/api/contacts/imports/{import_id}/"): Operation(
        "changeImport", _CONTACTS, "Read a file otherwise, and check it anew",
        {200: contact_answers.ImportRead}, (400, 401, 403, 404, 409, 429, 503),
        contacts.ChangedImport, example=examples.CHANGED_IMPORT, security="keyPair",
        has_idempotency_key=True,
        description="Before it is started. Read otherwise, its columns are guessed anew.",
    ),
    ("delete", "/api/contacts/imports/{import_id}/"): Operation(
        "deleteImport", _CONTACTS, "Delete a file that was not imported", {204: None},
        (400, 401, 403, 404, 409, 429), security="keyPair", has_idempotency_key=True,
        description="Otherwise it goes after seven days.",
    ),
    ("post", "/api/contacts/imports/{import_id}/start/"): Operation(
        "startImport", _CONTACTS, "Bring in what was checked", {200: contact_answers.ImportRead},
        (400, 401, 403, 404, 409, 429), contacts.StartedImport, example=examples.STARTED_IMPORT,
        security="keyPair", has_idempotency_key=True,
        description="Contacts need `consent`.",
    ),
    ("post", "/api/contacts/imports/{import_id}/stop/"): Operation(
        "stopImport", _CONTACTS, "Stop an import", {200: contact_answers.ImportRead},
        (400, 401, 403, 404, 409, 429), security="keyPair", has_idempotency_key=True,
        description="What is in stays.",
    ),
    ("post", "/api/contacts/imports/{import_id}/undo/"): Operation(
        "undoImport", _CONTACTS, "Take an import back", {200: contact_answers.ImportUndone},
        (400, 401, 403, 404, 409, 429), security="keyPair", has_idempotency_key=True,
        description="Within 24 hours of its end: deletes the contacts that it made and that nobody has"
        " changed or put into another group since.",
    ),
    ("get", "/api/contacts/imports/{import_id}/problems/"): Operation(
        "listImportProblems", _CONTACTS, "Rows that were refused",
        {200: contact_answers.ImportProblemPage}, (400, 401, 403, 404, 429),
        query=contacts.ProblemQuery, security="keyPair",
        description="In their order, each with its cells; kept for seven days after the end.",
    ),
    ("post", "/api/contacts/groups/"): Operation(
        "createGroup", _GROUPS, "Create a group", {201: contact_answers.GroupAnswer},
        (400, 401, 429), contacts.SingleGroup,
        "Always a new one, also where the name exists; the bulk route finds existing ones.",
        examples.GROUP, security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/contacts/groups/bulk/"): Operation(
        "ensureGroups", _GROUPS, "Create up to 200 groups where they are missing",
        {201: contact_answers.GroupsAnswer}, (400, 401, 429), contacts.BulkGroups,
        example=examples.GROUPS_BULK, security="keyPair", has_idempotency_key=True,
        description="Names match exactly; `status` says which ones existed.",
    ),
    ("get", "/api/contacts/groups/"): Operation(
        "listGroups", _GROUPS, "List groups", {200: contact_answers.GroupPage},
        (400, 401, 403, 429), query=contacts.GroupQuery, security="keyPair",
        description="Newest first.",
    ),
    ("get", "/api/contacts/groups/{group_id}/"): Operation(
        "getGroup", _GROUPS, "One group", {200: contact_answers.GroupRead},
        (400, 401, 403, 404, 429), security="keyPair",
        description="Who is in it: `/api/contacts/contacts/?group=ID`.",
    ),
    ("patch", "/api/contacts/groups/{group_id}/"): Operation(
        "renameGroup", _GROUPS, "Rename a group", {200: contact_answers.GroupRead},
        (400, 401, 403, 404, 429), contacts.ChangedGroup, example=examples.CHANGED_GROUP,
        security="keyPair", has_idempotency_key=True,
        description="Its contacts stay in it.",
    ),
    ("delete", "/api/contacts/groups/{group_id}/"): Operation(
        "deleteGroup", _GROUPS, "Delete a group", {204: None}, (400, 401, 403, 404, 429),
        description="The contacts in it stay. 409: an alert link sends to it.",
        security="keyPair", has_idempotency_key=True,
    ),
    ("post", "/api/templates/"): Operation(
        "createTemplate", _TEMPLATES, "Make a template", {201: contact_answers.TemplateRead},
        (400, 401, 403, 409, 429), contacts.NewTemplate, "409: another has the name.",
        examples.TEMPLATE, security="keyPair", has_idempotency_key=True,
    ),
    ("get", "/api/templates/"): Operation(
        "listTemplates", _TEMPLATES, "List templates", {200: contact_answers.TemplatePage},
        (400, 401, 403, 429), query=Page, security="keyPair", description="Newest first.",
    ),
    ("get", "/api/templates/{template_id}/"): Operation(
        "getTemplate", _TEMPLATES, "One template", {200: contact_answers.TemplateRead},
        (400, 401, 403, 404, 429), security="keyPair",
        description="`variables` are what a recipient must have.",
    ),
    ("patch", "/api/templates/{template_id}/"): Operation(
        "changeTemplate", _TEMPLATES, "Change a template", {200: contact_answers.TemplateRead},
        (400, 401, 403, 404, 409, 429), contacts.ChangedTemplate,
        example=examples.CHANGED_TEMPLATE, security="keyPair", has_idempotency_key=True,
        description="What is absent stays. 409: another has the name.",
    ),
    ("delete", "/api/templates/{template_id}/"): Operation(
        "deleteTemplate", _TEMPLATES, "Delete a template", {204: None},
        (400, 401, 403, 404, 429), security="keyPair", has_idempotency_key=True,
        description="What was sent by it stays.",
    ),
    ("post", "/api/templates/{template_id}/render/"): Operation(
        "renderTemplate", _TEMPLATES, "Put somebody's values into a template",
        {200: contact_answers.RenderedText}, (400, 401, 403, 404, 429), contacts.RenderedFor,
        "Answers the text to be sent, and sends nothing. 400, `variables`: one has no value, or a"
        " value is given for what is no variable of it.",
        examples.RENDERED_FOR, security="keyPair",
    ),
    ("get", "/api/me/"): Operation(
        "getMe", _ACCOUNT, "Who am I: the call to test a key with", {200: MeAnswer},
        (400, 401, 403, 429),
        description="What is left of the daily limit, and whether the phones are alive.",
    ),
    ("get", "/api/inbox/"): Operation(
        "listInbox", _ACCOUNT, "SMS your phones received", {200: message_answers.InboxPage},
        (400, 401, 403, 429), query=messages.InboxQuery,
        description="Newest first; with `after` only what came since you asked last.",
    ),
    ("get", "/api/threads/"): Operation(
        "listThreads", _ACCOUNT, "Conversations", {200: message_answers.ThreadPage},
        (400, 401, 403, 429), query=messages.ThreadQuery,
        description="By who was last heard, or written to by a person. A program's messages begin"
        " none.",
    ),
    ("get", "/api/threads/{thread_id}/"): Operation(
        "getThread", _ACCOUNT, "One conversation", {200: message_answers.ThreadRead},
        (400, 401, 403, 404, 429), description="What was said is a route of its own.",
    ),
    ("patch", "/api/threads/{thread_id}/"): Operation(
        "changeThread", _ACCOUNT, "Mark, put away or assign a conversation",
        {200: message_answers.ThreadRead}, (400, 401, 403, 404, 429), messages.ChangedThread,
        example={"unread": False, "assignee": "olga"}, has_idempotency_key=True,
        description="What is absent stays. Who writes again brings it back, unread.",
    ),
    ("get", "/api/threads/{thread_id}/messages/"): Operation(
        "listThreadMessages", _ACCOUNT, "What was said", {200: message_answers.TalkPage},
        (400, 401, 403, 404, 429), query=messages.TalkQuery,
        description="Both ways, newest first. Needs the scope `read`, too. Answer by"
        " `POST /api/messages/`.",
    ),
    ("get", "/api/opt-outs/"): Operation(
        "listOptOuts", _ACCOUNT, "Recipients who want nothing more",
        {200: message_answers.OptOutPage}, (400, 401, 403, 429), query=Page,
        description="Newest first.",
    ),
    ("post", "/api/opt-outs/"): Operation(
        "addOptOut", _ACCOUNT, "Send nothing more to a number",
        {200: message_answers.OptOutRead, 201: message_answers.OptOutRead},
        (400, 401, 403, 429), messages.NewOptOut, "What waits for it is cancelled.",
        {"phone": "+48123456789"}, has_idempotency_key=True,
    ),
    ("delete", "/api/opt-outs/{phone}/"): Operation(
        "removeOptOut", _ACCOUNT, "Take an opt-out back", {204: None}, (400, 401, 403, 404, 429),
        has_idempotency_key=True,
        description="From then on messages to the number are accepted again.",
    ),
    ("post", "/api/persons/"): Operation(
        "exportPerson", _PERSONS, "All that is kept of a person", {200: person_answers.PersonRead},
        (400, 401, 403, 429), persons.OfPerson, "By number, in each of its spellings.",
        {"phone": "+48123456789"}, security="keyPair",
    ),
    ("post", "/api/erasures/"): Operation(
        "erasePerson", _PERSONS, "Erase a person", {202: person_answers.ErasureRead},
        (400, 401, 403, 429), persons.OfPerson,
        "What waits for them is cancelled at once; the worker does the rest, within two minutes. What"
        " a phone has is erased when its end is known. An opt-out stays.",
        {"phone": "+48123456789"}, security="keyPair", has_idempotency_key=True,
    ),
    ("get", "/api/erasures/"): Operation(
        "listErasures", _PERSONS, "List erasures", {200: person_answers.ErasurePage},
        (400, 401, 403, 429), query=Page, security="keyPair",
        description="Newest first, for 91 days. No number is kept.",
    ),
    ("get", "/api/erasures/{erasure_id}/"): Operation(
        "getErasure", _PERSONS, "One erasure, and how far it is", {200: person_answers.ErasureRead},
        (400, 401, 403, 404, 429), security="keyPair",
        description="`counts` are of rows that were erased.",
    ),
    ("get", "/api/webhooks/"): Operation(
        "listWebhooks", _EVENTS, "Who is told", {200: webhook_answers.EndpointPage},
        (400, 401, 403, 429), query=Page,
        description="Newest first, without their secrets.",
    ),
    ("post", "/api/webhooks/"): Operation(
        "createWebhook", _EVENTS, "Let a URL be told of events",
        {200: webhook_answers.EndpointWithSecret, 201: webhook_answers.EndpointWithSecret},
        (400, 401, 403, 409, 429), webhooks.NewEndpoint,
        "The same URL again is the same webhook (200): what it is told is set anew, and it is switched"
        " on.",
        examples.WEBHOOK, has_idempotency_key=True,
    ),
    ("get", "/api/webhooks/{endpoint_id}/"): Operation(
        "getWebhook", _EVENTS, "One webhook, with its secret",
        {200: webhook_answers.EndpointWithSecret}, (400, 401, 403, 404, 429),
        description="The secret signs each delivery, as Standard Webhooks says.",
    ),
    ("patch", "/api/webhooks/{endpoint_id}/"): Operation(
        "changeWebhook", _EVENTS, "Change it, or switch it off and on",
        {200: webhook_answers.EndpointRead}, (400, 401, 403, 404, 409, 429),
        webhooks.ChangedEndpoint, example={"enabled": True}, has_idempotency_key=True,
        description="What is absent stays. 409: another webhook has the URL.",
    ),
    ("delete", "/api/webhooks/{endpoint_id}/"): Operation(
        "deleteWebhook", _EVENTS, "Tell it nothing more", {204: None}, (400, 401, 403, 404, 429),
        has_idempotency_key=True,
        description="What waits for it is dropped.",
    ),
    ("post", "/api/webhooks/{endpoint_id}/test/"): Operation(
        "testWebhook", _EVENTS, "Send it a `webhook.test`",
        {202: webhook_answers.EndpointRead}, (400, 401, 403, 404, 409, 429),
        description="What came of it is in its deliveries.", has_idempotency_key=True,
    ),
    ("post", "/api/webhooks/{endpoint_id}/rotate/"): Operation(
        "rotateWebhookSecret", _EVENTS, "Replace its secret",
        {200: webhook_answers.EndpointWithSecret}, (400, 401, 403, 404, 429),
        description="For 24 hours the former one signs too.", has_idempotency_key=True,
    ),
    ("get", "/api/webhooks/{endpoint_id}/deliveries/"): Operation(
        "listDeliveries", _EVENTS, "What it was told, and how each try went",
        {200: webhook_answers.DeliveryPage}, (400, 401, 403, 404, 429),
        query=webhooks.DeliveryQuery,
        description="Newest first.",
    ),
    ("post", "/api/webhooks/{endpoint_id}/deliveries/replay/"): Operation(
        "replayDeliveries", _EVENTS, "Tell again what was given up",
        {202: webhook_answers.Replayed}, (400, 401, 403, 404, 409, 429), webhooks.Replay,
        "Of events since a time, oldest first, at most 10,000 at once.",
        {"since": "2026-04-10T09:00:00Z"}, has_idempotency_key=True,
    ),
    ("post", "/api/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay/"): Operation(
        "replayDelivery", _EVENTS, "Tell one event again",
        {202: webhook_answers.DeliveryRead}, (400, 401, 403, 404, 409, 429),
        has_idempotency_key=True,
        description="With the same `webhook-id`, so that who has seen it can drop it.",
    ),
    ("get", "/api/events/"): Operation(
        "listEvents", _EVENTS, "What happened since you asked last",
        {200: webhook_answers.EventPage}, (400, 401, 403, 410, 429), query=webhooks.EventQuery,
        description="Oldest first; ask again with the `after` of the answer. Events are kept from the"
        " first call on, for 30 days; 410: some that came after `after` are older, and gone.",
    ),
    ("get", "/api/events/stream/"): Operation(
        "streamEvents", _EVENTS, "The feed as server-sent events", {200: EventStream},
        (400, 401, 403, 410, 429), query=StreamQuery, media="text/event-stream",
        description="Each event's `id` is its number, to come back with by `Last-Event-ID`; `event` is"
        " its type, `data` the JSON of the feed. 410: as there.",
    ),
    ("get", "/hooks/{token}/"): Operation(
        "callHook", _HOOKS, "Send by a URL alone", {200: HookOrAlert, 201: HookOrAlert},
        (400, 403, 404, 409, 429), query=HookCall, security="",
        description="A hook link sends to `phone`; an alert link has its recipients inside. The same"
        " `external_id` again sends nothing (200).",
    ),
    ("post", "/hooks/{token}/"): Operation(
        "postHook", _HOOKS, "Send by a URL and a body", {200: HookOrAlert, 201: HookOrAlert},
        (400, 403, 404, 409, 429), HookCall,
        "As by GET; a form is read, too, and so are the names that other programs give to a number and"
        " a text.",
        examples.HOOK, security="",
    ),
    ("post", "/companion/pair/"): Operation(
        "pairPhone", _PHONE, "Redeem a pairing code", {201: companion_answers.PairedAnswer},
        (400, 429), companion.PairPhone, example=examples.PAIR, security="",
        description="Good once, for ten minutes. The answer's token is the key of the other calls.",
    ),
    ("post", "/companion/sync/"): Operation(
        "syncPhone", _PHONE, "Report, then take the next messages",
        {200: companion_answers.SyncedAnswer}, (400, 401, 429), companion.Sync, example=examples.SYNC,
        security="deviceToken",
        description="Events are acknowledged by their ids; messages are leased to the phone.",
    ),
    ("get", "/companion/wait/"): Operation(
        "waitForMessages", _PHONE, "Wait until there is something to take",
        {200: Ready, 204: None}, (401,), security="deviceToken",
        description="Answers at once where there is, else 204 after 55 seconds.",
    ),
}  # fmt: skip

# What `data` of an event is, by the noun of its type.
_DATA: dict[str, Any] = {
    "message": message_answers.MessageRead,
    "sms": message_answers.InboundRead,
    "opt_out": message_answers.OptOutRead,
    "device": DeviceRead,
    "limit": LimitReached,
    "contacts": ImportEnded,
    "webhook": WebhookTested,
}

# By status: the name of its component, what it means, and the code of its example.
_EVENTS_TOLD = tuple(EventType)
_SIGNED = {
    "webhook-id": "The same at each try.",
    "webhook-timestamp": "Of this try, in seconds since 1970.",
    "webhook-signature": "`v1,` and the signature in base64; after a rotation two of them.",
}

_REFUSALS: dict[int, tuple[str, str, ErrorCode]] = {
    400: (
        "BadRequest", "Something in the request is wrong; `errors` says what.", ErrorCode.INVALID,
    ),
    401: ("Unauthorized", "The key is not valid.", ErrorCode.INVALID_KEY),
    403: (
        "Forbidden",
        "The licence is inactive, the key lacks a scope, or the daily limit would be exceeded; nothing"
        " was accepted.",
        ErrorCode.DAILY_LIMIT_EXCEEDED,
    ),
    404: ("NotFound", "There is no such licence key, or no such thing.", ErrorCode.NOT_FOUND),
    408: ("RequestTimeout", "The body did not arrive in time.", ErrorCode.TIMEOUT),
    409: (
        "Conflict",
        "Not possible in this state, or the first request with this Idempotency-Key still runs:"
        " `Retry-After` then says when to try again.",
        ErrorCode.REQUEST_IN_PROGRESS,
    ),
    410: (
        "Gone", "Some of what was asked for is deleted: go on with `after=0`, the oldest that is kept.",
        ErrorCode.EVENTS_DELETED,
    ),
    413: ("ContentTooLarge", "The body is too large.", ErrorCode.TOO_LARGE),
    422: (
        "IdempotencyKeyReused", "This Idempotency-Key was used with another request.",
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
    ),
    429: (
        "TooManyRequests", "Too many requests; `Retry-After` says when to try again.",
        ErrorCode.TOO_MANY_REQUESTS,
    ),
    500: (
        "ServerError", "A fault of the server; `incident` is in its log.", ErrorCode.SERVER_ERROR,
    ),
    503: (
        "Unavailable", "The server cannot answer at the moment; repeat the request.",
        ErrorCode.UNAVAILABLE,
    ),
}  # fmt: skip

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The request's number in the server's log, where it got that far.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this is the answer to an earlier request with the same"
        " Idempotency-Key. Else absent.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}},
}  # fmt: skip
_RETRIED = frozenset({409, 429, 503})

_SECURITY: dict[str, dict[str, Any]] = {
    "licenseKey": {
        "type": "http", "scheme": "bearer",
        "description": "The licence key. `X-License-Key: KEY` and `license__key` in the body"
        " do the same.",
    },
    "apiKey": {
        "type": "apiKey", "in": "header", "name": "X-Api-Key",
        "description": "The api_key; `api_key` in the body does the same.",
    },
    "deviceToken": {
        "type": "http", "scheme": "bearer", "description": "The token that pairing gave the phone.",
    },
}  # fmt: skip

_REQUIREMENTS: dict[str, list[dict[str, list[str]]]] = {
    # `{}`: the keys may stand in the body instead
    "licenseKey": [{}, {"licenseKey": []}],
    "keyPair": [{}, {"licenseKey": [], "apiKey": []}],
    "deviceToken": [{"deviceToken": []}],
    "": [],
}

_ID = {"type": "integer", "format": "int64"}
_PATH_PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "message_id": ("The message's `id`.", _ID),
    "import_id": ("The import's `id`.", _ID),
    "contact_id": ("The contact's `id`.", _ID),
    "group_id": ("The group's `id`.", _ID),
    "thread_id": ("The conversation's `id`.", _ID),
    "template_id": ("The template's `id`.", _ID),
    "erasure_id": ("The erasure's `id`.", _ID),
    "endpoint_id": ("The webhook's `id`.", _ID),
    "delivery_id": ("The delivery's `id`.", _ID),
    "phone": ("In E.164, like `+48123456789`.", {"type": "string"}),
    "token": ("The link's.", {"type": "string"}),
}


@cache
def document() -> dict[str, Any]:
    """Return the document of what programs call, and of what webhooks are told."""
    operations = {at: one for at, one in OPERATIONS.items() if one.tag != _PHONE}
    return _document(
        "smsgate", "The phones you already own, as an SMS API.", operations, _EVENTS_TOLD
    )


@cache
def companion_document() -> dict[str, Any]:
    """Return the document of what phones call."""
    operations = {at: one for at, one in OPERATIONS.items() if one.tag == _PHONE}
    return _document("smsgate for phones", "How phones fetch what they send.", operations, ())


def _document(
    title: str,
    description: str,
    operations: Mapping[tuple[str, str], Operation],
    told: Sequence[EventType],
) -> dict[str, Any]:
    types = _types(operations.values(), [EventBody, *_DATA.values()] if told else [])
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in operations.items():
        paths.setdefault(path, {})[method] = _operation(path, operation, types)
    tags = {operation.tag for operation in operations.values()} | ({_CALLS} if told else set())
    keys = {
        key for one in operations.values() for each in _REQUIREMENTS[one.security] for key in each
    }
    components = {
        "schemas": types.components,
        "responses": {name: _refusal(status) for status, (name, _, _) in _REFUSALS.items()},
        "headers": _HEADERS,
    }
    webhooks = {event.value: {"post": _webhook(event, types)} for event in told}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": settings.VERSION,
            "description": description,
            "contact": {"name": "Who runs this server", "url": settings.PUBLIC_URL},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.PUBLIC_URL}],
        "tags": [
            {"name": name, "description": words} for name, words in _TAGS.items() if name in tags
        ],
        "paths": paths,
        **({"webhooks": webhooks} if webhooks else {}),
        "components": {
            **used(components, [paths, webhooks]),
            "securitySchemes": {name: scheme for name, scheme in _SECURITY.items() if name in keys},
        },
    }


def _types(operations: Iterable[Operation], others: Sequence[Any]) -> Types:
    requests: list[Any] = []
    answers: list[Any] = [Error, *others]
    for operation in operations:
        requests += filter(None, (operation.body, operation.query))
        answers += filter(None, operation.answers.values())
    return Types.of(requests, answers)


def _webhook(event: EventType, types: Types) -> dict[str, Any]:
    """Return what is posted to a webhook for this type of event."""
    data = types.answer(_DATA[event.partition(".")[0]])
    schema = {
        "allOf": [
            types.answer(EventBody),
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "const": event.value},
                    "data": {"anyOf": [data, {"type": "null"}]},
                },
            },
        ]
    }
    return {
        "operationId": f"on_{event.value.replace('.', '_')}",
        "tags": [_CALLS],  # its own: openapi-generator would put this class over the one that asks
        "summary": EVENT_WORDS[event],
        "description": "Signed as Standard Webhooks says. Answer 2xx within ten seconds.",
        "parameters": [
            {
                "name": name, "in": "header", "required": True, "description": words,
                "schema": {"type": "string"},
            }
            for name, words in _SIGNED.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": examples.event(event)}},
        },
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Send nothing more: the webhook is switched off."},
            "default": {"description": "Tried again for three days."},
        },
        "security": [],
    }  # fmt: skip


def _operation(path: str, operation: Operation, types: Types) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": list(_parameters(path, operation, types)),
        "security": _REQUIREMENTS[operation.security],
        "responses": _responses(operation, types),
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": types.request(operation.body)}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": _media(operation, content)}
    return described


def _media(operation: Operation, content: dict[str, Any]) -> dict[str, Any]:
    media = ["multipart/form-data"] * operation.takes_a_file + ["application/json"]
    return dict.fromkeys(media, content)


def _parameters(path: str, operation: Operation, types: Types) -> Iterator[dict[str, Any]]:
    for name, (words, schema) in _PATH_PARAMETERS.items():
        if f"{{{name}}}" in path:
            yield {
                "name": name, "in": "path", "required": True, "description": words, "schema": schema,
            }  # fmt: skip
    if operation.query is not None:
        required = names_of(operation.query)
        for name, schema in types.fields(operation.query).items():
            yield _in_query(name, schema, is_required=required[name])
    if operation.has_idempotency_key:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same request within 24 hours gets the first answer again.",
            "schema": {"type": "string", "maxLength": 255},
        }


def _in_query(name: str, schema: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    rest = dict(schema)
    described = {"name": name, "in": "query", "required": is_required}
    described["description"] = rest.pop("description")
    if rest.get("type") == "array":
        described["explode"] = False  # separated by commas
    return described | {"schema": rest}


def _responses(operation: Operation, types: Types) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    names = ["X-Request-Id"] + ["Idempotent-Replayed"] * operation.has_idempotency_key
    for status, kind in operation.answers.items():
        words = f"{HTTPStatus(status).phrase}." if kind else "Done; no body."
        responses[str(status)] = {"description": words, "headers": _headers(*names)}
        if kind is not None:
            content = {"schema": types.answer(kind), "example": examples.answer(kind.__name__)}
            responses[str(status)]["content"] = {operation.media: content}
    for status in _refusals(operation):
        responses[str(status)] = {"$ref": f"#/components/responses/{_REFUSALS[status][0]}"}
    return responses


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusal(status: int) -> dict[str, Any]:
    _, words, code = _REFUSALS[status]
    return {
        "description": words,
        "headers": _headers("X-Request-Id", *["Retry-After"] * (status in _RETRIED)),
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": examples.error(code),
            }
        },
    }


def _refusals(operation: Operation) -> list[int]:
    """Return the error statuses of this operation: its own and those common to its kind."""
    found = {*operation.refusals, 500, 503}
    if 429 in found and operation.tag != _PHONE:  # its key may lack a scope
        found.add(403)
    if operation.body is not None:
        found |= {408, 413}
    if operation.has_idempotency_key:
        found |= {409, 422}
    return sorted(found)
