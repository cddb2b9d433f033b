"""No list, page, task or call reads more than it shows, however many rows there are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from bench import life, reads
from bench.reads import Read
from dialects.tasks import BODIES
from http_api import clock
from http_api.pagination import MOST
from licenses.models import Account
from members.models import Member, Role
from messaging import tasks
from messaging.selectors import MessageFilter
from messaging.services import exports, housekeeping
from messaging.states import MessageState
from smsgate.operations.metrics import _Queue
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, provisioned
from tests.delivery import Wire, event, sent
from tests.dialects.smsend.conftest import logged_in
from tests.support.plans import Plans, Reading
from webhooks import delivery

pytestmark = pytest.mark.django_db

ROWS = 100_000
LARGEST_PAGE = 40  # statements
OF_SMALL = " of a small account"
# of another account each is a 404
OF_ONE = ("timeline", "thread's messages", "getSmsDeliveryList", "statusBulkSms")
# These look for what no index finds, in the first MOST rows (http_api.pagination) and no further.
WALKS = dict.fromkeys(
    [
        "messages, status=sent", "messages, status=delivered", "contacts, search= of nobody",
        "contacts, group=, search=", "smSend: blacklist/sms?number=…",
        *(f"SMS Gateway for Android: messages, state={s}" for s in ("Pending", "Failed", "Delivered")),
    ],
    2_000,
) | {
    "console: messages/?device={device}&state=sent": MOST, "export, device=": exports.PIECE,
}  # fmt: skip


@pytest.fixture
def tenants(db: None, manual_clock: ManualClock) -> list[Tenant]:
    """All accounts; the first has half of all messages."""
    made = [provisioned(f"Account {number}") for number in range(life.ACCOUNTS)]
    with connection.cursor() as cursor:
        life.fill(cursor, ROWS, clock.now(), large=made[0].keys.license_id, messages_per_opt_out=5)
        cursor.execute("ANALYZE")
    return made


def facts(tenant: Tenant) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(reads.FACTS, {"license": tenant.keys.license_id})
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone(), strict=True))


def pages(large: Tenant, small: Tenant) -> Iterator[Read]:
    of_large = facts(large)
    for tenant, whose in (large, ""), (small, OF_SMALL):
        keys = dataclasses.asdict(tenant.keys)
        for read in reads.of_programs(keys, logged_in(tenant), of_large, clock.now()):
            if not (whose and read.name.endswith(OF_ONE)):
                yield dataclasses.replace(read, name=f"{read.name}{whose}")
    yield from reads.of_operators(large.keys.license_id, of_large, {})
    yield from reads.of_people(of_large, {})
    yield Read("readyz", "/readyz/", {})


def calls(
    api: Api, tenant: Tenant, phone: Phone, of_large: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What programs and phones write."""
    wire = Wire(api, phone)
    yield "single create", lambda: api.post("/api/messages/", tenant.message("new"))
    bulk = tenant.bulk([tenant.message(f"bulk-{n}") for n in range(50)])
    yield "bulk", lambda: api.post("/api/messages/bulk/", bulk)
    people = [{"name": "Jan", "phone": f"+4860010{n:04}", "message": "Hi"} for n in range(20)]
    contacts = tenant.with_keys(contacts=people)
    yield "contacts bulk", lambda: api.post("/api/contacts/contacts/bulk/", contacts)
    hook = {
        "token": tenant.keys.token, "callback_url": "https://example.com/hook",
        "messages": [{"message_type": "bulk", "text": "Hi", "delivery_list": ["+48600100200"]}],
    }  # fmt: skip
    yield "sms.by: sendBulkSms", lambda: api.post("/api/v1/sendBulkSms", hook)
    yield "webhooks", lambda: delivery.deliver(BODIES)
    leased: list[int] = []
    yield "claim", lambda: leased.extend(one["message_id"] for one in wire.claim(10))
    held = [{"message_id": leased[-1], "attempt": 1}]
    yield "empty poll", lambda: wire.sync(claim_id=str(uuid4()), capacity=0, held=held)
    reports = [report for message_id in leased for report in sent(message_id)]
    yield "reports", lambda: wire.report(*reports)
    stop = {"type": "received", "sender": of_large["sender"], "text": "STOP"}
    stop |= {"event_id": str(uuid4()), "wall_time": "2026-04-09T14:32:00Z"}
    yield "STOP", lambda: wire.report(stop)
    yield "a report of nothing", lambda: wire.report(event("part_sent", 1, 9, part=1, parts=1))
    body = {"license__key": tenant.keys.license_key, "phone": of_large["phone"]}
    yield "opt-out", lambda: api.post("/api/opt-outs/", body)
    yield "opt-in", lambda: api.delete(f"/api/opt-outs/{of_large['phone']}/", tenant)
    pending = api.get("/api/messages/?status=pending", tenant).json()["results"][0]["id"]
    yield "cancel", lambda: api.delete(f"/api/messages/{pending}/", tenant)


def searches(
    operator: Client, of_large: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """What people look for: by POST, for it has no place in an address."""
    for sought in (of_large["phone"], of_large["external_id"], "jan", "jan 1", "99", "nobody"):
        for query in "", "?state=failed", f"?device={of_large['device']}&state=delivered":
            path, form = f"/console/messages/{query}", {"sought": sought}
            yield f"console: search in {path}", lambda: operator.post(path, form)  # noqa: B023 (called at once)
    yield "console: send, by name", lambda: operator.post("/console/send/", {"phone": "jan"})


def written(account_id: int, wanted: MessageFilter) -> None:
    """Write the first piece of an export."""
    export = exports.ask(account_id, wanted)
    exports.write_piece()
    exports.delete(account_id, export.pk)


def exported(
    account_id: int, of_large: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], object]]]:
    ids = {"external_id": of_large["external_id"], "status": MessageState.DELIVERED}
    for name, wanted in {
        "all": MessageFilter(),
        "device=": MessageFilter(device=of_large["device"]),
        "phones=": MessageFilter(phones=(of_large["phone"], "+48600100200")),
        "external_id=, status=delivered": MessageFilter(**ids),
    }.items():
        yield f"export, {name}", lambda: written(account_id, wanted)  # noqa: B023 (called at once)


def jobs(manual_clock: ManualClock) -> Iterator[tuple[str, Callable[[], object]]]:
    """What the clock does, with some of it due."""
    queue = _Queue()
    yield "metrics", lambda: list(queue.collect())
    yield "metrics again", lambda: list(queue.collect())
    for task in (
        tasks.promote,
        tasks.expire,
        tasks.doubt_expired_leases,
        tasks.mark_silent_devices,
    ):
        yield task.__name__, task
    yield "count_states", tasks.count_states
    yield "erase_old", lambda: housekeeping.erase_old(lambda: True)
    manual_clock.advance(days=10)
    once = iter([True, False])
    yield "erase_old ten days later", lambda: housekeeping.erase_old(lambda: next(once))
    Account.objects.filter(name="Account 7").update(retention_days=30)
    yield "erase_old of one account", lambda: housekeeping.erase_old(lambda: True)


@pytest.mark.slow
def test_no_statement_reads_more_than_it_shows(
    api: Api, tenants: list[Tenant], manual_clock: ManualClock
) -> None:
    large, small = tenants[:2]
    phone = pair_phone(large)
    operator = Client()
    user = User.objects.create_superuser("op")
    operator.force_login(user)
    Member.objects.create(account=large.account, user=user, role=Role.OWNER)
    plans = Plans(WALKS)
    all_pages, all_calls = list(pages(large, small)), calls(api, large, phone, facts(large))
    with connection.execute_wrapper(plans):
        for page in all_pages:
            plans.asked_by = page.name
            client = operator if page.path.startswith(("/admin/", "/console/")) else api.client
            before = len(plans.seen)
            response = client.get(page.path, headers=dict(page.headers))
            assert response.status_code == 200, (page, response.content)
            assert len(plans.seen) - before < LARGEST_PAGE, page
        sought = searches(operator, facts(large))
        files = exported(large.account.pk, facts(large))
        for plans.asked_by, work in itertools.chain(sought, files, all_calls, jobs(manual_clock)):
            work()
    assert len(plans.seen) > 300
    assert not plans.faults, f"{len(plans.faults)} faults\n\n" + "\n\n".join(plans.faults)


# By the large licence and, one in 300, the small one; sms.by's as requests of three.
SENDS = """
    CREATE TEMPORARY TABLE sent ON COMMIT DROP AS
    SELECT n, is_large, account_id, license_id FROM generate_series(8, %(number)s) AS n
    JOIN (VALUES (true, %(large)s, %(large_license)s), (false, %(small)s, %(small_license)s))
        AS tenant (is_large, account_id, license_id) ON is_large = (mod(n, 2) = 0)
    WHERE is_large OR mod(n, 299) = 0;
    INSERT INTO messaging_batch (id, account_id, license_id, dialect, external_id, name, text, is_held,
        callback_url, parent_id, details, created_at)
    SELECT n, account_id, license_id, %(dialect)s, 'batch-' || n, '', 'Hi', false, '',
        CASE WHEN %(dialect)s = 'sms-by' AND is_large AND mod(n, 8) > 0 THEN n - mod(n, 8) END,
        '{"message_type": "N", "sender": "SMS"}', %(now)s::timestamptz + n * interval '1 s'
    FROM sent;
    INSERT INTO messaging_message (account_id, license_id, batch_id, phone, text, priority, status,
        send_after_given, due_at, any_hour, on_uncertain, parts, encoding, attempt_n, cancel_requested,
        failure_reason, created_at, sent_at, delivered_at, finished_at)
    SELECT account_id, license_id, n, '+48600100200', 'Hi', 10, 'delivered', '', %(now)s, false, 'hold',
        1, 'gsm7', 1, false, '', %(now)s::timestamptz + n * interval '1 s', %(now)s, %(now)s, %(now)s
    FROM sent ORDER BY n;
    ANALYZE messaging_batch, messaging_message;
    SET LOCAL enable_seqscan = off  -- it pays while the tables are small"""
NUMBER_OF_SENDS = 40_000
LISTS = {
    "android-sms-gateway": (
        "{ANDROID}", "{ANDROID}?offset=9000&limit=100", "{ANDROID}?state=Delivered",
        "{ANDROID}?state=Processed", "{ANDROID}?state=Failed&offset=900", "{ANDROID}?deviceId=1",
        "{ANDROID}?state=Failed&sort=created_at", "{ANDROID}?sort=created_at&offset=9000",
    ),
    "smsend": (
        "{SMSEND}smshistory?from=20260101000000",
        "{SMSEND}smshistory?from=20260101000000&pageNumber=900",
    ),
    "sms-by": (
        "{SMS_BY}getSMSMessages?token={token}",
        "{SMS_BY}getMessagesList?token={token}&limit_offset=9000&limit_rows=10",
    ),
    "massej-li": (
        "{MASSEJ_LI}logs", "{MASSEJ_LI}logs?page=450", "{MASSEJ_LI}logs?status=delivered",
        "{MASSEJ_LI}logs?status=pending", "{MASSEJ_LI}account",
    ),
}  # fmt: skip


def sends(dialect: str, large: Tenant, small: Tenant) -> None:
    values: dict[str, Any] = {
        "dialect": dialect, "number": NUMBER_OF_SENDS, "now": clock.now() - dt.timedelta(days=2),
        "large": large.keys.account_id, "large_license": large.keys.license_id,
        "small": small.keys.account_id, "small_license": small.keys.license_id,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SENDS, values)


@pytest.mark.parametrize("dialect", LISTS)
def test_a_list_of_a_dialect_walks_to_its_bound_and_through_nobody_elses(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock, dialect: str
) -> None:
    sends(dialect, tenant, other_tenant)
    for whose, bound in (tenant, 2 * (MOST + 1) + 1_000), (other_tenant, 1_000):
        token = whose.keys.token
        headers = {"Authorization": f"Bearer {token}", **logged_in(whose)}
        for path in LISTS[dialect]:
            reading = Reading()
            with connection.execute_wrapper(reading):
                url = path.format(**vars(reads), token=token)
                response = api.client.get(url, headers=headers)
            assert response.status_code == 200, response.content
            assert reading.rows <= bound, path


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("SELECT count(*) FROM messaging_optout WHERE source = 'api'", "sequential scan"),
        ("SELECT * FROM messaging_optout ORDER BY created_at LIMIT 1", "sequential scan"),
        ("SELECT count(*) FROM messaging_optout WHERE id > 0 AND source = 'api'", "reads 5,000 rows"),
        (
            "SELECT EXISTS (SELECT FROM messaging_optout AS o"
            " WHERE o.account_id = n AND o.phone = n::text) FROM generate_series(1, 5000) AS n",
            "hashed subplan",
        ),
    ],
)  # fmt: skip
def test_a_statement_that_reads_too_much_is_told(tenant: Tenant, sql: str, fault: str) -> None:
    plans = Plans({})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_optout (account_id, phone, source, created_at)"
            " SELECT %s, '+48' || n, 'sms', now() FROM generate_series(600000001, 600005000) AS n",
            [tenant.keys.account_id],
        )
        cursor.execute("ANALYZE messaging_optout")
        if "id > 0" in sql:
            cursor.execute("SET LOCAL enable_seqscan = off")
        with connection.execute_wrapper(plans):
            cursor.execute(sql)
    assert fault in " ".join(plans.faults), plans.faults


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM messaging_optout WHERE account_id = 1 ORDER BY id DESC LIMIT 100",
        # of a table into which other tests have put, and rolled back, little
        "SELECT count(*) FROM (SELECT FROM messaging_export LIMIT 10001) AS found",
        "UPDATE messaging_optout SET source = 'api' WHERE id = 1",
    ],
)
def test_a_statement_that_reads_what_it_needs_is_passed(db: None, sql: str) -> None:
    plans = Plans({})
    with connection.cursor() as cursor, connection.execute_wrapper(plans):
        cursor.execute(sql)
    assert (len(plans.seen), plans.faults) == (1, [])
