-- What people chose for one conversation of a group; `session` without the number that /new adds.
CREATE TABLE session_choice (
  group_name TEXT NOT NULL,
  session TEXT NOT NULL,
  -- Raised by /new: the runner knows each by a name of its own, so that nothing old is resumed.
  epoch INTEGER NOT NULL DEFAULT 0,
  -- The message that raised it: what was said before it is background no more.
  since_inbound_id INTEGER NOT NULL DEFAULT 0,
  model TEXT,
  effort TEXT,
  PRIMARY KEY (group_name, session)
) STRICT;

-- What turns used, as the runtimes reported it. Input tokens are the fresh ones alone.
CREATE TABLE usage (
  group_name TEXT NOT NULL,
  outbox_seq INTEGER NOT NULL,
  inbound_id INTEGER NOT NULL REFERENCES inbound (id),
  session TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  -- Null when the runtime named none.
  cost_usd REAL,
  at INTEGER NOT NULL,
  PRIMARY KEY (group_name, outbox_seq)
) STRICT;
CREATE INDEX usage_by_age ON usage (at);
CREATE INDEX usage_by_group ON usage (group_name, at);
CREATE INDEX usage_by_message ON usage (group_name, inbound_id);

-- "Working …" messages that stand in a chat now; without an id while one is being sent.
CREATE TABLE progress_note (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  chat TEXT NOT NULL,
  thread TEXT NOT NULL,
  platform_message_id TEXT,
  created_at INTEGER NOT NULL
) STRICT;

-- What is asked of the runtime itself instead of its model.
ALTER TABLE dispatch ADD COLUMN command TEXT CHECK (command IN ('compact'));
CREATE INDEX dispatch_by_start ON dispatch (group_name, accepted_at);

-- The message that this one answers, as its platform showed it.
ALTER TABLE inbound ADD COLUMN quote_name TEXT;
ALTER TABLE inbound ADD COLUMN quote_text TEXT;
