"""Rows of an earlier release that break a rule of today: mended or kept apart, never in the way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2

from smsgate.config import PROJECT_DIR
from smsgate.supervisor.embedded import services
from tests.smsgate.processes import private_config
from tests.upgrade.build import FOLDER

# What its admin could save: account 1 is Polish, account 2 Norwegian.
OLD_ROWS = """
INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff,
    is_active, date_joined) VALUES (2, 'bob', '', false, '', '', '', false, true, now());
INSERT INTO licenses_account SELECT 2, 'Bob', 'NO', time_zone, opens_at, closes_at, max_daily_sms,
    valid_until, is_active, retention_days, created_at, 2 FROM licenses_account WHERE id = 1;
INSERT INTO contacts_contactgroup (id, name, created_at, account_id)
    VALUES (10, 'Bad', now(), 1), (11, 'Good', now(), 1), (20, 'Of Bob', now(), 2);
INSERT INTO contacts_contact (id, phone, name, created_at, account_id) VALUES
    (10, '600 000 001', 'Typed', now(), 1), (11, '+48600000002', 'Kept', now(), 1),
    (12, '600-000-002', 'Twice', now(), 1), (13, 'abc', 'Nobody', now(), 1),
    (14, '+480600000003', 'Trunk', now(), 1), (15, '7255', 'Code', now(), 1),
    (20, '40612345', 'Norwegian', now(), 2);
INSERT INTO contacts_contact_groups (contact_id, contactgroup_id)
    VALUES (10, 10), (11, 11), (12, 10), (13, 10), (13, 11), (20, 10);
INSERT INTO messaging_optout (phone, source, created_at, account_id)
    VALUES ('+480600000004', 'api', now(), 1), ('abc', 'admin', now(), 1);
CREATE TEMPORARY TABLE copied AS SELECT * FROM messaging_message
    WHERE status IN ('pending', 'leased', 'uncertain', 'sent') AND external_id IS NOT NULL;
UPDATE copied SET id = id + 100, external_id = 'bad-' || status, phone = 'abc';
INSERT INTO messaging_message SELECT * FROM copied;
UPDATE copied SET id = id + 100, external_id = 'typed-' || status, phone = '600 000 001';
INSERT INTO messaging_message SELECT * FROM copied;
"""


def migrated(database_url: str, *to: str) -> None:
    environment = os.environ | {
        "DATABASE_URL": database_url, "REDIS_URL": "redis://127.0.0.1:1/0", "PEPPER_1": "x",
        "SECRET_KEY": "x",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "migrate", *to, "--verbosity", "0"]
    done = subprocess.run(
        command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_numbers_that_were_kept_as_typed_are_mended_or_kept_apart(tmp_path: Path) -> None:
    with services(private_config(tmp_path / "servers"), durable=False) as (database_url, _):
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute((FOLDER / "0.1.0.sql").read_text())
                cursor.execute("SET search_path TO public;" + OLD_ROWS)
            connection.commit()
        migrated(database_url)
        with (
            contextlib.closing(psycopg2.connect(database_url)) as connection,
            connection.cursor() as cursor,
        ):
            check_contacts(cursor)
            check_opt_outs(cursor)
            check_messages(cursor)


def test_what_an_account_holds_is_carried_into_new_columns_and_back(tmp_path: Path) -> None:
    with services(private_config(tmp_path / "servers"), durable=False) as (database_url, _):

        def run(statement: str) -> list[Any]:
            with contextlib.closing(psycopg2.connect(database_url)) as connection:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else []
                connection.commit()
            return list(rows)

        run((FOLDER / "0.1.0.sql").read_text())
        run("SET search_path TO public;" + OLD_ROWS)
        hours = "SELECT opens_at::text, closes_at::text FROM licenses_account ORDER BY id"
        run("UPDATE licenses_account SET opens_at = '22:00', closes_at = '06:30:30' WHERE id = 2")
        migrated(database_url, "licenses", "0008")
        run(
            "UPDATE licenses_account SET codes_by_sms = false, webhook_secret_n = '2$7' WHERE id = 2"
        )
        migrated(database_url, "licenses")
        stored = run("SELECT id, dialect_settings FROM licenses_account ORDER BY id")
        assert stored == [(1, {}), (2, {"sms-by": {"codes_by_sms": False}})]
        weeks = "SELECT sending_hours FROM licenses_account ORDER BY id"
        assert run(weeks) == [("",), ("22:00-06:31",)]
        run(
            "UPDATE licenses_account SET sending_hours = 'Mo-Fr 09:00-12:00,13:00-18:00' WHERE id = 1"
        )
        secrets = "SELECT id, webhook_secret_pepper, webhook_secret_number FROM licenses_account"
        assert run(f"{secrets} ORDER BY id") == [(1, 1, 1), (2, 2, 7)]
        migrated(database_url, "licenses", "0008")
        assert run("SELECT webhook_secret_n FROM licenses_account ORDER BY id") == [
            ("1$1",),
            ("2$7",),
        ]
        assert run("SELECT id FROM licenses_account WHERE NOT codes_by_sms") == [(2,)]
        assert run(hours) == [("09:00:00", "12:00:00"), ("22:00:00", "06:31:00")]


def test_messages_of_a_licence_that_was_moved_are_its_accounts(tmp_path: Path) -> None:
    with services(private_config(tmp_path / "servers"), durable=False) as (database_url, _):
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute((FOLDER / "0.1.0.sql").read_text())
                cursor.execute("SET search_path TO public;" + OLD_ROWS)
                cursor.execute("UPDATE licenses_license SET account_id = 2")
            connection.commit()
        migrated(database_url)
        with (
            contextlib.closing(psycopg2.connect(database_url)) as connection,
            connection.cursor() as cursor,
        ):
            accounts = "SELECT DISTINCT account_id FROM messaging_message"
            assert all_of(cursor, accounts) == [(2,)]
            unread = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
            assert all_of(cursor, unread) == []


PORTALS = """
INSERT INTO bitrix24_portal (license_id, link_digest, state, created_at, member_id, client_endpoint,
    application_token_digest, client_id, client_secret, access_token, refresh_token, failures,
    last_error)
SELECT 1, named.digest, named.state, now(), named.member_id, '', '', '', '1$x', '1$x', '1$x', 0, ''
FROM (VALUES ('a', 'active', 'one'), ('b', 'broken', 'one'), ('c', 'uninstalled', 'one'),
    ('d', 'active', 'two'), ('e', 'waiting', ''), ('f', 'waiting', '')
) AS named (digest, state, member_id);
INSERT INTO bitrix24_statuspush (portal_id, remote_id, told, tries, event_token, next_at, created_at)
SELECT id, 'm', '', 0, '', now(), now() FROM bitrix24_portal;
"""


def test_a_portal_that_an_account_had_twice_keeps_its_newest_app(tmp_path: Path) -> None:
    with services(private_config(tmp_path / "servers"), durable=False) as (database_url, _):
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute((FOLDER / "0.1.0.sql").read_text())
            connection.commit()
        migrated(database_url, "bitrix24", "0002")
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(PORTALS)
            connection.commit()
        migrated(database_url)
        with (
            contextlib.closing(psycopg2.connect(database_url)) as connection,
            connection.cursor() as cursor,
        ):
            kept = """
                SELECT p.link_digest, p.state, p.account_id, p.refresh_token, count(s.id)
                FROM bitrix24_portal AS p LEFT JOIN bitrix24_statuspush AS s ON s.portal_id = p.id
                GROUP BY p.id ORDER BY p.id
                """
            assert all_of(cursor, kept) == [
                ("a", "uninstalled", 1, "", 0),
                ("b", "broken", 1, "1$x", 1),
                ("c", "uninstalled", 1, "1$x", 1),
                ("d", "active", 1, "1$x", 1),
                ("e", "waiting", 1, "1$x", 1),
                ("f", "waiting", 1, "1$x", 1),
            ]
        migrated(database_url, "bitrix24", "0002")


def all_of(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())


def check_contacts(cursor: Any) -> None:
    contacts = "SELECT name, phone FROM contacts_contact WHERE id >= 10 ORDER BY id"
    assert all_of(cursor, contacts) == [
        ("Typed", "+48600000001"),
        ("Kept", "+48600000002"),  # one person with Twice
        ("Trunk", "+48600000003"),
        ("Code", "7255"),
        ("Norwegian", "+4740612345"),
    ]
    memberships = """
        SELECT contact_id, contactgroup_id, account_id FROM contacts_contact_groups
        WHERE contact_id >= 10 ORDER BY contact_id, contactgroup_id
        """
    assert all_of(cursor, memberships) == [(10, 10, 1), (11, 10, 1), (11, 11, 1)]
    apart = "SELECT account_id, phone, name, groups FROM contacts_unreadablecontact"
    assert all_of(cursor, apart) == [(1, "abc", "Nobody", "Bad\nGood")]


def check_opt_outs(cursor: Any) -> None:
    phones = [row[0] for row in all_of(cursor, "SELECT phone FROM messaging_optout ORDER BY id")]
    assert phones == ["+48123456781", "+480600000004", "+48600000004"]


def check_messages(cursor: Any) -> None:
    states = """
        SELECT external_id, status, phone, text <> '', failure_reason, cancel_requested,
            finished_at IS NOT NULL
        FROM messaging_message WHERE external_id LIKE 'bad-%' OR external_id LIKE 'typed-%'
        ORDER BY external_id
        """
    assert all_of(cursor, states) == [
        ("bad-leased", "leased", "", False, "", True, False),
        ("bad-pending", "failed", "", False, "invalid_phone", False, True),
        ("bad-sent", "sent", "", False, "", False, True),
        ("bad-uncertain", "failed", "", False, "invalid_phone", False, True),
        ("typed-leased", "leased", "+48600000001", True, "", False, False),
        ("typed-pending", "pending", "+48600000001", True, "", False, False),
        ("typed-sent", "sent", "+48600000001", True, "", False, True),
        ("typed-uncertain", "uncertain", "+48600000001", True, "", False, False),
    ]
    changes = "SELECT count(*) FROM messaging_statechange WHERE cause = 'invalid_phone'"
    assert all_of(cursor, changes) == [(2,)]
