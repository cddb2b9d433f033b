-- name: due
-- Messages of a portal whose state is another than the one it was told. A state without a word is told by none.
-- A workflow that waits is told one state: a final one, or in the end that nobody knows. One that does not
-- wait is told the first that has a word.
SELECT found.id, found.remote_id, found.event_token, found.message_id, found.tries, found.status
FROM (
    SELECT p.id, p.remote_id, p.event_token, p.message_id, p.tries, p.told,
        CASE
            WHEN p.message_id IS NULL THEN %(refused)s
            WHEN p.event_token = '' OR NOT p.waits THEN %(words)s::jsonb ->> m.status
            WHEN m.status = ANY(%(final)s) THEN %(words)s::jsonb ->> m.status
            WHEN p.created_at < %(given_up)s THEN %(unknown)s
        END AS status
    FROM bitrix24_statuspush AS p
    LEFT JOIN messaging_message AS m ON m.id = p.message_id AND m.license_id = %(license_id)s
    WHERE p.portal_id = %(portal_id)s AND p.next_at <= %(now)s
) AS found
WHERE found.status <> found.told
ORDER BY found.id LIMIT %(most)s
