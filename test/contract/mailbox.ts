import { type InboxEntry, type InboxRow, type RunnerSettings, TurnLimits } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import type { GroupName, UnixMs } from '../../src/domain/ids.ts'
import type { Mailbox } from '../../src/domain/ports/mailbox.ts'

/** A mailbox and the sandbox's view of it. */
export interface MailboxWorld extends AsyncDisposable {
  readonly mailbox: Mailbox
  /** What `now` of the mailbox's clock says. */
  readonly now: UnixMs
  readInbox(group: GroupName): readonly InboxRow[]
  readSettings(group: GroupName): unknown
  /** The sandbox gives a sign of life whose time it makes up. */
  beat(group: GroupName, at: number): void
}

const A = 'alpha' as GroupName
const B = 'beta' as GroupName
const AT = 1_700_000_000_000 as UnixMs

const cancel = (inboxSeq: number): InboxEntry => ({ type: 'cancel', inboxSeq })

const SETTINGS: RunnerSettings = {
  protocol: 1,
  group: 'alpha',
  provider: 'demo',
  instructions: '',
  fragments: [],
  mcpServers: {},
  concurrency: 2,
  turnTimeoutMs: 60_000,
  limits: TurnLimits.parse({}),
  maxAttempts: 3,
  pollMs: 500,
}

/** What every mailbox owes to the pipeline. `make` gives a fresh world for each case. */
export function mailboxContract(name: string, make: () => Promise<MailboxWorld>): void {
  describe(`mailbox contract: ${name}`, () => {
    writingCases(make)
    togetherCases(make)
    pruningCases(make)
    runnerCases(make)
  })
}

function writingCases(make: () => Promise<MailboxWorld>): void {
  it('gives every entry the next position, and the sandbox reads them in that order', async () => {
    await using world = await make()
    await world.mailbox.open(A)
    const positions = [1, 2, 3].map((n) => world.mailbox.put(A, `k${n}`, cancel(n), AT))
    expect(positions).toEqual([1, 2, 3])
    expect(world.readInbox(A)).toEqual([1, 2, 3].map((n) => ({ seq: n, entry: cancel(n) })))
  })

  it('takes the same key again as a no-op and returns the first position', async () => {
    await using world = await make()
    await world.mailbox.open(A)
    const first = world.mailbox.put(A, 'same', cancel(1), AT)
    world.mailbox.put(A, 'other', cancel(2), AT)
    expect(world.mailbox.put(A, 'same', cancel(9), AT)).toBe(first)
    expect(world.readInbox(A)).toHaveLength(2)
  })

  it('keeps entries when it is opened again, and groups apart', async () => {
    await using world = await make()
    await world.mailbox.open(A)
    await world.mailbox.open(B)
    world.mailbox.put(A, 'k', cancel(1), AT)
    await world.mailbox.open(A)
    expect(world.readInbox(A)).toHaveLength(1)
    expect(world.readInbox(B)).toHaveLength(0)
    expect(world.mailbox.put(B, 'k', cancel(1), AT)).toBe(1)
  })

  it('opens a group by its first use', async () => {
    await using world = await make()
    expect(world.mailbox.put(A, 'k', cancel(1), AT)).toBe(1)
    expect(world.readInbox(A)).toHaveLength(1)
  })
}

function togetherCases(make: () => Promise<MailboxWorld>): void {
  const items = (...numbers: number[]) => numbers.map((n) => ({ key: `k${n}`, entry: cancel(n) }))

  it('puts several in one go, and knows those that are there', async () => {
    await using world = await make()
    expect(await world.mailbox.putAll(A, items(1, 2), AT)).toEqual([1, 2])
    expect(await world.mailbox.putAll(A, items(2, 3), AT)).toEqual([2, 3])
    expect(world.mailbox.put(A, 'k3', cancel(3), AT)).toBe(3)
    expect(world.readInbox(A).map((row) => row.seq)).toEqual([1, 2, 3])
  })

  it('takes calls for many groups at once', async () => {
    await using world = await make()
    const groups = Array.from({ length: 20 }, (_, n) => `g${n}` as GroupName)
    const calls = groups.flatMap((group) => [1, 2, 3].map((n) => world.mailbox.putAll(group, items(n), AT)))
    await Promise.all(calls)
    for (const group of groups) expect(world.readInbox(group)).toHaveLength(3)
  })
}

function pruningCases(make: () => Promise<MailboxWorld>): void {
  it('prunes up to a position but keeps what is named and what is later', async () => {
    await using world = await make()
    for (const n of [1, 2, 3, 4, 5]) world.mailbox.put(A, `k${n}`, cancel(n), AT)
    await world.mailbox.prune(A, 3, [2])
    expect(world.readInbox(A).map((row) => row.seq)).toEqual([2, 4, 5])
  })

  it('never gives a position twice, even when everything was pruned', async () => {
    await using world = await make()
    for (const n of [1, 2, 3]) world.mailbox.put(A, `k${n}`, cancel(n), AT)
    await world.mailbox.prune(A, 3, [])
    expect(world.mailbox.put(A, 'k4', cancel(4), AT)).toBe(4)
  })
}

function runnerCases(make: () => Promise<MailboxWorld>): void {
  it('replaces the settings as a whole', async () => {
    await using world = await make()
    await world.mailbox.open(A)
    world.mailbox.writeSettings(A, { ...SETTINGS, model: 'large' })
    world.mailbox.writeSettings(A, SETTINGS)
    expect(world.readSettings(A)).toEqual(SETTINGS)
  })

  it('knows no sign of life before the first, and none from the future', async () => {
    await using world = await make()
    await world.mailbox.open(A)
    expect(world.mailbox.heartbeatAt(A)).toBeNull()
    world.beat(A, world.now - 5_000)
    expect(world.mailbox.heartbeatAt(A)).toBe(world.now - 5_000)
    world.beat(A, world.now + 3_600_000)
    expect(world.mailbox.heartbeatAt(A)).toBe(world.now)
  })
}
