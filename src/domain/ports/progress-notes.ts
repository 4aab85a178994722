import type { UnixMs } from '../ids.ts'
import type { ChatAddress } from '../message.ts'

export interface NoteRow {
  readonly id: number
  readonly address: ChatAddress
  /** Null when the host died while it was being sent: it may stand there, and nobody knows under which id. */
  readonly platformMessageId: string | null
  readonly createdAt: UnixMs
}

/** "Working …" messages that stand in a chat now, so that none outlives its turn because a host was killed. */
export interface ProgressNoteStore {
  /** Before one is sent. Returns its row's id. */
  begun(to: ChatAddress, at: UnixMs): number
  sent(id: number, platformMessageId: string): void
  gone(id: number): void
  all(): readonly NoteRow[]
}
