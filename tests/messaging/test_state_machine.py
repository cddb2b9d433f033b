"""A model of a few messages, two phones and every fault, against the real database.

Invariants of docs/protocol.md: I1 starts ≤ 1 per message unless its owner chose otherwise · I2 sent ⇒
started · I3 nothing is lost · I4 a rank never falls within an attempt · I7 nothing starts after an
acknowledged cancel · I10 every change of state is written down exactly once. Beside them: programs are
told of each change, each SMS that comes in and each opt-out exactly once, in its order.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from http_api import clock
from http_api.errors import ApiError
from licenses import services
from licenses.lookup import sender_of_license
from licenses.models import KeptSms
from messaging.drafts import ClientTime, Draft
from messaging.exchange import SyncRequest
from messaging.leases import AttemptKey
from messaging.models import Attempt, Event, InboundMessage, Message, StateChange
from messaging.services import housekeeping, owner
from messaging.services.accept import REFUSE, accept
from messaging.services.sync import sync
from messaging.states import FINAL, RANK, TRANSITIONS, AttemptState, MessageState
from outbox import recording
from outbox.models import Event as OutboxEvent
from tests.conftest import ManualClock, Tenant, pair_phone

Row = tuple[int, str, dt.datetime | None]  # message id, status, finished at
Change = tuple[int, str, str, str]  # message id, from, to, cause

_OUTCOMES = [
    "",
    "unknown",
    "part_failed",
    "part_sent",
    "part_sent part_delivered",
    "part_undelivered",
]


class Gateway(RuleBasedStateMachine):
    """Two phones that obey the protocol, a network that repeats and delays, an owner who decides."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.clock = ManualClock(dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC))
        self.replaced = clock.replaced_by(self.clock)
        self.replaced.__enter__()
        self.tenant = Tenant(services.provision("Model"))
        self.tenant.set_rules(kept_sms=KeptSms.ALL)
        self.sender = sender_of_license(self.tenant.license.pk)
        recording.begin(self.sender.account_id)
        self.phones = [pair_phone(self.tenant, f"phone-{n}").device for n in range(2)]
        self.held: dict[int, dict[AttemptKey, dt.datetime]] = {0: {}, 1: {}}  # → start before
        self.unanswered: dict[int, SyncRequest] = {}  # claims whose answers were lost
        self.mail: list[tuple[int, Event]] = []  # reports that are on their way
        self.said: list[tuple[int, Event]] = []  # and those that arrived
        self.radio: Counter[int] = Counter()
        self.may_repeat: set[int] = set()
        self.acknowledged: set[int] = set()  # cancelled, and the server said so
        self.received: dict[int, list[InboundMessage]] = {0: [], 1: []}  # by phone
        self.opt_outs: list[str] = []  # what programs are to be told of them
        self.ranks: dict[int, int] = {}
        self.accepted = 0

    def teardown(self) -> None:
        self.replaced.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    # --- what happens ----------------------------------------------------------------------------

    @precondition(lambda self: self.accepted < 4)
    @rule(
        resend=st.sampled_from([False, False, True]),
        wait=st.sampled_from([0, 5]),
        deadline=st.booleans(),
    )
    def accept(self, resend: bool, wait: int, deadline: bool) -> None:
        self.accepted += 1
        now = self.clock.now
        draft = Draft(
            phone="+48123456789",
            text="x",
            external_id=f"m-{self.accepted}",
            send_after=ClientTime(now + dt.timedelta(minutes=wait), "") if wait else None,
            send_before=ClientTime(now + dt.timedelta(minutes=40), "") if deadline else None,
            on_uncertain="resend" if resend else "hold",
        )
        message = accept(self.sender, [draft], REFUSE).only
        if resend:
            self.may_repeat.add(message.pk)

    @rule(phone=st.sampled_from([0, 1]), is_lost=st.booleans())
    def claim(self, phone: int, is_lost: bool) -> None:
        """A phone whose answer was lost repeats its claim, however much later."""
        request = self.unanswered.pop(phone, None) or SyncRequest(capacity=2, claim_id=uuid4())
        answer = sync(self.phones[phone], request)
        if is_lost:
            self.unanswered[phone] = request
            return
        for message, seconds in answer.messages:
            before = self.clock.now + dt.timedelta(seconds=seconds)
            self.held[phone][AttemptKey(message.message_id, message.attempt)] = before

    @rule(phone=st.sampled_from([0, 1]), outcome=st.sampled_from(_OUTCOMES), arrives=st.booleans())
    def phone_works(self, phone: int, outcome: str, arrives: bool) -> None:
        """A whole round: claim, start what it holds, and perhaps its reports get through."""
        self.claim(phone, is_lost=False)
        for key in sorted(self.held[phone]):
            self._start(phone, key, outcome)
        if arrives:
            mine = [letter for letter in self.mail if letter[0] == phone]
            self.mail = [letter for letter in self.mail if letter[0] != phone]
            sync(self.phones[phone], SyncRequest(0, None, events=[report for _, report in mine]))
            self.said += mine

    def _start(self, phone: int, key: AttemptKey, outcome: str) -> None:
        """Into the journal, then to the radio; after its time it is given back instead."""
        if self.clock.now >= self.held[phone].pop(key):
            self._say(phone, "released", key)
            return
        assert key[0] not in self.acknowledged
        self.radio[key[0]] += 1
        for kind in ("started", *outcome.split()):
            self._say(phone, kind, key)

    def _held(self) -> list[tuple[int, AttemptKey]]:
        return [(phone, key) for phone, held in self.held.items() for key in sorted(held)]

    def _say(self, phone: int, kind: str, key: AttemptKey) -> None:
        part = 1 if kind.startswith("part_") else None
        fields = {"message_id": key.message_id, "attempt": key.n, "part": part, "parts": part and 1}
        self.mail.append((phone, Event(event_id=uuid4(), type=kind, **fields)))

    @precondition(lambda self: self.mail)
    @rule(data=st.data())
    def mail_arrives(self, data: st.DataObject) -> None:
        """In any order, and old letters come again."""
        position = data.draw(st.integers(0, len(self.mail) - 1))
        phone, report = self.mail.pop(position)
        again = [old for sender, old in self.said if sender == phone][-2:]
        sync(self.phones[phone], SyncRequest(0, None, events=[report, *again]))
        self.said.append((phone, report))

    @rule(phone=st.sampled_from([0, 1]), text=st.sampled_from(["Hello", "STOP", "START"]))
    def sms_comes_in(self, phone: int, text: str) -> None:
        """Of somebody who is sent nothing; what was reported before is repeated."""
        sms = InboundMessage(event_id=uuid4(), sender="+48600100300", text=text)
        again = self.received[phone][-2:]
        sync(self.phones[phone], SyncRequest(0, None, events=[sms, *again]))
        self.received[phone].append(sms)
        is_out = self.opt_outs[-1:] == ["opt_out.created"]
        if text == "STOP" and not is_out:
            self.opt_outs.append("opt_out.created")
        elif text == "START" and is_out:
            self.opt_outs.append("opt_out.removed")

    @precondition(lambda self: self._held())
    @rule(phone=st.sampled_from([0, 1]))
    def phone_asks_what_to_cancel(self, phone: int) -> None:
        held = self.held[phone]
        for message_id in sync(self.phones[phone], SyncRequest(0, None, held=list(held))).cancel:
            for key in [key for key in held if key[0] == message_id]:
                del held[key]
                self._say(phone, "released", key)

    @precondition(lambda self: self._held())
    @rule(phone=st.sampled_from([0, 1]))
    def phone_loses_its_memory(self, phone: int) -> None:
        """Reinstalled: what it held is gone, and its letters with it."""
        code = services.new_pairing_code(self.tenant.license, replaces=self.phones[phone]).code
        paired = services.pair(code, install_id=uuid4().hex)
        assert paired.replaced_install is not None
        housekeeping.doubt_install(paired.device, paired.replaced_install)
        self.phones[phone] = paired.device
        self.held[phone].clear()
        self.unanswered.pop(phone, None)
        self.mail = [letter for letter in self.mail if letter[0] != phone]

    @rule(minutes=st.sampled_from([1, 1, 6, 12, 35]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        housekeeping.promote_due()
        housekeeping.expire_overdue()
        housekeeping.doubt_expired_leases()

    @precondition(lambda self: self.accepted)
    @rule(data=st.data(), wish=st.sampled_from(["cancel", "sent", "again", "given_up"]))
    def its_owner_decides(self, data: st.DataObject, wish: Any) -> None:
        ids = sorted(Message.objects.values_list("pk", flat=True))
        message_id = data.draw(st.sampled_from(ids))
        try:
            if wish == "cancel":
                row = owner.cancel(self.sender.account_id, message_id)
                if row.status == MessageState.CANCELLED:
                    self.acknowledged.add(message_id)
            else:
                owner.resolve(self.sender.account_id, message_id, wish)
                if wish == "again":
                    self.may_repeat.add(message_id)
        except ApiError:  # too late, or not uncertain: the rules below hold all the same
            pass

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def every_promise_is_kept(self) -> None:
        """All is read once for all of them: they are asked after each of 1,600 steps."""
        rows = list(Message.objects.values_list("pk", "status", "finished_at"))
        changes = list(
            StateChange.objects.order_by("pk").values_list(
                "message_id", "from_state", "to_state", "cause"
            )
        )
        self.the_radio_started_once()
        self.sent_means_that_the_radio_was_asked(rows, changes)
        self.nothing_is_lost(rows)
        self.no_rank_fell()
        self.every_change_is_written_down_once(rows, changes)
        self.programs_are_told_of_each_change_once(rows, changes)

    def the_radio_started_once(self) -> None:
        twice = {message_id for message_id, starts in self.radio.items() if starts > 1}
        assert twice <= self.may_repeat

    def sent_means_that_the_radio_was_asked(self, rows: list[Row], changes: list[Change]) -> None:
        proven = ("part_sent", "part_delivered", "part_undelivered")
        said = {report.message_id for _, report in self.said if report.type in proven}
        decided = {message_id for message_id, *_, cause in changes if cause == "owner: sent"}
        sent = {pk for pk, status, _ in rows if status in {"sent", "delivered", "undelivered"}}
        assert sent <= decided | said

    def nothing_is_lost(self, rows: list[Row]) -> None:
        assert len(rows) == self.accepted
        assert {status for _, status, _ in rows} <= {state.value for state in MessageState}
        assert all(finished_at for _, status, finished_at in rows if status in FINAL)

    def no_rank_fell(self) -> None:
        for pk, state in Attempt.objects.values_list("pk", "state"):
            rank = RANK[AttemptState(state)]
            if state != AttemptState.RELEASED:
                assert rank >= self.ranks.get(pk, 0)
                self.ranks[pk] = rank

    def every_change_is_written_down_once(self, rows: list[Row], changes: list[Change]) -> None:
        last: dict[int, str] = {}
        for message_id, from_state, to_state, _ in changes:
            assert from_state == last.get(message_id, from_state)
            assert to_state in TRANSITIONS[MessageState(from_state)]
            last[message_id] = to_state
        for pk, status, _ in rows:
            assert status == last.get(pk, status)
            assert pk in last or status in {"pending", "scheduled"}

    def programs_are_told_of_each_change_once(self, rows: list[Row], changes: list[Change]) -> None:
        told = defaultdict[int, list[str]](list)
        received, opt_outs = [], []
        for message_id, inbound_id, kind, data in OutboxEvent.objects.order_by("pk").values_list(
            "message_id", "inbound_id", "type", "data"
        ):
            if kind == "sms.received":
                received.append(inbound_id)
            elif kind.startswith("opt_out."):
                opt_outs.append(kind)
            else:
                told[message_id or 0].append(kind)
            if kind.startswith("message.") and kind not in {"message.accepted", "message.resolved"}:
                assert kind == f"message.{data['status']}"
        expected = {pk: ["message.accepted"] for pk, *_ in rows}
        for message_id, from_state, to_state, _ in changes:
            if from_state == "uncertain":
                expected[message_id].append("message.resolved")
            if to_state not in {"scheduled", "pending", "leased", "sending"}:
                expected[message_id].append(f"message.{to_state}")
        assert told == expected
        assert received == list(InboundMessage.objects.order_by("pk").values_list("pk", flat=True))
        assert len(received) == sum(map(len, self.received.values()))
        assert opt_outs == self.opt_outs


@pytest.mark.django_db
@pytest.mark.timeout(600)  # 1,600 steps: seconds, but for a machine that is busy with other work
def test_no_sequence_of_events_breaks_a_promise() -> None:
    state_machine = Gateway.TestCase
    state_machine.settings = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    state_machine("runTest").runTest()
