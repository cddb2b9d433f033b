"""The OpenAPI 3.1 document. Bodies and answers come from the very types that validate and answer;
this page adds the words. A test holds it against the routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NotRequired

from django.conf import settings
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from typing_extensions import TypedDict

from companion_api import requests as companion
from companion_api import responses as companion_answers
from contacts import requests as contacts
from contacts import responses as contact_answers
from http_api.error_codes import ErrorCode
from licenses.responses import DeviceRead
from licenses.views import MeAnswer
from messaging import requests as messages
from messaging import responses as message_answers
from outbox.types import WORDS as EVENT_WORDS
from outbox.types import EventType
from smsgate.pages import examples
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
    pages: bool = False


_MESSAGES, _CONTACTS, _GROUPS, _ACCOUNT, _EVENTS, _PHONE = (
    "Messages", "Contacts", "Contact groups", "Account", "Events", "Phones",
)  # fmt: skip

_TAGS = {
    _MESSAGES: "Send SMS, and see what became of them. Key: `license__key` in the body, or a header.",
    _CONTACTS: "People, known by phone number. Keys: `key` and `api_key` in the body, or headers.",
    _GROUPS: "Named lists of contacts. Keys as for contacts.",
    _ACCOUNT: "What is left of the daily limit, your phones, the inbox, opt-outs. Key in a header.",
    _EVENTS: "What happened: as webhooks to your URL, or as a feed to ask. See docs/webhooks.md.",
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
        (400, 403, 404, 429), query=messages.MessageQuery, pages=True,
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
        (400, 401, 403, 429), query=contacts.ContactQuery, pages=True, security="keyPair",
        description="Newest first. With `search` a page looks at 10,000 contacts: go on until `next`"
        " is null.",
    ),
    ("get", "/api/contacts/contacts/{contact_id}/"): Operation(
        "getContact", _CONTACTS, "One contact", {200: contact_answers.ContactRead},
        (400, 401, 403, 404, 429), security="keyPair",
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
    ),
    ("get", "/api/contacts/groups/"): Operation(
        "listGroups", _GROUPS, "List groups", {200: contact_answers.GroupPage},
        (400, 401, 403, 429), query=contacts.GroupQuery, pages=True, security="keyPair",
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
    ),
    ("delete", "/api/contacts/groups/{group_id}/"): Operation(
        "deleteGroup", _GROUPS, "Delete a group", {204: None}, (400, 401, 403, 404, 429),
        description="The contacts in it stay. 409: an alert link sends to it.",
        security="keyPair", has_idempotency_key=True,
    ),
    ("get", "/api/me/"): Operation(
        "getMe", _ACCOUNT, "Who am I: the call to test a key with", {200: MeAnswer},
        (400, 401, 403, 429),
    ),
    ("get", "/api/inbox/"): Operation(
        "listInbox", _ACCOUNT, "SMS your phones received", {200: message_answers.InboxPage},
        (400, 401, 403, 429), query=messages.InboxQuery, pages=True,
        description="Newest first; with `after` only what came since you asked last.",
    ),
    ("get", "/api/opt-outs/"): Operation(
        "listOptOuts", _ACCOUNT, "Recipients who want nothing more",
        {200: message_answers.OptOutPage}, (400, 401, 403, 429), pages=True,
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
    ),
    ("get", "/api/webhooks/"): Operation(
        "listWebhooks", _EVENTS, "Who is told", {200: webhook_answers.EndpointPage},
        (400, 401, 403, 429), pages=True,
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
    ),
    ("patch", "/api/webhooks/{endpoint_id}/"): Operation(
        "changeWebhook", _EVENTS, "Change it, or switch it off and on",
        {200: webhook_answers.EndpointRead}, (400, 401, 403, 404, 409, 429),
        webhooks.ChangedEndpoint, example={"enabled": True}, has_idempotency_key=True,
    ),
    ("delete", "/api/webhooks/{endpoint_id}/"): Operation(
        "deleteWebhook", _EVENTS, "Tell it nothing more", {204: None}, (400, 401, 403, 404, 429),
        has_idempotency_key=True,
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
        query=webhooks.DeliveryQuery, pages=True,
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
    ),
    ("get", "/api/events/"): Operation(
        "listEvents", _EVENTS, "What happened since you asked last",
        {200: webhook_answers.EventPage}, (400, 401, 403, 429), query=webhooks.EventQuery,
        description="Oldest first; ask again with the `after` of the answer. Events are kept from the"
        " first call on, for 30 days.",
    ),
    ("post", "/companion/pair/"): Operation(
        "pairPhone", _PHONE, "Redeem a pairing code", {201: companion_answers.PairedAnswer},
        (400, 429), companion.Pair, security="",
    ),
    ("post", "/companion/sync/"): Operation(
        "syncPhone", _PHONE, "Report, then take the next messages",
        {200: companion_answers.SyncedAnswer}, (400, 401, 429), companion.Sync,
        security="deviceToken",
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
    "webhook": WebhookTested,
}

_REFUSALS = {
    400: "Something in the request is wrong; `errors` says what.",
    401: "The key is not valid.",
    403: "The licence is inactive, the key lacks a scope, or the daily limit would be exceeded; nothing"
    " was accepted.",
    404: "There is no such licence key, or no such thing.",
    408: "The body did not arrive in time.",
    409: "Not possible in this state, or the first request with this Idempotency-Key still runs.",
    413: "The body is too large.",
    422: "This Idempotency-Key was used with another request.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "A fault of the server; `incident` is in its log.",
    503: "The database does not answer at the moment; repeat the request.",
}

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

_PATH_PARAMETERS = {
    "message_id": {"type": "integer", "description": "The message's `id`."},
    "contact_id": {"type": "integer", "description": "The contact's `id`."},
    "group_id": {"type": "integer", "description": "The group's `id`."},
    "endpoint_id": {"type": "integer", "description": "The webhook's `id`."},
    "delivery_id": {"type": "integer", "description": "The delivery's `id`."},
    "phone": {"type": "string", "description": "In E.164, like `+48123456789`."},
}

_PAGE_PARAMETERS: dict[str, dict[str, Any]] = {
    "cursor": {"type": "integer", "minimum": 0, "description": "From `next`; 0: the beginning."},
    "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
}


@dataclass(slots=True)
class _Types:
    """Every type that a body or an answer has, as JSON Schema with shared components."""

    schemas: dict[tuple[Any, JsonSchemaMode], dict[str, Any]] = field(default_factory=dict)
    components: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, operations: Sequence[Operation], others: Sequence[Any]) -> _Types:
        wanted: dict[tuple[Any, JsonSchemaMode], None] = {(Error, "serialization"): None}
        wanted |= {(kind, "serialization"): None for kind in others}
        for operation in operations:
            for request in filter(None, (operation.body, operation.query)):
                wanted[request, "validation"] = None
            for answer in filter(None, operation.answers.values()):
                wanted[answer, "serialization"] = None
        schemas, definitions = TypeAdapter.json_schemas(
            [(kind, mode, TypeAdapter(kind)) for kind, mode in wanted],
            ref_template="#/components/schemas/{model}",
        )
        return cls(dict(schemas), dict(definitions.get("$defs", {})))

    def schema(self, kind: Any, mode: JsonSchemaMode) -> dict[str, Any]:
        return self.schemas[kind, mode]


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document as a dict."""
    types = _Types.of(list(OPERATIONS.values()), [EventBody, *_DATA.values()])
    paths: dict[str, dict[str, Any]] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method] = _operation(path, operation, types)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smsgate",
            "version": settings.VERSION,
            "description": "The phones you already own, as an SMS API.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.PUBLIC_URL}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": paths,
        "webhooks": _webhooks(types),
        "components": {"schemas": types.components, "securitySchemes": _SECURITY},
    }


def _webhooks(types: _Types) -> dict[str, Any]:
    """Return what is posted to a webhook, by the type of the event."""
    return {event.value: {"post": _webhook(event, types)} for event in EventType}


def _webhook(event: EventType, types: _Types) -> dict[str, Any]:
    data = types.schema(_DATA[event.partition(".")[0]], "serialization")
    schema = {
        "allOf": [
            types.schema(EventBody, "serialization"),
            {
                "properties": {
                    "type": {"const": event.value},
                    "data": {"anyOf": [data, {"type": "null"}]},
                }
            },
        ]
    }
    example = examples.event(event)
    return {
        "operationId": f"on_{event.value.replace('.', '_')}",
        "tags": [_EVENTS],
        "summary": EVENT_WORDS[event],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Send nothing more: the webhook is switched off."},
            "default": {"description": "Tried again for three days."},
        },
    }


def _operation(path: str, operation: Operation, types: _Types) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(_parameters(path, operation, types)),
        "security": _REQUIREMENTS[operation.security],
        "responses": _responses(operation, types),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        content: dict[str, Any] = {"schema": types.schema(operation.body, "validation")}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _parameters(path: str, operation: Operation, types: _Types) -> Iterator[dict[str, Any]]:
    for name, schema in _PATH_PARAMETERS.items():
        if f"{{{name}}}" in path:
            yield {"name": name, "in": "path", "required": True, "schema": schema}
    query: dict[str, Any] = dict(_PAGE_PARAMETERS) if operation.pages else {}
    if operation.query is not None:
        reference = types.schema(operation.query, "validation")["$ref"].rpartition("/")[2]
        query = types.components[reference]["properties"] | query
    for name, schema in query.items():
        yield {"name": name, "in": "query", "required": False, "schema": schema}
    if operation.has_idempotency_key:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same request within 24 hours gets the first answer again.",
            "schema": {"type": "string", "maxLength": 255},
        }


def _responses(operation: Operation, types: _Types) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        responses[str(status)] = {"description": "Done." if kind else "Done; no body."}
        if kind is not None:
            schema = types.schema(kind, "serialization")
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
    error = {"application/json": {"schema": types.schema(Error, "serialization")}}
    for status in _refusals(operation):
        responses[str(status)] = {"description": _REFUSALS[status], "content": error}
    if "429" in responses:
        responses["429"]["headers"] = {
            "Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}
        }
    return responses


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
