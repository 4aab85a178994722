import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CodexRig, messages } from './codex-rig.ts'

/** It contacted hosts of its own in the first seconds or not at all, in two of seven fresh homes with its defaults. */
const WATCH_MS = 4_000
const HOMES = 3

describe('codex app-server and the network', () => {
  it('contacts nothing but the model, in fresh homes', async (context) => {
    if (spawnSync('strace', ['-V']).status !== 0)
      context.skip('strace is not installed: nothing to watch with')
    for (let home = 0; home < HOMES; home += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'codex-strace-'))
      const trace = join(folder, 'trace')
      try {
        const rig = await CodexRig.start({}, [
          'strace',
          '-f',
          '-qq',
          '-e',
          'trace=connect,sendto',
          '-o',
          trace,
        ])
        const model = new URL(rig.model.url).port
        try {
          expect(messages(await rig.ask(`ping-${101 + home}`))).toHaveLength(1)
          // Nothing is awaited here: it is watched that nothing happens.
          await sleep(WATCH_MS)
        } finally {
          await rig[Symbol.asyncDispose]()
        }
        const contacts = readFileSync(trace, 'utf8')
          .split('\n')
          .filter((line) => /sa_family=AF_INET6?\b/.test(line))
        expect(contacts.length).toBeGreaterThan(0)
        expect(contacts.filter((line) => !line.includes(`htons(${model})`))).toEqual([])
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  })
})
