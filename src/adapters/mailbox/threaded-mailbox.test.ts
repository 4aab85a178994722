import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InboxEntry, InboxReader } from '@creel/protocol'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { ThreadedMailbox } from './threaded-mailbox.ts'

const AT = 1_700_000_000_000 as UnixMs
const cancel = (inboxSeq: number): InboxEntry => ({ type: 'cancel', inboxSeq })
const items = (...numbers: number[]) => numbers.map((n) => ({ key: `k${n}`, entry: cancel(n) }))
const name = (text: string) => text as GroupName

let root: string
let paths: Paths
let mailbox: ThreadedMailbox

function rows(group: GroupName): readonly number[] {
  using reader = new InboxReader(paths.inbox(group))
  return reader.after(0, 1_000).map((row) => row.seq)
}

/** One set of threads for all cases: to begin them takes longer than the cases. */
describe('a mailbox with much to write', () => {
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'creel-threads-'))
    paths = new Paths(join(root, 'data'), join(root, 'groups'))
    mailbox = new ThreadedMailbox({ paths, clock: { now: () => AT }, manyASecond: 1 })
    expect(mailbox.writesInThread(name('a'))).toBe(false)
    expect(await mailbox.putAll(name('a'), items(1), AT)).toEqual([1])
    await vi.waitFor(() => expect(mailbox.writesInThread(name('a'))).toBe(true), { timeout: 20_000 })
  })
  afterAll(async () => {
    await mailbox.close()
    rmSync(root, { recursive: true })
  })

  it('goes on in its threads where it began without them, and knows the keys', async () => {
    expect(await mailbox.putAll(name('a'), items(1, 2, 3), AT)).toEqual([1, 2, 3])
    expect(mailbox.put(name('a'), 'k3', cancel(3), AT)).toBe(3)
    expect(mailbox.put(name('a'), 'k4', cancel(4), AT)).toBe(4)
    expect(await mailbox.putAll(name('a'), items(4, 5), AT)).toEqual([4, 5])
    await mailbox.prune(name('a'), 4, [2])
    expect(rows(name('a'))).toEqual([2, 5])
  })

  it('gives every call its own answer, with more groups than a thread keeps open', async () => {
    const groups = Array.from({ length: 300 }, (_, n) => name(`many-${n}`))
    const opened = await Promise.all(groups.map((group) => mailbox.open(group).then(() => rows(group))))
    expect(opened.flat()).toEqual([])
    const first = await Promise.all(groups.map((group, n) => mailbox.putAll(group, items(n + 1), AT)))
    expect(first).toEqual(groups.map(() => [1]))
    for (const n of [0, 150, 299]) expect(rows(name(`many-${n}`))).toEqual([1])
  })

  it('says what is wrong with one group, and others go on', async () => {
    await mailbox.open(name('broken'))
    await mailbox.open(name('well'))
    rmSync(paths.mailIn(name('broken')), { recursive: true })
    writeFileSync(paths.mailIn(name('broken')), 'a file')
    const broken = mailbox.putAll(name('broken'), items(1), AT)
    const well = mailbox.putAll(name('well'), items(1), AT)
    await expect(broken).rejects.toMatchObject({
      name: 'CreelError',
      message: expect.stringContaining('broken'),
    })
    await expect(well).resolves.toEqual([1])
  })
})
