import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CliContext } from '../../src/cli/context.ts'
import { explain } from '../../src/cli/output.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { loadInstall } from '../../src/config/load.ts'
import { type Core, openCore } from '../../src/core.ts'
import type { UserId } from '../../src/domain/ids.ts'
import type { InboundMessage } from '../../src/domain/message.ts'

const PROJECT = resolve(import.meta.dirname, '../..')

export interface Ran {
  readonly out: string
  readonly err: string
  readonly code: number
}

/** The command line on an install of its own, in this process; what it prints is kept. */
export class CliRig implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-cli-'))
  readonly dataDir = join(this.folder, 'data')
  readonly groupsDir = join(this.folder, 'groups')
  readonly tomlFile = join(this.folder, 'creel.toml')
  readonly env: NodeJS.ProcessEnv
  /** What is typed at the next prompts for secrets. */
  readonly typed: string[] = []
  /** Called for each line on standard error. */
  onError: (line: string) => void = () => undefined
  /** A prompt without anything typed waits until it is not needed any more. */
  waitForTyping = false

  constructor() {
    mkdirSync(this.groupsDir)
    this.env = {
      CREEL_CONFIG: this.tomlFile,
      CREEL_DATA_DIR: this.dataDir,
      CREEL_GROUPS_DIR: this.groupsDir,
      CREEL_ENGINE_SOCKET: join(this.folder, 'no-engine.sock'),
      CREEL_MASTER_KEY_FILE: join(this.folder, 'keys', 'master.key'),
      USER: 'tester',
    }
  }

  /** Runs one command as src/main.ts does. */
  async run(...args: string[]): Promise<Ran> {
    const written = { out: '', err: '' }
    const context: CliContext = {
      projectDir: PROJECT,
      env: this.env,
      output: {
        out: (line) => {
          written.out += `${line}\n`
        },
        err: (line) => {
          written.err += `${line}\n`
          this.onError(line)
        },
      },
      signal: new AbortController().signal,
      secretInput: {
        isTerminal: true,
        read: async (question, signal) => {
          const typed = this.typed.shift()
          if (typed !== undefined) return typed
          if (!this.waitForTyping) throw new Error(`nobody types: ${question}`)
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          throw signal.reason
        },
      },
    }
    const program = buildProgram(context)
    const before = process.exitCode
    process.exitCode = 0
    try {
      await program.parseAsync(['node', 'creel', ...args])
      return { ...written, code: process.exitCode }
    } catch (error) {
      const { code, exitCode } = error as { code?: string; exitCode?: number }
      if (code?.startsWith('commander.')) return { ...written, code: exitCode ?? 1 }
      return { out: written.out, err: `${written.err}${explain(error)}\n`, code: 1 }
    } finally {
      process.exitCode = before
    }
  }

  /** Like run; throws when it fails, parses what `--json` printed. */
  async json<T>(...args: string[]): Promise<T> {
    const { out, err, code } = await this.run(...args, '--json')
    if (code !== 0 && code !== 3) throw new Error(`creel ${args.join(' ')}: ${err}`)
    if (out.trim().includes('\n')) throw new Error(`expected one line, got ${out}`)
    return JSON.parse(out) as T
  }

  config(text: string): void {
    writeFileSync(this.tomlFile, text)
  }

  /** The data directory, opened as a host would. */
  core(): Core {
    return openCore(loadInstall(PROJECT, this.env))
  }

  /** A message of a stranger on Telegram that waits for the owner. */
  holdMessage(change: { chat?: string; title?: string; name?: string; id?: string } = {}): void {
    using core = this.core()
    const message: InboundMessage = {
      address: { channel: 'telegram', account: 'main', chat: change.chat ?? '-100123' },
      chatKind: 'group',
      chatTitle: change.title ?? 'Gardeners',
      platformMessageId: change.id ?? '1',
      sender: { id: 'telegram:5' as UserId, name: change.name ?? 'Ann', isBot: false },
      text: 'hello',
      sentAt: core.clock.now(),
      mentionsUs: true,
    }
    core.inbound.record(message, core.clock.now())
    for (const chatId of core.inbound.chatsWithNew()) {
      const row = core.inbound.nextNew(chatId)
      if (row) core.inbound.routed(row.id, 'held', 'unknown chat', [], core.clock.now())
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
