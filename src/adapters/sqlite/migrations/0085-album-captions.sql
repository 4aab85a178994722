-- What was written under each picture of an album, and which message stands for all: a caption may still be changed.
ALTER TABLE inbound ADD COLUMN album_lead INTEGER;
ALTER TABLE inbound ADD COLUMN caption TEXT;

CREATE INDEX inbound_of_album ON inbound (album_lead) WHERE album_lead IS NOT NULL;
