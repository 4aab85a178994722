import { afterEach, beforeEach, expect, it } from 'vitest'
import { GARDEN, HostTables } from '../../../test/rig/host-tables.ts'
import type { InboundFile } from '../../domain/message.ts'

const stored = (digit: string): InboundFile => ({
  kind: 'document',
  name: `${digit}.txt`,
  mime: 'text/plain',
  bytes: 1,
  from: { stored: { sha256: digit.repeat(64), bytes: 1, image: null } },
})
const wanted: InboundFile = { ...stored('f'), from: { source: 'ref' } }

let tables: HostTables
beforeEach(() => {
  tables = new HostTables()
})
afterEach(() => tables[Symbol.dispose]())

const inUse = () => [...tables.attachments.inUse()].map((hash) => hash[0]).sort()

it('keeps files in use until their message is settled, dropped or only heard', () => {
  const { inbound, clock } = tables
  const waits = tables.receive('new', { files: [stored('a')] })
  const heard = tables.receive('heard', { files: [stored('b')] })
  const held = tables.receive('held', { files: [stored('c')] })
  tables.place(GARDEN, 1, 'given', { files: [stored('d')] })
  inbound.routed(heard.id, 'heard', null, [], clock.now())
  inbound.routed(held.id, 'held', 'unknown sender', [], clock.now())
  expect(inUse()).toEqual(['a', 'c', 'd'])
  tables.settle(GARDEN, 1)
  inbound.routed(waits.id, 'dropped', 'no', [], clock.now())
  expect(inUse()).toEqual(['c'])
})

it('fetches nothing before its message is routed, nor after it is cancelled', () => {
  const { attachments, dispatches, clock } = tables
  const row = tables.receive('new', { files: [wanted, wanted] })
  expect(attachments.chatsWithWanted()).toEqual([])
  tables.inbound.routed(row.id, 'routed', null, [{ group: GARDEN, session: 's' }], clock.now())
  expect(attachments.chatsWithWanted()).toEqual([row.chatId])
  expect(attachments.nextWanted(row.chatId)).toMatchObject({ position: 0, source: 'ref' })
  expect(attachments.groupsWaitingFor(row.id)).toEqual([GARDEN])
  dispatches.cancelPending(GARDEN, row.chatId, clock.now())
  expect(attachments.nextWanted(row.chatId)).toBeNull()
})

it('lets a message and those after it in its session wait for its files, and no others', () => {
  const { attachments, dispatches } = tables
  const first = tables.give(GARDEN, 'with a file', { files: [wanted] }, 'one')
  const second = tables.give(GARDEN, 'after it', {}, 'one')
  const other = tables.give(GARDEN, 'elsewhere', {}, 'two')
  const pending = () => dispatches.pending(GARDEN, 10).map(({ inboundId }) => inboundId)
  expect(pending()).toEqual([other.id])
  attachments.retry({ inboundId: first.id, position: 0 }, tables.clock.now())
  expect(pending()).toEqual([other.id])
  attachments.failed({ inboundId: first.id, position: 0 }, 'gone')
  expect(pending()).toEqual([first.id, second.id, other.id])
})

it('puts the pictures of an album together until the first is routed', () => {
  const { inbound, attachments, clock } = tables
  const first = tables.receive('one', { files: [stored('a')], album: 'x' })
  const part = tables.receive('two', { files: [stored('b'), stored('c')], album: 'x', mentionsUs: true })
  tables.receive('another album', { files: [stored('d')], album: 'y' })
  expect(inbound.find(part.id)).toMatchObject({
    state: 'dropped',
    reason: `one album with message ${first.id}`,
  })
  const lead = inbound.find(first.id)
  expect(lead).toMatchObject({ text: 'one\ntwo', mentionsUs: true, gatherUntil: clock.now() + 1_000 })
  expect(attachments.of(first.id).map(({ name, position }) => [name, position])).toEqual([
    ['a.txt', 0],
    ['b.txt', 1],
    ['c.txt', 2],
  ])
  inbound.routed(first.id, 'heard', null, [], clock.now())
  const late = tables.receive('late', { files: [stored('e')], album: 'x' })
  expect(late.state).toBe('new')
})
