"""What every dialect must hold to. A dialect's own test inherits these by describing itself:

class TestItConforms(Conformance):
    dialect = DIALECT
    …

Every refusal is looked at in the vendor's shape; that nothing was accepted is looked at in our tables.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings

from dialects.base import Dialect
from http_api.shapes import Shape, names_of
from licenses.models import Credential, License
from messaging import inserts, locks
from messaging.models import Batch, Message
from messaging.requests import BulkMessages, SingleMessage
from messaging.rules import RULES, Rule, SkipReason
from messaging.services import accept, opt_outs
from messaging.states import MessageState
from smsgate.paths import body_limit
from tests.conftest import Api, ManualClock, Tenant

# What the native API calls its fields, and the words in which an error names one: `phone: …`.
OURS = {*names_of(SingleMessage), *names_of(BulkMessages), "api_key", "group_ids"}
_NAMED = r'(?:^|[\s;"])(?:{0}:|after {0}\b)'

UNDER_WAY = ("scheduled", "pending", "leased", "sending", "uncertain")
SENT = ("sent", "delivered")
WILL_NOT_ARRIVE = ("undelivered", "failed", "expired", "cancelled")

NUMBER = "+48600100200"
TEXT = "Zażółć gęślą jaźń"


def _below(shape: type[Shape]) -> Iterator[type[Shape]]:
    for one in shape.__subclasses__():
        yield one
        yield from _below(one)


class Conformance:
    """The tests. A dialect says below what they need to know of it."""

    dialect: ClassVar[Dialect]
    path: ClassVar[str]  # of a send, below a mount
    sent_status: ClassVar[int] = 200
    # A path with `{id}` for each route that names something of an account, with its method.
    routes_with_id: ClassVar[tuple[tuple[str, str], ...]] = ()
    # Lists (GET) of what an account has.
    lists: ClassVar[tuple[str, ...]] = ()
    # Where `state_in` finds what became of a send, with its `{id}` if need be.
    state_path: ClassVar[str]
    # Our refusals that `send` can meet, and the vendor's HTTP status for each.
    statuses: ClassVar[Mapping[str, int]] = {
        "invalid": 400, "malformed": 400, "invalid_key": 401, "license_inactive": 403,
        "subscription_expired": 403, "daily_limit_exceeded": 403, "too_many_requests": 429,
        "too_large": 413, "not_found": 404, "method_not_allowed": 405, "server_error": 500,
    }  # fmt: skip

    def headers(self, tenant: Tenant) -> dict[str, str]:
        """What logs this tenant in; a dialect whose keys stand elsewhere overrides `call`."""
        raise NotImplementedError

    def body(self, tenant: Tenant, phone: str = NUMBER, text: str = TEXT) -> dict[str, Any]:
        """A send's body, complete but for what `headers` says."""
        raise NotImplementedError

    def id_of(self, response: Any) -> str:
        """The id that a send's answer tells, as it stands in a path."""
        raise NotImplementedError

    def state_in(self, response: Any) -> str:
        """The state of the only send that this answer of `state_path` shows."""
        raise NotImplementedError

    def check_shape(self, response: Any) -> None:
        """Assert that this refusal has the vendor's shape."""
        raise NotImplementedError

    # --- what the tests use ------------------------------------------------------------------------

    @property
    def mount(self) -> str:
        return self.dialect.mounts[0]

    def call(
        self, api: Api, method: str, path: str, tenant: Tenant | None, body: Any = None
    ) -> Any:
        headers = self.headers(tenant) if tenant else {}
        content = "" if body is None else json.dumps(body)
        return api.client.generic(
            method, path, content, content_type="application/json", headers=headers
        )

    def send(self, api: Api, tenant: Tenant, mount: str = "", **fields: Any) -> Any:
        path = (mount or self.mount) + self.path
        return self.call(api, "POST", path, tenant, self.body(tenant, **fields))

    def sent(self, api: Api, tenant: Tenant, **fields: Any) -> Any:
        response = self.send(api, tenant, **fields)
        assert 200 <= response.status_code < 300, response.content
        return response

    def refused(self, response: Any, code: str) -> None:
        """It is the vendor's refusal for this code of ours, and nothing was accepted."""
        assert response.status_code == self.statuses[code], response.content
        assert response["Content-Type"] == "application/json"
        self.check_shape(response)
        self.check_names(response)
        assert not Message.objects.exists()
        assert not Batch.objects.exists()

    def check_names(self, response: Any) -> None:
        """No field of ours is named that the vendor has not."""
        foreign = OURS - self.vendor_names()
        names = [
            name for name in foreign if re.search(_NAMED.format(name), response.content.decode())
        ]
        assert names == [], response.content

    def vendor_names(self) -> set[str]:
        """What the fields of all its requests are called."""
        package = self.dialect.routes[0][1].__module__.split(".")[:2]
        shapes = [each for each in _below(Shape) if each.__module__.split(".")[:2] == package]
        return {name for shape in shapes for name in names_of(shape)}

    # --- sending -----------------------------------------------------------------------------------

    def test_a_send_is_queued_as_it_was_said(self, api: Api, tenant: Tenant) -> None:
        response = self.send(api, tenant)
        assert response.status_code == self.sent_status, response.content
        message = Message.objects.get()
        assert (message.phone, message.text, message.status) == (NUMBER, TEXT, "pending")
        assert message.license_id == tenant.keys.license_id
        assert message.account_id == tenant.keys.account_id

    def test_it_answers_at_each_of_its_mounts(self, api: Api, tenant: Tenant) -> None:
        for count, mount in enumerate(self.dialect.mounts, start=1):
            assert 200 <= self.send(api, tenant, mount).status_code < 300
            assert Message.objects.count() == count

    def test_a_trailing_slash_changes_nothing(self, api: Api, tenant: Tenant) -> None:
        path = f"{self.mount}{self.path}/"
        response = self.call(api, "POST", path, tenant, self.body(tenant))
        assert response.status_code == self.sent_status

    def test_a_send_with_the_same_idempotency_key_is_sent_once(
        self, api: Api, tenant: Tenant
    ) -> None:
        api.client.defaults["HTTP_IDEMPOTENCY_KEY"] = "k"
        first, again = self.sent(api, tenant), self.sent(api, tenant)
        assert first.content == again.content
        assert Message.objects.count() == 1

    def test_a_head_sends_nothing(self, api: Api, tenant: Tenant) -> None:
        self.call(api, "HEAD", self.mount + self.path, tenant, self.body(tenant))
        assert not Message.objects.exists()

    def test_what_no_phone_takes_in_time_is_not_sent_any_more(
        self, api: Api, tenant: Tenant
    ) -> None:
        tenant.set_rules(max_age_hours=5)
        self.sent(api, tenant)
        message = Message.objects.get()
        assert message.send_before or message.expires_at == message.due_at + dt.timedelta(hours=5)
        assert message.expires_at

    def test_a_send_makes_the_row_that_the_native_api_makes(
        self, api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
    ) -> None:
        self.sent(api, tenant)
        native = other_tenant.message(phone=NUMBER, message=TEXT)
        assert api.post("/api/messages/", native).status_code == 201
        ours, theirs = (
            Message.objects.filter(account_id=each.keys.account_id).values().get()
            for each in (other_tenant, tenant)
        )
        for name in ("id", "account_id", "license_id", "external_id", "batch_id"):
            del ours[name], theirs[name]
        assert ours == theirs

    def test_a_rule_that_is_added_refuses_a_send(
        self, api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blocked = Rule(SkipReason.FOREIGN_NUMBER, lambda draft, facts: draft.phone == NUMBER)
        monkeypatch.setattr(accept, "RULES", (*RULES, blocked))
        self.refused(self.send(api, tenant), "invalid")

    # --- the vendor's words ------------------------------------------------------------------------

    def test_every_state_has_a_word(self) -> None:
        assert set(self.dialect.states) == set(MessageState)

    @pytest.mark.parametrize("state", WILL_NOT_ARRIVE)
    def test_what_will_not_arrive_is_shown_neither_as_queued_nor_as_sent(self, state: str) -> None:
        assert self.dialect.states[MessageState(state)] not in self.words(*UNDER_WAY, *SENT)

    def test_an_uncertain_message_is_shown_as_being_sent(self) -> None:
        """Neither as sent nor as failed: a client would send it again."""
        word = self.dialect.states[MessageState.UNCERTAIN]
        assert word not in self.words(*SENT, *WILL_NOT_ARRIVE)
        assert word not in self.words("scheduled", "pending") - self.words("sending")

    def words(self, *states: str) -> set[str]:
        return {self.dialect.states[MessageState(state)] for state in states}

    @pytest.mark.parametrize("state", list(MessageState))
    def test_a_client_reads_the_word_of_the_table(
        self, api: Api, tenant: Tenant, state: MessageState
    ) -> None:
        sent = self.sent(api, tenant)
        long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        Message.objects.update(status=state.value, sent_at=long_ago)
        path = self.mount + self.state_path.format(id=self.id_of(sent))
        response = self.call(api, "GET", path, tenant)
        assert self.state_in(response) == self.dialect.states[state]

    def test_each_field_name_is_of_a_field_that_both_have(self) -> None:
        theirs = {name.partition(".")[0] for name in self.dialect.field_names.values()}
        assert theirs <= self.vendor_names()
        assert self.dialect.field_names.keys() <= OURS

    def test_no_route_names_a_field_of_ours(self, api: Api, tenant: Tenant) -> None:
        for pattern, _, actions in self.dialect.routes:
            if re.fullmatch("[\\w./-]+", pattern):
                for method in actions:
                    path = self.mount + pattern
                    self.check_names(self.call(api, method.upper(), path, tenant, {}))

    # --- keys --------------------------------------------------------------------------------------

    def test_without_a_key_nothing_is_accepted(self, api: Api, tenant: Tenant) -> None:
        body = self.body(tenant)
        self.refused(self.call(api, "POST", self.mount + self.path, None, body), "invalid_key")

    def test_a_credential_that_was_switched_off_is_a_wrong_key(
        self, api: Api, tenant: Tenant
    ) -> None:
        Credential.objects.update(is_active=False)
        self.refused(self.send(api, tenant), "invalid_key")

    def test_an_inactive_licence_is_refused(self, api: Api, tenant: Tenant) -> None:
        License.objects.update(is_active=False)
        self.refused(self.send(api, tenant), "license_inactive")

    def test_an_inactive_account_is_refused(self, api: Api, tenant: Tenant) -> None:
        tenant.set_rules(is_active=False)
        self.refused(self.send(api, tenant), "license_inactive")

    def test_an_expired_subscription_is_refused(self, api: Api, tenant: Tenant) -> None:
        tenant.set_rules(valid_until=dt.date(2020, 1, 1))
        self.refused(self.send(api, tenant), "subscription_expired")

    def test_guessing_keys_is_slowed_down_and_a_right_key_never(
        self, api: Api, tenant: Tenant, settings: LazySettings
    ) -> None:
        settings.FAILED_KEYS_PER_MINUTE = 2
        body = self.body(tenant)
        path = self.mount + self.path
        for _ in range(2):
            self.refused(self.call(api, "POST", path, None, body), "invalid_key")
        response = self.call(api, "POST", path, None, body)
        self.refused(response, "too_many_requests")
        assert int(response["Retry-After"]) > 0
        assert self.send(api, tenant).status_code == self.sent_status

    def test_a_licence_that_asks_too_often_is_throttled(
        self, api: Api, tenant: Tenant, settings: LazySettings, manual_clock: ManualClock
    ) -> None:
        settings.LICENSE_RATE_PER_MINUTE = 1
        self.call(api, "POST", self.mount + self.path, tenant, {})
        self.call(api, "POST", self.mount + self.path, tenant, {})
        response = self.send(api, tenant)
        self.refused(response, "too_many_requests")
        assert int(response["Retry-After"]) > 0

    # --- rules that stay in force ------------------------------------------------------------------

    def test_the_daily_limit_holds(self, api: Api, tenant: Tenant) -> None:
        tenant.set_rules(max_daily_sms=0)
        self.refused(self.send(api, tenant), "daily_limit_exceeded")

    def test_a_send_past_the_daily_limit_may_be_tried_again_with_its_idempotency_key(
        self, api: Api, tenant: Tenant
    ) -> None:
        api.client.defaults["HTTP_IDEMPOTENCY_KEY"] = "k"
        tenant.set_rules(max_daily_sms=0)
        self.refused(self.send(api, tenant), "daily_limit_exceeded")
        tenant.set_rules(max_daily_sms=None)
        assert self.send(api, tenant).status_code == self.sent_status

    def test_outside_the_sending_hours_it_waits_for_the_next_opening(
        self, api: Api, tenant: Tenant, manual_clock: ManualClock
    ) -> None:
        """The clock shows 16:32 in Warsaw."""
        tenant.set_rules(sending_hours="08:00-12:00")
        self.sent(api, tenant)
        message = Message.objects.get()
        assert message.status == "scheduled"
        assert message.due_at == dt.datetime(2026, 4, 10, 6, 0, tzinfo=dt.UTC)

    def test_who_has_opted_out_is_sent_nothing(self, api: Api, tenant: Tenant) -> None:
        opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.API)
        tenant.set_rules(max_daily_sms=1)
        self.check_opted_out(api, tenant, self.send(api, tenant))
        assert not Message.objects.exclude(status="cancelled").exists()
        # and it has taken nothing of the daily limit
        assert self.send(api, tenant, phone="+48600100299").status_code == self.sent_status

    def check_opted_out(self, api: Api, tenant: Tenant, response: Any) -> None:
        """What this dialect answers for a recipient who has opted out."""
        raise NotImplementedError

    @pytest.mark.parametrize(
        "phone",
        [
            "12", "+4812", "abc", "0048123456789000000", "+48 12a",
            "600100200.0", "+48600100200.0", "48600100200.00", "4.8E+10", "+48600100200 (2)",
            "+48600100200 x5", "+48600100200/+48600100201", "48'600'100'200", "4521234567.0",
        ],
    )  # fmt: skip
    def test_a_wrong_number_is_refused(self, api: Api, tenant: Tenant, phone: str) -> None:
        self.refused(self.send(api, tenant, phone=phone), "invalid")

    def test_a_text_of_more_than_ten_parts_is_refused(self, api: Api, tenant: Tenant) -> None:
        self.refused(self.send(api, tenant, text="x" * 1531), "invalid")

    def test_an_empty_body_is_refused(self, api: Api, tenant: Tenant) -> None:
        self.refused(self.call(api, "POST", self.mount + self.path, tenant, {}), "invalid")

    # --- isolation ---------------------------------------------------------------------------------

    def test_another_accounts_id_answers_as_an_unknown_one(
        self, api: Api, tenant: Tenant, other_tenant: Tenant
    ) -> None:
        bobs = self.id_of(self.sent(api, other_tenant))
        before = list(Message.objects.values())
        for method, path in self.routes_with_id:
            theirs = self.call(api, method, self.mount + path.format(id=bobs), tenant)
            unknown = self.call(api, method, self.mount + path.format(id="999999999"), tenant)
            assert theirs.status_code == unknown.status_code == self.statuses["not_found"]
            assert theirs.content == unknown.content
            self.check_shape(theirs)
        assert list(Message.objects.values()) == before
        for method, path in self.routes_with_id:
            mine = self.call(api, method, self.mount + path.format(id=bobs), other_tenant)
            assert 200 <= mine.status_code < 300, (path, mine.content)  # the id was right

    def test_no_list_shows_what_is_another_accounts(
        self, api: Api, tenant: Tenant, other_tenant: Tenant
    ) -> None:
        bobs = self.id_of(self.sent(api, other_tenant))
        for path in self.lists:
            mine = self.call(api, "GET", self.mount + path, tenant)
            theirs = self.call(api, "GET", self.mount + path, other_tenant)
            assert mine.status_code == theirs.status_code == 200
            assert bobs in theirs.content.decode()
            for secret in (bobs, NUMBER, NUMBER[1:], TEXT):
                assert secret not in mine.content.decode()

    # --- malformed requests ------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "body",
        [
            b"{", b'{"a": NaN}', b"\xff\xfe{}", b'{"a": "\\u0000"}', b'{"a": "\\ud800"}',
            b"{" * 20, b'{"a":' * 17 + b"1" + b"}" * 17, b'{"a": 1e999}', b'"text"',
        ],
    )  # fmt: skip
    def test_a_broken_body_is_refused(self, api: Api, tenant: Tenant, body: bytes) -> None:
        response = api.raw(self.mount + self.path, body, **self.headers(tenant))
        self.refused(response, "malformed")

    def test_a_body_that_is_too_large_is_refused(self, api: Api, tenant: Tenant) -> None:
        body = b" " * (body_limit(self.mount + self.path) + 1)
        response = api.raw(self.mount + self.path, body, **self.headers(tenant))
        self.refused(response, "too_large")

    def test_an_unknown_path_answers_in_the_vendors_shape(self, api: Api, tenant: Tenant) -> None:
        for mount in self.dialect.mounts:
            paths = ("", "no/such/path", "%00", "%ff", f"{self.path}/no/such/thing")
            for path in (mount.removesuffix("/"), *(mount + path for path in paths)):
                for method in ("GET", "POST"):
                    response = self.call(api, method, path, tenant)
                    self.refused(response, "not_found")

    def test_a_wrong_method_answers_in_the_vendors_shape(self, api: Api, tenant: Tenant) -> None:
        response = self.call(api, "PATCH", self.mount + self.path, tenant)
        self.refused(response, "method_not_allowed")

    def test_a_fault_of_ours_answers_in_the_vendors_shape(
        self, api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(TEXT)

        monkeypatch.setattr(inserts, "insert", broken)
        monkeypatch.setattr(locks, "lock_account", broken)
        response = self.send(api, tenant)
        self.refused(response, "server_error")
        assert TEXT not in response.content.decode()

    # --- logs --------------------------------------------------------------------------------------

    def test_no_log_holds_a_key_a_number_or_a_text(
        self, api: Api, tenant: Tenant, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        keys = tenant.keys
        self.sent(api, tenant)
        self.send(api, tenant, phone="+4812")
        for secret in (keys.password, keys.token):
            api.client.get(f"{self.mount}{self.path}?token={secret}", headers=self.headers(tenant))
            api.client.get(f"{self.mount}{secret}")
        assert any(record.name == "http_api.requests" for record in caplog.records)
        for secret in (keys.license_key, keys.api_key, keys.password, keys.token, NUMBER[1:], TEXT):
            assert secret not in caplog.text
