-- A person may ask the runner for the memory, beside asking the runtime to shorten its conversation.
ALTER TABLE dispatch RENAME COLUMN command TO command_before;
ALTER TABLE dispatch ADD COLUMN command TEXT CHECK (command IN ('compact', 'memory'));
UPDATE dispatch SET command = command_before WHERE command_before IS NOT NULL;
ALTER TABLE dispatch DROP COLUMN command_before;
