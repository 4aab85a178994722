import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ran {
  readonly out: string
  readonly err: string
  readonly code: number
}

/** A workspace with files, in which a program of a skill runs as an agent would run it. */
export class SkillProgram implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'creel-skill-'))
  readonly #program: string

  constructor(skill: string, program: string) {
    this.#program = join(import.meta.dirname, '../../skills', skill, 'scripts', program)
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  run(...args: string[]): Promise<Ran> {
    return this.runWith('', ...args)
  }

  /** With something on standard input. */
  runWith(input: string, ...args: string[]): Promise<Ran> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [this.#program, ...args],
        { cwd: this.folder, timeout: 30_000 },
        (error, out, err) =>
          resolve({ out, err, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1 }),
      )
      child.stdin?.end(input)
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}
