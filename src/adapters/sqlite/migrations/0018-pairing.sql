-- At most one code for each bot: with it a person who can read this machine's screen becomes an owner.
CREATE TABLE pairing (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  -- the agent that the chat gets; '' = none
  group_name TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  wrong INTEGER NOT NULL DEFAULT 0,
  void INTEGER NOT NULL DEFAULT 0,
  used_by TEXT,
  used_in INTEGER,
  PRIMARY KEY (channel, account)
) STRICT;

-- Wrong codes by sender; no more rows than wrong codes are taken.
CREATE TABLE pairing_try (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  sender_id TEXT NOT NULL,
  wrong INTEGER NOT NULL,
  PRIMARY KEY (channel, account, sender_id),
  FOREIGN KEY (channel, account) REFERENCES pairing (channel, account) ON DELETE CASCADE
) STRICT;
