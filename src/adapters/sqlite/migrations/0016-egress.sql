-- What the owner allowed or denied beside container.json.
CREATE TABLE egress_rule (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  -- '' = for all groups
  group_name TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
  host TEXT NOT NULL,
  -- JSON: ports, methods, paths, private
  details TEXT NOT NULL,
  once INTEGER NOT NULL CHECK (once IN (0, 1)),
  given_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER,
  first_used_at INTEGER
) STRICT;
CREATE INDEX egress_rule_by_group ON egress_rule (group_name);

-- What left the sandboxes and what was turned away: the newest lines of each group …
CREATE TABLE egress_line (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL,
  at INTEGER NOT NULL,
  host TEXT NOT NULL,
  port INTEGER NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
  status INTEGER,
  reason TEXT,
  bytes_out INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT;
CREATE INDEX egress_line_by_group ON egress_line (group_name, id);

-- … and sums per hour, which a flood of lines cannot push out.
CREATE TABLE egress_total (
  group_name TEXT NOT NULL,
  hour INTEGER NOT NULL,
  host TEXT NOT NULL,
  outcome TEXT NOT NULL,
  count INTEGER NOT NULL,
  bytes_out INTEGER NOT NULL,
  bytes_in INTEGER NOT NULL,
  PRIMARY KEY (hour, group_name, host, outcome)
) STRICT, WITHOUT ROWID;
