-- Ended, and its turns, or those of what came of it, are still to be stopped in their inboxes.
ALTER TABLE agent_request ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;
CREATE INDEX agent_request_stopping ON agent_request (id) WHERE stopping = 1;
