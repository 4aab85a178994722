import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnerSettings, type TurnEvent, type TurnInput } from '@creel/protocol'
import { systemClock } from '../../container/runner/src/clock.ts'
import type { Turn } from '../../container/runner/src/provider.ts'
import { OpencodeProvider } from '../../container/runner/src/providers/opencode/provider.ts'
import { NO_TOOLS, type ToolAccess } from '../../container/runner/src/tools/tool-access.ts'
import { ModelServer } from './model-server.ts'
import { PROXY_OF_NOBODY } from './nobodys-proxy.ts'

/** The version that the image has; see container/image/runtimes/package.json. */
const VERSION = '1.18.33'
const FOLDER = join(import.meta.dirname, '../../.creel/peers/opencode')
const PROGRAM = join(FOLDER, `node_modules/opencode-linux-${process.arch}/bin/opencode`)

/** The real program, installed into `.creel/peers` when it is missing. */
function opencodeProgram(): string {
  if (!existsSync(PROGRAM)) {
    console.log(`opencode: installing opencode-ai@${VERSION} into .creel/peers`)
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER]
    const done = spawnSync('npm', [...args, `opencode-ai@${VERSION}`], { encoding: 'utf8', timeout: 300_000 })
    if (done.status !== 0) throw new Error(`cannot install opencode ${VERSION}: ${done.stderr}`)
  }
  return PROGRAM
}

/** The provider with the real program on this machine, in a home of its own, and a model that only the test knows. */
export class OpencodeRig implements AsyncDisposable {
  readonly model: ModelServer
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-opencode-'))
  readonly home = join(this.folder, 'home')
  readonly workspace = join(this.folder, 'workspace')
  readonly skills = join(this.folder, 'skills')
  readonly logged: { event: string; fields: object }[] = []
  /** As the runner would give it to the next provider that is made. */
  tools: ToolAccess = NO_TOOLS
  provider: OpencodeProvider
  readonly #settings: object

  private constructor(model: ModelServer, settings: object) {
    this.model = model
    this.#settings = settings
    for (const path of [this.home, this.workspace]) mkdirSync(path)
    this.provider = this.make()
  }

  static async start(settings: object = {}): Promise<OpencodeRig> {
    opencodeProgram()
    return new OpencodeRig(await ModelServer.start(), settings)
  }

  /** Another runner's provider on the same home. */
  make(settings: object = {}): OpencodeProvider {
    const never = () => {
      throw new Error('the provider ends no runner')
    }
    const parts = {
      homeDir: this.home,
      workspaceDir: this.workspace,
      skillsDir: this.skills,
      toolEnvironment: PROXY_OF_NOBODY,
      settings: RunnerSettings.parse({
        protocol: 1,
        group: 'family',
        provider: 'opencode',
        concurrency: 30,
        turnTimeoutMs: 120_000,
        maxAttempts: 3,
        pollMs: 1_000,
        ...this.#settings,
        ...settings,
      }),
      log: (event: string, fields: object = {}) => void this.logged.push({ event, fields }),
      clock: systemClock,
      ending: { crash: never, exit: never },
    }
    const env = { PATH: process.env.PATH ?? '' }
    const urls = { anthropic: `${this.model.url}/v1` }
    return new OpencodeProvider(parts, { binary: opencodeProgram(), urls, env, tools: this.tools })
  }

  turn(prompt: string, more: Partial<TurnInput> = {}, signal = new AbortController().signal): Turn {
    return this.provider.startTurn({ session: 'chat', text: prompt, prompt, attempt: 1, ...more }, signal)
  }

  /** Runs a turn to its end and returns its events but the signs of life. */
  async ask(prompt: string, more: Partial<TurnInput> = {}, signal?: AbortSignal): Promise<TurnEvent[]> {
    const events: TurnEvent[] = []
    for await (const event of this.turn(prompt, more, signal))
      if (event.type !== 'activity') events.push(event)
    return events
  }

  /** Ids of the processes that have this text in their command line and were started below this rig's home. */
  processes(part: string): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => textOf(`/proc/${pid}/environ`).includes(this.home))
      .filter((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').includes(part))
      .map(Number)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close()
    await this.model[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function tokenOf(events: readonly TurnEvent[]): string {
  const started = events.find((event) => event.type === 'started')
  if (!started?.resumeToken) throw new Error(`no resume token in ${JSON.stringify(events)}`)
  return started.resumeToken
}

/** What the person would get; a failure as `failed: …`, so that a test that expects an answer shows it. */
export function messages(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'failed') return [`failed: ${event.reason}: ${event.message}`]
    return event.type === 'message' ? [event.text] : []
  })
}

/** Empty for a process that has just ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return ''
    throw error
  }
}
