import type { GroupConfig } from '../config/schema.ts'
import type { EgressLimits } from '../domain/egress-limits.ts'

const MB = 1_000_000

/** The bounds that a group's container.json sets, or the usual ones. */
export function egressLimits({ limits: { egress } }: Pick<GroupConfig, 'limits'>): EgressLimits {
  return {
    connections: egress.connections,
    requestsPerMinute: egress.requests_per_minute,
    bytesPerHour: egress.mb_per_hour * MB,
    bytesPerDay: egress.mb_per_day * MB,
    bytesPerRequest: egress.request_mb * MB,
  }
}
