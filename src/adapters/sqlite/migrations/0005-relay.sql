-- breaking
-- Delivery states that say what is known: a column's CHECK cannot be changed, so the column is replaced.
DROP INDEX delivery_open;
DROP INDEX delivery_open_by_group;
ALTER TABLE delivery ADD COLUMN state_now TEXT NOT NULL DEFAULT 'queued'
  CHECK (state_now IN ('queued', 'sending', 'unknown_after_send', 'accepted', 'confirmed', 'failed'));
UPDATE delivery SET state_now = CASE state WHEN 'sent' THEN 'accepted' ELSE state END;
ALTER TABLE delivery DROP COLUMN state;
ALTER TABLE delivery RENAME COLUMN state_now TO state;
-- The message that it answers, as its position in the group's inbox.
ALTER TABLE delivery ADD COLUMN inbox_seq INTEGER;
-- When an operator put a failed one back into the queue: its age counts from then.
ALTER TABLE delivery ADD COLUMN requeued_at INTEGER;
ALTER TABLE delivery ADD COLUMN owner_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN agent_told INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET owner_told = 1, agent_told = 1 WHERE state = 'failed';
CREATE INDEX delivery_open ON delivery (chat_id, id) WHERE state IN ('queued', 'sending', 'unknown_after_send');
CREATE INDEX delivery_open_by_group ON delivery (group_name) WHERE state IN ('queued', 'sending', 'unknown_after_send');
CREATE INDEX delivery_failed ON delivery (id) WHERE state = 'failed';
CREATE INDEX delivery_ambiguous ON delivery (id) WHERE ambiguous = 1;
CREATE INDEX delivery_agent_untold ON delivery (group_name) WHERE state = 'failed' AND agent_told = 0;
CREATE INDEX delivery_by_turn ON delivery (group_name, inbox_seq);

-- How often an operator gave a message another chance.
ALTER TABLE dispatch ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dispatch_by_inbound ON dispatch (inbound_id);
CREATE INDEX dispatch_failed ON dispatch (group_name) WHERE outcome = 'failed';

