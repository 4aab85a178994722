import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOutbox, type OutboxEntry, OutboxWriter } from '@creel/protocol'
import { ForkedOutboxReader } from '../../src/adapters/outbox-reader/forked-outbox-reader.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'
import { FakeOutboxReader } from '../fakes/fake-outbox-reader.ts'
import { type OutboxWorld, outboxReaderContract } from './outbox-reader.ts'

outboxReaderContract('child process', async () => forkedWorld())
outboxReaderContract('fake', async () => fakeWorld())

function forkedWorld(): OutboxWorld {
  const root = mkdtempSync(join(tmpdir(), 'creel-outbox-'))
  const paths = new Paths(join(root, 'data'), join(root, 'groups'))
  const reader = new ForkedOutboxReader({ paths })
  const append = (group: GroupName, ...entries: readonly OutboxEntry[]) => {
    using writer = new OutboxWriter(paths.outbox(group))
    writer.append(entries, 1)
  }
  return {
    reader,
    make(group) {
      mkdirSync(paths.mailOut(group), { recursive: true })
      createOutbox(paths.outbox(group))
    },
    append,
    // The writer stores what it is given; only a runner that keeps to the types writes entries.
    appendRaw: (group, body) => append(group, body as OutboxEntry),
    async [Symbol.asyncDispose]() {
      await reader.close()
      rmSync(root, { recursive: true })
    },
  }
}

function fakeWorld(): OutboxWorld {
  const reader = new FakeOutboxReader()
  return {
    reader,
    make: (group) => reader.make(group),
    append: (group, ...entries) => void reader.append(group, ...entries),
    appendRaw: (group, body) => void reader.append(group, body),
    [Symbol.asyncDispose]: () => reader.close(),
  }
}
