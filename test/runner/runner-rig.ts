import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createOutbox,
  INBOX_FILE,
  type InboxEntry,
  type InboxMessage,
  InboxWriter,
  OUTBOX_FILE,
  OutboxEntry,
  PROTOCOL_VERSION,
  type RunnerSettings,
  SANDBOX_PATHS,
  SETTINGS_FILE,
  TurnLimits,
} from '@creel/protocol'
import Database from 'better-sqlite3'
import { expect, vi } from 'vitest'
import {
  createRunner,
  type EventLog,
  PROVIDERS,
  type ProviderRuntime,
  type ProviderTable,
  type RunnerOptions,
  startToolServer,
  systemClock,
} from '../../container/runner/src/index.ts'
import { CONVERSATIONS } from '../../container/runner/src/transcript.ts'
import { placeOf } from '../../container/runner/src/transcript-names.ts'

export interface OutboxRow {
  readonly seq: number
  readonly at: number
  readonly entry: OutboxEntry
}

/** A sandbox's folders below a temporary root, with the host's hands on the inbox. */
export class RunnerRig implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'creel-runner-'))
  readonly inbox: InboxWriter
  readonly events: string[] = []
  readonly log: EventLog = (event) => this.events.push(event)
  #keys = 0

  constructor(settings: Partial<RunnerSettings> = {}) {
    for (const path of Object.values(SANDBOX_PATHS)) mkdirSync(this.path(path), { recursive: true })
    createOutbox(join(this.path(SANDBOX_PATHS.out), OUTBOX_FILE))
    this.inbox = new InboxWriter(join(this.path(SANDBOX_PATHS.in), INBOX_FILE))
    this.settings(settings)
  }

  path(sandboxPath: string): string {
    return join(this.root, sandboxPath)
  }

  settings(settings: Partial<RunnerSettings>): void {
    const all: RunnerSettings = {
      protocol: PROTOCOL_VERSION,
      group: 'test',
      provider: 'demo',
      instructions: '',
      fragments: [],
      mcpServers: {},
      concurrency: 4,
      turnTimeoutMs: 20_000,
      limits: TurnLimits.parse({}),
      maxAttempts: 3,
      pollMs: 20,
      ...settings,
    }
    writeFileSync(join(this.path(SANDBOX_PATHS.in), SETTINGS_FILE), JSON.stringify(all))
  }

  /** Puts a message and returns its position. */
  say(text: string, session = 'one', more: Partial<InboxMessage> = {}): number {
    return this.put({
      type: 'message',
      session,
      chat: { channel: 'web', kind: 'private', title: '' },
      from: { id: 'web:1', name: 'Ann' },
      text,
      at: 1,
      context: [],
      attachments: [],
      ...more,
    })
  }

  put(entry: InboxEntry): number {
    this.#keys += 1
    return this.inbox.put(`key-${this.#keys}`, entry, 1)
  }

  /** Leaves the inbox as a host does that is killed inside a commit. Nothing may have it open. */
  tearInbox(): void {
    const script = `
      import Database from 'better-sqlite3'
      const db = new Database(process.argv[1])
      db.pragma('journal_mode = DELETE')
      db.pragma('cache_size = 1')
      db.exec('BEGIN IMMEDIATE')
      const row = db.prepare("INSERT INTO entry (at, key, type, body) VALUES (1, ?, 'acked', ?)")
      for (let n = 0; n < 200; n++) row.run('torn' + n, 'x'.repeat(4000))
      process.kill(process.pid, 'SIGKILL')`
    const inbox = join(this.path(SANDBOX_PATHS.in), INBOX_FILE)
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, inbox], {
      cwd: import.meta.dirname,
    })
    expect(child.signal, child.stderr.toString()).toBe('SIGKILL')
    expect(existsSync(`${inbox}-journal`)).toBe(true)
  }

  /** The whole outbox, read as the host may: every body must be what the protocol says. */
  rows(): OutboxRow[] {
    const db = new Database(join(this.path(SANDBOX_PATHS.out), OUTBOX_FILE), { readonly: true })
    try {
      return db
        .prepare<[], { seq: number; at: number; body: string }>(
          'SELECT seq, at, body FROM entry ORDER BY seq',
        )
        .all()
        .map((row) => ({ seq: row.seq, at: row.at, entry: OutboxEntry.parse(JSON.parse(row.body)) }))
    } finally {
      db.close()
    }
  }

  /** Entries of one kind, in order; of one inbox entry when `inboxSeq` is given. */
  entries<T extends OutboxEntry['type']>(type: T, inboxSeq?: number): Extract<OutboxEntry, { type: T }>[] {
    return this.rows().flatMap(({ entry }) =>
      isType(entry, type) && (inboxSeq === undefined || entry.inboxSeq === inboxSeq) ? [entry] : [],
    )
  }

  /** Paths of a session's transcript, oldest first. */
  transcripts(session: string): string[] {
    const { folder } = placeOf(session)
    const path = join(this.path(SANDBOX_PATHS.memory), CONVERSATIONS, folder)
    if (!existsSync(path)) return []
    return readdirSync(path)
      .sort()
      .map((name) => join(path, name))
  }

  replies(inboxSeq?: number): string[] {
    return this.entries('reply', inboxSeq).map((entry) => entry.text)
  }

  /** Resolves when the outbox shows it. */
  async seen(what: () => void, timeout = 15_000): Promise<void> {
    await vi.waitFor(what, { timeout, interval: 5 })
  }

  async settled(...inboxSeqs: number[]): Promise<void> {
    await this.seen(() => {
      const settled = this.entries('settled').map((entry) => entry.inboxSeq)
      expect(settled).toEqual(expect.arrayContaining(inboxSeqs))
    })
  }

  options(overrides: Partial<RunnerOptions> = {}): RunnerOptions {
    return {
      inDir: this.path(SANDBOX_PATHS.in),
      outDir: this.path(SANDBOX_PATHS.out),
      runDir: this.path(SANDBOX_PATHS.run),
      homeDir: this.path(SANDBOX_PATHS.home),
      workspaceDir: this.path(SANDBOX_PATHS.workspace),
      skillsDir: this.path(SANDBOX_PATHS.skills),
      memoryDir: this.path(SANDBOX_PATHS.memory),
      clock: systemClock,
      providers: PROVIDERS,
      startToolServer,
      log: this.log,
      ending: { crash: () => this.log('crash'), exit: () => this.log('exit') },
      gatewayPort: null,
      ...overrides,
    }
  }

  /** Starts a runner in this process; `stop` is a clean shutdown. */
  start(overrides: Partial<RunnerOptions> = {}): { stop: () => Promise<void>; done: Promise<void> } {
    const abort = new AbortController()
    const done = createRunner(this.options(overrides)).run(abort.signal)
    return {
      done,
      stop: async () => {
        abort.abort()
        await done
      },
    }
  }

  /** Starts the real program in a process of its own, which can be killed. */
  spawn(
    program = join(import.meta.dirname, '../../container/runner/src/main.ts'),
    args: readonly string[] = [],
  ): ChildProcess {
    return spawn(process.execPath, [program, this.root, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  [Symbol.dispose](): void {
    this.inbox[Symbol.dispose]()
    rmSync(this.root, { recursive: true })
  }
}

/** How a child ended, by code or signal, and what it wrote to stderr. */
export async function ended(child: ChildProcess): Promise<{ how: number | string | null; stderr: string }> {
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ how: code ?? signal, stderr }))
  })
}

/** A table with one provider made of a function that yields events. */
export function scripted(startTurn: ProviderRuntime['startTurn']): ProviderTable {
  const runtime: ProviderRuntime = { name: 'demo', startTurn, close: async () => undefined }
  return { demo: { needsGateway: false, make: () => runtime } }
}

function isType<T extends OutboxEntry['type']>(
  entry: OutboxEntry,
  type: T,
): entry is Extract<OutboxEntry, { type: T }> {
  return entry.type === type
}
