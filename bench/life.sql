-- A service's rows after half a year: `rows` messages of 175 days, half of them of the licence `large`, and
-- what comes with them. Ids rise with time. Nothing is due, nothing is to be erased: details are there of
-- the newest 85 days.

CREATE TEMPORARY TABLE tenant ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY id <> %(large)s, id) - 1 AS k, id AS license_id, account_id,
    count(*) OVER () AS tenants
FROM licenses_license;
ANALYZE tenant;

INSERT INTO licenses_device (license_id, name, install_id, token_digest, android, app_version, sims, health,
    failing_sims, refusals, mode, is_paused, kept_sms, last_sync_at, next_sync_seconds, created_at)
SELECT license_id, 'Pixel', 'life', 'life ' || license_id, '15', '1', '[]', '{}', '[]', '{}', 'instant', false, '',
    %(now)s, 900, %(now)s::timestamptz - interval '175 days'
FROM tenant
ON CONFLICT DO NOTHING;

-- One message: whose, in which batch (one in ten), when, and what became of it.
CREATE TEMPORARY TABLE life ON COMMIT DROP AS
SELECT n, batch, t.account_id, t.license_id, d.id AS device_id, made_at,
    made_at + interval '20 s' AS ended_at, status,
    '+48' || (500000000 + mod(n * 7919, greatest(%(rows)s / 5, 1))) AS phone
FROM (
    SELECT n, batch, coalesce(batch, n) AS g, %(now)s::timestamptz
            - (%(rows)s - n + 1) * (interval '175 days' / %(rows)s) - interval '1 minute' AS made_at,
        CASE WHEN n > %(rows)s * 0.99 THEN
            CASE WHEN h < 400 THEN 'pending' WHEN h < 700 THEN 'scheduled' WHEN h < 705 THEN 'leased'
                WHEN h < 710 THEN 'sending' ELSE 'delivered' END
        ELSE
            CASE WHEN h < 10 THEN 'failed' WHEN h < 20 THEN 'undelivered' WHEN h < 25 THEN 'expired'
                WHEN h < 30 THEN 'cancelled' WHEN h < 31 THEN 'uncertain' WHEN h < 110 THEN 'sent'
                ELSE 'delivered' END
        END AS status
    FROM (
        SELECT n, mod(n * 7919, 1000) AS h, CASE WHEN mod(n, 10) = 0 THEN n / 20 + 1 END AS batch
        FROM generate_series(1::bigint, %(rows)s) AS n
    ) AS numbered
) AS made
JOIN tenant AS t ON t.k = CASE WHEN mod(g, 20) < 10 THEN 0
    ELSE 1 + mod(g / 20 * 10 + mod(g, 10), t.tenants - 1) END
JOIN licenses_device AS d ON d.license_id = t.license_id AND d.install_id = 'life';
ANALYZE life;

-- Of each ten of sms.by's, which are of the same licence, the first is the request of the next three.
INSERT INTO messaging_batch (id, account_id, license_id, dialect, external_id, name, text, send_after,
    is_held, callback_url, parent_id, details, created_at)
SELECT batch, min(account_id), min(license_id),
    (ARRAY['android-sms-gateway', 'smsend', 'sms-by', 'massej-li'])[1 + mod(batch / 20, 4)],
    'batch-' || batch, 'Offer', CASE WHEN mod(batch, 16) = 0 THEN 'Your offer of this week' ELSE '' END, NULL,
    false, CASE WHEN mod(batch, 10) = 0 THEN 'https://example.com/hook' ELSE '' END,
    CASE WHEN mod(batch, 80) BETWEEN 41 AND 43 THEN batch - mod(batch, 10) END,
    '{"message_type": "N", "sender": "SMS", "sender_id": "SMS"}', min(made_at)
FROM life WHERE batch IS NOT NULL GROUP BY batch ORDER BY batch;

-- One in a hundred was given up.
INSERT INTO webhooks_endpoint (account_id, kind, url, name, event_types, secret_pepper, secret_number,
    former_pepper, created_at, disabled_reason, failures)
SELECT DISTINCT account_id, 'callback', 'https://example.com', '', '{}'::varchar[], 0, 1, 0,
    %(now)s::timestamptz, '', 0
FROM messaging_batch WHERE callback_url <> '';
INSERT INTO webhooks_delivery (account_id, endpoint_id, batch_id, url, created_at, tries, delivered_at)
SELECT b.account_id, e.id, b.id, b.callback_url, b.created_at, 1,
    CASE WHEN mod(b.id, 1000) > 0 THEN b.created_at + interval '1 hour' END
FROM messaging_batch AS b JOIN webhooks_endpoint AS e ON e.account_id = b.account_id
WHERE b.callback_url <> '' ORDER BY b.id;

INSERT INTO messaging_message (id, account_id, license_id, batch_id, external_id, phone, text, priority,
    status, send_after_given, due_at, expires_at, any_hour, on_uncertain, parts, encoding, attempt_n,
    cancel_requested, failure_reason, created_at, sent_at, delivered_at, finished_at)
SELECT n, account_id, license_id, batch, CASE WHEN batch IS NULL THEN 'life-' || n END, phone,
    'Your order #' || n || ' has been confirmed. Delivery: 2-3 business days.', 10, status, '',
    CASE status WHEN 'scheduled' THEN %(now)s::timestamptz + interval '30 days' ELSE made_at END,
    CASE WHEN status IN ('pending', 'scheduled') THEN %(now)s::timestamptz + interval '60 days' END, false, 'hold', 1,
    'gsm7', CASE WHEN status IN ('pending', 'scheduled', 'expired', 'cancelled') THEN 0 ELSE 1 END, false,
    CASE status WHEN 'failed' THEN 'no_service' ELSE '' END, made_at,
    CASE WHEN status IN ('sent', 'delivered', 'undelivered') THEN ended_at END,
    CASE status WHEN 'delivered' THEN ended_at END,
    CASE WHEN status IN ('sent', 'delivered', 'undelivered', 'failed', 'expired', 'cancelled') THEN ended_at END
FROM life ORDER BY n;

-- Claims stay as long as their attempts; those of the newest two days that got nothing are there, too.
INSERT INTO messaging_claim (id, device_id, claim_id, claimed_at)
SELECT n, device_id, gen_random_uuid(), made_at FROM life
WHERE mod(n, 5) = 0 AND made_at > %(now)s::timestamptz - interval '85 days' ORDER BY n;
INSERT INTO messaging_claim (id, device_id, claim_id, claimed_at)
SELECT %(rows)s + n, device_id, gen_random_uuid(),
    %(now)s::timestamptz - interval '45 hours' * (1 - n::float / %(rows)s)
FROM life WHERE mod(n, 40) = 0 ORDER BY n;

INSERT INTO messaging_attempt (message_id, n, device_id, install_id, claim_id, leased_at, leased_until, state,
    is_superseded)
SELECT n, 1, device_id, 'life',
    CASE WHEN made_at > %(now)s::timestamptz - interval '84 days' THEN n - mod(n, 5) END, made_at,
    greatest(made_at, %(now)s) + interval '1 day', status, false
FROM life WHERE status NOT IN ('pending', 'scheduled', 'expired', 'cancelled')
    AND made_at > %(now)s::timestamptz - interval '85 days' ORDER BY n;

INSERT INTO messaging_event (device_id, event_id, type, message_id, attempt, part, parts, code, wall_time,
    quarantine, received_at)
SELECT device_id, gen_random_uuid(), e.type, n, 1, e.part, 1, '', '2026-01-01T00:00:00Z', '', e.at
FROM life CROSS JOIN LATERAL (
    VALUES ('started', NULL::int, made_at), ('part_sent', 1, ended_at), ('part_delivered', 1, ended_at),
        ('part_failed', 1, ended_at)
) AS e (type, part, at)
WHERE made_at > %(now)s::timestamptz - interval '85 days' AND CASE e.type
    WHEN 'started' THEN status IN ('sending', 'sent', 'delivered', 'undelivered', 'failed')
    WHEN 'part_sent' THEN status IN ('sent', 'delivered', 'undelivered')
    WHEN 'part_delivered' THEN status = 'delivered'
    ELSE status = 'failed' END
ORDER BY n;
-- Reports that could not be applied.
INSERT INTO messaging_event (device_id, event_id, type, message_id, attempt, code, wall_time, quarantine,
    received_at)
SELECT device_id, gen_random_uuid(), 'part_sent', n, 7, '', '', 'unknown_attempt', made_at
FROM life WHERE mod(n, 200) = 0 AND made_at > %(now)s::timestamptz - interval '30 days' ORDER BY n;

INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
SELECT n, s.from_state, s.to_state, made_at, 'attempt 1'
FROM life CROSS JOIN LATERAL (
    VALUES ('pending', 'leased'), ('leased', 'sending'), ('sending', 'sent'), ('sent', status), ('pending', status)
) AS s (from_state, to_state)
WHERE made_at > %(now)s::timestamptz - interval '85 days' AND CASE s.from_state || s.to_state
    WHEN 'pendingleased' THEN status NOT IN ('pending', 'scheduled', 'expired', 'cancelled')
    WHEN 'leasedsending' THEN status NOT IN ('pending', 'scheduled', 'expired', 'cancelled', 'leased')
    WHEN 'sendingsent' THEN status IN ('sent', 'delivered', 'undelivered', 'failed', 'uncertain')
    WHEN 'pending' || status THEN status IN ('expired', 'cancelled')
    ELSE status IN ('delivered', 'undelivered') END
ORDER BY n;

INSERT INTO messaging_inboundmessage (account_id, device_id, event_id, sender, text, wall_time, sent_time,
    received_at)
SELECT account_id, device_id, gen_random_uuid(), phone, 'Thank you, see you on Monday.', '', '', made_at
FROM life WHERE mod(n, 20) = 1 ORDER BY n;

INSERT INTO messaging_thread (account_id, phone, last_at, last_in, unread, is_archived)
SELECT account_id, sender, received_at, id, CASE mod(id, 3) WHEN 1 THEN 1 ELSE 0 END,
    mod(id, 3) = 2 FROM messaging_inboundmessage
ON CONFLICT DO NOTHING;

INSERT INTO messaging_optout (account_id, phone, source, created_at)
SELECT account_id, '+48' || (600000000 + n), 'sms', made_at
FROM life WHERE mod(n, %(messages_per_opt_out)s) = 1 ORDER BY n;

INSERT INTO contacts_contact (id, account_id, phone, name, created_at)
SELECT n, account_id, '+48' || (700000000 + n), 'Jan ' || n, made_at FROM life WHERE mod(n, 20) = 3 ORDER BY n;
INSERT INTO contacts_contactgroup (id, account_id, name, created_at)
SELECT k * 10 + n + 1, account_id, 'Group ' || n, %(now)s FROM tenant CROSS JOIN generate_series(0, 9) AS n;
INSERT INTO contacts_contact_groups (account_id, contact_id, contactgroup_id)
SELECT c.account_id, c.id, t.k * 10 + mod(c.id / 20, 10) + 1
FROM contacts_contact AS c JOIN tenant AS t ON t.account_id = c.account_id;

INSERT INTO http_api_idempotencyrecord (scope, route, key, body_digest, status, answer, created_at)
SELECT 'license:' || license_id, 'POST messages-create', 'key-' || n, '\x00', 201, '{}',
    %(now)s::timestamptz - interval '1 hour'
FROM life WHERE mod(n, 175) = 5;

INSERT INTO licenses_dailyusage (account_id, day, used)
SELECT account_id, (%(now)s::timestamptz)::date - day, 100 FROM tenant CROSS JOIN generate_series(1, 175) AS day;

INSERT INTO messaging_dailycount (license_id, day, state, number)
SELECT license_id, (%(now)s::timestamptz)::date - day, state, 100
FROM tenant CROSS JOIN generate_series(1, 175) AS day
CROSS JOIN unnest(ARRAY['accepted', 'leased', 'sending', 'sent', 'delivered']) AS state;

INSERT INTO messaging_phonecount (device_id, day, state, number, parts)
SELECT d.id, (%(now)s::timestamptz)::date - day, state, 100, 150
FROM tenant AS t JOIN licenses_device AS d ON d.license_id = t.license_id CROSS JOIN generate_series(1, 175) AS day
CROSS JOIN unnest(ARRAY['sent', 'delivered', 'failed']) AS state;

-- All of it is counted, and looked at by who deletes.
INSERT INTO messaging_progress (task, last_id)
SELECT 'count_accepted', %(rows)s
UNION ALL SELECT task, max(id) FROM messaging_statechange
    CROSS JOIN unnest(ARRAY['count_changes', 'count_by_phone']) AS task GROUP BY task
UNION ALL SELECT 'delete_claims', max(id) FROM messaging_claim
    WHERE claimed_at < %(now)s::timestamptz - interval '2 days';

SELECT setval(pg_get_serial_sequence(name, 'id'), 3 * %(rows)s)
FROM unnest(ARRAY['messaging_batch', 'messaging_message', 'messaging_claim', 'contacts_contact',
    'contacts_contactgroup']) AS name;
