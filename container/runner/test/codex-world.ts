import { RunnerSettings, type TurnEvent } from '@creel/protocol'
import { FakeClock } from '../../../test/fakes/fake-clock.ts'
import type { Turn } from '../src/provider.ts'
import { CodexProvider } from '../src/providers/codex/provider.ts'
import { FakeAppServer, type FakeProcess, type FakeTurn } from './fake-app-server.ts'

const SETTINGS = RunnerSettings.parse({
  protocol: 1,
  group: 'family',
  provider: 'codex',
  concurrency: 30,
  turnTimeoutMs: 60_000,
  maxAttempts: 3,
  pollMs: 1_000,
})

/** A provider whose app-server is a fake, with a clock that the test moves. */
export function world(
  onTurn: (turn: FakeTurn, process: FakeProcess) => void = (turn) => turn.reply(`re: ${turn.inputs[0]}`),
) {
  const fake = new FakeAppServer(onTurn)
  const clock = new FakeClock()
  const logged: string[] = []
  const provider = new CodexProvider(
    {
      homeDir: '/nowhere',
      workspaceDir: '/workspace',
      skillsDir: '/nowhere',
      toolEnvironment: {},
      settings: SETTINGS,
      log: (event) => void logged.push(event),
      clock,
      ending: {
        crash: () => {
          throw new Error('the provider ends no runner')
        },
        exit: () => {
          throw new Error('the provider ends no runner')
        },
      },
    },
    { launch: fake.launch },
  )
  const start = (
    session: string,
    text: string,
    more: object = {},
    signal = new AbortController().signal,
  ): Turn => provider.startTurn({ session, text, prompt: text, attempt: 1, ...more }, signal)
  return { fake, clock, provider, start, logged }
}

/** Runs a turn to its end; its events but the signs of life. */
export async function all(turn: Turn): Promise<TurnEvent[]> {
  const events: TurnEvent[] = []
  for await (const event of turn) if (event.type !== 'activity') events.push(event)
  return events
}

/** Resolves with the turn of the fake once it has begun. */
export function begun(): { onTurn: (turn: FakeTurn, process: FakeProcess) => void; turn: Promise<FakeTurn> } {
  let found: (turn: FakeTurn) => void = () => undefined
  const turn = new Promise<FakeTurn>((resolve) => {
    found = resolve
  })
  return { onTurn: (one) => found(one), turn }
}

export function messages(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'message' ? [event.text] : []))
}
