/**
 * Version of everything that crosses the mount: both mailbox schemas, the entry types, the folder layout
 * and the doorbell. Written to `PRAGMA user_version` of both files and to a label of the image; a mismatch is
 * refused, never guessed around.
 */
export const PROTOCOL_VERSION = 1
