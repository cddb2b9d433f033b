-- name: record
-- Tell of something of an account, where it keeps events.
INSERT INTO outbox_event (account_id, license_id, type, at, inbound_id, data)
SELECT a.id, told.license_id, told.type, %(now)s, told.inbound_id, told.data
FROM
    licenses_account AS a,
    json_to_recordset(%(told)s::json)
        AS told (license_id bigint, type text, inbound_id bigint, data jsonb)
WHERE a.id = %(account_id)s AND a.keeps_events

-- name: begin
-- From now on this account's events are kept.
UPDATE licenses_account SET keeps_events = true WHERE id = %(account_id)s AND NOT keeps_events
