import type { TurnEvent, TurnInput } from '@creel/protocol'
import { type Clock, systemClock } from '../../container/runner/src/clock.ts'
import { OpencodeTurn } from '../../container/runner/src/providers/opencode/opencode-turn.ts'
import { OpencodeServer } from '../../container/runner/src/providers/opencode/server.ts'
import { ServerApi } from '../../container/runner/src/providers/opencode/server-api.ts'
import { NO_TOOLS } from '../../container/runner/src/tools/tool-access.ts'
import { FakeOpencode } from './fake-opencode.ts'

/** A process that lives until a test ends it. */
export class FakeLife {
  readonly #end = Promise.withResolvers<string>()
  readonly exited = this.#end.promise
  stops = 0

  async stop(): Promise<void> {
    this.stops++
    this.die('stopped')
  }

  die(how: string): void {
    this.#end.resolve(how)
  }
}

/** Our side of OpenCode, whole, over a real socket to a fake server. */
export class OpencodeWorld {
  readonly fake = new FakeOpencode()
  readonly life = new FakeLife()
  readonly logged: string[] = []
  #server: OpencodeServer | undefined

  async connect(clock: Clock = systemClock): Promise<void> {
    const api = new ServerApi(await this.fake.listen(), 'secret')
    const log = (event: string) => this.logged.push(event)
    this.#server = await OpencodeServer.connect({
      tools: { ...NO_TOOLS, serverDown: (name) => void this.logged.push(`down: ${name}`) },
      life: this.life,
      api,
      clock,
      log,
    })
  }

  turn(input: Partial<TurnInput> = {}, signal = new AbortController().signal, clock: Clock = systemClock) {
    const whole: TurnInput = { session: 's', text: 'hi', prompt: 'hi', attempt: 1, ...input }
    const server = this.#server
    if (!server) throw new Error('connect first')
    return new OpencodeTurn(whole, signal, { clock, model: undefined, server: async () => server })
  }

  calls(call: string): string[] {
    return this.fake.calls.filter((other) => other === call)
  }

  /** Closes everything; throws when something was asked for that the real server does not have. */
  async end(): Promise<void> {
    await this.#server?.stop()
    await this.fake.close()
    if (this.fake.problems.length > 0) throw new Error(this.fake.problems.join('; '))
  }
}

/** Everything that a turn yields but signs of life; live, so that a test can wait for some of it. */
export function follow(turn: AsyncIterable<TurnEvent>): { events: TurnEvent[]; done: Promise<TurnEvent[]> } {
  const events: TurnEvent[] = []
  const read = async () => {
    for await (const event of turn) if (event.type !== 'activity') events.push(event)
    return events
  }
  return { events, done: read() }
}

export function run(turn: AsyncIterable<TurnEvent>): Promise<TurnEvent[]> {
  return follow(turn).done
}

export function said(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'message' ? [event.text] : []))
}
