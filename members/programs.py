"""Acts of programs, which have a licence's key, in the audit trail: those that an owner would ask about.

What programs send, and the contacts that they save, stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction
from rest_framework.response import Response

from http_api.addresses import client_network
from licenses.sender import Sender
from licenses.viewsets import SenderViewSet
from members import audit
from members.audit import Action, Actor

View = TypeVar("View", bound=SenderViewSet)


def actor(sender: Sender, meta: dict[str, Any]) -> Actor:
    return Actor(None, client_network(meta), program=f"licence {sender.license_id}")


def recorded(
    action: Action, again: Action | None = None
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Let a view of a NativeViewSet leave an entry in the transaction of what it does; what it refuses
    leaves none. `again`: of something that was there, which it answers with 200."""

    def decorate(act: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(act)
        def of_program(self: View, *args: Any, **kwargs: Any) -> Response:
            with transaction.atomic():
                response = act(self, *args, **kwargs)
                by = actor(self.sender, self.request.META)
                done = again if again and response.status_code == 200 else action
                object_id = _id_of(response, kwargs)
                audit.record(self.sender.account_id, by, done, object_id=object_id)
            return response

        of_program.recorded_as = action  # type: ignore[attr-defined]
        return of_program

    return decorate


def _id_of(response: Response, named: dict[str, Any]) -> int | None:
    """Return the id that the address names first, else that of the answer; of a number none."""
    of_address = next(iter(named.values()), None)
    if of_address is not None:
        return int(of_address) if "phone" not in named else None
    answer = response.data if isinstance(response.data, dict) else {}
    found = answer.get("id")
    return found if isinstance(found, int) else None
