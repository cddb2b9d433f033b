-- name: due
-- Phones, locked, of which those who chose to be mailed know something else: it is silent for as long as
-- its rule says, or it is no longer. What was told within the hour waits; a rule of the phone goes before
-- its account's.
SELECT d.id, d.silent_since IS NOT NULL AS is_silent, rule.member_ids
FROM licenses_device AS d
JOIN licenses_license AS l ON l.id = d.license_id
CROSS JOIN LATERAL (
    SELECT r.minutes, r.member_ids FROM members_alertrule AS r
    WHERE r.account_id = l.account_id AND (r.device_id = d.id OR r.device_id IS NULL)
    ORDER BY r.device_id NULLS LAST LIMIT 1
) AS rule
LEFT JOIN members_phonealert AS told ON told.device_id = d.id
WHERE d.revoked_at IS NULL
AND CASE
    WHEN coalesce(told.is_silent, false) THEN d.silent_since IS NULL
    ELSE d.silent_since IS NOT NULL
        AND d.last_sync_at <= %(now)s::timestamptz - rule.minutes * interval '1 minute'
END
AND (told.at IS NULL OR told.at <= %(told_before)s)
ORDER BY d.id LIMIT 100
FOR UPDATE OF d SKIP LOCKED
