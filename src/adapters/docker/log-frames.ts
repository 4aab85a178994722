/** Longest text that a person is shown, in UTF-16 units. */
const MAX_TEXT = 64 * 1024
const HEADER = 8

/**
 * The text of the engine's log answer: frames of an 8-byte header (stream, three zero bytes, length) and a
 * payload, stdout and stderr as they came in (between the two the engine keeps no exact order). The end of it when
 * it is too long. What a sandbox wrote is inside the payloads and cannot forge a frame; a cut-off last frame is kept
 * as far as it goes.
 */
export function logText(frames: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + HEADER <= frames.length; ) {
    const end = at + HEADER + frames.readUInt32BE(at + 4)
    parts.push(frames.subarray(at + HEADER, end))
    at = end
  }
  return Buffer.concat(parts).toString('utf8').slice(-MAX_TEXT)
}
