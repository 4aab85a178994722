-- What the runner calls a message that a tool sent, so that it can be changed later.
ALTER TABLE delivery ADD COLUMN handle TEXT;
CREATE INDEX delivery_by_handle ON delivery (group_name, handle) WHERE handle IS NOT NULL;
-- The agent's answer to a line, in one emoji.
ALTER TABLE own_chat_line ADD COLUMN reaction TEXT;
