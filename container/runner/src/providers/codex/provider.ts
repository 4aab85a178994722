import { randomUUID } from 'node:crypto'
import { INSTRUCTION_BYTES, type TurnInput } from '@creel/protocol'
import type { ProviderParts, ProviderRuntime, Turn } from '../../provider.ts'
import { providerInstructions } from '../../provider-instructions.ts'
import { NO_TOOLS, type ToolAccess } from '../../tools/tool-access.ts'
import { AppServer, type AppServerParts } from './app-server.ts'
import { type CodexHome, codexEnvironment, defaultBaseUrl, MARK_VARIABLE, prepareHome } from './home.ts'
import { type Launch, launch } from './launch.ts'
import { threadConfig } from './thread-config.ts'
import { CodexTurn } from './turn.ts'

/** Threads that one process keeps loaded, 2 MB each and a process per tool server; then a fresh one takes over. */
const MAX_THREADS = 100

export interface CodexOptions {
  /** Base URL of the Responses API, with its version path. */
  readonly baseUrl?: string
  /** The program, with arguments that come before ours. */
  readonly command?: readonly string[]
  readonly tools?: ToolAccess
  /** In place of the real process, for tests. */
  readonly launch?: Launch
}

/**
 * Codex, as one `codex app-server` for all sessions of the sandbox: started with the first turn, and with the next
 * turn after it has died. A thread id is the resume token.
 */
export class CodexProvider implements ProviderRuntime {
  readonly name = 'codex'
  /** A thread that changes its model is summed up first, by a request to the old one. */
  readonly oneModel = true
  readonly #parts: ProviderParts
  readonly #launch: Launch
  readonly #tools: ToolAccess
  /** The end of each session's last turn. */
  readonly #turns = new Map<string, Promise<void>>()
  #server: AppServer | undefined
  /** The end of a process that had become too large. */
  #retired: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(parts: ProviderParts, options: CodexOptions = {}) {
    this.#parts = parts
    this.#tools = options.tools ?? NO_TOOLS
    this.#launch = options.launch ?? (() => this.#start(options))
  }

  startTurn(input: TurnInput, signal: AbortSignal): Turn {
    const before = this.#turns.get(input.session)
    let onOver: () => void = () => undefined
    const over = new Promise<void>((resolve) => {
      onOver = resolve
    })
    return new CodexTurn({
      input,
      signal,
      cwd: this.#parts.workspaceDir,
      config: threadConfig(this.#tools.serversOf(input.session), this.#parts.settings),
      clock: this.#parts.clock,
      log: this.#parts.log,
      server: async () => {
        this.#turns.set(input.session, over)
        // The reader of an aborted turn does not wait until app-server has ended it.
        await before
        return this.#running()
      },
      // One that was aborted while it waited is over when the one before it is.
      onOver: () =>
        void Promise.resolve(before).then(() => {
          if (this.#turns.get(input.session) === over) this.#turns.delete(input.session)
          onOver()
        }),
    })
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#retired, this.#server?.stop()]).then(() => undefined)
    return this.#closing
  }

  /** Called by a turn that counts as running already. */
  async #running(): Promise<AppServer> {
    const alone = this.#turns.size === 1
    if (this.#server && alone && this.#server.threads >= MAX_THREADS) {
      this.#retired = this.#server.stop()
      this.#server = undefined
    }
    // Two of them must not work on the same files.
    await this.#retired
    if (this.#closing) throw new Error('the provider is closed')
    if (this.#server?.dead !== false) this.#server = new AppServer(this.#launch(), this.#serverParts())
    const server = this.#server
    await server.ready
    return server
  }

  #serverParts(): AppServerParts {
    const { clock, log, settings, workspaceDir, skillsDir } = this.#parts
    return {
      ...{ clock, log, workspaceDir, skillsDir },
      toolServers: Object.keys(settings.mcpServers),
      onToolServerDown: (name, why) => this.#tools.serverDown(name, why),
    }
  }

  #start(options: CodexOptions): ReturnType<Launch> {
    const { homeDir, workspaceDir, skillsDir, settings, toolEnvironment, clock, log } = this.#parts
    const home: CodexHome = {
      homeDir,
      workspaceDir,
      skillsDir,
      settings,
      toolEnvironment,
      instructions: providerInstructions(this.#parts, INSTRUCTION_BYTES.codex),
      baseUrl: options.baseUrl ?? defaultBaseUrl(),
      mark: randomUUID(),
    }
    prepareHome(home)
    log('codex_starting')
    return launch({
      command: [...(options.command ?? ['codex']), 'app-server'],
      cwd: workspaceDir,
      environment: codexEnvironment(home),
      mark: { name: MARK_VARIABLE, value: home.mark },
      clock,
    })
  }
}
