-- What tools in sandboxes ask the host for, each carried out once, and its answer.
CREATE TABLE host_call (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL,
  inbox_seq INTEGER NOT NULL,
  -- The runner's name for it.
  call_id TEXT NOT NULL,
  name TEXT NOT NULL,
  args TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- Null until it was carried out.
  ok INTEGER,
  answer TEXT,
  -- Whether the answer stands in the inbox.
  told INTEGER NOT NULL DEFAULT 0,
  UNIQUE (group_name, inbox_seq, call_id)
) STRICT;
CREATE INDEX host_call_work ON host_call (group_name, id) WHERE told = 0;
CREATE INDEX host_call_rate ON host_call (group_name, at);
