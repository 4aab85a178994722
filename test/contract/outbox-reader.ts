import type { OutboxEntry } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import type { OutboxBatch, OutboxReader } from '../../src/domain/ports/mailbox.ts'

/** A reader and the sandbox's end of what it reads. */
export interface OutboxWorld extends AsyncDisposable {
  readonly reader: OutboxReader
  /** Makes an empty outbox, as the host does before the first start. */
  make(group: GroupName): void
  append(group: GroupName, ...entries: readonly OutboxEntry[]): void
  /** Appends a body that is no entry. */
  appendRaw(group: GroupName, body: unknown): void
}

const A = 'alpha' as GroupName
const B = 'beta' as GroupName

const reply = (text: string): OutboxEntry => ({ type: 'reply', inboxSeq: 1, text })

function seqs(batch: OutboxBatch): number[] {
  return batch.kind === 'entries' ? batch.items.map((item) => item.seq) : []
}

/** What every outbox reader owes to the pipeline. `make` gives a fresh world for each case. */
export function outboxReaderContract(name: string, make: () => Promise<OutboxWorld>): void {
  describe(`outbox reader contract: ${name}`, () => {
    batchCases(make)
    hostileCases(make)
  })
}

function batchCases(make: () => Promise<OutboxWorld>): void {
  it('reads nothing from an empty outbox', async () => {
    await using world = await make()
    world.make(A)
    expect(await world.reader.read(A, 0, 10)).toEqual({ kind: 'entries', items: [], more: false })
  })

  it('reads entries after a position, oldest first, and says when more follow', async () => {
    await using world = await make()
    world.make(A)
    world.append(A, ...['a', 'b', 'c', 'd'].map(reply))
    expect(await world.reader.read(A, 1, 2)).toEqual({
      kind: 'entries',
      items: [
        { seq: 2, entry: reply('b') },
        { seq: 3, entry: reply('c') },
      ],
      more: true,
    })
    expect(await world.reader.read(A, 3, 2)).toMatchObject({ items: [{ seq: 4 }], more: false })
    expect(await world.reader.read(A, 4, 2)).toEqual({ kind: 'entries', items: [], more: false })
  })

  it('reads several groups at once and keeps them apart', async () => {
    await using world = await make()
    world.make(A)
    world.make(B)
    world.append(A, reply('from a'))
    world.append(B, reply('from b'), reply('again'))
    const [a, b] = await Promise.all([world.reader.read(A, 0, 10), world.reader.read(B, 0, 10)])
    expect([seqs(a), seqs(b)]).toEqual([[1], [1, 2]])
  })
}

function hostileCases(make: () => Promise<OutboxWorld>): void {
  it('sets one bad entry apart and goes on with the rest', async () => {
    await using world = await make()
    world.make(A)
    world.append(A, reply('before'))
    world.appendRaw(A, { type: 'launch', inboxSeq: 1 })
    world.appendRaw(A, { type: 'reply', inboxSeq: -4, text: 'x' })
    world.append(A, reply('after'))
    const batch = await world.reader.read(A, 0, 10)
    expect(batch).toMatchObject({
      kind: 'entries',
      items: [
        { seq: 1, entry: reply('before') },
        { seq: 2, rejected: expect.any(String) },
        { seq: 3, rejected: expect.any(String) },
        { seq: 4, entry: reply('after') },
      ],
    })
  })

  it('rejects an outbox that ends before what was already read, and one that is missing', async () => {
    await using world = await make()
    world.make(A)
    world.append(A, reply('only'))
    expect(await world.reader.read(A, 7, 10)).toMatchObject({ kind: 'rejected' })
    expect(await world.reader.read(B, 0, 10)).toMatchObject({ kind: 'rejected' })
  })
}
