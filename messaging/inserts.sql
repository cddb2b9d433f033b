-- What puts a message into the queue, and what is asked of the queue before.
--
-- Four ways to insert one message: counted against its day where the account has a limit, and with a
-- batch of its own. No row is returned where a rule of messaging/rules.py (the opt-out) or the limit
-- forbids it; the unique indexes refuse a duplicate, and the statement then fails as a whole, its count
-- with it. A usage row is locked for this one statement.

-- name: insert
INSERT INTO messaging_message (
    account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
    status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
    parts, encoding, attempt_n, cancel_requested, failure_reason,
    created_at, sent_at, delivered_at, finished_at
)
SELECT
    %(account_id)s, %(license_id)s, %(batch_id)s, %(external_id)s, %(repeat_digest)s, %(phone)s,
    %(text)s, %(priority)s, %(sim)s,
    %(status)s, %(send_after)s, %(send_after_given)s, %(send_before)s, %(due_at)s, %(expires_at)s,
    %(any_hour)s, %(on_uncertain)s,
    %(parts)s, %(encoding)s, %(attempt_n)s, %(cancel_requested)s, %(failure_reason)s,
    %(created_at)s, %(sent_at)s, %(delivered_at)s, %(finished_at)s
WHERE NOT EXISTS (
    SELECT FROM messaging_optout WHERE account_id = %(account_id)s AND phone = %(phone)s::varchar
)
RETURNING id, batch_id, 0 AS used

-- name: insert_counted
WITH counted AS (
    INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
    SELECT %(account_id)s, %(day)s, 1
    WHERE %(max_daily_sms)s >= 1 AND NOT EXISTS (
        SELECT FROM messaging_optout WHERE account_id = %(account_id)s AND phone = %(phone)s::varchar
    )
    ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + 1
    WHERE usage.used < %(max_daily_sms)s
    RETURNING used
)
INSERT INTO messaging_message (
    account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
    status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
    parts, encoding, attempt_n, cancel_requested, failure_reason,
    created_at, sent_at, delivered_at, finished_at
)
SELECT
    %(account_id)s, %(license_id)s, %(batch_id)s, %(external_id)s, %(repeat_digest)s, %(phone)s,
    %(text)s, %(priority)s, %(sim)s,
    %(status)s, %(send_after)s, %(send_after_given)s, %(send_before)s, %(due_at)s, %(expires_at)s,
    %(any_hour)s, %(on_uncertain)s,
    %(parts)s, %(encoding)s, %(attempt_n)s, %(cancel_requested)s, %(failure_reason)s,
    %(created_at)s, %(sent_at)s, %(delivered_at)s, %(finished_at)s
FROM counted
RETURNING id, batch_id, (SELECT used FROM counted) AS used

-- name: insert_with_batch
WITH batch AS (
    INSERT INTO messaging_batch (
        account_id, license_id, dialect, external_id, name, text, send_after, is_held,
        callback_url, parent_id, details, created_at
    )
    SELECT
        %(batch_account_id)s, %(batch_license_id)s, %(batch_dialect)s, %(batch_external_id)s,
        %(batch_name)s, %(batch_text)s, %(batch_send_after)s, %(batch_is_held)s,
        %(batch_callback_url)s, %(batch_parent_id)s, %(batch_details)s, %(batch_created_at)s
    WHERE NOT EXISTS (
        SELECT FROM messaging_optout WHERE account_id = %(account_id)s AND phone = %(phone)s::varchar
    )
    RETURNING id
)
INSERT INTO messaging_message (
    account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
    status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
    parts, encoding, attempt_n, cancel_requested, failure_reason,
    created_at, sent_at, delivered_at, finished_at
)
SELECT
    %(account_id)s, %(license_id)s, batch.id, %(external_id)s, %(repeat_digest)s, %(phone)s,
    %(text)s, %(priority)s, %(sim)s,
    %(status)s, %(send_after)s, %(send_after_given)s, %(send_before)s, %(due_at)s, %(expires_at)s,
    %(any_hour)s, %(on_uncertain)s,
    %(parts)s, %(encoding)s, %(attempt_n)s, %(cancel_requested)s, %(failure_reason)s,
    %(created_at)s, %(sent_at)s, %(delivered_at)s, %(finished_at)s
FROM batch
RETURNING id, batch_id, 0 AS used

-- name: insert_counted_with_batch
WITH counted AS (
    INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
    SELECT %(account_id)s, %(day)s, 1
    WHERE %(max_daily_sms)s >= 1 AND NOT EXISTS (
        SELECT FROM messaging_optout WHERE account_id = %(account_id)s AND phone = %(phone)s::varchar
    )
    ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + 1
    WHERE usage.used < %(max_daily_sms)s
    RETURNING used
), batch AS (
    INSERT INTO messaging_batch (
        account_id, license_id, dialect, external_id, name, text, send_after, is_held,
        callback_url, parent_id, details, created_at
    )
    SELECT
        %(batch_account_id)s, %(batch_license_id)s, %(batch_dialect)s, %(batch_external_id)s,
        %(batch_name)s, %(batch_text)s, %(batch_send_after)s, %(batch_is_held)s,
        %(batch_callback_url)s, %(batch_parent_id)s, %(batch_details)s, %(batch_created_at)s
    FROM counted
    RETURNING id
)
INSERT INTO messaging_message (
    account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
    status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
    parts, encoding, attempt_n, cancel_requested, failure_reason,
    created_at, sent_at, delivered_at, finished_at
)
SELECT
    %(account_id)s, %(license_id)s, batch.id, %(external_id)s, %(repeat_digest)s, %(phone)s,
    %(text)s, %(priority)s, %(sim)s,
    %(status)s, %(send_after)s, %(send_after_given)s, %(send_before)s, %(due_at)s, %(expires_at)s,
    %(any_hour)s, %(on_uncertain)s,
    %(parts)s, %(encoding)s, %(attempt_n)s, %(cancel_requested)s, %(failure_reason)s,
    %(created_at)s, %(sent_at)s, %(delivered_at)s, %(finished_at)s
FROM batch
RETURNING id, batch_id, (SELECT used FROM counted) AS used

-- name: find_conflicts
-- The external ids and digests of these that messages of the licence have, and the phones of these
-- that have opted out.
SELECT external_id, NULL::uuid AS digest, NULL AS opted_out FROM messaging_message
WHERE license_id = %(license_id)s AND external_id = ANY(%(external_ids)s::text[])
UNION ALL
SELECT NULL, repeat_digest, NULL FROM messaging_message
WHERE license_id = %(license_id)s AND repeat_digest = ANY(%(digests)s::uuid[])
UNION ALL
SELECT NULL, NULL, phone FROM messaging_optout
WHERE account_id = %(account_id)s AND phone = ANY(%(phones)s::text[])
