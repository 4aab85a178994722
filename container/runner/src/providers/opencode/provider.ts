import { randomBytes } from 'node:crypto'
import { gatewayUrl, INSTRUCTION_BYTES, type TurnInput } from '@creel/protocol'
import type { ProviderParts, ProviderRuntime, Turn } from '../../provider.ts'
import { providerInstructions } from '../../provider-instructions.ts'
import { NO_TOOLS, type ToolAccess } from '../../tools/tool-access.ts'
import { OpencodeTurn } from './opencode-turn.ts'
import { OpencodeServer } from './server.ts'
import { ServerApi } from './server-api.ts'
import { prepareFolders, type ServerFolders, serverFolders, writeInstructions } from './server-folders.ts'
import { ServerProcess } from './server-process.ts'
import { type ModelUrls, serverConfig, serverEnv } from './server-settings.ts'

export interface OpencodeOptions {
  /** The program, or its name on `env.PATH`. */
  readonly binary?: string
  readonly urls?: Partial<ModelUrls>
  readonly tools?: ToolAccess
  /** The whole environment of the agent's tools, besides what the server itself needs. */
  readonly env?: Readonly<Record<string, string>>
}

interface CurrentServer {
  readonly server: Promise<OpencodeServer>
  /** It did not start, or has died. */
  readonly over: () => boolean
}

/** Where the image has the runtimes, and then the usual places. */
const PATH = '/opt/runtimes/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Drives OpenCode: one `opencode serve` for all sessions of the sandbox, started at the first turn and again after it
 * died. Its state is in `.creel/opencode` of the agent's home. Turns of different sessions run at once on it.
 */
export class OpencodeProvider implements ProviderRuntime {
  readonly name = 'opencode'
  readonly #parts: ProviderParts
  readonly #options: OpencodeOptions
  readonly #folders: ServerFolders
  readonly #instructions: string
  #current: CurrentServer | undefined
  #closed = false

  constructor(parts: ProviderParts, options: OpencodeOptions = {}) {
    this.#parts = parts
    this.#options = options
    this.#folders = serverFolders(parts.homeDir)
    this.#instructions = providerInstructions(parts, INSTRUCTION_BYTES.opencode)
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    const { clock, settings } = this.#parts
    return new OpencodeTurn(input, signal, { clock, model: settings.model, server: () => this.#running() })
  }

  async close(): Promise<void> {
    this.#closed = true
    const server = await this.#current?.server.catch(() => undefined)
    await server?.stop()
  }

  /** The server; starts it when none runs. Rejects when it does not start; the next turn tries again. */
  #running(): Promise<OpencodeServer> {
    if (this.#closed) return Promise.reject(new Error('the provider is closed'))
    // Nothing is awaited between looking and setting: turns that begin at once must find one server.
    if (this.#current === undefined || this.#current.over()) this.#current = this.#begin()
    else writeInstructions(this.#folders, this.#instructions)
    return this.#current.server
  }

  #begin(): CurrentServer {
    let running: OpencodeServer | undefined
    let failed = false
    const server = this.#start()
    server.then(
      (started) => {
        running = started
      },
      () => {
        failed = true
      },
    )
    return { server, over: () => failed || running?.death !== undefined }
  }

  async #start(): Promise<OpencodeServer> {
    const { settings, clock, log, homeDir, workspaceDir, toolEnvironment } = this.#parts
    const tools = this.#options.tools ?? NO_TOOLS
    const began = clock.now()
    prepareFolders(this.#folders)
    writeInstructions(this.#folders, this.#instructions)
    const password = randomBytes(24).toString('hex')
    const mark = randomBytes(16).toString('hex')
    const urls = {
      anthropic: `${gatewayUrl('anthropic')}/v1`,
      openai: `${gatewayUrl('openai')}/v1`,
      ...this.#options.urls,
    }
    const life = await ServerProcess.start({
      binary: this.#options.binary ?? 'opencode',
      cwd: workspaceDir,
      env: serverEnv({
        tools: { ...toolEnvironment, PATH, HOME: homeDir, LANG: 'C.UTF-8', ...this.#options.env },
        folders: this.#folders,
        config: serverConfig(
          { ...settings, mcpServers: { ...settings.mcpServers, ...tools.shared } },
          urls,
          this.#parts.skillsDir,
        ),
        password,
        mark,
      }),
      mark,
      clock,
    })
    const api = new ServerApi(life.url, password)
    const server = await OpencodeServer.connect({ life, api, tools, clock, log })
    log('opencode_started', { ms: clock.now() - began })
    return server
  }
}
