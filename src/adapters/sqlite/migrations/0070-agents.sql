-- What one agent asked of another, and what came of it. Answers to what was asked in one turn are told together.
CREATE TABLE agent_request (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  from_group TEXT NOT NULL,
  from_session TEXT NOT NULL,
  -- The message in whose turn it was asked.
  from_inbound INTEGER NOT NULL,
  to_group TEXT NOT NULL,
  -- The conversation of the two, which no platform knows.
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  message TEXT NOT NULL,
  -- The person's message that all of it goes back to, and where that person is.
  root INTEGER NOT NULL,
  home_chat_id INTEGER NOT NULL REFERENCES chat (id),
  home_thread TEXT NOT NULL,
  -- The request that its asker was working on.
  parent INTEGER,
  hop INTEGER NOT NULL,
  asked_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'told', 'cancelled')),
  answer TEXT NOT NULL DEFAULT '',
  -- How often its asker was told: a question to the owner can bring more words later.
  rounds INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX agent_request_open ON agent_request (from_group, from_inbound) WHERE state = 'open';
CREATE INDEX agent_request_open_parent ON agent_request (parent) WHERE state = 'open';
CREATE INDEX agent_request_by_root ON agent_request (root);
CREATE INDEX agent_request_by_pair ON agent_request (from_group, to_group, asked_at);
CREATE INDEX agent_request_by_chat ON agent_request (chat_id);

-- The agent that says it; the request that it is part of; the person's message that it goes back to (none: itself).
ALTER TABLE inbound ADD COLUMN from_agent TEXT;
ALTER TABLE inbound ADD COLUMN request_id INTEGER;
ALTER TABLE inbound ADD COLUMN root_id INTEGER;
CREATE INDEX inbound_by_request ON inbound (request_id) WHERE request_id IS NOT NULL;
