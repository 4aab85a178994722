import { HOST_POINTS, RUNNER_POINTS } from './crash-points.ts'

/** What a run asks for. */
export interface Goal {
  readonly kills: number
  readonly messages: number
  /** Deaths at each named point. Default: 0. */
  readonly eachPoint?: number
  /** Only these named points, and nothing else breaks. Default: all, and everything. */
  readonly points?: readonly string[]
  /** Sandboxes are containers of a real engine, which cannot be told where to die. False: there was none. */
  readonly killSandbox?: (group: string) => Promise<boolean>
}

export type Harm = 'host' | 'runner' | 'engine' | 'gateway' | 'channel' | 'platform' | 'disk' | 'clock'

/** What was said and what died, in all worlds of a run together. */
export class Score {
  /** Messages of people. */
  said = 0
  readonly counts: Record<Harm, number> = {
    ...{ host: 0, runner: 0, engine: 0, gateway: 0, channel: 0, platform: 0, disk: 0, clock: 0 },
  }
  readonly hostPoints: readonly string[]
  readonly runnerPoints: readonly string[]
  readonly #hits: Map<string, number>
  readonly #goal: Goal

  constructor(goal: Goal) {
    this.#goal = goal
    const wanted = (point: string) => goal.points === undefined || goal.points.includes(point)
    this.hostPoints = HOST_POINTS.filter(wanted)
    this.runnerPoints = RUNNER_POINTS.filter((point) => wanted(point) && !goal.killSandbox)
    this.#hits = new Map([...this.hostPoints, ...this.runnerPoints].map((point) => [point, 0]))
  }

  diedAt(point: string): void {
    this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1)
    if (point.includes(' outbox.')) this.counts.runner += 1
  }

  /** Deaths, cuts and outages so far; a jump of the clock kills nothing. */
  get kills(): number {
    const { clock, ...kills } = this.counts
    return Object.values(kills).reduce((sum, count) => sum + count, 0)
  }

  /** How often something died at each named point. */
  get points(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#hits)
  }

  /** The named point at which least has died, and how often. */
  get rarest(): readonly [point: string, hits: number] {
    return [...this.#hits].toSorted((a, b) => a[1] - b[1])[0] ?? ['none', 0]
  }

  get enough(): boolean {
    const { kills, messages, eachPoint = 0 } = this.#goal
    return this.kills >= kills && this.said >= messages && this.rarest[1] >= eachPoint
  }

  /** Of what is asked for, messages are further from their goal than deaths at named points. */
  get fewMessages(): boolean {
    const { messages, points, eachPoint = 0 } = this.#goal
    if (points !== undefined || messages === 0 || eachPoint === 0) return false
    const hits = [...this.#hits.values()].map((count) => Math.min(1, count / eachPoint))
    return this.said / messages < hits.reduce((sum, part) => sum + part, 0) / hits.length
  }

  /** At a runner's points less has died than at the host's. */
  get runnersBehind(): boolean {
    return this.#least(this.runnerPoints) < this.#least(this.hostPoints)
  }

  /** The named points at which too little has died for what is asked, and how often. */
  get tooRare(): Readonly<Record<string, number>> {
    const { eachPoint = 0 } = this.#goal
    return Object.fromEntries([...this.#hits].filter(([, count]) => count < eachPoint))
  }

  /** Those of `points` at which least died, give or take one. */
  leastHit(points: readonly string[]): readonly string[] {
    const least = this.#least(points)
    return points.filter((point) => (this.#hits.get(point) ?? 0) <= least + 1)
  }

  #least(points: readonly string[]): number {
    return Math.min(...points.map((point) => this.#hits.get(point) ?? 0))
  }
}
