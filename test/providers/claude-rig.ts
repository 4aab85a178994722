import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunnerSettings, type TurnEvent, type TurnInput } from '@creel/protocol'
import { systemClock } from '../../container/runner/src/clock.ts'
import type { Turn } from '../../container/runner/src/provider.ts'
import { ClaudeProvider } from '../../container/runner/src/providers/claude/provider.ts'
import type { QueryFunction } from '../../container/runner/src/providers/claude/sdk.ts'
import { NO_TOOLS, type ToolAccess } from '../../container/runner/src/tools/tool-access.ts'
import { ModelServer } from './model-server.ts'
import { PROXY_OF_NOBODY } from './nobodys-proxy.ts'

/** The version that the image has; see container/package.json. */
const VERSION = '0.3.329'
const PACKAGE = '@anthropic-ai/claude-agent-sdk'
const FOLDER = join(import.meta.dirname, '../../.creel/peers/claude')

/** The real SDK with the program in it, installed into `.creel/peers` when it is missing. */
function agentSdk(): { query: QueryFunction } {
  if (!existsSync(join(FOLDER, 'node_modules', PACKAGE))) {
    console.log(`claude: installing ${PACKAGE}@${VERSION} into .creel/peers`)
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER]
    const done = spawnSync('npm', [...args, `${PACKAGE}@${VERSION}`], { encoding: 'utf8', timeout: 600_000 })
    if (done.status !== 0) throw new Error(`cannot install ${PACKAGE} ${VERSION}: ${done.stderr}`)
  }
  return createRequire(join(FOLDER, 'package.json'))(`${PACKAGE}/core`)
}

/** The provider with the real program on this machine, in a home of its own, and a model that only the test knows. */
export class ClaudeRig implements AsyncDisposable {
  readonly model: ModelServer
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-claude-'))
  readonly home = join(this.folder, 'home')
  readonly workspace = join(this.folder, 'workspace')
  readonly skills = join(this.folder, 'skills')
  /** As the image has it. */
  readonly plugin = join(this.folder, 'plugin')
  readonly logged: string[] = []
  /** As the runner would give it to the next provider that is made. */
  tools: ToolAccess = NO_TOOLS
  provider: ClaudeProvider

  private constructor(model: ModelServer, settings: object) {
    this.model = model
    for (const path of [this.home, this.workspace]) mkdirSync(path)
    mkdirSync(join(this.plugin, '.claude-plugin'), { recursive: true })
    writeFileSync(join(this.plugin, '.claude-plugin', 'plugin.json'), '{"name":"skills"}')
    symlinkSync(this.skills, join(this.plugin, 'skills'))
    this.provider = this.#make(settings)
  }

  static async start(settings: object = {}): Promise<ClaudeRig> {
    return new ClaudeRig(await ModelServer.start(), settings)
  }

  /** Another runner's provider on the same home; the one before is closed. */
  async restart(settings: object = {}): Promise<void> {
    await this.provider.close()
    this.provider = this.#make(settings)
  }

  turn(prompt: string, more: Partial<TurnInput> = {}, signal = new AbortController().signal): Turn {
    const input = { session: 'chat', text: prompt, prompt, attempt: 1, ...more }
    return this.provider.startTurn(input, signal)
  }

  /** Runs a turn to its end and returns its events but the signs of life. */
  async ask(prompt: string, more: Partial<TurnInput> = {}): Promise<TurnEvent[]> {
    return all(this.turn(prompt, more))
  }

  /** The newest transcript of the runtime. */
  transcripts(): string[] {
    const parent = join(this.home, '.claude', 'projects')
    return readdirSync(parent, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => join(parent, name))
  }

  /** Ids of living processes with `part` on their command line or in their environment. */
  processes(part: string): number[] {
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
      const texts = ['stat', 'cmdline', 'environ'].map((file) => readIfThere(`/proc/${pid}/${file}`))
      const zombie = /\) [ZX] /.test(texts[0] ?? '')
      return !zombie && texts.some((text) => text.includes(part)) ? [Number(pid)] : []
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close()
    await this.model[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #make(settings: object): ClaudeProvider {
    return new ClaudeProvider({
      homeDir: this.home,
      workspaceDir: this.workspace,
      skillsDir: this.skills,
      toolEnvironment: PROXY_OF_NOBODY,
      plugin: this.plugin,
      settings: RunnerSettings.parse({
        protocol: 1,
        group: 'family',
        provider: 'claude',
        concurrency: 4,
        turnTimeoutMs: 120_000,
        maxAttempts: 3,
        pollMs: 1_000,
        ...settings,
      }),
      log: (event, fields) => void this.logged.push(`${event} ${JSON.stringify(fields ?? {})}`),
      clock: systemClock,
      query: agentSdk().query,
      tools: this.tools,
      baseUrl: this.model.url,
    })
  }
}

export async function all(turn: Turn, onEvent?: (event: TurnEvent) => void): Promise<TurnEvent[]> {
  const events: TurnEvent[] = []
  for await (const event of turn) {
    if (event.type === 'activity') continue
    events.push(event)
    onEvent?.(event)
  }
  return events
}

/** What the person would get of these. */
export function messages(events: readonly TurnEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'message' && event.text !== '' ? [event.text] : []))
}

export function tokenOf(events: readonly TurnEvent[]): { resumeToken: string } {
  const started = events.find((event) => event.type === 'started')
  if (!started?.resumeToken) throw new Error(`no resume token in ${JSON.stringify(events)}`)
  return { resumeToken: started.resumeToken }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return ''
    throw error
  }
}
