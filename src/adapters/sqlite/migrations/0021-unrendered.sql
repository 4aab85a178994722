-- What was written before this while its channel was not configured; what failed later has been tried.
UPDATE delivery SET unrendered = 1
  WHERE state = 'failed' AND attempts = 0 AND file IS NULL AND reason LIKE 'the channel % is not configured';
