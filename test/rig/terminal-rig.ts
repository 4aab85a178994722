import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { postLine } from '../../src/adapters/control/client.ts'
import type { HostProcess } from './host-process.ts'

/** A person at the terminal of one agent. What was answered is read from the database: it outlives the host. */
export class TerminalRig {
  readonly #host: HostProcess
  readonly #group: string

  constructor(host: HostProcess, group: string) {
    this.#host = host
    this.#group = group
  }

  /** `files` are paths on this machine. */
  async say(text: string, files: readonly string[] = []): Promise<void> {
    const id = randomUUID()
    await postLine(this.#host.socketPath, this.#group, { text, id, user: 'terminal:tester', files })
  }

  async agentLines(): Promise<string[]> {
    const db = new Database(join(this.#host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      return db
        .prepare<[string], { text: string }>(
          "SELECT text FROM own_chat_line WHERE channel = 'terminal' AND chat = ? AND author = 'agent' ORDER BY id",
        )
        .all(this.#group)
        .map((row) => row.text)
    } finally {
      db.close()
    }
  }

  /** The files that the agent has sent, by name, with where they lie. */
  async agentFiles(): Promise<{ name: string; path: string; bytes: number }[]> {
    const db = new Database(join(this.#host.dataDir, 'host.db'), { readonly: true, timeout: 5_000 })
    try {
      return db
        .prepare<[string], { files: string }>(
          "SELECT files FROM own_chat_line WHERE channel = 'terminal' AND chat = ? AND author = 'agent' ORDER BY id",
        )
        .all(this.#group)
        .flatMap(({ files }) => JSON.parse(files) as { name: string; sha256: string; bytes: number }[])
        .map(({ name, sha256, bytes }) => ({ name, bytes, path: join(this.#host.dataDir, 'files', sha256) }))
    } finally {
      db.close()
    }
  }

  async answered(part: string): Promise<void> {
    await this.#host.until(`the answer ${part}`, async () =>
      (await this.agentLines()).some((line) => line.includes(part)),
    )
  }
}
