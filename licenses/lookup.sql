-- Who a key belongs to: five ways to find a licence, each one query with the rules of its account; and
-- what a waiting phone is woken for.
--
-- `::text`: a prepared statement whose result changes its types fails for as long as the connection
-- lives, and a migration that makes a column longer does that.

-- name: by_id
SELECT l.id AS license_id, l.is_active, l.allow_short_codes, l.scopes::text AS scopes,
    a.id AS account_id, a.user_id, a.country::text AS country, a.time_zone::text AS time_zone,
    a.sending_hours::text AS sending_hours, a.max_daily_sms, a.max_age_hours, a.is_active AS account_is_active,
    a.valid_until
FROM licenses_license AS l
JOIN licenses_account AS a ON a.id = l.account_id
WHERE l.id = %(license_id)s

-- name: by_key
-- The former key works on for a while, and its use is not noted; api_key_id: one of the api_keys, if it is the same account's.
SELECT l.id AS license_id, l.is_active, l.allow_short_codes, l.scopes::text AS scopes,
    a.id AS account_id, a.user_id, a.country::text AS country, a.time_zone::text AS time_zone,
    a.sending_hours::text AS sending_hours, a.max_daily_sms, a.max_age_hours, a.is_active AS account_is_active,
    a.valid_until,
    CASE WHEN l.key_digest = ANY(%(keys)s::text[]) THEN l.key_used_at ELSE %(now)s END AS used_at,
    k.id AS api_key_id, k.used_at AS api_key_used_at
FROM licenses_license AS l
JOIN licenses_account AS a ON a.id = l.account_id
LEFT JOIN licenses_apikey AS k ON k.account_id = a.id AND k.is_active
    AND k.key_digest = ANY(%(api_keys)s::text[]) AND (k.ends_at IS NULL OR k.ends_at > %(now)s)
WHERE l.key_digest = ANY(%(keys)s::text[])
    OR (l.former_key_digest = ANY(%(keys)s::text[]) AND l.former_key_until > %(now)s)

-- name: by_password
SELECT l.id AS license_id, l.is_active, l.allow_short_codes, l.scopes::text AS scopes,
    a.id AS account_id, a.user_id, a.country::text AS country, a.time_zone::text AS time_zone,
    a.sending_hours::text AS sending_hours, a.max_daily_sms, a.max_age_hours, a.is_active AS account_is_active,
    a.valid_until, c.id AS credential_id, c.used_at
FROM licenses_license AS l
JOIN licenses_account AS a ON a.id = l.account_id
JOIN licenses_credential AS c ON c.license_id = l.id AND c.is_active
    AND (c.ends_at IS NULL OR c.ends_at > %(now)s)
WHERE c.username = %(username)s AND c.password_digest = ANY(%(digests)s::text[])

-- name: by_token
SELECT l.id AS license_id, l.is_active, l.allow_short_codes, l.scopes::text AS scopes,
    a.id AS account_id, a.user_id, a.country::text AS country, a.time_zone::text AS time_zone,
    a.sending_hours::text AS sending_hours, a.max_daily_sms, a.max_age_hours, a.is_active AS account_is_active,
    a.valid_until, c.id AS credential_id, c.used_at
FROM licenses_license AS l
JOIN licenses_account AS a ON a.id = l.account_id
JOIN licenses_credential AS c ON c.license_id = l.id AND c.is_active
    AND (c.ends_at IS NULL OR c.ends_at > %(now)s)
WHERE c.token_digest = ANY(%(digests)s::text[])

-- name: by_issued_token
SELECT l.id AS license_id, l.is_active, l.allow_short_codes, l.scopes::text AS scopes,
    a.id AS account_id, a.user_id, a.country::text AS country, a.time_zone::text AS time_zone,
    a.sending_hours::text AS sending_hours, a.max_daily_sms, a.max_age_hours, a.is_active AS account_is_active,
    a.valid_until, t.credential_id, t.scopes::text AS token_scopes, t.expires_at,
    t.id AS token_id, t.used_at, t.alert_phones::text[] AS alert_phones, t.alert_group_id
FROM licenses_license AS l
JOIN licenses_account AS a ON a.id = l.account_id
JOIN licenses_token AS t ON t.license_id = l.id
LEFT JOIN licenses_credential AS c ON c.id = t.credential_id
WHERE t.digest = ANY(%(digests)s::text[]) AND t.kind = %(kind)s AND t.revoked_at IS NULL
    AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
    AND (t.credential_id IS NULL OR (c.is_active AND (c.ends_at IS NULL OR c.ends_at > %(now)s)))

-- name: by_device_token
SELECT d.id AS pk, d.license_id, l.account_id, d.is_paused, d.failing_sims::text AS failing_sims,
    d.settled_timeline < (SELECT coalesce(max(id), 0) FROM licenses_timeline WHERE is_doubted) AS is_asked
FROM licenses_device AS d
JOIN licenses_license AS l ON l.id = d.license_id
WHERE d.token_digest = ANY(%(digests)s::text[]) AND d.revoked_at IS NULL

-- name: lock_device
SELECT d.sync_number, d.settled_timeline, l.settled_timeline AS settled_by_license,
    (SELECT coalesce(max(id), 0) FROM licenses_timeline WHERE is_doubted) AS doubted_timeline
FROM licenses_device AS d
JOIN licenses_license AS l ON l.id = d.license_id
WHERE d.id = %(id)s AND d.token_digest = %(digest)s AND d.revoked_at IS NULL
FOR UPDATE OF d

-- name: license_key_used
-- Each at most once an hour: that is how exactly a person is told when a key was used. A row that
-- somebody else has locked is noted by the next request.
UPDATE licenses_license SET key_used_at = %(now)s WHERE id IN (
    SELECT id FROM licenses_license WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)

-- name: api_key_used
UPDATE licenses_apikey SET used_at = %(now)s WHERE id IN (
    SELECT id FROM licenses_apikey WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)

-- name: credential_used
UPDATE licenses_credential SET used_at = %(now)s WHERE id IN (
    SELECT id FROM licenses_credential WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)

-- name: token_used
UPDATE licenses_token SET used_at = %(now)s WHERE id IN (
    SELECT id FROM licenses_token WHERE id = %(id)s FOR NO KEY UPDATE SKIP LOCKED)
