"""One place moves a message's state: whatever the cause, by the same statements, as TRANSITIONS says."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.db import connection, models

from messaging import event_log, leases, moves, transitions
from messaging.models import Attempt, Event, Message, OnUncertain, OptOut, StateChange
from messaging.moves import LockedMessage
from messaging.services import housekeeping, restore
from messaging.states import FINAL, TRANSITIONS, WAITING, MessageState
from messaging.transitions import Cause, IllegalTransition, StateTransition
from smsgate.config import PROJECT_DIR
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, event, sent, status

PACKAGES = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]

IN_SQL = re.compile(
    r"UPDATE\s+messaging_message\b(?:(?!\bWHERE\b|\bFROM\b).)*?\bstatus\s*=", re.DOTALL
)


# --- nothing else writes a state -----------------------------------------------------------------


def sources() -> Iterator[Path]:
    for package in set(PACKAGES["root_packages"]) - {"phone_simulator"}:
        for file in (PROJECT_DIR / package).rglob("*.py"):
            if "migrations" not in file.parts:
                yield file


def writes_a_status(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="status", ctx=ast.Store()):
            return True
        case ast.Call(func=ast.Attribute(attr="update"), keywords=keywords):
            return any(keyword.arg == "status" for keyword in keywords)
        case ast.keyword(arg="update_fields", value=fields):
            return "'status'" in ast.unparse(fields)
        case ast.Constant(value=str(text)):
            return bool(IN_SQL.search(text))
    return False


def test_one_module_writes_a_message_s_state() -> None:
    writing = {
        str(file.relative_to(PROJECT_DIR))
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if writes_a_status(node)
    }
    assert writing == {
        "messaging/moves.py",
        "messaging/transitions.py",  # of a message that is not saved yet
        "webhooks/bodies.py",  # of a copy that is never saved
        "http_api/error_codes.py",  # the HTTP status of a code
    }


# --- every cause goes through it -----------------------------------------------------------------


class Scene:
    """One message, and what happens to it."""

    def __init__(self, api: Api, tenant: Tenant, phone: Phone, clock: ManualClock) -> None:
        self.api, self.tenant, self.clock = api, tenant, clock
        self.wire = Wire(api, phone)

    def accept(self, **fields: Any) -> int:
        return accept(self.api, self.tenant, **fields)

    def leased(self, **fields: Any) -> int:
        message_id = self.accept(**fields)
        assert len(self.wire.claim()) == 1
        return message_id

    def uncertain(self, **fields: Any) -> int:
        message_id = self.leased(**fields)
        self.wire.report(event("started", message_id, parts=1), event("unknown", message_id))
        return message_id

    def cancel(self, message_id: int) -> None:
        assert self.api.delete(f"/api/messages/{message_id}/", self.tenant).status_code < 300

    def resolve(self, word: str) -> None:
        path = f"/api/messages/{self.uncertain()}/resolve/"
        assert self.api.post(path, {"as": word}, **self.tenant.headers).status_code == 200

    def due(self) -> None:
        self.accept(send_after="2026-04-09T15:00:00Z")
        self.clock.advance(hours=1)
        housekeeping.promote_due()

    def reported(self) -> None:
        self.wire.report(*sent(self.leased()))

    def released(self) -> None:
        self.wire.report(event("released", self.leased(), code="no_service"))

    def resent(self) -> None:
        self.uncertain(on_uncertain=OnUncertain.RESEND.value)

    def given_back_after_a_cancellation(self) -> None:
        message_id = self.leased()
        self.cancel(message_id)
        self.wire.report(event("released", message_id, code="cancelled"))

    def opted_out(self) -> None:
        self.accept()
        body = {"phone": "+48123456789"}
        assert self.api.post("/api/opt-outs/", body, **self.tenant.headers).status_code == 201

    def opted_out_unseen_until_the_claim(self) -> None:
        self.accept()
        OptOut.objects.create(
            account=self.tenant.account,
            phone="+48123456789",
            source="sms",
            created_at=self.clock.now,
        )
        assert self.wire.claim() == []

    def past_its_deadline(self) -> None:
        self.accept(send_before="2026-04-09T15:00:00Z")
        self.clock.advance(hours=1)
        housekeeping.expire_overdue()

    def too_old_at_the_claim(self) -> None:
        self.accept()
        self.clock.advance(hours=72)
        assert self.wire.claim() == []

    def restored(self) -> None:
        self.accept()
        restore.hold_what_may_have_been_sent(self.clock.now)


PATHS: list[tuple[Cause, Callable[[Scene], object]]] = [
    (Cause.DUE, Scene.due),
    (Cause.CLAIM, Scene.leased),
    (Cause.ATTEMPT, Scene.reported),
    (Cause.RELEASED, Scene.released),
    (Cause.RESEND, Scene.resent),
    (Cause.OWNER, lambda scene: scene.cancel(scene.accept())),
    (Cause.OWNER_SENT, lambda scene: scene.resolve("sent")),
    (Cause.OWNER_AGAIN, lambda scene: scene.resolve("again")),
    (Cause.OWNER_GIVEN_UP, lambda scene: scene.resolve("given_up")),
    (Cause.CANCELLED, Scene.given_back_after_a_cancellation),
    (Cause.OPTED_OUT, Scene.opted_out),
    (Cause.OPTED_OUT, Scene.opted_out_unseen_until_the_claim),
    (Cause.SEND_BEFORE, Scene.past_its_deadline),
    (Cause.MAX_AGE, Scene.too_old_at_the_claim),
    (Cause.RESTORED, Scene.restored),
]


@pytest.fixture
def scene(api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock) -> Scene:
    return Scene(api, tenant, phone, manual_clock)


def test_every_cause_has_a_path_here() -> None:
    assert {cause for cause, _ in PATHS} == set(Cause)


@pytest.mark.parametrize(("cause", "path"), PATHS)
def test_a_cause_moves_a_message_by_the_common_statements(
    scene: Scene, cause: Cause, path: Callable[[Scene], object]
) -> None:
    statements: list[str] = []

    def record(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "messaging_statechange" in sql or IN_SQL.search(sql):
            statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(record):
        path(scene)
    assert set(statements) <= {moves.PROMOTE, moves.LEASE, moves.MOVE}
    last = StateChange.objects.order_by("pk").last()
    assert last is not None
    assert last.cause == cause or last.cause.startswith(f"{cause} ")
    assert last.to_state in TRANSITIONS[MessageState(last.from_state)]
    assert status(last.message_id) == last.to_state


def test_a_whole_queue_is_moved_only_as_transitions_let_it(
    manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = dict.fromkeys(MessageState, frozenset[MessageState]())
    monkeypatch.setattr(transitions, "TRANSITIONS", forbidden)
    with pytest.raises(IllegalTransition):
        moves.promote(manual_clock.now)
    with pytest.raises(IllegalTransition):
        moves.lease(
            license_id=1, device_id=1, install_id="a", claim_pk=1, limit=1, only_any_hour=False,
            now=manual_clock.now, leased_until=manual_clock.now,
        )  # fmt: skip


# --- what a transition may be --------------------------------------------------------------------


@pytest.mark.parametrize("before", MessageState)
@pytest.mark.parametrize("after", MessageState)
def test_a_move_that_transitions_does_not_know_cannot_be_made(
    before: MessageState, after: MessageState
) -> None:
    if after in {before, *TRANSITIONS[before]}:
        StateTransition(1, 1, before, after, Cause.ATTEMPT)
    else:
        with pytest.raises(IllegalTransition):
            StateTransition(1, 1, before, after, Cause.ATTEMPT)


def locked(state: MessageState) -> LockedMessage:
    return LockedMessage(1, 1, state.value, 1, "", False, "hold", None, None)


@pytest.mark.parametrize("state", [*WAITING, MessageState.LEASED])
@pytest.mark.parametrize("cause", [Cause.OWNER, Cause.OPTED_OUT, Cause.SEND_BEFORE, Cause.MAX_AGE])
def test_an_end_is_final_unless_it_is_in_doubt(state: MessageState, cause: Cause) -> None:
    assert transitions.end(locked(state), cause, is_in_doubt=False).to_state in FINAL
    doubtful = transitions.end(locked(state), cause, is_in_doubt=True)
    assert doubtful.to_state is MessageState.UNCERTAIN
    assert doubtful.failure_reason


# --- the statements and the models ---------------------------------------------------------------

INSERT = re.compile(r"INSERT INTO (messaging_\w+) \(([^)]*)\)")
WRITTEN: list[type[models.Model]] = [Attempt, Event, StateChange]


@pytest.mark.parametrize("module", [event_log, leases, moves, restore])
def test_a_statement_fills_every_column_of_its_table(module: ModuleType) -> None:
    """A field that is added to a model must not be dropped in silence by SQL that was written before."""
    tables = {model._meta.db_table: model for model in WRITTEN}
    checked = 0
    for table, columns in INSERT.findall(Path(module.__file__ or "").read_text(encoding="utf-8")):
        if table in tables:
            fields = tables[table]._meta.concrete_fields
            wanted = {field.attname for field in fields if not field.primary_key and not field.null}
            assert wanted <= {column.strip() for column in columns.split(",")}
            checked += 1
    assert checked or module is leases


def test_the_event_log_stores_every_field() -> None:
    [(_, columns)] = INSERT.findall(event_log.STORE)
    fields = {field.attname for field in Event._meta.concrete_fields if not field.primary_key}
    assert {column.strip() for column in columns.split(",")} == fields


def test_a_locked_message_is_what_the_model_says() -> None:
    assert set(LockedMessage._fields) <= {field.attname for field in Message._meta.concrete_fields}
