-- Runtime images with packages on them: what is to be built, was built, or could not be.
CREATE TABLE package_image (
  tag TEXT PRIMARY KEY,
  base TEXT NOT NULL,
  packages TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('wanted', 'ready', 'failed')),
  problem TEXT,
  at INTEGER NOT NULL
) STRICT;

-- The lists that a group ran with last, so that it can go back.
CREATE TABLE group_packages (
  group_name TEXT NOT NULL,
  packages TEXT NOT NULL,
  -- Counts up with each change of a group's list.
  nr INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (group_name, packages)
) STRICT, WITHOUT ROWID;
