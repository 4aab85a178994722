import type { ChatId, GroupName, UnixMs, UserId } from '../ids.ts'

/** A code is good for so long. */
export const PAIRING_MS = 10 * 60_000
/** Wrong codes of one sender before nothing more of them is looked at, while this code stands. */
export const WRONG_OF_SENDER = 5
/** Wrong codes of all before the code is void. With 40 bits, all of them together guess it once in 10^10 times. */
export const WRONG_OF_ALL = 20

export interface PairingCode {
  /** As it is shown and typed: `7K3M-Q9ZD`. */
  readonly code: string
  readonly expiresAt: UnixMs
}

/** Somebody who typed what looks like a code. */
export interface PairingTry {
  readonly channel: string
  readonly account: string
  readonly chatId: ChatId
  readonly isPrivate: boolean
  readonly sender: UserId
  readonly code: string
}

export type PairingOutcome =
  /** No code stands for this bot: it was an ordinary message. */
  | { readonly state: 'none' }
  | { readonly state: 'paired'; readonly group: GroupName | null }
  | { readonly state: 'wrong' }
  /** Too many wrong ones: not looked at any more. */
  | { readonly state: 'blocked' }
  /** The right code, where others can read it: it is void now. */
  | { readonly state: 'shown' }

export type PairingState =
  | { readonly state: 'none' | 'expired' | 'void' }
  | { readonly state: 'waiting'; readonly expiresAt: UnixMs }
  | { readonly state: 'paired'; readonly user: UserId; readonly chatId: ChatId }

/**
 * Codes by which a person proves to a bot that they can read this machine's screen. Only a hash of a code is kept.
 * Synchronous, synced, each call one transaction.
 */
export interface PairingCodes {
  /** Makes the one code of this bot; an older one is void. */
  create(bot: { channel: string; account: string }, group: GroupName | null, now: UnixMs): PairingCode
  /** Of any number of people with the code one becomes an owner, within this call; asked again, the same one is told so. */
  redeem(attempt: PairingTry, now: UnixMs): PairingOutcome
  state(bot: { channel: string; account: string }, now: UnixMs): PairingState
}
