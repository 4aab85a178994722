-- What agents are to do at a time, and each time that they did.
CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The call that made it: made once.
  key TEXT NOT NULL UNIQUE,
  group_name TEXT NOT NULL,
  name TEXT NOT NULL,
  prompt TEXT NOT NULL,
  -- JSON: once, cron or every.
  schedule TEXT NOT NULL,
  zone TEXT NOT NULL,
  misfire TEXT NOT NULL CHECK (misfire IN ('run_once', 'skip', 'all')),
  jitter_s INTEGER NOT NULL,
  script TEXT,
  script_s INTEGER NOT NULL,
  chat_id INTEGER NOT NULL REFERENCES chat (id),
  thread TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_by_name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'done', 'cancelled', 'failed')),
  reason TEXT,
  -- When the schedule names it next, and when it is begun, which is later by the jitter; null when never again.
  due_at INTEGER,
  fire_at INTEGER
) STRICT;
CREATE INDEX task_due ON task (fire_at) WHERE state = 'active';
CREATE INDEX task_by_group ON task (group_name, state);
CREATE INDEX task_by_chat ON task (chat_id);

CREATE TABLE task_run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id INTEGER NOT NULL REFERENCES task (id),
  due_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  -- The message that it is; null when it was not begun, and then why.
  inbound_id INTEGER,
  reason TEXT,
  UNIQUE (task_id, due_at)
) STRICT;
CREATE INDEX task_run_by_inbound ON task_run (inbound_id);
