-- breaking
CREATE TABLE chat (
  id INTEGER PRIMARY KEY,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  chat TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('private', 'group')),
  title TEXT NOT NULL,
  denied INTEGER NOT NULL DEFAULT 0,
  first_seen_at INTEGER NOT NULL,
  UNIQUE (channel, account, chat)
) STRICT;

CREATE TABLE person (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  is_bot INTEGER NOT NULL,
  first_seen_at INTEGER NOT NULL
) STRICT;

-- group_name '' = the whole install
CREATE TABLE role (
  user_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'denied')),
  group_name TEXT NOT NULL,
  granted_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, role, group_name)
) STRICT;

CREATE TABLE binding (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  group_name TEXT NOT NULL,
  engage TEXT NOT NULL CHECK (engage IN ('mention', 'always', 'pattern', 'sticky')),
  pattern TEXT,
  session TEXT NOT NULL CHECK (session IN ('shared', 'thread', 'group')),
  senders TEXT NOT NULL CHECK (senders IN ('strict', 'ask', 'open')),
  created_at INTEGER NOT NULL,
  UNIQUE (chat_id, group_name)
) STRICT;

CREATE TABLE sticky (
  binding_id INTEGER NOT NULL REFERENCES binding (id) ON DELETE CASCADE,
  thread TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  PRIMARY KEY (binding_id, thread)
) STRICT;

-- One row per message of a platform (I2: chat_id stands for channel, account and chat).
CREATE TABLE inbound (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  thread TEXT NOT NULL,
  platform_message_id TEXT NOT NULL,
  sender_id TEXT NOT NULL REFERENCES person (id),
  sender_name TEXT NOT NULL,
  text TEXT NOT NULL,
  mentions_us INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'routed', 'heard', 'held', 'dropped')),
  reason TEXT,
  UNIQUE (chat_id, platform_message_id)
) STRICT;
CREATE INDEX inbound_new ON inbound (chat_id, id) WHERE state = 'new';
CREATE INDEX inbound_held ON inbound (id) WHERE state = 'held';
CREATE INDEX inbound_by_chat ON inbound (chat_id, id);

-- One row per (message, group that gets it).
CREATE TABLE dispatch (
  group_name TEXT NOT NULL,
  inbound_id INTEGER NOT NULL REFERENCES inbound (id),
  session TEXT NOT NULL,
  inbox_seq INTEGER,
  dispatched_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  accepted_at INTEGER,
  outcome TEXT CHECK (outcome IN ('done', 'failed', 'cancelled')),
  outcome_reason TEXT,
  settled_at INTEGER,
  PRIMARY KEY (group_name, inbound_id),
  UNIQUE (group_name, inbox_seq)
) STRICT;
CREATE INDEX dispatch_pending ON dispatch (group_name, inbound_id) WHERE inbox_seq IS NULL AND outcome IS NULL;
CREATE INDEX dispatch_open ON dispatch (group_name, inbound_id) WHERE outcome IS NULL;

CREATE TABLE outbox_cursor (
  group_name TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  rejected INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  thread TEXT NOT NULL,
  part TEXT NOT NULL,
  key TEXT NOT NULL UNIQUE,
  group_name TEXT,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
  ambiguous INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  platform_message_id TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  sent_at INTEGER
) STRICT;
CREATE INDEX delivery_open ON delivery (chat_id, id) WHERE state IN ('queued', 'sending');
CREATE INDEX delivery_open_by_group ON delivery (group_name) WHERE state IN ('queued', 'sending');

-- Channels whose platform is Creel itself: web, terminal.
CREATE TABLE own_chat_line (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  chat TEXT NOT NULL,
  author TEXT NOT NULL CHECK (author IN ('user', 'agent')),
  text TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (channel, chat, key)
) STRICT;
CREATE INDEX own_chat_line_by_chat ON own_chat_line (channel, chat, id);

-- Only hashes: whoever reads this file cannot log in with it.
CREATE TABLE web_link (
  token_hash TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE web_session (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
