import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { InboundFile } from '../../src/domain/message.ts'
import { GARDEN, HostTables } from '../rig/host-tables.ts'

const PROGRAM = join(import.meta.dirname, '../rig/killed-voice.ts')

let tables: HostTables
beforeEach(() => {
  tables = new HostTables()
})
afterEach(() => tables[Symbol.dispose]())

const stored = { sha256: 'a'.repeat(64), bytes: 5, image: null }
const voice: InboundFile = {
  ...{ kind: 'voice', name: 'voice.ogg', mime: 'audio/ogg', bytes: null },
  from: { stored },
}

/** A host looks at what is to be transcribed, and is killed at this point. */
function look(point: string): string | null {
  const recording = join(tables.folder, 'recording')
  writeFileSync(recording, 'say:water the tomatoes')
  const about = [tables.path, String(tables.room()), recording, String(tables.clock.now())]
  const args = [PROGRAM, ...about, point, join(tables.folder, 'note')]
  const child = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(child.stderr).toBe('')
  return child.signal
}

const pending = () => tables.dispatches.pending(GARDEN, 10).map(({ inboundId }) => inboundId)
const steps = ['voice.begun', 'voice.transcribe', 'voice.ready']

test.each(steps.flatMap((step) => [`before ${step}`, `after ${step}`]))(
  'killed %s: the message is there with its words, and what came after it behind it',
  (point) => {
    const first = tables.give(GARDEN, '[voice 3 s]', { files: [voice] })
    const second = tables.give(GARDEN, 'after it')
    expect(look(point)).toBe('SIGKILL')
    expect(pending()).toEqual(point === 'after voice.ready' ? [first.id, second.id] : [])
    expect(look('')).toBe(null)
    expect(tables.attachments.of(first.id)).toMatchObject([{ words: { said: 'water the tomatoes' } }])
    expect(pending()).toEqual([first.id, second.id])
  },
)

test('a recording that kills the host each time goes to its agent without words', () => {
  const row = tables.give(GARDEN, '[voice 3 s]', { files: [voice] })
  for (const _ of [1, 2, 3]) expect(look('before voice.ready')).toBe('SIGKILL')
  expect(look('before voice.ready')).toBe(null)
  expect(tables.attachments.of(row.id)).toMatchObject([{ words: { reason: 'it was tried 3 times' } }])
  expect(pending()).toEqual([row.id])
})
