-- 1 = a person stopped it, and that is to be written into its group's inbox.
ALTER TABLE dispatch ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dispatch_stopping ON dispatch (group_name, inbox_seq) WHERE stopping = 1;
