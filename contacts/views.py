"""The contact and group routes of the native API."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from contacts import answers, services, shapes
from http_api.shapes import validated
from http_api.views import ApiViewSet
from licenses.auth import sender_of
from licenses.authentication import KeyPair

# Every key that does not open the door is a 401 here (document 000).
_ALWAYS_401 = {"invalid_key": 401, "license_inactive": 401, "subscription_expired": 401}


class ContactViewSet(ApiViewSet):
    """People to send to, known by phone number."""

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.SingleContact, request.data, sender=sender)
            draft = body.draft()
            saved = services.save_contact(
                sender, draft, ignore_foreign_numbers=body.ignore_foreign_numbers
            )
            return Response(answers.contact(saved, draft), status=201 if saved.is_new else 200)

        return self.write(request, sender.scope, work)

    def bulk(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.BulkContacts, request.data, sender=sender)
            saved = services.save_contacts(
                sender, body.items(), ignore_foreign_numbers=body.ignore_foreign_numbers
            )
            return Response(answers.contacts(saved), status=201)

        return self.write(request, sender.scope, work)


class GroupViewSet(ApiViewSet):
    """Named lists of contacts."""

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.SingleGroup, request.data)
            group = services.create_group(sender, body.name)
            return Response(answers.group(group, sender), status=201)

        return self.write(request, sender.scope, work)

    def bulk(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.BulkGroups, request.data)
            results = services.ensure_groups(sender, [group.name for group in body.groups])
            return Response(answers.groups(results), status=201)

        return self.write(request, sender.scope, work)
