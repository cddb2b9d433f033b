-- name: heard
-- Somebody wrote: the thread is unread, and out of the archive.
INSERT INTO messaging_thread (account_id, phone, last_at, last_in, unread, is_archived)
VALUES (%(account_id)s, %(phone)s, %(now)s, %(inbound_id)s, 1, false)
ON CONFLICT (account_id, phone) DO UPDATE SET
    last_at = greatest(messaging_thread.last_at, excluded.last_at),
    last_in = excluded.last_in,
    unread = messaging_thread.unread + 1,
    is_archived = false

-- name: said
-- A person of the account wrote: what came before is read.
INSERT INTO messaging_thread (account_id, phone, last_at, last_out, unread, is_archived)
VALUES (%(account_id)s, %(phone)s, %(now)s, %(message_id)s, 0, false)
ON CONFLICT (account_id, phone) DO UPDATE SET
    last_at = greatest(messaging_thread.last_at, excluded.last_at),
    last_out = excluded.last_out,
    unread = 0,
    is_archived = false

-- name: opened
-- A person opens the thread of a number that has none yet.
INSERT INTO messaging_thread (account_id, phone, last_at, unread, is_archived)
VALUES (%(account_id)s, %(phone)s, %(now)s, 0, false)
ON CONFLICT (account_id, phone) DO NOTHING
