import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { callHost, followLines, NoHostError, postLine } from '../adapters/control/client.ts'
import type { TerminalEvent } from '../adapters/control/wire.ts'
import { GroupRegistry } from '../adapters/groups/group-registry.ts'
import type { Install } from '../config/load.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { agentImage } from '../host-parts.ts'

export interface ProviderTest {
  readonly group: string
  readonly provider: string
  readonly ok: boolean
  readonly steps: readonly { readonly step: string; readonly ms: number; readonly what: string }[]
}

const SENTENCE = 'This is a test of your connection. Reply with the one word: ready'
const LIMIT_MS = 300_000
const LOOK_MS = 20
const SHOWN = 100
/** How the runner tells a person of a turn without an answer. */
const NO_SUCCESS = /^The agent (?:could not answer|was stopped)/

const Shown = z.object({
  group: z.string(),
  provider: z.string().nullable(),
  problem: z.string().nullable(),
  state: z.string(),
})

/**
 * One turn in the terminal chat of a group. Throws CreelError when there is no host or no such group; what the
 * provider could not do is in the result.
 */
export async function tryProvider(
  install: Install,
  group: string,
  run: { readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<ProviderTest> {
  const socket = install.paths.controlSocket
  const look = async () => Shown.parse(await ask(socket, 'group-show', { name: group }))
  const steps: { step: string; ms: number; what: string }[] = []
  let from = performance.now()
  const step = (name: string, what: string) => {
    const now = performance.now()
    steps.push({ step: name, ms: Math.round(now - from), what })
    run.say(`${name}: ${what}`)
    from = now
  }

  const { provider, problem, state } = await look()
  if (provider === null)
    throw new CreelError('invalid', `${group}: ${problem ?? 'its container.json cannot be read'}`)
  step('settings', `provider ${provider}, sandbox ${state}`)
  step('image', await agentImage(install, new GroupRegistry(install.paths).load(group as GroupName), run.say))

  const chat = new TerminalListener(
    socket,
    group,
    AbortSignal.any([run.signal, AbortSignal.timeout(LIMIT_MS)]),
  )
  try {
    await chat.ready
    from = performance.now()
    await postLine(socket, group, { text: SENTENCE, id: randomUUID(), user: `terminal:${install.env.user}` })
    step('message kept', 'in the inbound table')
    const answer = chat.answer()
    const awake = untilAwake(look, chat.signal).then(() => step('sandbox awake', 'running'))
    await Promise.race([awake, answer])
    const text = await answer
    step('answer', text.slice(0, SHOWN))
    return { group, provider, ok: !NO_SUCCESS.test(text), steps }
  } finally {
    chat.close()
  }
}

/** Asks the host; without one there is no real path to try. */
async function ask(socket: string, command: string, args: unknown): Promise<unknown> {
  try {
    return await callHost(socket, command, args)
  } catch (error) {
    if (!(error instanceof NoHostError)) throw error
    throw new CreelError('unavailable', 'Creel is not running', { hint: './creel up', cause: error })
  }
}

async function untilAwake(look: () => Promise<{ state: string }>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await look()).state !== 'awake') await systemClock.sleep(LOOK_MS, signal)
}

function noAnswer(): CreelError {
  return new CreelError('timeout', 'no answer came', { hint: './creel status, and ./creel logs' })
}

/** Listens to the terminal chat of a group from now on. */
class TerminalListener {
  readonly ready: Promise<void>
  readonly signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #following: Promise<void>
  #onLine: (text: string) => void = () => undefined

  constructor(socket: string, group: string, signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#ended.signal])
    const ready = Promise.withResolvers<void>()
    this.ready = ready.promise
    let heardAll = false
    const onEvent = (event: TerminalEvent) => {
      if (event.type === 'ready') {
        heardAll = true
        ready.resolve()
      } else if (heardAll && event.type === 'line' && event.author === 'agent') this.#onLine(event.text)
    }
    this.#following = followLines(socket, group, 0, onEvent, this.signal)
    this.#following.then(() => ready.reject(noAnswer()), ready.reject)
  }

  /** The next line of the agent; rejects when none comes in time or the host ends. */
  async answer(): Promise<string> {
    const line = new Promise<string>((resolve) => {
      this.#onLine = resolve
    })
    const ended = this.#following.then((): never => {
      throw noAnswer()
    })
    return Promise.race([line, ended])
  }

  close(): void {
    this.#ended.abort()
  }
}
