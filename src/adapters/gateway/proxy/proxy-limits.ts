/** What one group's tools may use of the gateway at once and in time. Bytes and milliseconds. */
export interface ProxyLimits {
  /** Tunnels and opened connections. */
  readonly connections: number
  /** A handshake costs the host a millisecond: more in a second wait for their turn. */
  readonly connectsPerSecond: number
  readonly requests: number
  /** More requests in a second are told to wait; three times as many cost the connection. */
  readonly requestsPerSecond: number
  /** Both directions together; more is held back, not refused. */
  readonly bytesPerSecond: number
  /** One request, tunnel or WebSocket with what comes back. */
  readonly bytesPerRequest: number
  readonly lookupMs: number
  readonly connectMs: number
  /** From the answer to CONNECT to the end of the TLS handshake. */
  readonly handshakeMs: number
  /** Without a byte either way. */
  readonly idleMs: number
  /** One tunnel, WebSocket or request. */
  readonly totalMs: number
  /** How often what is under way is counted. */
  readonly countMs: number
}

const GIB = 1024 ** 3

/** What the settings of a group can change of them. */
export type GroupLimits = Pick<ProxyLimits, 'connections' | 'bytesPerRequest'>

export const PROXY_LIMITS: ProxyLimits = {
  connections: 64,
  connectsPerSecond: 50,
  requests: 64,
  requestsPerSecond: 200,
  bytesPerSecond: GIB,
  bytesPerRequest: 2.5 * GIB,
  lookupMs: 10_000,
  connectMs: 15_000,
  handshakeMs: 10_000,
  idleMs: 10 * 60_000,
  totalMs: 6 * 3_600_000,
  countMs: 10_000,
}
