-- The phone's journal: schema and every statement, for SQLite with journal_mode=WAL and
-- synchronous=FULL. Times are milliseconds of the monotonic clock of the boot in setting `boot_id`.
-- Parameters are numbered in the order in which they first appear (what JDBC and Android bind by).
-- Every phone runs this file, down to Android 8, whose SQLite is 3.18: no upsert, no RETURNING.
--
-- States of an attempt, as they are stored, and what the code calls them (README.md says more):
--   held      leased     -> started    committed before the radio is called
--                        -> released   never started and never will be
--   started   sending    -> done       the radio has answered for every part
--                        -> unknown    no answer in time, or a crash or reboot in between
--   done (answered), unknown (uncertain), released: tombstones, kept until the server has acked all
--   they reported, so that the same attempt delivered once more is recognised.
--
-- Versions: `schema_N` brings a journal from version N - 1 to N; a new file begins at version 0, and
-- PRAGMA user_version says which one a file has. A phone takes all steps that its file lacks, in one
-- transaction, when it opens it. A step that was released is never changed: a new column is a new
-- step at the end, with ALTER TABLE. No text in a step may contain a semicolon or two dashes.

-- name: schema_1
CREATE TABLE setting (
  key TEXT PRIMARY KEY,  -- install_id base_url pin device_id token boot_id claim_id stopped
  value TEXT NOT NULL    -- pace_ms segments_per_minute synced_at file started_by_sim_0 …
                         -- refused_by_sim_0 (count and numbers), paused_sim_0 (probes and time) …
) WITHOUT ROWID;
CREATE TABLE attempt (
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'started', 'done', 'unknown', 'released')),
  phone TEXT NOT NULL,  -- wiped when the radio has answered
  text TEXT NOT NULL,  -- wiped when it is handed to the radio
  sim INTEGER,  -- slot 0, 1, ...; null: the default one; once started, the one it went through
  priority INTEGER NOT NULL,
  start_before_ms INTEGER NOT NULL,
  parts INTEGER,  -- both set when started
  started_ms INTEGER,
  PRIMARY KEY (message_id, attempt)
) WITHOUT ROWID;
CREATE TABLE part (  -- what the radio and the network said of each part
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  part INTEGER NOT NULL,
  type TEXT NOT NULL,
  PRIMARY KEY (message_id, attempt, part, type)
) WITHOUT ROWID;
CREATE TABLE event (  -- the outbox
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  message_id INTEGER,  -- null: an inbound SMS
  attempt INTEGER,
  body TEXT NOT NULL  -- the JSON that is sent, as it is
);
CREATE TABLE pace (at_ms INTEGER NOT NULL, sim INTEGER NOT NULL, segments INTEGER NOT NULL);

-- name: setting
SELECT value FROM setting WHERE key = :key;
-- name: set
INSERT OR REPLACE INTO setting (key, value) VALUES (:key, :value);
-- name: unset
DELETE FROM setting WHERE key = :key;

-- name: settings_of_sims
SELECT key, value FROM setting WHERE key GLOB :prefix || '*' ORDER BY key;

-- name: lease
-- An attempt that is known already, or older than one that is known, is not taken again.
INSERT INTO attempt
  (message_id, attempt, state, phone, text, sim, priority, start_before_ms)
SELECT :message_id, :attempt, 'held', :phone, :text, :sim, :priority, :start_before_ms
WHERE NOT EXISTS
  (SELECT 1 FROM attempt WHERE message_id = :message_id AND attempt >= :attempt);
-- name: leased
SELECT message_id, attempt, phone, text, sim, priority, start_before_ms FROM attempt
WHERE state = 'held' ORDER BY priority DESC, message_id, attempt;
-- name: older_leases
SELECT message_id, attempt FROM attempt
WHERE state = 'held' AND message_id = :message_id AND attempt < :before_attempt;
-- name: start
UPDATE attempt
SET state = 'started', text = '', parts = :parts, sim = :sim, started_ms = :now_ms
WHERE message_id = :message_id AND attempt = :attempt
  AND state = 'held' AND start_before_ms > :now_ms;
-- name: release
UPDATE attempt SET state = 'released', phone = '', text = ''
WHERE message_id = :message_id AND attempt = :attempt AND state = 'held';
-- name: sending
SELECT message_id, attempt FROM attempt
WHERE state = 'started' AND started_ms <= :not_after_ms ORDER BY message_id, attempt;
-- name: first_started
SELECT min(started_ms) AS started_ms FROM attempt WHERE state = 'started';
-- name: give_up
UPDATE attempt SET state = 'unknown', phone = ''
WHERE message_id = :message_id AND attempt = :attempt AND state = 'started';
-- name: route
-- Through which SIM it went, and to whom (once the radio has answered: '').
SELECT sim, phone FROM attempt WHERE message_id = :message_id AND attempt = :attempt;
-- name: is_refused
-- Has the radio answered for every part, and for none that it was sent?
SELECT 1 FROM attempt AS a WHERE message_id = :message_id AND attempt = :attempt
  AND state = 'done' AND NOT EXISTS
  (SELECT 1 FROM part AS p WHERE p.message_id = a.message_id AND p.attempt = a.attempt
     AND p.type <> 'part_failed');
-- name: answer
INSERT OR IGNORE INTO part (message_id, attempt, part, type)
VALUES (:message_id, :attempt, :part, :type);
-- name: finish
UPDATE attempt SET state = 'done', phone = ''
WHERE message_id = :message_id AND attempt = :attempt AND state = 'started'
  AND parts <= (SELECT count(DISTINCT p.part) FROM part AS p
                WHERE p.message_id = attempt.message_id AND p.attempt = attempt.attempt);

-- name: report
INSERT INTO event (event_id, message_id, attempt, body)
VALUES (:event_id, :message_id, :attempt, :body);
-- name: receive
-- An inbound SMS that is handed over twice, with its own event's id, is one event.
INSERT OR IGNORE INTO event (event_id, body) VALUES (:event_id, :body);
-- name: outbox
SELECT body FROM event ORDER BY seq LIMIT :limit;
-- name: unreported
SELECT count(*) AS count FROM event;
-- name: ack
DELETE FROM event WHERE event_id = :event_id;
-- name: purge_acked
DELETE FROM attempt WHERE state IN ('done', 'unknown', 'released') AND NOT EXISTS
  (SELECT 1 FROM event AS e
   WHERE e.message_id = attempt.message_id AND e.attempt = attempt.attempt);
-- name: purge_parts
DELETE FROM part WHERE NOT EXISTS
  (SELECT 1 FROM attempt AS a WHERE a.message_id = part.message_id AND a.attempt = part.attempt);

-- name: pace
SELECT at_ms, sim, segments FROM pace ORDER BY at_ms;
-- name: note_pace
INSERT INTO pace (at_ms, sim, segments) VALUES (:at_ms, :sim, :segments);
-- name: prune_pace
DELETE FROM pace WHERE at_ms <= :not_after_ms;
-- name: restart_pace
-- After a reboot nobody knows how long ago these were: they count as if they were now.
UPDATE pace SET at_ms = :now_ms;

-- name: counts
SELECT state, count(*) AS count FROM attempt GROUP BY state;
