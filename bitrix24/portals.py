"""Connect a portal, know it again by its link and its token, and let it go."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urljoin

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q

from bitrix24 import calling
from bitrix24.models import Portal
from bitrix24.requests import CONTACT_EVENTS, Authorization, Installation
from bitrix24.sealing import seal
from http_api import clock, outgoing
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses import keys
from licenses.models import License

CODE = "smsgate"  # of the SMS provider, within the portal's app
_State = Portal.State
_UNCONNECTED = frozenset({_State.WAITING, _State.UNINSTALLED})
_SALT = "bitrix24.oauth"
_AUTHORIZE_SECONDS = 3600
# The app has no permission for automation rules or contacts, or the portal's plan none for anybody.
_NO_PERMISSION = frozenset(
    {"insufficient_scope", "ACCESS_DENIED", "ERROR_METHOD_NOT_FOUND", "ERROR_EVENT_NOT_FOUND"}
)


def create(license: License) -> str:
    """Prepare for a portal that will send with this licence; return the token of its link."""
    token = keys.new_token()
    Portal.objects.create(
        account_id=license.account_id,
        license=license,
        link_digest=keys.digest("issued_token", token),
        created_at=clock.now(),
    )
    return token


def link(token: str, action: str) -> str:
    """Return the URL that a portal calls for this: `install`, `sms`, `robot`, `events`, `oauth`."""
    return f"{settings.PUBLIC_URL}/bitrix24/{token}/{action}/"


def by_link(token: str) -> Portal:
    """Raise ApiError `invalid_key`."""
    digests = keys.digests("issued_token", token)
    portal = Portal.objects.filter(link_digest__in=digests).first()
    if portal is None:
        raise ApiError(ErrorCode.INVALID_KEY, "This link is not valid.")
    return portal


def is_from(portal: Portal, application_token: str) -> bool:
    """Say whether a call has the token that only the portal and we know."""
    # A keyed digest is compared: the time that it takes tells nothing of the token.
    is_known = portal.application_token_digest in keys.digests("issued_token", application_token)
    return is_known and portal.state != _State.UNINSTALLED


def install(portal: Portal, token: str, said: Installation) -> Portal:
    """Keep what a portal's app was given, once the authorization server has confirmed it, and become one
    of the portal's SMS providers. Raise ApiError `conflict`, `invalid`."""
    _confirm(said)
    installed = _keep(portal, said)
    try:
        _register(installed, token)
    except (calling.Refused, outgoing.Unreachable) as error:
        broke(installed, error)
    return installed


def authorize_url(portal: Portal) -> str:
    """Return where an administrator of the portal gives new tokens to a complete app; "" if it is not
    complete. Good for an hour."""
    if portal.state in _UNCONNECTED or not (portal.client_id and portal.client_secret):
        return ""
    query = {"client_id": portal.client_id, "state": signing.dumps(portal.pk, salt=_SALT)}
    return urljoin(portal.client_endpoint, f"/oauth/authorize/?{urlencode(query)}")


def authorized(portal: Portal, token: str, said: Authorization) -> None:
    """Take the tokens that the portal's administrator gave, and register anew. Raise ApiError
    `forbidden` where nobody asked for them."""
    try:
        asked = signing.loads(said.state, salt=_SALT, max_age=_AUTHORIZE_SECONDS)
    except signing.BadSignature:
        asked = None
    if asked != portal.pk or portal.state in _UNCONNECTED:
        words = "Nobody asked for this: open the portal in smsgate's admin anew."
        raise ApiError(ErrorCode.FORBIDDEN, words)
    try:
        calling.exchange(portal, said.code)
        _register(portal, token)
    except (calling.Refused, outgoing.Unreachable) as error:
        broke(portal, error)
    else:
        _works(portal)


def complete(portal: Portal, client_id: str, client_secret: str) -> None:
    """Keep what tokens are renewed with; the portal shows both once its app has been saved."""
    portal.client_id = client_id
    portal.client_secret = seal(portal.pk, "client_secret", client_secret)
    portal.save(update_fields=["client_id", "client_secret"])
    if portal.access_token:
        _works(portal)


def _works(portal: Portal) -> None:
    portal.state, portal.last_error = _State.ACTIVE, ""
    portal.failures, portal.rests_until = 0, None
    portal.save(update_fields=["state", "last_error", "failures", "rests_until"])


@transaction.atomic
def uninstall(portal: Portal) -> None:
    """Forget all that the portal could be called with, and tell it nothing more."""
    portal.state = _State.UNINSTALLED
    portal.client_secret = portal.access_token = portal.refresh_token = ""
    portal.save(update_fields=["state", "client_secret", "access_token", "refresh_token"])
    portal.pushes.all().delete()
    portal.changes.all().delete()
    portal.imports.filter(ended_at=None).update(ended_at=clock.now(), error=portal.state.label)


def broke(portal: Portal, error: calling.Refused | outgoing.Unreachable) -> None:
    """Note that a person must act. The words name neither URL nor token."""
    portal.state, portal.last_error = _State.BROKEN, str(error)
    portal.save(update_fields=["state", "last_error"])


def _confirm(said: Installation) -> None:
    """Ask the authorization server whose token this is: who knows the link could name any portal."""
    if not calling.is_endpoint(said.client_endpoint):
        raise ApiError.of_field("client_endpoint", "must be a URL like https://example.com/rest/")
    try:
        known: Any = calling.app_info(said.access_token)
    except (calling.Refused, outgoing.Unreachable) as error:
        words = f"the authorization server does not confirm it: {error}"
        raise ApiError.of_field("access_token", words) from None
    install = known.get("install") if isinstance(known, dict) else None
    if not isinstance(install, dict) or any(
        install.get(name) != getattr(said, name) for name in ("member_id", "client_endpoint")
    ):
        raise ApiError.of_field("client_endpoint", "is not the portal that the token is of")


@transaction.atomic
def _keep(portal: Portal, said: Installation) -> Portal:
    same = Q(pk=portal.pk) | Q(member_id=said.member_id)
    found = Portal.objects.filter(same, account_id=portal.account_id).order_by("pk")
    others = {one.pk: one for one in found.select_for_update()}
    mine = others.pop(portal.pk)
    if mine.member_id not in {"", said.member_id}:
        raise ApiError(ErrorCode.CONFLICT, "This link belongs to another portal: make a new one.")
    for other in others.values():  # the newest app counts: who has lost the links makes another
        if other.state != _State.UNINSTALLED:
            uninstall(other)
    is_complete = bool(mine.client_id and mine.client_secret)
    mine.state = _State.ACTIVE if is_complete else _State.INCOMPLETE
    mine.member_id, mine.client_endpoint = said.member_id, said.client_endpoint
    mine.application_token_digest = keys.digest("issued_token", said.application_token)
    mine.failures, mine.rests_until, mine.last_error = 0, None, ""
    calling.keep_tokens(mine, said.access_token, said.refresh_token)
    mine.save()
    return mine


def _register(portal: Portal, token: str) -> None:
    provider = {
        "CODE": CODE, "HANDLER": link(token, "sms"), "NAME": "smsgate", "DESCRIPTION": "SMS",
    }  # fmt: skip
    try:
        calling.call(portal, "messageservice.sender.add", provider | {"TYPE": "SMS"})
    except calling.Refused as refused:
        if refused.code != "ERROR_SENDER_ALREADY_INSTALLED":
            raise
        calling.call(portal, "messageservice.sender.update", provider)
    _register_rule(portal, token)
    _bind(portal, token, "ONAPPUNINSTALL")
    try:
        for event in CONTACT_EVENTS:
            _bind(portal, token, event)
    except calling.Refused as refused:
        if refused.code not in _NO_PERMISSION:
            raise


def _register_rule(portal: Portal, token: str) -> None:
    """Add the automation rule, which waits unless it is told not to, where the app may."""
    rule = {
        "HANDLER": link(token, "robot"),
        "USE_SUBSCRIPTION": "Y",
        "NAME": {"en": "SMS: send and wait (smsgate)", "pl": "SMS: wyślij i czekaj (smsgate)"},
        "PROPERTIES": {
            "phone": {"Name": {"en": "Phone", "pl": "Telefon"}, "Type": "string", "Required": "Y"},
            "text": {"Name": {"en": "Text", "pl": "Treść"}, "Type": "text", "Required": "Y"},
            "wait": {
                "Name": {"en": "Wait until it is sent", "pl": "Czekaj, aż zostanie wysłana"},
                "Type": "bool",
                "Default": "Y",
            },
        },
        "RETURN_PROPERTIES": {
            "status": {"Name": {"en": "Status", "pl": "Stan"}, "Type": "string"},
            "id": {"Name": {"en": "Id in smsgate", "pl": "Id w smsgate"}, "Type": "string"},
        },
    }
    try:
        calling.call(portal, "bizproc.robot.add", {"CODE": CODE} | rule)
    except calling.Refused as refused:
        if refused.code == "ERROR_ACTIVITY_ALREADY_INSTALLED":
            calling.call(portal, "bizproc.robot.update", {"CODE": CODE, "FIELDS": rule})
        elif refused.code not in _NO_PERMISSION:
            raise


def _bind(portal: Portal, token: str, event: str) -> None:
    # A second binding is refused by an error that has no code of its own: let go of the first one.
    handler = {"event": event, "handler": link(token, "events")}
    calling.call(portal, "event.unbind", handler)
    calling.call(portal, "event.bind", handler)
