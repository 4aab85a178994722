import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OutboxEntry, QueueMode } from '@creel/protocol'
import Database from 'better-sqlite3'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { RUNTIMES } from '../../src/config/schema.ts'
import { ENGINE_SOCKET, testAgentImage } from '../docker/test-image.ts'
import { HostProcess } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { ModelServer } from './model-server.ts'

export const GROUP = 'agent'
/** The one that it may ask, once a test has made it. */
export const HELPER = 'helper'
/** Few, so that agents that ask each other for ever soon stop. */
export const AGENT_REQUESTS = 4
/** The key that only the host has; what a sandbox or a log holds of it is a leak. */
export const REAL_KEY = 'sk-real-key-of-the-host-0123456789'

export interface ProviderRigOptions {
  readonly provider: string
  /** More of the group's container.json. */
  readonly container?: Readonly<Record<string, unknown>>
  /** The group's AGENTS.md. */
  readonly instructions?: string
}

/** The real program with a real sandbox of one provider, and model services that only the test knows. */
export class ProviderRig implements AsyncDisposable {
  readonly host: HostProcess
  readonly model: ModelServer
  /** A person at the agent's terminal chat. */
  readonly person: TerminalRig
  readonly #groupDir: string

  private constructor(host: HostProcess, model: ModelServer) {
    this.host = host
    this.model = model
    this.person = new TerminalRig(host, GROUP)
    this.#groupDir = join(host.groupsDir, GROUP)
  }

  /** Starts everything; the image is made first when it is missing, which takes a minute. */
  static async make(options: ProviderRigOptions): Promise<ProviderRig> {
    const needed = RUNTIMES.filter((name) => name === options.provider)
    await testAgentImage(needed.length === 0 ? [] : RUNTIMES)
    const model = await ModelServer.start()
    const host = await HostProcess.make()
    const rig = new ProviderRig(host, model)
    try {
      rig.#writeSettings(options)
      await host.start()
      return rig
    } catch (error) {
      await rig[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Says it, and waits for the answer that has `part`. */
  async ask(text: string, part: string): Promise<void> {
    await this.person.say(text)
    await this.person.answered(part)
  }

  /** Changes the group's container.json; the host takes it up with the next start of the sandbox. */
  configure(container: Readonly<Record<string, unknown>>): void {
    const agents = { [HELPER]: { about: 'helps' } }
    writeFileSync(join(this.#groupDir, 'container.json'), JSON.stringify({ agents, ...container }))
  }

  /** What a message at the terminal does while the agent is at work. The chat must have been used before. */
  async queue(mode: QueueMode): Promise<void> {
    const binding = { chat: `terminal:${GROUP}`, group: GROUP, engage: 'always', senders: 'strict' }
    await this.host.call('bind', { ...binding, queue: mode })
  }

  /** Writes the group's AGENTS.md; it counts from the next start of the sandbox. */
  instruct(text: string): void {
    writeFileSync(join(this.#groupDir, 'AGENTS.md'), text)
  }

  /** Makes the terminal chat one of this kind, as no platform would: only what the agent is told changes. */
  async chatKind(kind: 'private' | 'group'): Promise<void> {
    const db = new Database(join(this.host.dataDir, 'host.db'), { timeout: 5_000 })
    try {
      db.prepare("UPDATE chat SET kind = ? WHERE channel = 'terminal' AND chat = ?").run(kind, GROUP)
    } finally {
      db.close()
    }
  }

  /** The sandbox's home, as the host sees it. */
  get home(): string {
    return join(this.host.dataDir, 'agents', GROUP, 'home')
  }

  get workspace(): string {
    return join(this.#groupDir, 'workspace')
  }

  /** Makes every remembered session one that the runtime does not know. */
  loseSessions(token: string): void {
    const file = join(this.home, '.creel', 'sessions.json')
    const known = JSON.parse(readFileSync(file, 'utf8')) as [string, string, ...string[]][]
    if (known.length === 0) throw new Error('no session is remembered')
    writeFileSync(file, JSON.stringify(known.map(([session, , ...rest]) => [session, token, ...rest])))
  }

  /** Kills the sandbox and waits until it is gone. */
  async killSandbox(): Promise<void> {
    const before = await this.#sandbox()
    await this.host.killContainer(GROUP)
    await this.host.until('the sandbox to be gone', async () => {
      const now = await this.#sandbox()
      return now?.id !== before?.id || now?.state !== 'running'
    })
  }

  async #sandbox(): Promise<{ id: string; state: string } | undefined> {
    return (await this.host.containers()).find(({ group }) => group === GROUP)
  }

  /** A second agent, that the first one may ask, and that may ask it back. */
  addHelper(container: Readonly<Record<string, unknown>>): void {
    const folder = join(this.host.groupsDir, HELPER)
    mkdirSync(folder, { recursive: true })
    const agents = { [GROUP]: {} }
    writeFileSync(join(folder, 'container.json'), JSON.stringify({ ...container, agents }))
  }

  /** Runs a command in the sandbox and returns what it printed, stdout and stderr together. */
  async inSandbox(...command: string[]): Promise<string> {
    const sandbox = await this.#sandbox()
    if (!sandbox) throw new Error('there is no sandbox')
    const docker = engineClient(ENGINE_SOCKET)
    const exec = await docker
      .getContainer(sandbox.id)
      .exec({ Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true })
    const stream = await exec.start({ Tty: true })
    let said = ''
    for await (const chunk of stream) said += String(chunk)
    return said
  }

  /** The turns of the agent that are at their end, in that order. */
  settled(): { inboxSeq: number; outcome: 'done' | 'failed' | 'cancelled' }[] {
    return this.#rows(
      `SELECT inbox_seq AS inboxSeq, outcome FROM dispatch WHERE group_name = ? AND outcome IS NOT NULL
       ORDER BY settled_at, inbox_seq`,
    )
  }

  /** Whether no agent has anything to do, or waits for another one. */
  isQuiet(): boolean {
    const db = new Database(join(this.host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      const open = `SELECT (SELECT count(*) FROM dispatch WHERE outcome IS NULL)
                         + (SELECT count(*) FROM agent_request WHERE state = 'open')`
      return db.prepare(open).pluck().get() === 0
    } finally {
      db.close()
    }
  }

  /** What turns used, in the order in which the runner told it. */
  usage(): Readonly<Record<string, number>>[] {
    return this.#rows(
      `SELECT input_tokens AS inputTokens, output_tokens AS outputTokens, cache_read_tokens AS cacheReadTokens,
              cache_write_tokens AS cacheWriteTokens FROM usage WHERE group_name = ? ORDER BY outbox_seq`,
    )
  }

  /** What the turns of all agents used so far, and how many there were. */
  usedByAll(): { readonly turns: number; readonly tokens: number } {
    const db = new Database(join(this.host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      const tokens = db.prepare<[], number>(
        'SELECT coalesce(sum(input_tokens + output_tokens), 0) FROM usage',
      )
      const turns = db.prepare<[], number>('SELECT count(*) FROM dispatch WHERE outcome IS NOT NULL')
      return { turns: turns.pluck().get() ?? 0, tokens: tokens.pluck().get() ?? 0 }
    } finally {
      db.close()
    }
  }

  /** For each message that the agent sent, the inbox position of the turn that it came from. */
  replies(): (number | null)[] {
    return this.#rows<{ seq: number | null }>(
      'SELECT inbox_seq AS seq FROM delivery WHERE group_name = ? ORDER BY id',
    ).map(({ seq }) => seq)
  }

  /** What the host has noted of the agent: it stays, whatever the runner forgets. */
  #rows<T>(sql: string): T[] {
    const db = new Database(join(this.host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      return db.prepare<[string], T>(sql).all(GROUP)
    } finally {
      db.close()
    }
  }

  /**
   * What the runner wrote of one kind, in order, as far as its outbox still has it: entries of ended turns go when the
   * host has them, at a moment that no test knows.
   */
  entries<T extends OutboxEntry['type']>(type: T): Extract<OutboxEntry, { type: T }>[] {
    const file = join(this.host.dataDir, 'mail', GROUP, 'out', 'outbox.db')
    const db = new Database(file, { readonly: true, timeout: 5_000 })
    try {
      return db
        .prepare<[string], { body: string }>('SELECT body FROM entry WHERE type = ? ORDER BY seq')
        .all(type)
        .map((row) => JSON.parse(row.body) as Extract<OutboxEntry, { type: T }>)
    } finally {
      db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]()
    await this.model[Symbol.asyncDispose]()
  }

  #writeSettings(options: ProviderRigOptions): void {
    const key = join(this.host.folder, 'model-key')
    writeFileSync(key, REAL_KEY, { mode: 0o600 })
    const service = (api: string) => `[models.${api}]\nbase_url = "${this.model.url}"\nkey_file = "${key}"\n`
    writeFileSync(
      this.host.tomlFile,
      `${service('anthropic')}${service('openai')}[limits]\nagent_requests = ${AGENT_REQUESTS}\n`,
    )
    mkdirSync(this.#groupDir, { recursive: true })
    this.configure({ provider: options.provider, ...options.container })
    writeFileSync(join(this.#groupDir, 'AGENTS.md'), options.instructions ?? '')
  }
}
