import { InboxEntry, type InboxMessage } from '@creel/protocol'
import { describe, expect, test } from 'vitest'
import { FakeChannel } from '../../test/fakes/fake-channel.ts'
import { FakeMailbox } from '../../test/fakes/fake-mailbox.ts'
import { ALICE, GARDEN, HostTables, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { Notices } from '../delivery/notices.ts'
import type { GroupName, UserId } from '../domain/ids.ts'
import type { InboundMessage } from '../domain/message.ts'
import type { Budget } from '../routing/turn-budget.ts'
import { dispatchNext } from './dispatcher.ts'

class DispatchWorld extends HostTables {
  readonly mailbox = new FakeMailbox(this.clock)
  readonly nudged: GroupName[] = []
  /** Stored files, by hash. */
  readonly paths = new Map<string, string>()
  readonly files = { path: (sha256: string) => this.paths.get(sha256) ?? null }
  /** What groups were given. */
  readonly given: string[] = []
  hasRoom = true
  readonly groupFiles = {
    give: (group: GroupName, name: string, { path }: { path: string }) => {
      if (this.hasRoom) this.given.push(`${group} ${name} ${path}`)
      return this.hasRoom
    },
  }
  readonly channel = new FakeChannel()
  readonly notices: Notices
  budget: Budget = { room: Number.POSITIVE_INFINITY }

  constructor() {
    super()
    const { deliveries, directory, roles, clock, channel } = this
    const nudge = () => undefined
    this.notices = new Notices({ deliveries, directory, roles, clock, channelOf: () => channel, nudge })
  }

  dispatch(group = GARDEN, contextMessages = 5) {
    const {
      inbound,
      waiting,
      dispatches,
      deliveries,
      attachments,
      mailbox,
      directory,
      events,
      clock,
      choices,
    } = this
    const { files, groupFiles } = this
    const nudge = (name: GroupName) => void this.nudged.push(name)
    return dispatchNext(group, {
      ...{ attachments, files, groupFiles, waiting, queueBound: 50, roles: this.roles },
      ...{ tasks: this.tasks, commits: this.commits },
      ...{
        inbound,
        dispatches,
        deliveries,
        mailbox,
        directory,
        events,
        clock,
        choices,
        contextMessages,
        nudge,
      },
      budget: () => this.budget,
      notices: this.notices,
    })
  }

  /** Did not engage anybody. */
  hear(text: string, part: Partial<InboundMessage> = {}): void {
    const row = this.receive(text, part)
    this.inbound.routed(row.id, 'heard', null, [], this.clock.now())
  }

  mail(group = GARDEN): InboxMessage[] {
    return this.mailbox.rows(group).flatMap(({ entry }) => (entry.type === 'message' ? [entry] : []))
  }

  contexts(group = GARDEN): string[][] {
    return this.mail(group).map((entry) => entry.context.map((heard) => heard.text))
  }
}

const inThread = (thread: string): Partial<InboundMessage> => ({
  address: { channel: 'fake', account: 'main', chat: 'room', thread },
})

describe('dispatchNext', () => {
  test('places as many as there is room for; at a bound every chat that waits is told once, and its owner', async () => {
    using world = new DispatchWorld()
    const private_ = {
      address: { channel: 'fake', account: 'main', chat: 'den' },
      chatKind: 'private' as const,
    }
    world.receive('hello', { ...private_, sender: { id: OWNER, name: 'Olga', isBot: false } })
    world.roles.grant(OWNER, 'owner', null, world.clock.now())
    for (const text of ['one', 'two', 'three']) world.give(GARDEN, text)
    world.budget = { room: 1 }
    await world.dispatch()
    expect(world.mail().map(({ text }) => text)).toEqual(['one'])
    world.budget = { room: 0, bound: { key: 'limit:1', chat: 'enough', owner: 'garden has enough' } }
    for (const _ of [1, 2, 3]) expect(await world.dispatch()).toEqual({ waitMs: 1_000 })
    expect(world.mail()).toHaveLength(1)
    expect(world.outgoing().map(({ part }) => part)).toEqual(['enough', 'garden has enough'])
    world.budget = { room: 10 }
    await world.dispatch()
    expect(world.mail().map(({ text }) => text)).toEqual(['one', 'two', 'three'])
  })

  test('tells of the other chats of the group, and of none of another', async () => {
    using world = new DispatchWorld()
    for (const [chat, group] of [
      ['room', GARDEN],
      ['shed', GARDEN],
      ['oven', KITCHEN],
    ] as const)
      world.bind(world.room(chat), group)
    world.give(GARDEN, 'hello')
    await world.dispatch()
    const shed = world.room('shed')
    expect(world.mail()[0]?.destinations).toEqual([
      { name: `room-${shed}`, channel: 'fake', kind: 'group', title: 'Room' },
    ])
    expect(InboxEntry.safeParse(world.mail()[0]).success).toBe(true)
  })

  test('gives along what the message answers, within bounds', async () => {
    using world = new DispatchWorld()
    world.give(GARDEN, 'why?', { quote: { name: 'n'.repeat(300), text: 't'.repeat(9_000) } })
    await world.dispatch()
    expect(world.mail()[0]?.quote).toEqual({ name: 'n'.repeat(200), text: 't'.repeat(2_000) })
    expect(InboxEntry.safeParse(world.mail()[0]).success).toBe(true)
  })

  test('puts the messages of a group into its inbox in order, and rings', async () => {
    using world = new DispatchWorld()
    for (const text of ['one', 'two', 'three']) world.give(GARDEN, text)
    world.give(KITCHEN, 'other')
    expect(await world.dispatch()).toBe('idle')
    expect(world.mail().map((entry) => entry.text)).toEqual(['one', 'two', 'three'])
    expect(world.dispatches.open(GARDEN).map((open) => open.inboxSeq)).toEqual([1, 2, 3])
    expect(world.nudged).toEqual([GARDEN])
    expect(await world.dispatch()).toBe('idle')
    expect(world.mail()).toHaveLength(3)
  })

  test('tells an agent once, with the next message of its conversation, of an answer that could not be delivered', async () => {
    using world = new DispatchWorld()
    const asked = world.give(GARDEN, 'one')
    await world.dispatch()
    const { chatId } = asked
    const answer = { chatId, thread: undefined, part: 'x', key: 'a', group: GARDEN, inboxSeq: 1 }
    world.deliveries.add([{ ...answer, failed: 'the bot was blocked' }], world.clock.now())
    world.give(GARDEN, 'elsewhere', {}, 'other')
    world.give(GARDEN, 'two')
    world.give(GARDEN, 'three')
    await world.dispatch()
    const told = world.mail().map(({ text, notes }) => [text, notes?.length ?? 0])
    expect(told).toEqual([
      ['one', 0],
      ['elsewhere', 0],
      ['two', 1],
      ['three', 0],
    ])
    expect(world.mail()[2]?.notes?.[0]).toMatch(
      /^What you said at 20.* was not delivered: the bot was blocked$/,
    )
    world.give(GARDEN, 'four')
    await world.dispatch()
    expect(world.mail()[4]?.notes).toBeUndefined()
  })

  test('killed between the inbox and the note of it, it puts nothing in twice', async () => {
    using world = new DispatchWorld()
    world.give(GARDEN, 'one')
    world.give(GARDEN, 'two')
    world.db.exec(
      "CREATE TRIGGER die BEFORE UPDATE OF inbox_seq ON dispatch BEGIN SELECT raise(ABORT, 'killed'); END",
    )
    await expect(world.dispatch()).rejects.toThrow('killed')
    world.db.exec('DROP TRIGGER die')
    await world.dispatch()
    expect(world.mail().map((entry) => entry.text)).toEqual(['one', 'two'])
    expect(world.dispatches.open(GARDEN).map((open) => open.inboxSeq)).toEqual([1, 2])
  })

  test('goes on after a locked inbox without losing or turning anything', async () => {
    using world = new DispatchWorld()
    world.give(GARDEN, 'one')
    world.give(GARDEN, 'two')
    world.mailbox.failures.set(GARDEN, new Error('locked'))
    await expect(world.dispatch()).rejects.toThrow('locked')
    await world.dispatch()
    expect(world.mail().map((entry) => entry.text)).toEqual(['one', 'two'])
  })

  test('what a person stopped while it was being written is stopped in the inbox', async () => {
    using world = new DispatchWorld()
    const row = world.give(GARDEN, 'one')
    world.give(GARDEN, 'elsewhere', { address: { channel: 'fake', account: 'main', chat: 'other' } })
    const { mailbox } = world
    const putAll = mailbox.putAll.bind(mailbox)
    mailbox.putAll = (...call) => {
      world.dispatches.cancelPending(GARDEN, row.chatId, world.clock.now())
      return putAll(...call)
    }
    await world.dispatch()
    expect(world.mailbox.rows(GARDEN).map(({ entry }) => entry)).toMatchObject([
      { type: 'message', text: 'one' },
      { type: 'message', text: 'elsewhere' },
      { type: 'cancel', inboxSeq: 1 },
    ])
    expect(world.dispatches.open(GARDEN).map(({ inboxSeq }) => inboxSeq)).toEqual([2])
  })

  test('takes a long backlog in pieces', async () => {
    using world = new DispatchWorld()
    for (let n = 0; n < 51; n += 1) world.give(GARDEN, `${n}`)
    expect(await world.dispatch()).toBe('again')
    expect(await world.dispatch()).toBe('idle')
    expect(world.mail()).toHaveLength(51)
  })

  test('gives what was overheard since the last message, the newest few, oldest first', async () => {
    using world = new DispatchWorld()
    world.bind(world.room(), GARDEN)
    for (let n = 1; n <= 7; n += 1) world.hear(`heard ${n}`)
    world.give(GARDEN, 'first')
    world.hear('heard 8')
    world.hear('elsewhere', { address: { channel: 'fake', account: 'main', chat: 'other' } })
    world.give(GARDEN, 'second')
    world.give(GARDEN, 'third')
    await world.dispatch(GARDEN, 3)
    expect(world.contexts()).toEqual([['heard 5', 'heard 6', 'heard 7'], ['heard 8'], []])
  })

  test('in thread mode, only from the same thread', async () => {
    using world = new DispatchWorld()
    const chat = world.room()
    world.bind(chat, GARDEN)
    world.hear('in a', inThread('a'))
    world.hear('in b', inThread('b'))
    world.hear('in none')
    world.give(GARDEN, 'to a', inThread('a'), `chat:${chat}/thread:a`)
    world.give(GARDEN, 'to b', inThread('b'), `chat:${chat}/thread:b`)
    world.give(GARDEN, 'to none', {}, `chat:${chat}/thread:`)
    await world.dispatch()
    expect(world.contexts()).toEqual([['in a'], ['in b'], ['in none']])
  })

  test('only from people whom the group listens to now', async () => {
    using world = new DispatchWorld()
    const from = (name: string) => ({ sender: { id: `fake:${name}` as UserId, name, isBot: false } })
    const chat = world.room()
    world.bind(chat, GARDEN, { senders: 'ask' })
    world.bind(chat, KITCHEN, { senders: 'open' })
    world.roles.grant('fake:member' as UserId, 'member', GARDEN, world.clock.now())
    world.roles.grant('fake:bad' as UserId, 'member', GARDEN, world.clock.now())
    world.roles.grant('fake:bad' as UserId, 'denied', null, world.clock.now())
    for (const name of ['member', 'stranger', 'bad']) world.hear(`by ${name}`, from(name))
    world.give(GARDEN, 'to garden')
    world.give(KITCHEN, 'to kitchen')
    await world.dispatch(GARDEN)
    await world.dispatch(KITCHEN)
    expect(world.contexts(GARDEN)).toEqual([['by member']])
    // Alice has no role in the garden; the kitchen is open to all, and hears what was said to the garden.
    expect(world.contexts(KITCHEN)).toEqual([['by member', 'by stranger', 'to garden']])
  })

  test('says what a message does while a turn runs, as the binding has it now', async () => {
    using world = new DispatchWorld()
    const chat = world.room()
    const queues = () => world.mail().map(({ queue }) => queue)
    world.bind(chat, GARDEN, { queue: 'steer' })
    world.give(GARDEN, 'one')
    await world.dispatch()
    world.bind(chat, GARDEN, { queue: 'collect' })
    world.give(GARDEN, 'two')
    await world.dispatch()
    world.directory.unbind(chat, GARDEN)
    world.give(GARDEN, 'three')
    await world.dispatch()
    expect(queues()).toEqual(['steer', 'collect', 'follow_up'])
  })

  test('a conversation over all chats always waits: an answer must not go to another chat', async () => {
    using world = new DispatchWorld()
    const row = world.receive('hello')
    world.bind(row.chatId, GARDEN, { queue: 'steer', session: 'group' })
    world.inbound.routed(row.id, 'routed', null, [{ group: GARDEN, session: 'group' }], world.clock.now())
    await world.dispatch()
    expect(world.mail().map(({ queue }) => queue)).toEqual(['follow_up'])
  })

  test('whatever a stranger is called or writes, the runner can read it', async () => {
    using world = new DispatchWorld()
    world.bind(world.room(), GARDEN)
    const sender = { id: ALICE, name: 'n'.repeat(5_000), isBot: false }
    world.hear('x'.repeat(60_000), { sender })
    world.hear('y'.repeat(60_000), { sender })
    world.give(GARDEN, 'z'.repeat(150_000), { sender, chatTitle: 't'.repeat(5_000) })
    await world.dispatch()
    const [entry] = world.mail()
    expect(InboxEntry.safeParse(entry).success).toBe(true)
    expect(entry?.text).toHaveLength(100_000)
    expect(entry?.context.map((heard) => heard.text[0])).toEqual(['y'])
  })
})
