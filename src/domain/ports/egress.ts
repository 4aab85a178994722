import type { GroupName, UnixMs } from '../ids.ts'
import type { Injection, OutgoingRequest } from '../injection.ts'

/** Where a tool in a sandbox wants to connect to, as far as it is known before a byte of it was read. */
export interface EgressTarget {
  /** Lower case, without brackets or a trailing dot: a name or an address. */
  readonly host: string
  readonly port: number
}

/** One request that was read: over plain HTTP, or inside of TLS that the gateway opened. */
export interface EgressRequest extends EgressTarget {
  readonly method: string
  /** Without the query. */
  readonly path: string
}

/** What may be done with a connection. */
export type TargetVerdict =
  | {
      readonly allowed: true
      /** `tunnel`: passed on unopened; `open`: every request in it is read and judged. */
      readonly how: 'tunnel' | 'open'
      /** Whether it may end at an address that is not public (loopback, private, link-local, …). */
      readonly mayBePrivate: boolean
    }
  | EgressDenial

export type RequestVerdict = { readonly allowed: true } | EgressDenial

export interface EgressDenial {
  readonly allowed: false
  readonly reason: string
  /** Whether the owner's word could let it pass: not where a bound is used up, nor where they denied it. */
  readonly canAsk: boolean
}

/**
 * Who may go where, decided on the host anew for each connection and request; a changed rule counts at once. Deny is the
 * default. Throws CreelError when the group's settings or the vault cannot be read: nothing may pass then.
 */
export interface EgressPolicy {
  /** To be asked before a name is looked up. TLS is opened where a rule limits requests or a secret covers the host. */
  connection(group: GroupName, target: EgressTarget): Promise<TargetVerdict>
  /** To be asked for each request of an opened connection, and of each plain one. */
  request(group: GroupName, request: EgressRequest): Promise<RequestVerdict>
}

export const OUTCOMES = ['allowed', 'denied', 'failed'] as const
export type EgressOutcome = (typeof OUTCOMES)[number]

/** Bytes both ways. */
export interface PassedBytes {
  readonly bytesOut: number
  readonly bytesIn: number
}

/** One connection or request as it ended. Never a body, a header, a query or a secret. */
export interface EgressEntry {
  readonly group: GroupName
  readonly at: UnixMs
  readonly host: string
  readonly port: number
  /** `CONNECT` for a connection that was tunnelled or turned away. */
  readonly method: string
  /** Empty for a tunnel; cut to a bound. */
  readonly path: string
  readonly outcome: EgressOutcome
  /** Status of the answer; null where none was seen. */
  readonly status: number | null
  /** Why it was denied or failed. */
  readonly reason: string | null
  readonly bytesOut: number
  readonly bytesIn: number
  readonly ms: number
  /** What `passed` told of these bytes; left out when it told nothing. */
  readonly told?: PassedBytes
}

/** A part of one that is still under way. */
export interface EgressPart extends Omit<EgressEntry, 'outcome' | 'status' | 'reason' | 'told'> {
  /** Nothing was told of it before. */
  readonly isFirst: boolean
}

/** Where the gateway notes what left, what was turned away and why. */
export interface EgressAudit {
  /** Never throws and never waits; entries are written in batches, and floods of one group are counted, not kept. */
  note(entry: EgressEntry): void
  /** Bytes that passed since the last word of this connection. The same promises. */
  passed(part: EgressPart): void
}

/** Which secret a request of a tool goes with. */
export interface InjectionSource {
  /** Null when it goes without any. Asked for each request; throws CreelError when that cannot be told. */
  forRequest(group: GroupName, request: OutgoingRequest): Promise<Injection | null>
}
