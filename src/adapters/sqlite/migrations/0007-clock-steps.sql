-- When a wait was decided: a clock that is set back must not make it hours longer.
ALTER TABLE delivery ADD COLUMN waits_since INTEGER NOT NULL DEFAULT 0;
