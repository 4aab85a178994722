import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../src/replace-file.ts'

/** What a run leaves on the disk: a line now and then, and its verdict, so that neither is lost with a terminal. */
export class RunRecord {
  readonly progressFile: string
  readonly verdictFile: string

  constructor(folder: string, seed: number) {
    mkdirSync(folder, { recursive: true })
    this.progressFile = join(folder, `seed-${seed}.progress.jsonl`)
    this.verdictFile = join(folder, `seed-${seed}.verdict.json`)
    rmSync(this.progressFile, { force: true })
    rmSync(this.verdictFile, { force: true })
  }

  /** On disk when it returns. */
  progress(line: object): void {
    const file = openSync(this.progressFile, 'a')
    try {
      writeSync(file, `${JSON.stringify(line)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }

  verdict(report: object): void {
    replaceFile(this.verdictFile, `${JSON.stringify(report, null, 2)}\n`, 0o644)
  }
}
