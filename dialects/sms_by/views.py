"""One address a method, in whatever case; each on GET and POST, since its clients use either."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from dialects.base import DialectViewSet, Route
from dialects.params import Params, params
from dialects.sms_by import lists, reading, sending
from dialects.sms_by.authentication import Token
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from licenses.scopes import Scope
from licenses.sender import Sender

Method = Callable[[Sender, Params], Any]

READING: dict[str, Method] = {
    "statusBulkSms": reading.status_bulk_sms,
    "checkSMSMessageStatus": reading.check_sms_message_status,
    "checkSMS": reading.check_sms,
    "getMessagesList": reading.get_messages_list,
    "getSmsDeliveryList": reading.get_sms_delivery_list,
    "getSMSMessages": reading.get_sms_messages,
    "getBalance": reading.get_balance,
    "getLimit": reading.get_limit,
    "getAlphanames": reading.get_alphanames,
    "getAlphanameId": reading.get_alphaname_id,
    "getSubscriberLists": lists.get_subscriber_lists,
}
WRITING: dict[str, Method] = {
    "sendBulkSms": sending.send_bulk_sms,
    "sendQuickSMS": sending.send_quick_sms,
    "sendOtpTelegram": partial(sending.send_otp, "Telegram"),
    "sendOtpWhatsApp": partial(sending.send_otp, "WhatsApp"),
    "createSmsMessage": sending.create_sms_message,
    "sendSMS": sending.send_sms,
    "sendSmsList": sending.send_sms_list,
    "confirmSendMessageByList": sending.confirm_send_message_by_list,
    "createSubscriberList": lists.create_subscriber_list,
    "importContacts": lists.import_contacts,
}
_ACCOUNT = frozenset({"getBalance", "getLimit", "getAlphanames", "getAlphanameId"})
_LISTS = frozenset({"getSubscriberLists", "createSubscriberList", "importContacts"})
_METHODS = {name.lower(): name for name in READING | WRITING}


class MethodViewSet(DialectViewSet):
    authentication_classes = [Token]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if self.kwargs["name"].lower() not in _METHODS:
            raise ApiError(ErrorCode.UNKNOWN_METHOD, "There is no such method.")
        if request.method == "HEAD":  # asks what a GET would answer; must not do what it does
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def needed_scope(self) -> str | None:
        name = _METHODS[self.kwargs["name"].lower()]
        if name in _LISTS:
            return Scope.CONTACTS
        if name in READING:
            return Scope.ANY if name in _ACCOUNT else Scope.READ
        return Scope.SEND

    def call(self, request: Request, name: str) -> Response:
        method = _METHODS[name.lower()]
        response = (self._read if method in READING else self._write)(request, method)
        response["Cache-Control"] = "no-store"  # also a GET sends: each must come through to here
        return response

    def _read(self, request: Request, method: str) -> Response:
        return Response(READING[method](self.sender, params(request)))

    @idempotent
    def _write(self, request: Request, method: str) -> Response:
        return Response(WRITING[method](self.sender, params(request)))


ROUTES: tuple[Route, ...] = (
    ("(?P<name>[A-Za-z]+)", MethodViewSet, {"get": "call", "post": "call"}),
)
