"""Portals are told what became of their messages."""

from __future__ import annotations

import pytest

from bitrix24 import calling, portals, statuses
from bitrix24.models import Portal, StatusPush
from http_api import clock
from messaging.models import Message
from messaging.states import MessageState
from tests.bitrix24.conftest import install, tell_all
from tests.bitrix24.fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal, error
from tests.bitrix24.test_sms import sms
from tests.conftest import Api, ManualClock, Tenant, pair_phone
from tests.delivery import Wire, sent


@pytest.fixture(autouse=True)
def _clock(manual_clock: ManualClock) -> None: ...


def become(*states: str, fake: FakePortal) -> list[str]:
    """Each state in turn, with a look after each; what the portal was told."""
    for state in states:
        Message.objects.update(status=state, sent_at=clock.now())
        tell_all()
    return [status for _, status in fake.statuses]


def test_a_message_is_followed_from_the_queue_to_its_delivery(
    api: Api, fake: FakePortal, token: str, portal: Portal, tenant: Tenant
) -> None:
    sms(api, token, "m1")
    tell_all()
    wire = Wire(api, pair_phone(tenant))
    wire.claim()
    tell_all()
    wire.report(*sent(Message.objects.get().pk))
    tell_all()
    tell_all()
    assert fake.statuses == [("m1", "queued"), ("m1", "sent")]


def test_each_state_has_a_word_but_the_one_in_doubt() -> None:
    assert set(MessageState) - set(statuses.WORDS) == {MessageState.UNCERTAIN}
    assert set(statuses.WORDS.values()) == {"queued", "sent", "delivered", "undelivered", "failed"}


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("uncertain", "sent"), ["sent"]),
        (("sent", "undelivered"), ["sent", "undelivered"]),
        (("expired",), ["failed"]),
        (("failed", "sent"), ["failed", "sent"]),  # a report that came late
        (("delivered", "sent"), ["delivered"]),
    ],
)
def test_only_the_newest_state_is_told(
    api: Api, fake: FakePortal, token: str, portal: Portal, states: tuple[str, ...], told: list[str]
) -> None:
    sms(api, token)
    assert become(*states, fake=fake) == told


def test_a_refusal_is_told_as_failed_once(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    sms(api, token, "m1", number="12")
    assert [tell_all(), tell_all()] == [1, 0]
    assert fake.statuses == [("m1", "failed")]


def test_many_go_in_batches_of_fifty_one_at_each_look(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    for n in range(51):
        sms(api, token, f"m{n}", number="12")
    fake.calls.clear()
    assert [tell_all(), tell_all(), tell_all()] == [50, 1, 0]
    assert fake.calls == ["batch", "batch"]


def test_a_message_that_the_portal_does_not_know_holds_up_no_other(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    sms(api, token, "m1")
    sms(api, token, "m2")
    fake.unknown_messages = {"m1"}
    assert [tell_all(), tell_all()] == [1, 0]
    assert fake.statuses == [("m2", "queued")]


def test_an_expired_token_is_renewed_once_and_the_new_pair_is_kept(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    for n in (1, 2):
        fake.expire()
        sms(api, token, f"m{n}")
        assert tell_all() == 1
        assert fake.renewals == n
    assert Portal.objects.get().state == "active"


def test_a_portal_that_was_renamed_is_called_by_its_new_name(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    fake.expire()
    fake.path = "/renamed/rest/"
    sms(api, token)
    assert tell_all() == 1
    assert Portal.objects.get().client_endpoint == fake.client_endpoint


def test_a_token_that_another_process_renewed_meanwhile_is_not_renewed_again(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    before = Portal.objects.get()
    fake.expire()
    sms(api, token)
    tell_all()
    calling.call(before, "messageservice.sender.update", {"CODE": "smsgate", "HANDLER": "x"})
    assert fake.renewals == 1


def test_an_incomplete_portal_stops_when_its_token_ends_and_goes_on_when_completed(
    api: Api, fake: FakePortal, token: str
) -> None:
    install(api, fake, token)
    sms(api, token, "m1")
    fake.expire()
    assert [tell_all(), tell_all()] == [0, 0]
    stopped = Portal.objects.get()
    assert (stopped.state, stopped.last_error) == ("broken", "client_id is missing")
    portals.complete(stopped, CLIENT_ID, CLIENT_SECRET)
    assert tell_all() == 1


def test_a_lost_renewal_breaks_the_portal_until_it_is_installed_anew(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    """The worker died between the answer and the commit: the refresh token that it has is void."""
    fake.expire()
    fake.refresh_token = "one that nobody has kept"
    sms(api, token)
    assert tell_all() == 0
    assert (Portal.objects.get().state, Portal.objects.get().last_error) == (
        "broken",
        "invalid_grant",
    )
    install(api, fake, token)
    assert tell_all() == 1


@pytest.mark.parametrize("answer", [error(503, "QUERY_LIMIT_EXCEEDED"), (502, {})])
def test_a_portal_that_is_too_busy_is_left_alone_for_ever_longer(
    api: Api, fake: FakePortal, token: str, portal: Portal, manual_clock: ManualClock,
    answer: tuple[int, dict[str, str]],
) -> None:  # fmt: skip
    sms(api, token)
    fake.next_answers = [answer, answer]
    fake.calls.clear()
    for seconds in (0, 4, 2, 8, 3):
        manual_clock.advance(seconds=seconds)
        tell_all()
    assert fake.calls == ["batch"] * 3  # after 0, 6 and 17 seconds
    assert fake.statuses == [("m1", "queued")]
    assert (Portal.objects.get().failures, Portal.objects.get().last_error) == (0, "")


def test_a_portal_whose_time_is_used_up_is_left_alone_until_it_has_more(
    api: Api, fake: FakePortal, token: str, portal: Portal, manual_clock: ManualClock
) -> None:
    resets = manual_clock().timestamp() + 600
    sms(api, token)
    fake.next_answers = [error(429, "OPERATION_TIME_LIMIT", time={"operating_reset_at": resets})]
    told = []
    for seconds in (0, 590, 20):
        manual_clock.advance(seconds=seconds)
        told.append(tell_all())
    assert told == [0, 0, 1]


@pytest.mark.parametrize("code", ["PAYMENT_REQUIRED", "ACCESS_DENIED", "invalid_client"])
def test_what_only_a_person_can_mend_is_shown_and_not_tried_again(
    api: Api, fake: FakePortal, token: str, portal: Portal, code: str, manual_clock: ManualClock
) -> None:
    sms(api, token)
    fake.next_answers = [error(403, code)]
    tell_all()
    manual_clock.advance(days=1)
    fake.calls.clear()
    tell_all()
    assert fake.calls == []
    assert (Portal.objects.get().state, Portal.objects.get().last_error) == ("broken", code)


def test_tokens_are_renewed_by_the_clock_before_they_end(
    fake: FakePortal, portal: Portal, manual_clock: ManualClock
) -> None:
    for days in (59, 2, 1):
        manual_clock.advance(days=days)
        tell_all()
    assert fake.renewals == 1


def test_a_message_is_followed_for_a_week(
    api: Api, fake: FakePortal, token: str, portal: Portal, manual_clock: ManualClock
) -> None:
    sms(api, token)
    assert become("sent", fake=fake) == ["sent"]
    manual_clock.advance(days=8)
    assert become("delivered", fake=fake) == ["sent"]
    assert not StatusPush.objects.exists()
