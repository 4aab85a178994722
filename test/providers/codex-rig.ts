import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RunnerSettings, type TurnEvent, type TurnInput } from '@creel/protocol'
import { systemClock } from '../../container/runner/src/clock.ts'
import type { Turn } from '../../container/runner/src/provider.ts'
import { CodexProvider } from '../../container/runner/src/providers/codex/provider.ts'
import { NO_TOOLS, type ToolAccess } from '../../container/runner/src/tools/tool-access.ts'
import { ModelServer } from './model-server.ts'
import { PROXY_OF_NOBODY } from './nobodys-proxy.ts'

/** The version that the image has; see container/image/runtimes/package.json. */
const VERSION = '0.169.0'
const FOLDER = join(import.meta.dirname, '../../.creel/peers/codex')
const RUST = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl'
const PROGRAM = join(FOLDER, `node_modules/@openai/codex-linux-${process.arch}/vendor/${RUST}/bin/codex`)

/** The real program, installed into `.creel/peers` when it is missing. */
export function codexProgram(): string {
  if (!existsSync(PROGRAM)) {
    console.log(`codex: installing @openai/codex@${VERSION} into .creel/peers`)
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER]
    const done = spawnSync('npm', [...args, `@openai/codex@${VERSION}`], {
      encoding: 'utf8',
      timeout: 300_000,
    })
    if (done.status !== 0) throw new Error(`cannot install codex ${VERSION}: ${done.stderr}`)
  }
  return PROGRAM
}

/** The provider with the real program on this machine, in a home of its own, and a model that only the test knows. */
export class CodexRig implements AsyncDisposable {
  readonly model: ModelServer
  readonly folder: string
  readonly logged: string[] = []
  /** As the runner would give it to the next provider that is made. */
  tools: ToolAccess = { ...NO_TOOLS, serverDown: (name) => void this.logged.push(`down: ${name}`) }
  provider: CodexProvider
  readonly #settings: object
  readonly #under: readonly string[]

  private constructor(model: ModelServer, settings: object, under: readonly string[]) {
    this.model = model
    this.#settings = settings
    this.#under = under
    // Not below /tmp: there codex refuses a part of its work, and says so.
    const parent = join(FOLDER, '..')
    mkdirSync(parent, { recursive: true })
    this.folder = mkdtempSync(join(parent, 'codex-test-'))
    for (const name of ['home', 'workspace']) mkdirSync(join(this.folder, name))
    this.provider = this.make()
  }

  /** `under`: a command that runs the program, with its arguments. */
  static async start(settings: object = {}, under: readonly string[] = []): Promise<CodexRig> {
    codexProgram()
    return new CodexRig(await ModelServer.start(), settings, under)
  }

  /** Another runner's provider on the same home. */
  make(settings: object = {}): CodexProvider {
    const parts = {
      homeDir: join(this.folder, 'home'),
      workspaceDir: join(this.folder, 'workspace'),
      skillsDir: join(this.folder, 'skills'),
      toolEnvironment: PROXY_OF_NOBODY,
      settings: RunnerSettings.parse({
        protocol: 1,
        group: 'family',
        provider: 'codex',
        concurrency: 30,
        turnTimeoutMs: 120_000,
        maxAttempts: 3,
        pollMs: 1_000,
        ...this.#settings,
        ...settings,
      }),
      log: (event: string, fields?: object) =>
        void this.logged.push(`${event} ${JSON.stringify(fields ?? {})}`),
      clock: systemClock,
      ending: {
        crash: () => {
          throw new Error('the provider ends no runner')
        },
        exit: () => {
          throw new Error('the provider ends no runner')
        },
      },
    }
    return new CodexProvider(parts, {
      baseUrl: `${this.model.url}/v1`,
      command: [...this.#under, codexProgram()],
      tools: this.tools,
    })
  }

  turn(prompt: string, more: Partial<TurnInput> = {}, signal = new AbortController().signal): Turn {
    const input = { session: 'chat', text: prompt, prompt, attempt: 1, model: 'gpt-5.5', ...more }
    return this.provider.startTurn(input, signal)
  }

  /** Runs a turn to its end and returns its events but the signs of life. */
  async ask(prompt: string, more: Partial<TurnInput> = {}): Promise<TurnEvent[]> {
    return all(this.turn(prompt, more))
  }

  /** The input of the last call of the model with `part` in it, as text. */
  seen(part: string): string {
    return this.model.calls(part).at(-1)?.text ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close()
    await this.model[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function all(turn: Turn): Promise<TurnEvent[]> {
  const events: TurnEvent[] = []
  for await (const event of turn) if (event.type !== 'activity') events.push(event)
  return events
}

/** What the person would get of these. */
export function messages(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'message' && event.text !== '' ? [event.text] : []))
}

export function tokenOf(events: readonly TurnEvent[]): string {
  const started = events.find((event) => event.type === 'started')
  if (!started?.resumeToken) throw new Error(`no resume token in ${JSON.stringify(events)}`)
  return started.resumeToken
}

/**
 * A stream of the Responses API, written by hand: aimock calls tools by a flat name, which codex does not know for
 * tools of an MCP server, and cannot cut a stream at an event.
 */
export function responseStream(...items: readonly Readonly<Record<string, unknown>>[]): string[] {
  const usage = { input_tokens: 10, output_tokens: 3, total_tokens: 13 }
  const events = [
    { type: 'response.created', response: { id: 'resp_1' } },
    ...items.map((item) => ({ type: 'response.output_item.done', output_index: 0, item })),
    { type: 'response.completed', response: { id: 'resp_1', usage } },
  ]
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

/** The call of a tool; `namespace` for one of an MCP server. */
export function toolCall(name: string, args: object, namespace?: string): Record<string, unknown> {
  const id = crypto.randomUUID()
  return {
    type: 'function_call',
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    arguments: JSON.stringify(args),
  }
}
