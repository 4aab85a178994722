-- What a message does while a turn of its conversation runs. Bindings made before go on as they did.
ALTER TABLE binding ADD COLUMN queue TEXT NOT NULL DEFAULT 'follow_up'
  CHECK (queue IN ('steer', 'follow_up', 'collect', 'interrupt'));
