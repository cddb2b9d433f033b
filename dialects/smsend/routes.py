"""Every address of the vendor's API, with the methods that its clients use there."""

from __future__ import annotations

from dialects.base import Route
from dialects.smsend import words
from dialects.smsend.account import (
    AccountViewSet,
    LogInViewSet,
    NotHereViewSet,
    SessionViewSet,
)
from dialects.smsend.blacklist import BlacklistViewSet
from dialects.smsend.contacts import ContactViewSet, GroupViewSet
from dialects.smsend.inbound import InboundViewSet
from dialects.smsend.orders import HistoryViewSet, OrderViewSet
from dialects.smsend.pins import PinViewSet

ORDER = r"(?P<order_id>[^/\0]{1,64})"
GROUP = "(?P<group_id>[0-9]{1,18})"
CONTACT = "(?P<contact_id>[0-9]{1,18})"
CONTACT_OR_PHONE = "(?P<contact_id>[^/]{1,32})"
SIM = "(?P<sim>[^/]{1,64})"

_REFUSED = dict.fromkeys(("get", "post", "put", "delete"), "refuse")

# What is asked most comes first: addresses are tried in this order.
ROUTES: tuple[Route, ...] = (
    ("sms", OrderViewSet, {"post": "send"}),
    ("paramsms", OrderViewSet, {"post": "send_with_values"}),
    ("smstogroups", OrderViewSet, {"post": "send_to_groups"}),
    ("login", LogInViewSet, {"get": "session"}),
    ("token", LogInViewSet, {"get": "token"}),
    ("checksession", SessionViewSet, {"get": "check"}),
    ("status", AccountViewSet, {"get": "status"}),
    ("dashboard", AccountViewSet, {"get": "dashboard"}),
    ("pwdreset", AccountViewSet, {"post": "reset_password"}),
    ("sms/bulk", OrderViewSet, {"delete": "destroy_scheduled"}),
    (f"sms/{ORDER}", OrderViewSet, {"get": "retrieve", "delete": "destroy"}),
    ("smshistory", HistoryViewSet, {"get": "orders"}),
    ("rcptHistory", HistoryViewSet, {"get": "of_recipient"}),
    ("contacts?", ContactViewSet, {"get": "list", "post": "create"}),
    ("contacts/fields", ContactViewSet, {"get": "fields"}),
    (f"contact/{CONTACT}", ContactViewSet, {"get": "retrieve"}),
    ("contact/add_to_blacklist", BlacklistViewSet, {"post": "add"}),
    (f"contact/add_to_blacklist/{CONTACT}", BlacklistViewSet, {"post": "add_contact"}),
    ("contact/add_to_blacklist_batch", BlacklistViewSet, {"post": "add_contacts"}),
    ("contacts/add_to_blacklist", BlacklistViewSet, {"post": "add_contacts"}),
    ("group", GroupViewSet, {"post": "create"}),
    ("groups", GroupViewSet, {"get": "list"}),
    (f"group/{GROUP}", GroupViewSet, {"put": "update", "delete": "destroy"}),
    (f"group/{GROUP}/contact", GroupViewSet, {"post": "add", "put": "add"}),
    (
        f"group/{GROUP}/contact/{CONTACT_OR_PHONE}",
        GroupViewSet,
        {"post": "add", "delete": "remove"},
    ),
    ("blacklist/sms", BlacklistViewSet, {"get": "list", "post": "add"}),
    ("blacklist/smsbatch", BlacklistViewSet, {"post": "add_several"}),
    (r"blacklist/sms/(?P<phone>[^/]{1,32})", BlacklistViewSet, {"delete": "remove"}),
    ("newsrsmsmessage", InboundViewSet, {"get": "new"}),
    (f"newsrsmsmessage/{SIM}", InboundViewSet, {"get": "new"}),
    ("srsmshistory", InboundViewSet, {"get": "list"}),
    (f"srsmshistory/{SIM}", InboundViewSet, {"get": "list"}),
    (rf"srsmshistory/{SIM}/(?P<message_id>[0-9]{{1,18}})", InboundViewSet, {"get": "after"}),
    ("2fa/request", PinViewSet, {"post": "send"}),
    ("2fa/verify", PinViewSet, {"post": "verify"}),
    (rf"(?P<subject>{'|'.join(words.NOT_HERE)})(?:/.+)?", NotHereViewSet, _REFUSED),
)
