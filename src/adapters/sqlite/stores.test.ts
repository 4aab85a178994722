import { describe, expect, test } from 'vitest'
import { ALICE, GARDEN, HostTables, KITCHEN, OWNER } from '../../../test/rig/host-tables.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { InboundRow } from '../../domain/ports/stores.ts'
import { SqliteOwnChatStore } from './own-chat-store.ts'

describe('inbound', () => {
  test('one row per message of a platform, and redelivery changes nothing (I2)', () => {
    using tables = new HostTables()
    const message = tables.message('hello')
    const at = tables.clock.now()
    expect(tables.inbound.record(message, at)).toBe('new')
    expect(tables.inbound.record({ ...message, text: 'changed' }, at)).toBe('duplicate')
    const [chat] = tables.inbound.chatsWithNew()
    const row = chat === undefined ? null : tables.inbound.nextNew(chat)
    expect(row).toMatchObject({ text: 'hello', state: 'new', senderId: ALICE })
    if (row) tables.inbound.routed(row.id, 'dropped', 'because', [], at)
    expect(tables.inbound.record(message, at)).toBe('duplicate')
    expect(tables.inbound.chatsWithNew()).toEqual([])
  })

  test('several together are one commit: all of them or none', () => {
    using tables = new HostTables()
    const at = tables.clock.now()
    const [one, two] = [tables.message('one'), tables.message('two')]
    const both = (end: () => void) =>
      tables.inbound.together(() => {
        const results = [one, two, one].map((message) => tables.inbound.record(message, at))
        end()
        return results
      })
    const fail = () => {
      throw new Error('killed')
    }
    expect(() => both(fail)).toThrow('killed')
    expect(tables.inbound.chatsWithNew()).toEqual([])
    expect(both(() => undefined)).toEqual(['new', 'new', 'duplicate'])
    expect(tables.inbound.chatsWithNew()).toHaveLength(1)
  })

  test('the same id in another chat, account or channel is another message', () => {
    using tables = new HostTables()
    const message = tables.message('hello')
    const places = [
      { channel: 'fake', account: 'main', chat: 'a' },
      { channel: 'fake', account: 'main', chat: 'b' },
      { channel: 'fake', account: 'second', chat: 'a' },
      { channel: 'web', account: 'main', chat: 'a' },
    ]
    const at = tables.clock.now()
    for (const address of places) expect(tables.inbound.record({ ...message, address }, at)).toBe('new')
    expect(tables.inbound.chatsWithNew()).toHaveLength(4)
  })

  test('routing and its dispatches are one transaction, and doing it twice gives nothing twice', () => {
    using tables = new HostTables()
    const row = tables.receive('hello')
    const plans = [GARDEN, KITCHEN].map((group) => ({ group, session: 's' }))
    tables.db.exec(
      "CREATE TRIGGER die BEFORE INSERT ON dispatch WHEN new.group_name = 'kitchen' BEGIN SELECT raise(ABORT, 'killed'); END",
    )
    expect(() => tables.inbound.routed(row.id, 'routed', null, plans, tables.clock.now())).toThrow('killed')
    expect(tables.inbound.find(row.id)?.state).toBe('new')
    expect(tables.dispatches.groupsWithPending()).toEqual([])
    tables.db.exec('DROP TRIGGER die')
    for (let n = 0; n < 2; n += 1) tables.inbound.routed(row.id, 'routed', null, plans, tables.clock.now())
    expect(tables.dispatches.groupsWithPending()).toEqual([GARDEN, KITCHEN])
    expect(tables.dispatches.pending(GARDEN, 9)).toHaveLength(1)
  })
})

describe('directory', () => {
  test('knows which groups answer the chat of their own name, and writes all or nothing', () => {
    using tables = new HostTables()
    const { directory, clock } = tables
    const add = (chat: string, group = chat) => {
      const address = { channel: 'web', account: 'main', chat }
      const { id } = directory.chatFor(address, 'private', chat, clock.now())
      tables.bind(id, group as GroupName)
    }
    directory.inOneCommit(() => add(GARDEN))
    add('elsewhere', KITCHEN)
    expect(() =>
      directory.inOneCommit(() => {
        add(KITCHEN)
        throw new Error('killed')
      }),
    ).toThrow('killed')
    expect([...directory.groupsWithOwnChat('web', 'main')]).toEqual([GARDEN])
    expect([...directory.groupsWithOwnChat('terminal', 'main')]).toEqual([])
    expect(directory.bindingsOf(KITCHEN).map(({ group }) => group)).toEqual([KITCHEN])
  })

  test('a chat that moves keeps its bindings, its mail and what waits to be sent', () => {
    using tables = new HostTables()
    const row = tables.place(GARDEN, 1, 'old')
    tables.bind(row.chatId, GARDEN)
    tables.directory.moveChat('fake', 'main', 'room', 'new-room')
    expect(tables.directory.chat(row.chatId)?.address.chat).toBe('new-room')
    tables.directory.moveChat('fake', 'main', 'unknown', 'room')
    expect(tables.directory.chat(row.chatId)?.address.chat).toBe('new-room')
  })

  test('when the new id is known already, everything goes there and running turns answer there', () => {
    using tables = new HostTables()
    const row = tables.place(GARDEN, 1, 'old')
    tables.bind(row.chatId, GARDEN)
    const delivery = { chatId: row.chatId, thread: undefined, part: 'x', key: 'k', group: GARDEN }
    tables.deliveries.add([delivery], tables.clock.now())
    const target = tables.room('new-room')
    tables.directory.moveChat('fake', 'main', 'room', 'new-room')
    expect(tables.directory.bindings(target).map((binding) => binding.group)).toEqual([GARDEN])
    expect(tables.deliveries.next(target)?.part).toBe('x')
    expect(tables.dispatches.inboundOf(GARDEN, 1)?.chatId).toBe(target)
  })

  test('binding again replaces the settings; unbinding says how many went', () => {
    using tables = new HostTables()
    const chat = tables.room()
    const first = tables.bind(chat, GARDEN, { engage: 'pattern', pattern: 'x' })
    const second = tables.bind(chat, GARDEN, { engage: 'mention', queue: 'steer' })
    expect(second.id).toBe(first.id)
    expect(tables.directory.bindings(chat)).toMatchObject([{ engage: 'mention', queue: 'steer' }])
    expect(second.pattern).toBeUndefined()
    tables.bind(chat, KITCHEN)
    expect(tables.directory.unbind(chat, KITCHEN)).toBe(1)
    expect(tables.directory.unbind(chat, null)).toBe(1)
    expect(tables.directory.allBindings()).toEqual([])
  })
})

describe('roles', () => {
  test('of a group count there, of the install everywhere; only the install has owners', () => {
    using tables = new HostTables()
    const now = tables.clock.now()
    tables.roles.grant(ALICE, 'member', GARDEN, now)
    tables.roles.grant(OWNER, 'owner', null, now)
    tables.roles.grant(ALICE, 'owner', GARDEN, now)
    expect(tables.roles.roles(ALICE, KITCHEN)).toEqual([])
    expect(tables.roles.roles(OWNER, KITCHEN)).toEqual(['owner'])
    expect([tables.roles.isOwner(ALICE), tables.roles.isOwner(OWNER)]).toEqual([false, true])
    expect(tables.roles.revoke(OWNER, 'owner', GARDEN)).toBe(0)
    expect(tables.roles.revoke(OWNER, 'owner', null)).toBe(1)
    expect(tables.roles.isOwner(OWNER)).toBe(false)
  })

  test('the owner is asked where they wrote in private last, never in a group', () => {
    using tables = new HostTables()
    const sender = { id: OWNER, name: 'Olga', isBot: false }
    const at = (chat: string, chatKind: 'private' | 'group') =>
      tables.receive('hi', { sender, chatKind, address: { channel: 'fake', account: 'main', chat } })
    tables.roles.grant(OWNER, 'owner', null, tables.clock.now())
    at('first', 'private')
    at('second', 'private')
    at('room', 'group')
    expect(tables.roles.ownerChats().map((chat) => chat.address.chat)).toEqual(['second', 'first'])
  })
})

describe('deliveries', () => {
  test('a known key is not added again', () => {
    using tables = new HostTables()
    const delivery = { chatId: tables.room(), thread: undefined, part: 'x', key: 'k', group: GARDEN }
    tables.deliveries.add([delivery, delivery], tables.clock.now())
    tables.deliveries.add([{ ...delivery, part: 'y' }], tables.clock.now())
    expect(tables.outgoing().map((row) => row.part)).toEqual(['x'])
  })
})

describe('dispatches', () => {
  test('groups come in the order of their oldest message, and settle for good', () => {
    using tables = new HostTables()
    tables.place(KITCHEN, 1)
    tables.place(GARDEN, 1)
    expect(tables.dispatches.groupsWithOpen()).toEqual([KITCHEN, GARDEN])
    tables.settle(KITCHEN, 1)
    expect(tables.dispatches.groupsWithOpen()).toEqual([GARDEN])
    const settled = [{ inboxSeq: 1, outcome: 'failed' as const, reason: 'late' }]
    const batch = { cursor: 9, accepted: [], deliveries: [], settled, rejected: 0 }
    tables.outboxes.record(KITCHEN, batch, tables.clock.now())
    expect(tables.overview.read().failedByGroup.get(KITCHEN)).toBeUndefined()
    expect(tables.dispatches.inboundOf(KITCHEN, 2)).toBeNull()
  })

  test('that are to be stopped still are when a restored host places them into another inbox', () => {
    using tables = new HostTables()
    const { id, chatId } = tables.place(GARDEN, 1)
    expect(tables.dispatches.stopPlaced(GARDEN, chatId)).toBe(1)
    tables.dispatches.placed(GARDEN, [{ inboundId: id, inboxSeq: 7, told: [] }])
    expect(tables.dispatches.stopping(GARDEN)).toEqual([7])
    tables.dispatches.stopped(GARDEN, [7])
    expect(tables.dispatches.stopping(GARDEN)).toEqual([])
  })
})

test('lines of our own chats are written once per key and read in order, the newest few', () => {
  using tables = new HostTables()
  const web = new SqliteOwnChatStore(tables.db, 'web')
  const terminal = new SqliteOwnChatStore(tables.db, 'terminal')
  const first = web.append('garden', 'user', 'one', 'k1', tables.clock.now())
  expect(web.append('garden', 'user', 'changed', 'k1', tables.clock.now())).toEqual(first)
  web.append('garden', 'agent', 'two', 'k2', tables.clock.now())
  web.append('garden', 'agent', 'three', 'k3', tables.clock.now())
  terminal.append('garden', 'user', 'other', 'k1', tables.clock.now())
  expect(web.lines('garden', 0, 2).map((line) => line.text)).toEqual(['two', 'three'])
  expect(web.lines('garden', first.id, 9)).toHaveLength(2)
})

test('the database says whether it is whole', () => {
  using tables = new HostTables()
  expect(tables.overview.integrity()).toBe('ok')
})

describe('a message that was edited', () => {
  const edit = (tables: HostTables, row: InboundRow, text: string, id: string, more: object = {}) =>
    tables.inbound.record(
      tables.message(text, { platformMessageId: platformIdOf(tables, row), edit: id, ...more }),
      tables.clock.now(),
    )
  const platformIdOf = (tables: HostTables, { id }: InboundRow): string =>
    tables.db
      .prepare<[number], { id: string }>('SELECT platform_message_id AS id FROM inbound WHERE id = ?')
      .get(id)?.id ?? ''
  const texts = (tables: HostTables) =>
    tables.db
      .prepare<[], { text: string }>('SELECT text FROM inbound ORDER BY id')
      .all()
      .map(({ text }) => text)

  test('replaces its text until an agent has it, and is said again afterwards, each time once', () => {
    using tables = new HostTables()
    const row = tables.receive('teh plan')
    expect(edit(tables, row, 'the plan', '1')).toBe('duplicate')
    tables.inbound.routed(row.id, 'routed', null, [{ group: GARDEN, session: 's' }], tables.clock.now())
    edit(tables, row, 'the plan!', '2')
    expect(texts(tables)).toEqual(['the plan!'])
    tables.dispatches.placed(GARDEN, [{ inboundId: row.id, inboxSeq: 1, told: [] }])
    expect(edit(tables, row, 'another plan', '3')).toBe('new')
    expect(edit(tables, row, 'another plan', '3')).toBe('duplicate')
    expect(texts(tables)).toEqual(['the plan!', 'edited: another plan'])
    expect(edit(tables, row, 'the plan!', '4')).toBe('duplicate')
  })

  test('under a picture of an album changes what stands for all, whichever picture it is', () => {
    using tables = new HostTables()
    const first = tables.receive('one', { album: 'x' })
    const second = tables.receive('two', { album: 'x' })
    const third = tables.receive('', { album: 'x' })
    const text = () => tables.inbound.find(first.id)?.text
    expect(edit(tables, second, 'zwei', '1')).toBe('duplicate')
    edit(tables, first, 'eins', '2')
    edit(tables, third, 'drei', '3', { mentionsUs: true })
    edit(tables, third, 'drei', '3', { mentionsUs: true })
    expect(text()).toBe('eins\nzwei\ndrei')
    expect(tables.inbound.find(first.id)).toMatchObject({ mentionsUs: true, state: 'new' })
    tables.inbound.routed(first.id, 'routed', null, [{ group: GARDEN, session: 's' }], tables.clock.now())
    tables.dispatches.placed(GARDEN, [{ inboundId: first.id, inboxSeq: 1, told: [] }])
    expect(edit(tables, second, 'deux', '4')).toBe('new')
    expect(edit(tables, second, 'deux', '4')).toBe('duplicate')
    expect(text()).toBe('eins\nzwei\ndrei')
    expect(tables.inbound.nextNew(first.chatId)).toMatchObject({ text: 'edited: deux' })
  })

  test('wakes the agent when the message before did', () => {
    using tables = new HostTables()
    const row = tables.place(GARDEN, 1, '@bot hello', { mentionsUs: true })
    edit(tables, row, 'hello', '1')
    expect(tables.inbound.nextNew(row.chatId)).toMatchObject({ text: 'edited: hello', mentionsUs: true })
  })

  test('of somebody else, of a message that is not known, or in another chat changes nothing', () => {
    using tables = new HostTables()
    const row = tables.receive('mine')
    const mallory = { id: OWNER, name: 'Mallory', isBot: false }
    edit(tables, row, 'hers', '1', { sender: mallory })
    edit(tables, row, 'elsewhere', '2', { address: { channel: 'fake', account: 'main', chat: 'den' } })
    edit(tables, row, 'unknown', '3', { platformMessageId: 'none' })
    expect(texts(tables)).toEqual(['mine'])
  })
})

test('what a message answers is kept with it', () => {
  using tables = new HostTables()
  const quote = { name: 'Bo (fake:bo)', text: 'the old plan' }
  expect(tables.receive('why?', { quote }).quote).toEqual(quote)
  expect(tables.receive('hm')).not.toHaveProperty('quote')
})
