import { CreelError, type ErrorCode } from '../../domain/errors.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import type { NewInboxEntry } from '../../domain/ports/mailbox.ts'

/** What a writer thread is made with. */
export interface WriterSetup {
  readonly dataDir: string
  readonly groupsDir: string
  readonly maxOpen: number
}

/** What the host asks of a writer thread. */
export type WriterOrder = { readonly id: number; readonly group: GroupName } & (
  | { readonly do: 'open' }
  | { readonly do: 'put'; readonly items: readonly NewInboxEntry[]; readonly at: UnixMs }
  | { readonly do: 'prune'; readonly seq: number; readonly keep: readonly number[] }
)

/** What a writer thread says: first that it takes orders, then answers, in the order of the orders. */
export type WriterWord = 'ready' | readonly WriterAnswer[]

export type WriterAnswer =
  | { readonly id: number; readonly seqs: readonly number[] }
  | { readonly id: number; readonly failed: FailedOrder }

/** A CreelError on its way between threads, where it would lose its class. */
export interface FailedOrder {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | undefined
}

export function packError({ code, message, hint }: CreelError): FailedOrder {
  return { code, message, hint }
}

export function unpackError({ code, message, hint }: FailedOrder): CreelError {
  return new CreelError(code, message, hint === undefined ? {} : { hint })
}
