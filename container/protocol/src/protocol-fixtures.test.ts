import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InboxEntry, OutboxEntry, PROTOCOL_VERSION, RunnerSettings } from './index.ts'

const FOLDER = join(import.meta.dirname, '../../../test/fixtures/protocol')
const files = readdirSync(FOLDER).sort()

function fixture(file: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
}

const logs = [
  { prefix: 'inbox-', schema: InboxEntry },
  { prefix: 'outbox-', schema: OutboxEntry },
]

describe.each(logs)('fixtures $prefix*', ({ prefix, schema }) => {
  const types = schema.options.map((option) => option.shape.type.value)
  const named = files.filter((file) => file.startsWith(prefix))

  it('are one for each entry type, and none besides', () => {
    expect(named).toEqual(types.map((type) => `${prefix}${type}.json`).sort())
  })

  it.each(named)('%s is exactly what the schema makes of it', (file) => {
    const raw = fixture(file)
    const entry = schema.parse(raw)
    expect(entry).toEqual(raw)
    expect(JSON.parse(JSON.stringify(entry))).toEqual(raw)
    expect(`${prefix}${entry.type}.json`).toBe(file)
  })

  it.each(named)('%s names every field that its type has', (file) => {
    const raw = fixture(file)
    const entry = schema.parse(raw)
    const option = schema.options.find((member) => member.shape.type.value === entry.type)
    expect(Object.keys(Object(raw)).sort()).toEqual(Object.keys(option?.shape ?? {}).sort())
  })
})

describe('settings.json', () => {
  it('is exactly what the schema makes of it, of this protocol', () => {
    const raw = fixture('settings.json')
    expect(RunnerSettings.parse(raw)).toEqual(raw)
    expect(RunnerSettings.parse(raw).protocol).toBe(PROTOCOL_VERSION)
    expect(Object.keys(Object(raw)).sort()).toEqual(Object.keys(RunnerSettings.shape).sort())
  })
})
