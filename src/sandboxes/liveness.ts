export interface Vitals {
  /** The group has a message that is not settled. */
  readonly wanted: boolean
  readonly state: 'none' | 'running' | 'paused'
  /** Made from settings or a protocol that are not the current ones. */
  readonly outdated: boolean
  /** Since it last had something to do. */
  readonly idleMs: number
  /** Since its last heartbeat, start or unpause, whichever is the latest. */
  readonly quietMs: number
  /** How long the longest running turn has been at it; 0 when none runs. */
  readonly turnMs: number
}

export interface LivenessLimits {
  readonly pauseAfterMs: number
  readonly stopAfterMs: number
  readonly heartbeatTimeoutMs: number
  /** Past this the runner should have given up by itself long ago. */
  readonly turnDeadlineMs: number
}

export type Verdict =
  | { readonly do: 'keep' | 'start' | 'unpause' | 'pause' }
  | { readonly do: 'stop' | 'kill'; readonly why: string }

/** Pure: what should happen to a group's sandbox now. The supervisor carries it out. */
export function judgeVitals(vitals: Vitals, limits: LivenessLimits): Verdict {
  return vitals.wanted ? judgeWanted(vitals, limits) : judgeIdle(vitals, limits)
}

function judgeWanted(vitals: Vitals, limits: LivenessLimits): Verdict {
  if (vitals.state === 'none') return { do: 'start' }
  if (vitals.outdated && vitals.turnMs === 0) return { do: 'stop', why: 'its settings changed' }
  if (vitals.state === 'paused') return { do: 'unpause' }
  if (vitals.quietMs > limits.heartbeatTimeoutMs) return { do: 'kill', why: 'no heartbeat' }
  if (vitals.turnMs > limits.turnDeadlineMs) return { do: 'kill', why: 'the turn ran over its limit' }
  return { do: 'keep' }
}

function judgeIdle(vitals: Vitals, limits: LivenessLimits): Verdict {
  if (vitals.state === 'none') return { do: 'keep' }
  if (vitals.outdated) return { do: 'stop', why: 'its settings changed' }
  if (vitals.idleMs >= limits.stopAfterMs) return { do: 'stop', why: 'idle' }
  if (vitals.state === 'running' && vitals.idleMs >= limits.pauseAfterMs) return { do: 'pause' }
  return { do: 'keep' }
}
