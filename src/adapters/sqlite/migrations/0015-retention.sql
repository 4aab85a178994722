-- A message that is forgotten takes what it used along; without this each looks through all of it.
CREATE INDEX usage_by_inbound ON usage (inbound_id);
