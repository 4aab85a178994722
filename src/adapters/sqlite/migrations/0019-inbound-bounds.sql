-- What happens to a message when many of its conversation wait already, and how long one waits for the next of its sender.
ALTER TABLE binding ADD COLUMN when_full TEXT NOT NULL DEFAULT 'keep' CHECK (when_full IN ('keep', 'summarise', 'reject'));
ALTER TABLE binding ADD COLUMN debounce_ms INTEGER NOT NULL DEFAULT 0;

-- Why a message was not given to its agent by itself. Those in a summary wait to be given together.
ALTER TABLE dispatch ADD COLUMN aside TEXT CHECK (aside IN ('rate', 'full', 'old', 'summary'));
-- Messages of one number share a turn: that of the first of them.
ALTER TABLE dispatch ADD COLUMN bundle INTEGER;
-- This one stands for so many before it, the first of which was said then.
ALTER TABLE dispatch ADD COLUMN stands_for INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dispatch ADD COLUMN stands_since INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dispatch_queue ON dispatch (group_name, session) WHERE outcome IS NULL;
CREATE INDEX dispatch_summary ON dispatch (group_name, session) WHERE aside = 'summary' AND outcome IS NULL;
CREATE INDEX dispatch_aside ON dispatch (group_name) WHERE aside IN ('rate', 'full', 'old');

-- How long it had been on its way when its channel, silent until then, handed it over; 0 = it came at once.
ALTER TABLE inbound ADD COLUMN late_ms INTEGER NOT NULL DEFAULT 0;
-- A word to the host itself that does not wait for the messages before it.
ALTER TABLE inbound ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbound_urgent ON inbound (chat_id, id) WHERE state = 'new' AND urgent = 1;

-- Written while its channel was not configured: markdown, still to be put into the channel's own form.
ALTER TABLE delivery ADD COLUMN unrendered INTEGER NOT NULL DEFAULT 0;
-- Parts that follow it, as a JSON list: they keep its place in the queue of the chat.
ALTER TABLE delivery ADD COLUMN rest TEXT;
