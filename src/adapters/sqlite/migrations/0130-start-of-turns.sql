-- Looked up only for turns that have begun: most entries would be of messages that were just put in line.
DROP INDEX dispatch_by_start;
CREATE INDEX dispatch_by_start ON dispatch (group_name, accepted_at) WHERE accepted_at IS NOT NULL;
