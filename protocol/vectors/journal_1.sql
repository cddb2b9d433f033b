-- A journal of version 1, in the middle of its work. Every phone brings it to its own version and
-- goes on with it: 1 was sent and that is not acknowledged, 2 went to the radio, 3 may be started
-- until 1,600 s of the same boot, an inbound SMS waits.
CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE attempt (
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('held', 'started', 'done', 'unknown', 'released')),
  phone TEXT NOT NULL,
  text TEXT NOT NULL,
  sim INTEGER,
  priority INTEGER NOT NULL,
  start_before_ms INTEGER NOT NULL,
  parts INTEGER,
  started_ms INTEGER,
  PRIMARY KEY (message_id, attempt)
) WITHOUT ROWID;
CREATE TABLE part (
  message_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  part INTEGER NOT NULL,
  type TEXT NOT NULL,
  PRIMARY KEY (message_id, attempt, part, type)
) WITHOUT ROWID;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  message_id INTEGER,
  attempt INTEGER,
  body TEXT NOT NULL
);
CREATE TABLE pace (at_ms INTEGER NOT NULL, sim INTEGER NOT NULL, segments INTEGER NOT NULL);
INSERT INTO setting (key, value) VALUES
  ('install_id', 'a0000000-0000-4000-8000-000000000001'),
  ('base_url', 'http://server.example'),
  ('device_id', '7'),
  ('token', 'token-of-version-1'),
  ('boot_id', 'b0000000-0000-4000-8000-000000000001'),
  ('pace_ms', '10000'),
  ('segments_per_minute', '24');
INSERT INTO attempt
  (message_id, attempt, state, phone, text, sim, priority, start_before_ms, parts, started_ms)
VALUES
  (1, 1, 'done', '', '', 0, 10, 1600000, 1, 980000),
  (2, 1, 'started', '+48500000002', '', 0, 10, 1600000, 1, 990000),
  (3, 2, 'held', '+48500000003', 'third', NULL, 10, 1600000, NULL, NULL);
INSERT INTO part (message_id, attempt, part, type) VALUES (1, 1, 1, 'part_sent');
INSERT INTO event (event_id, message_id, attempt, body) VALUES
  ('e0000000-0000-4000-8000-000000000001', 1, 1, '{"event_id":"e0000000-0000-4000-8000-000000000001","type":"part_sent","wall_time":"2026-01-01T11:59:42Z","message_id":1,"attempt":1,"part":1,"parts":1}'),
  ('e0000000-0000-4000-8000-000000000002', 2, 1, '{"event_id":"e0000000-0000-4000-8000-000000000002","type":"started","wall_time":"2026-01-01T11:59:50Z","message_id":2,"attempt":1,"parts":1}'),
  ('e0000000-0000-4000-8000-000000000003', NULL, NULL, '{"event_id":"e0000000-0000-4000-8000-000000000003","type":"received","wall_time":"2026-01-01T11:59:55Z","sender":"+48500000004","text":"STOP","sim":0}');
INSERT INTO pace (at_ms, sim, segments) VALUES (980000, 0, 1), (990000, 0, 1);
PRAGMA user_version = 1;
