import { errorText } from '../domain/errors.ts'
import { Pump, type PumpOptions, type StepResult } from '../pump.ts'

const POLL_MS = 10_000
/** An engine that was restarted should not be waited for longer than it took. */
const BACKOFF = { baseMs: 200, maxMs: 2_000 }

/** Looks at the container engine from time to time, and remembers what is wrong with it. */
export class EngineWatch {
  readonly #pump: Pump<string>
  #problem: string | null = null

  /** `look` throws what is wrong; `recovered` is called when the engine answers after it did not. */
  constructor(
    ports: { look: (signal: AbortSignal) => Promise<void>; recovered: () => void },
    pump: Pick<PumpOptions<string>, 'clock' | 'log' | 'random'>,
  ) {
    this.#pump = new Pump<string>({
      ...{ ...pump, name: 'engine', pollMs: POLL_MS, backoff: BACKOFF, maxConcurrent: 1 },
      keys: () => ['engine'],
      step: async (_, signal): Promise<StepResult> => {
        try {
          await ports.look(signal)
        } catch (error) {
          this.#problem = errorText(error)
          throw error
        }
        if (this.#problem !== null) ports.recovered()
        this.#problem = null
        return 'idle'
      },
    })
  }

  /** In words for a person; null when the engine answers. */
  get problem(): string | null {
    return this.#problem
  }

  start(): void {
    this.#pump.start()
  }

  async stop(graceMs: number): Promise<void> {
    await this.#pump.stop(graceMs)
  }
}
