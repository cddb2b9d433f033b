-- What puts messages into the queue, and what is asked of the queue before.

-- name: insert_one
-- One message without a batch of its own, as most come where little is sent: half the time of what follows.
-- A duplicate is refused by the unique indexes, which undo all, its count with it.
WITH given AS MATERIALIZED (
    SELECT * FROM json_populate_record(NULL::messaging_message, %(message)s::json) AS message
    WHERE (
        SELECT true FROM messaging_optout
        WHERE account_id = message.account_id AND phone = message.phone
    ) IS NULL AND (
        %(may_wait)s
        OR pg_try_advisory_xact_lock_shared(%(account_lock)s, message.account_id::integer)
    )
), counted AS (
    INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
    SELECT account_id, %(day)s, 1 FROM given WHERE %(max_daily_sms)s >= 1
    ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + 1
    WHERE usage.used < %(max_daily_sms)s
    RETURNING used
), inserted AS (
    INSERT INTO messaging_message (
        account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
        status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
        parts, encoding, attempt_n, cancel_requested, failure_reason,
        created_at, sent_at, delivered_at, finished_at
    )
    SELECT
        account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
        status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
        parts, encoding, attempt_n, cancel_requested, failure_reason,
        created_at, sent_at, delivered_at, finished_at
    FROM given
    WHERE %(max_daily_sms)s::integer IS NULL OR EXISTS (SELECT FROM counted)
    RETURNING id, account_id, license_id, batch_id, created_at, parts
), told AS (
    INSERT INTO outbox_event (account_id, license_id, type, at, message_id, data)
    SELECT m.account_id, m.license_id, 'message.accepted', m.created_at, m.id, json_build_object('parts', m.parts)
    FROM inserted AS m JOIN licenses_account AS a ON a.id = m.account_id
    WHERE a.keeps_events
), told_of_limit AS (
    INSERT INTO outbox_event (account_id, type, at, data)
    SELECT m.account_id, 'limit.reached', m.created_at, json_build_object('day', %(day)s::date, 'max_daily_sms', used)
    FROM inserted AS m JOIN licenses_account AS a ON a.id = m.account_id, counted
    WHERE a.keeps_events AND counted.used = %(max_daily_sms)s
)
SELECT 1 AS n, id, batch_id, coalesce((SELECT used FROM counted), 0) AS used FROM inserted

-- name: insert
-- Messages of many senders (messaging/services/accept.py), some with a new batch. A row that a rule of
-- messaging/rules.py or the day's limit forbids is left out and harms no other. Each probe is a scalar
-- subquery: a look at an index for each row, however many rows the planner expects. Usage rows are locked
-- first, then batches are inserted, then messages, each in one order: groups never wait for each other in
-- a circle.
WITH given AS MATERIALIZED (
    SELECT
        message.*, item.batch, item.max_daily_sms, item.day, item.n,
        nextval('messaging_message_id_seq') AS message_id,
        CASE
            WHEN item.batch IS NULL THEN message.batch_id ELSE nextval('messaging_batch_id_seq')
        END AS its_batch
    FROM
        ROWS FROM (
            json_to_recordset(%(items)s::json)
                AS (message json, batch json, max_daily_sms integer, day date)
        ) WITH ORDINALITY AS item (message_row, batch, max_daily_sms, day, n),
        json_populate_record(NULL::messaging_message, item.message_row) AS message
    WHERE (
        SELECT true FROM messaging_optout
        WHERE account_id = message.account_id AND phone = message.phone
    ) IS NULL AND (
        SELECT true FROM messaging_message AS existing
        WHERE license_id = message.license_id AND external_id = message.external_id
    ) IS NULL AND (
        SELECT true FROM messaging_message AS existing
        WHERE license_id = message.license_id AND repeat_digest = message.repeat_digest
    ) IS NULL AND (
        SELECT true FROM messaging_batch AS existing
        WHERE license_id = message.license_id
        AND dialect = item.batch ->> 'dialect' AND external_id = item.batch ->> 'external_id'
    ) IS NULL AND (
        -- A group waits for no bulk: its transaction may hold what this one needs.
        %(may_wait)s
        OR pg_try_advisory_xact_lock_shared(%(account_lock)s, message.account_id::integer)
    )
), counted AS (
    INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
    SELECT account_id, day, count(*) FROM given WHERE max_daily_sms IS NOT NULL
    GROUP BY account_id, day HAVING count(*) <= min(max_daily_sms)
    ORDER BY account_id, day
    ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + excluded.used
    WHERE usage.used + excluded.used <= (
        SELECT min(max_daily_sms) FROM given WHERE account_id = usage.account_id
    )
    RETURNING account_id, day, used
), batches AS (
    INSERT INTO messaging_batch (
        id, account_id, license_id, dialect, external_id, name, text, send_after, is_held,
        callback_url, parent_id, details, created_at
    )
    SELECT
        its_batch, b.account_id, b.license_id, b.dialect, b.external_id, b.name, b.text, b.send_after,
        b.is_held, b.callback_url, b.parent_id, b.details, b.created_at
    FROM given LEFT JOIN counted USING (account_id, day), json_populate_record(NULL::messaging_batch, batch) AS b
    WHERE batch IS NOT NULL AND (max_daily_sms IS NULL OR used IS NOT NULL)
    ORDER BY b.license_id, b.dialect, b.external_id
    ON CONFLICT DO NOTHING
    RETURNING id
), inserted AS (
    INSERT INTO messaging_message (
        id, account_id, license_id, batch_id, external_id, repeat_digest, phone, text, priority, sim,
        status, send_after, send_after_given, send_before, due_at, expires_at, any_hour, on_uncertain,
        parts, encoding, attempt_n, cancel_requested, failure_reason,
        created_at, sent_at, delivered_at, finished_at
    )
    SELECT
        message_id, account_id, license_id, its_batch, external_id, repeat_digest, phone, text,
        priority, sim, status, send_after, send_after_given, send_before, due_at, expires_at, any_hour,
        on_uncertain, parts, encoding, attempt_n, cancel_requested, failure_reason,
        created_at, sent_at, delivered_at, finished_at
    FROM given LEFT JOIN counted USING (account_id, day)
    WHERE (max_daily_sms IS NULL OR used IS NOT NULL)
    AND (batch IS NULL OR its_batch IN (SELECT id FROM batches))
    ORDER BY license_id, external_id, repeat_digest
    ON CONFLICT DO NOTHING  -- a duplicate that another transaction has just committed
    RETURNING id, account_id, license_id, created_at, parts
), told AS (
    INSERT INTO outbox_event (account_id, license_id, type, at, message_id, data)
    SELECT m.account_id, m.license_id, 'message.accepted', m.created_at, m.id, json_build_object('parts', m.parts)
    FROM inserted AS m JOIN licenses_account AS a ON a.id = m.account_id
    WHERE a.keeps_events
    ORDER BY m.id
), told_of_limits AS (
    INSERT INTO outbox_event (account_id, type, at, data)
    SELECT account_id, 'limit.reached', max(given.created_at), json_build_object('day', day, 'max_daily_sms', used)
    FROM counted JOIN given USING (account_id, day)
    WHERE
        used = given.max_daily_sms
        AND (SELECT keeps_events FROM licenses_account WHERE id = account_id)
    GROUP BY account_id, day, used
)
SELECT
    n, inserted.id, its_batch AS batch_id, coalesce(used, 0) AS used,
    -- Such a duplicate must leave neither its count nor its batch behind: division by zero undoes all.
    1 / (inserted.id IS NOT NULL OR used IS NULL AND batches.id IS NULL)::integer AS is_whole
FROM given
LEFT JOIN inserted ON inserted.id = message_id
LEFT JOIN batches ON batches.id = its_batch
LEFT JOIN counted ON counted.account_id = given.account_id AND counted.day = given.day

-- name: tell_of_accepted
-- The events of messages that were inserted otherwise; one whose recipient had opted out is cancelled at once.
INSERT INTO outbox_event (account_id, license_id, type, at, message_id, data)
SELECT account_id, license_id, told.type, created_at, id, told.data
FROM
    messaging_message AS m
    CROSS JOIN LATERAL (VALUES
        ('message.accepted', jsonb_build_object('parts', parts)),
        ('message.' || status, jsonb_build_object(
            'parts', parts, 'status', status, 'failure_reason', failure_reason
        ))
    ) AS told (type, data)
WHERE
    (SELECT keeps_events FROM licenses_account WHERE id = %(account_id)s)
    AND account_id = %(account_id)s AND id = ANY(%(ids)s::bigint[])
    AND told.type IN ('message.accepted', 'message.cancelled')
ORDER BY id, told.type

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
