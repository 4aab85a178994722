import type { EgressOutcome } from '../../../domain/ports/egress.ts'

/** How a request, a tunnel or a WebSocket ended. */
export interface Ending {
  readonly outcome: EgressOutcome
  readonly status: number | null
  readonly reason: string | null
  readonly bytesOut: number
  readonly bytesIn: number
}
