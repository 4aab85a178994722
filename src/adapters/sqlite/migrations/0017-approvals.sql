-- What people are asked to decide, and what became of it.
CREATE TABLE approval (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  code TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  group_name TEXT NOT NULL,
  session TEXT NOT NULL,
  inbound_id INTEGER NOT NULL,
  asked_by TEXT NOT NULL,
  asked_by_name TEXT NOT NULL,
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  thread TEXT NOT NULL,
  -- Canonical JSON: what is shown is what is carried out.
  payload TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  card TEXT NOT NULL,
  choices TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'allowed', 'denied', 'expired', 'done', 'failed')),
  choice TEXT,
  answer TEXT,
  decided_by TEXT,
  decided_by_name TEXT,
  decided_at INTEGER,
  asked_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  outcome TEXT,
  -- The delivery that shows it, and its chat; null when nobody was asked.
  card_key TEXT,
  card_chat_id INTEGER,
  told INTEGER NOT NULL DEFAULT 0,
  card_settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX approval_open ON approval (group_name, id) WHERE state = 'asked';
CREATE INDEX approval_work ON approval (id)
  WHERE state IN ('asked', 'allowed') OR told = 0 OR card_settled = 0;
CREATE INDEX approval_by_group ON approval (group_name, asked_at);

-- Said by the host itself to one agent, in the name of nobody: never background for others.
ALTER TABLE inbound ADD COLUMN from_host INTEGER NOT NULL DEFAULT 0;

-- What a line offers to answer, and whether it was changed since.
ALTER TABLE own_chat_line ADD COLUMN choices TEXT NOT NULL DEFAULT '[]';
ALTER TABLE own_chat_line ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
