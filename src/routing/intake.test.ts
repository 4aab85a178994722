import { describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { GARDEN, HostTables } from '../../test/rig/host-tables.ts'
import { channelTable } from '../channels.ts'
import { Notices } from '../delivery/notices.ts'
import { tellProblem } from '../delivery/problem-notices.ts'
import { CreelError } from '../domain/errors.ts'
import type { ChatId } from '../domain/ids.ts'
import { ArrivalWatch } from './catch-up.ts'
import { runIntake } from './intake.ts'

function intake(tables: HostTables, channel = new FakeChannel()) {
  const nudged: ChatId[] = []
  const gaveUp: string[] = []
  const stop = new AbortController()
  const { inbound, events, clock } = tables
  const arrivals = new ArrivalWatch((name, account) => tables.waiting.lastOf(name, account))
  const ports = { inbound, arrivals, events, clock, nudge: (chat: ChatId) => void nudged.push(chat) }
  const done = runIntake(
    channel,
    { ...ports, gaveUp: (failed, reason) => void gaveUp.push(`${failed.name}: ${reason}`) },
    stop.signal,
  )
  return { channel, nudged, gaveUp, done, stop: () => stop.abort() }
}

describe('runIntake', () => {
  test('every message is on disk before the channel may acknowledge it, and a known one is acknowledged too', async () => {
    using tables = new HostTables()
    const { channel, nudged, done, stop } = intake(tables)
    const message = channel.say('one')
    channel.redeliver(message)
    await tables.clock.settled()
    expect(channel.acknowledged).toEqual(['one', 'one'])
    expect(nudged).toEqual([tables.room()])
    stop()
    await done
  })

  test('what could not be written is not acknowledged, and comes again', async () => {
    using tables = new HostTables()
    tables.db.exec("CREATE TRIGGER full BEFORE INSERT ON inbound BEGIN SELECT raise(ABORT, 'full'); END")
    const { channel, done, stop } = intake(tables)
    channel.say('one')
    await tables.clock.settled()
    expect(channel.acknowledged).toEqual([])
    expect(channel.acceptErrors.length).toBeGreaterThan(0)
    tables.db.exec('DROP TRIGGER full')
    await tables.clock.settled()
    expect(channel.acknowledged).toEqual(['one'])
    stop()
    await done
  })

  test('a channel that gives up is reported, and nothing is thrown', async () => {
    using tables = new HostTables()
    const channel = new FakeChannel()
    channel.receive = async () => {
      throw new CreelError('unauthorized', 'bad token')
    }
    const { gaveUp, done } = intake(tables, channel)
    await done
    expect(gaveUp).toEqual(['fake: bad token'])
  })
})

test('the table finds channels by name and account, and remembers who gave up', () => {
  const main = new FakeChannel()
  const second = new FakeChannel({ account: 'second' })
  const nothing = async () => undefined
  const table = channelTable([main, second], { listen: nothing, close: nothing })
  expect(table.find('fake', 'second')).toBe(second)
  expect(table.find('fake', 'third')).toBeUndefined()
  table.failed('fake', 'second', 'bad token')
  expect(table.problems().map(({ problem }) => problem)).toEqual([null, 'bad token'])
})

test('of a problem every waiting chat hears once, and never why', () => {
  using tables = new HostTables()
  const channel = new FakeChannel()
  const { deliveries, directory, roles, clock, dispatches } = tables
  const notices = new Notices({
    ...{ deliveries, directory, roles, clock },
    channelOf: () => channel,
    nudge: () => undefined,
  })
  const elsewhere = { address: { channel: 'fake', account: 'main', chat: 'b' } }
  tables.place(GARDEN, 1, 'one')
  tables.place(GARDEN, 2, 'two')
  tables.place(GARDEN, 3, 'three', elsewhere)
  const since = clock.now()
  for (let n = 0; n < 3; n += 1)
    tellProblem(GARDEN, 'container.json: secret path', since, { dispatches, notices })
  expect(tables.outgoing()).toHaveLength(2)
  expect(tables.outgoing().every((row) => !row.part.includes('container.json'))).toBe(true)
})
