import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KEEPER } from './detached-host.ts'

/** Runs it with a host that notes each start and then does what its number says; returns how it ended and the starts. */
function keep(...ends: string[]): { code: number | null; starts: number } {
  const folder = mkdtempSync(join(tmpdir(), 'creel-keeper-'))
  try {
    const notes = join(folder, 'starts')
    const cases = ends.map((end, index) => `${index + 1}) ${end} ;;`).join(' ')
    const host = `echo >> "${notes}"; case $(wc -l < "${notes}") in ${cases} esac`
    const { status } = spawnSync('/bin/sh', ['-c', KEEPER, 'creel-host', '/bin/sh', '-c', host], {
      timeout: 20_000,
    })
    return { code: status, starts: readFileSync(notes, 'utf8').length }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a host that was killed is started again', () => {
  expect(keep('kill -KILL $$', 'exit 0')).toEqual({ code: 0, starts: 2 })
})

test.each([
  ['in order', 'exit 0', 0],
  ['with an error', 'exit 1', 1],
  ['by SIGTERM', 'kill -TERM $$', 143],
  ['by Ctrl-C', 'exit 130', 130],
])('one that ended %s stays down', (_how, end, code) => {
  expect(keep(end)).toEqual({ code, starts: 1 })
})
