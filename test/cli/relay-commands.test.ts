import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Core } from '../../src/core.ts'
import type { ChatId, GroupName, UserId } from '../../src/domain/ids.ts'
import type { InboundRow } from '../../src/domain/ports/stores.ts'
import { CliRig } from './cli-rig.ts'

const HOME = 'home' as GroupName

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

function roomOf(core: Core): ChatId {
  const address = { channel: 'telegram', account: 'main', chat: '7' }
  return core.directory.chatFor(address, 'private', 'Ann', core.clock.now()).id
}

/** Answers of the agent home to telegram:7, one failed for each reason. */
function failDeliveries(...reasons: string[]): void {
  using core = cli.core()
  const chatId = roomOf(core)
  const now = core.clock.now()
  const add = (key: string, failed?: string) =>
    core.deliveries.add(
      [{ chatId, thread: undefined, part: 'x', key, group: HOME, ...(failed ? { failed } : {}) }],
      now,
    )
  for (const [index, reason] of reasons.entries()) add(`k${index}`, reason)
  add('waits')
}

function receive(core: Core, platformMessageId: string, text: string): InboundRow {
  const now = core.clock.now()
  core.inbound.record(
    {
      address: { channel: 'telegram', account: 'main', chat: '7' },
      chatKind: 'private',
      chatTitle: 'Ann',
      platformMessageId,
      sender: { id: 'telegram:5' as UserId, name: 'Ann', isBot: false },
      text,
      sentAt: now,
      mentionsUs: true,
    },
    now,
  )
  const row = core.inbound.nextNew(roomOf(core))
  if (!row) throw new Error('not recorded')
  return row
}

/** A message that no agent was given. */
function dropMessage(reason: string): number {
  using core = cli.core()
  const { id } = receive(core, 'm2', 'hello?')
  core.inbound.routed(id, 'dropped', reason, [], core.clock.now())
  return id
}

/** A message that the agent home was given, settled like this. */
function settleTurn(outcome: 'failed' | 'done'): number {
  using core = cli.core()
  const now = core.clock.now()
  const row = receive(core, 'm1', 'kill the runner')
  core.inbound.routed(row.id, 'routed', null, [{ group: HOME, session: 's' }], now)
  core.dispatches.placed(HOME, [{ inboundId: row.id, inboxSeq: 1, told: [] }])
  const deliveries = [
    { chatId: row.chatId, thread: undefined, part: 'sorry', key: 'a', group: HOME, inboxSeq: 1 },
  ]
  const settled = [{ inboxSeq: 1, outcome, reason: outcome === 'failed' ? 'died 3 times' : null }]
  const accepted = [{ inboxSeq: 1, attempt: 3 }]
  core.outboxes.record(HOME, { cursor: 1, accepted, deliveries, settled, rejected: 0 }, now)
  return row.id
}

describe('deliveries', () => {
  it('are listed with their reason, by state and chat', async () => {
    failDeliveries('bot was kicked', 'chat not found')
    expect(await cli.json('deliveries', 'list')).toMatchObject([
      { state: 'queued', chat: 'telegram:7', group: 'home' },
      { state: 'failed', reason: 'chat not found' },
      { state: 'failed', reason: 'bot was kicked' },
    ])
    expect(await cli.json('deliveries', 'list', '--state', 'queued')).toHaveLength(1)
    expect(await cli.json('deliveries', 'list', '--older', '1h')).toEqual([])
    expect(await cli.json('deliveries', 'list', '--chat', 'telegram:7', '-n', '2')).toHaveLength(2)
    expect((await cli.run('deliveries', 'list')).out).toMatch(/failed +0 .*chat not found/)
  })

  it('are sent again when they failed, and given up when they wait', async () => {
    failDeliveries('bot was kicked', 'chat not found')
    const [, second] = await cli.json<{ id: number }[]>('deliveries', 'list')
    expect(await cli.json('deliveries', 'retry', String(second?.id))).toEqual({ retried: 1 })
    expect(await cli.json('deliveries', 'retry', '--all')).toEqual({ retried: 1 })
    expect(await cli.json('deliveries', 'list', '--state', 'failed')).toEqual([])
    expect(await cli.json('deliveries', 'drop', '--chat', 'telegram:7')).toEqual({ dropped: 3 })
    expect(await cli.json('deliveries', 'list', '--state', 'failed')).toMatchObject(
      Array.from({ length: 3 }, () => ({ reason: 'dropped by the operator' })),
    )
  })

  it.each([
    [['deliveries', 'retry'], 'expected numbers, --chat, --older or --all, got nothing'],
    [['deliveries', 'drop', 'x'], 'id: expected a number, got x'],
    [['deliveries', 'list', '--older', 'long'], '--older: expected a time such as 15m, 2h or 3d, got long'],
    [['deliveries', 'list', '--chat', 'telegram:9'], 'there is no chat telegram:9'],
    [['turns', 'show', '99'], 'no agent was given a message 99'],
  ])('%j is refused in one sentence', async (args, message) => {
    const { code, err } = await cli.run(...args)
    expect(err).toContain(`creel: ${message}`)
    expect(code).toBe(1)
  })
})

describe('turns', () => {
  it('that were set aside are shown with the reason, and given again', async () => {
    const id = settleTurn('failed')
    expect(await cli.json('turns', 'list', '--state', 'failed')).toMatchObject([
      { id, group: 'home', state: 'failed', attempts: 3, reason: 'died 3 times', chat: 'telegram:7' },
    ])
    const shown = await cli.run('turns', 'show', String(id))
    expect(shown.out).toContain('agent home: failed, 3 attempt(s)\nreason: died 3 times\n\nkill the runner')
    expect(await cli.json('turns', 'show', String(id))).toMatchObject({ deliveries: [{ state: 'queued' }] })
    expect(await cli.json('turns', 'retry', String(id))).toEqual({ id, group: 'home' })
    expect(await cli.json('turns', 'list', '--state', 'open')).toMatchObject([
      { id, state: 'waiting', attempts: 0, retries: 1, reason: null },
    ])
    using core = cli.core()
    expect(core.dispatches.pending(HOME, 10)).toMatchObject([{ inboundId: id, session: 's', retries: 1 }])
  })

  it('that ended before an agent was chosen are listed as dropped, with the reason', async () => {
    const id = settleTurn('done')
    const dropped = dropMessage('a stranger')
    expect(await cli.json('turns', 'list')).toMatchObject([
      { id: dropped, group: null, state: 'dropped', reason: 'a stranger', chat: 'telegram:7' },
      { id, group: 'home', state: 'done' },
    ])
    expect(await cli.json('turns', 'list', '--state', 'dropped')).toMatchObject([{ id: dropped }])
    expect(await cli.json('turns', 'list', '--group', 'home')).toMatchObject([{ id }])
    expect((await cli.run('turns', 'list')).out).toMatch(/telegram:7 .*dropped .*a stranger/)
  })

  it('that are done are not given again', async () => {
    const id = settleTurn('done')
    const { code, err } = await cli.run('turns', 'retry', String(id))
    expect(err).toContain(`message ${id} of home is done`)
    expect(code).toBe(1)
  })
})
