-- Files of inbound messages. One that is wanted is fetched once its message is routed, and is waited for.
CREATE TABLE attachment (
  inbound_id INTEGER NOT NULL REFERENCES inbound (id),
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  bytes INTEGER,
  -- The channel's reference to it; '' when it came with the message.
  source TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('wanted', 'ready', 'failed')),
  sha256 TEXT,
  -- {mime, width, height} of what its bytes show to be an image.
  image TEXT,
  reason TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (inbound_id, position)
) STRICT;
CREATE INDEX attachment_wanted ON attachment (inbound_id) WHERE state = 'wanted';

-- Pictures that were sent as one album come as messages of their own; the first one stands for all.
ALTER TABLE inbound ADD COLUMN album TEXT NOT NULL DEFAULT '';
ALTER TABLE inbound ADD COLUMN gather_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbound_album ON inbound (chat_id, album) WHERE album <> '' AND state = 'new';

-- Hash of the file that a part sends.
ALTER TABLE delivery ADD COLUMN file TEXT;

ALTER TABLE own_chat_line ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
