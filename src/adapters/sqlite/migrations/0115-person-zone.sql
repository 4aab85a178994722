-- On whose clock a person means times of day: an IANA name. A person without a row has none of their own.
CREATE TABLE person_zone (
  user_id TEXT PRIMARY KEY,
  zone TEXT NOT NULL
) STRICT;
