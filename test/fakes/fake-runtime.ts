import type { TurnEvent, TurnInput } from '@creel/protocol'
import type { ProviderRuntime, ProviderTable } from '../../container/runner/src/index.ts'
import { FakeProvider, type FakeTurn } from './fake-provider.ts'

/** A runtime that knows its sessions: what it was asked in each is all that it remembers. */
export class FakeRuntime {
  readonly name: string
  readonly asked: TurnInput[] = []
  readonly oneModel: boolean
  /** Ends the next turns, one each, before they are answered. */
  readonly ends: TurnEvent[][] = []
  /** The same, before the runtime has begun a session. */
  readonly refusals: TurnEvent[][] = []
  readonly #sessions = new Set<string>()

  constructor(name: string, options: { oneModel?: boolean } = {}) {
    this.name = name
    this.oneModel = options.oneModel ?? false
  }

  lose(): void {
    this.#sessions.clear()
  }

  make(): ProviderRuntime {
    const fake = new FakeProvider((turn) => this.#lead(turn))
    const startTurn: ProviderRuntime['startTurn'] = (input, signal) => fake.startTurn(input, signal)
    return { name: this.name, oneModel: this.oneModel, startTurn, close: () => fake.close() }
  }

  #lead(turn: FakeTurn): void {
    const { resumeToken, text } = turn.input
    this.asked.push(turn.input)
    if (resumeToken !== undefined && !this.#sessions.has(resumeToken)) {
      turn.say({ type: 'failed', reason: 'resume-lost', message: 'gone' })
      return
    }
    const refusal = this.refusals.shift()
    if (refusal) {
      turn.say(...refusal)
      return
    }
    const session = resumeToken ?? `${this.name}-${this.#sessions.size + 1}`
    this.#sessions.add(session)
    turn.say({ type: 'started', resumeToken: session })
    const answer: TurnEvent[] = [
      { type: 'message', text: `${this.name} heard ${text}` },
      { type: 'completed' },
    ]
    turn.say(...(this.ends.shift() ?? answer))
  }
}

/** A table of these. */
export function runtimeTable(...runtimes: FakeRuntime[]): ProviderTable {
  return Object.fromEntries(
    runtimes.map((one) => [one.name, { needsGateway: false, make: () => one.make() }]),
  )
}
