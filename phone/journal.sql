-- The phone's journal: schema and every statement, for SQLite with journal_mode=WAL and
-- synchronous=FULL. Times are milliseconds of the monotonic clock of the boot in setting `boot_id`.
-- Parameters are numbered in the order in which they first appear (what JDBC and Android bind by).
-- Every phone runs this file, down to Android 8, whose SQLite is 3.18: no upsert, no RETURNING.
--
-- States of an attempt:
--   held     -> started    committed before the radio is called
--            -> released   never started and never will be
--   started  -> done       the radio has answered for every part
--            -> unknown    no answer for 15 minutes, or a crash or reboot in between
-- done, unknown, released are tombstones: kept until the server has acked all they reported, so
-- that the same attempt delivered once more is recognised.

-- name: schema
CREATE TABLE setting (
  key TEXT PRIMARY KEY,  -- install_id base_url pin device_id token boot_id claim_id stopped
  value TEXT NOT NULL    -- pace_ms segments_per_minute synced_at file started_by_sim_0 …
) WITHOUT ROWID;
CREATE TABLE attempt (
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'started', 'done', 'unknown', 'released')),
  phone TEXT NOT NULL,  -- phone and text are wiped when they are no longer needed
  text TEXT NOT NULL,
  sim INTEGER,  -- slot 0, 1, ...; null: the default one
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

-- name: hold
-- An attempt that is known already, or older than one that is known, is not taken again.
INSERT INTO attempt
  (message_id, attempt, state, phone, text, sim, priority, start_before_ms)
SELECT :message_id, :attempt, 'held', :phone, :text, :sim, :priority, :start_before_ms
WHERE NOT EXISTS
  (SELECT 1 FROM attempt WHERE message_id = :message_id AND attempt >= :attempt);
-- name: held
SELECT message_id, attempt, phone, text, sim, priority, start_before_ms FROM attempt
WHERE state = 'held' ORDER BY priority DESC, message_id, attempt;
-- name: held_of
SELECT message_id, attempt FROM attempt
WHERE state = 'held' AND message_id = :message_id AND attempt < :before_attempt;
-- name: start
UPDATE attempt
SET state = 'started', phone = '', text = '', parts = :parts, started_ms = :now_ms
WHERE message_id = :message_id AND attempt = :attempt
  AND state = 'held' AND start_before_ms > :now_ms;
-- name: release
UPDATE attempt SET state = 'released', phone = '', text = ''
WHERE message_id = :message_id AND attempt = :attempt AND state = 'held';
-- name: started
SELECT message_id, attempt FROM attempt
WHERE state = 'started' AND started_ms <= :not_after_ms ORDER BY message_id, attempt;
-- name: first_started
SELECT min(started_ms) FROM attempt WHERE state = 'started';
-- name: give_up
UPDATE attempt SET state = 'unknown'
WHERE message_id = :message_id AND attempt = :attempt AND state = 'started';
-- name: known
SELECT 1 FROM attempt WHERE message_id = :message_id AND attempt = :attempt;
-- name: answer
INSERT OR IGNORE INTO part (message_id, attempt, part, type)
VALUES (:message_id, :attempt, :part, :type);
-- name: finish
UPDATE attempt SET state = 'done'
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
SELECT count(*) FROM event;
-- name: acked
DELETE FROM event WHERE event_id = :event_id;
-- name: bury
DELETE FROM attempt WHERE state IN ('done', 'unknown', 'released') AND NOT EXISTS
  (SELECT 1 FROM event AS e
   WHERE e.message_id = attempt.message_id AND e.attempt = attempt.attempt);
-- name: bury_parts
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
SELECT state, count(*) FROM attempt GROUP BY state;
