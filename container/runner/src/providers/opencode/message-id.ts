import { randomBytes } from 'node:crypto'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * An id for a prompt, in the server's own form: time first, so that ids sort in the order they were made. The server
 * decides by that order what is answered already, so `now` must be the clock that the server sees, too.
 */
export function messageId(now: number): string {
  const time = (BigInt(now) * 0x1000n).toString(16).padStart(12, '0').slice(-12)
  const tail = Array.from(randomBytes(14), (byte) => DIGITS.charAt(byte % DIGITS.length)).join('')
  return `msg_${time}${tail}`
}
