/** How much a group's tools may ask of the network. Bytes count both ways together. */
export interface EgressLimits {
  /** At once. */
  readonly connections: number
  readonly requestsPerMinute: number
  readonly bytesPerHour: number
  readonly bytesPerDay: number
  /** Of one request or tunnel with its answer. */
  readonly bytesPerRequest: number
}
