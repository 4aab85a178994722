-- Tool servers that agents asked for and people allowed, beside those of container.json.
CREATE TABLE tool_server (
  group_name TEXT NOT NULL,
  name TEXT NOT NULL,
  -- JSON, as a runner is told of it.
  server TEXT NOT NULL,
  approval_id INTEGER NOT NULL,
  given_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (group_name, name)
) STRICT;
