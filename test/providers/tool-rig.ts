import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InboxMessage, type OutboxEntry, RunnerSettings, type TurnInput } from '@creel/protocol'
import { systemClock } from '../../container/runner/src/clock.ts'
import type { ToolServer } from '../../container/runner/src/tools/tool-access.ts'
import { ToolDesk } from '../../container/runner/src/tools/tool-desk.ts'
import { startToolServer } from '../../container/runner/src/tools/tool-server.ts'
import { TurnRecord } from '../../container/runner/src/turn-record.ts'

/** Our real tool server without a runner: what tools send is kept here, by the session of the turn that it came from. */
export class ToolRig implements AsyncDisposable {
  readonly server: ToolServer
  readonly sent: { readonly session: string; readonly text: string }[] = []
  readonly #desk: ToolDesk
  readonly #sessions: string[] = []
  readonly #memoryDir: string

  private constructor(desk: ToolDesk, server: ToolServer, memoryDir: string) {
    this.#desk = desk
    this.server = server
    this.#memoryDir = memoryDir
  }

  static async start(settings: object = {}): Promise<ToolRig> {
    const memoryDir = mkdtempSync(join(tmpdir(), 'creel-tools-'))
    let rig: ToolRig | undefined
    const desk = new ToolDesk({
      settings: RunnerSettings.parse({
        ...{ protocol: 1, group: 'family', provider: 'test', concurrency: 30, turnTimeoutMs: 120_000 },
        ...{ maxAttempts: 3, pollMs: 1_000 },
        ...settings,
      }),
      outbox: { sent: () => new Set() },
      files: { keep: () => Promise.reject(new Error('no files here')), release: () => undefined },
      commits: { commit: async (entries) => rig?.take(entries) !== undefined },
      calls: { call: async () => ({ kind: 'silent' }) },
      clock: systemClock,
    })
    const folders = { workspace: memoryDir, memory: memoryDir, home: memoryDir, temporary: memoryDir }
    const server = await startToolServer({ desk, folders, clock: systemClock, log: () => undefined })
    rig = new ToolRig(desk, server, memoryDir)
    return rig
  }

  /** A turn begins in this session; the returned function ends it. */
  begin(session: string): () => void {
    const message: InboxMessage = {
      ...{ type: 'message', session, text: '', at: 0, context: [], attachments: [] },
      chat: { channel: 'test', kind: 'private', title: '' },
      from: { id: 'test:1', name: 'Ann' },
    }
    const input: TurnInput = { session, text: '', prompt: '', attempt: 1 }
    const seq = this.#sessions.push(session)
    const { signal } = new AbortController()
    return this.#desk.begin({ seq, message, input, record: new TurnRecord(), signal, joined: () => [] })
  }

  take(entries: readonly OutboxEntry[]): number {
    for (const entry of entries)
      if (entry.type === 'send')
        this.sent.push({ session: this.#sessions[entry.inboxSeq - 1] ?? '', text: entry.text })
    return this.sent.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close()
    rmSync(this.#memoryDir, { recursive: true })
  }
}
