-- 1: the task is skipped while nobody has said anything to its agent since it last ran.
ALTER TABLE task ADD COLUMN after_talk INTEGER NOT NULL DEFAULT 0;
