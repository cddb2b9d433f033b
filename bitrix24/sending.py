"""Accept what a portal sends. It looks at no answer, so a refusal becomes the status `failed`."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction

from bitrix24.models import Portal, StatusPush
from bitrix24.requests import EventToken, PortalSms, RemoteId, fields_of
from http_api import clock
from http_api.errors import ApiError
from http_api.shapes import validated
from licenses.sender import Sender
from messaging import selectors
from messaging.drafts import Draft
from messaging.models import Message
from messaging.rules import SkipReason
from messaging.services import accept

# The portal may post a message twice.
_ONCE = accept.Policy(left_out=frozenset({SkipReason.DUPLICATE_EXTERNAL_ID}))


def send(portal: Portal, sender: Sender, form: dict[str, Any]) -> Message | ApiError:
    """Accept the SMS of this form, once; return it, or why it was refused. Raise ApiError `invalid`
    without a `message_id`, by which alone the portal could be told."""
    remote_id = validated(RemoteId, form).message_id
    return _send(portal, sender, form, remote_id)


def send_of_rule(portal: Portal, sender: Sender, form: dict[str, Any]) -> Message | ApiError:
    """As `send`, of an automation rule, whose workflow is told by the `event_token` to go on."""
    token = validated(EventToken, form).event_token
    properties = fields_of(form, "properties")
    sms = {"message_to": properties.get("phone"), "message_body": properties.get("text")}
    remote_id = hashlib.sha256(token.encode()).hexdigest()  # a token is longer than an external_id
    waits = properties.get("wait") != "N"
    return _send(portal, sender, sms, remote_id, token, waits=waits)


@transaction.atomic  # or a crash could leave a message that its portal is never told of
def _send(
    portal: Portal,
    sender: Sender,
    form: dict[str, Any],
    remote_id: str,
    event_token: str = "",
    *,
    waits: bool = True,
) -> Message | ApiError:
    try:
        found: Message | ApiError = _accept(sender, form, f"b24:{portal.pk}:{remote_id}")
    except ApiError as error:
        found = error
    now = clock.now()
    StatusPush.objects.get_or_create(
        portal=portal,
        remote_id=remote_id,
        defaults={
            "message_id": found.pk if isinstance(found, Message) else None,
            "event_token": event_token,
            "waits": waits,
            "created_at": now,
            "next_at": now,
        },
    )
    return found


def _accept(sender: Sender, form: dict[str, Any], external_id: str) -> Message:
    sms = validated(PortalSms, form, sender=sender)
    draft = Draft(phone=sms.message_to, text=sms.message_body, external_id=external_id)
    result = accept.accept(sender, [draft], _ONCE)
    if result.created:
        return result.only
    return selectors.message_of_license(sender.license_id, external_id)
