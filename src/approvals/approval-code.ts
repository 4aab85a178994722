import { createHash, randomBytes } from 'node:crypto'
import type { Approval } from '../domain/approval.ts'

/** Without letters that are taken for others. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const HALF = 5

/** A code as people type it; letters of either case. */
export const CODE_FORM = `[${ALPHABET}]{${HALF}}-[${ALPHABET}]{${HALF}}`

type Shown = Pick<Approval, 'kind' | 'group' | 'payload' | 'card'>

/** The one form of a payload: the same thing asked twice is the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

/** Names exactly what is asked, and for which group. */
export function payloadHash({ kind, group, payload }: Omit<Shown, 'card'>): string {
  return createHash('sha256').update(`${kind}\n${group}\n${payload}`).digest('hex')
}

/** A code that cannot be guessed, and fits to nothing but this payload as it is shown. */
export function approvalCode(shown: Shown): string {
  return `${letters(randomBytes(HALF))}-${sealOf(shown)}`
}

/** Whether it still is what was shown when it was asked. */
export function isAsShown(approval: Approval): boolean {
  return approval.payloadHash === payloadHash(approval) && approval.code.endsWith(`-${sealOf(approval)}`)
}

function sealOf(shown: Shown): string {
  return letters(
    createHash('sha256')
      .update(`${payloadHash(shown)}\n${shown.card}`)
      .digest()
      .subarray(0, HALF),
  )
}

function letters(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('')
}
