-- The words of a voice message: wanted where transcription is set up, and waited for as the file itself is.
ALTER TABLE attachment ADD COLUMN words TEXT CHECK (words IN ('wanted', 'ready', 'failed'));
-- What was said, or why that is not known.
ALTER TABLE attachment ADD COLUMN words_text TEXT;
ALTER TABLE attachment ADD COLUMN words_tries INTEGER NOT NULL DEFAULT 0;
-- How long it is, as far as the platform says.
ALTER TABLE attachment ADD COLUMN seconds INTEGER;
CREATE INDEX attachment_awaited ON attachment (inbound_id) WHERE state = 'wanted' OR words = 'wanted';
CREATE INDEX attachment_unheard ON attachment (inbound_id) WHERE words = 'wanted';
