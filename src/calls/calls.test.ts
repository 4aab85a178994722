import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { FakeFileStore } from '../../test/fakes/fake-file-store.ts'
import { FakeMailbox } from '../../test/fakes/fake-mailbox.ts'
import { FakeOutboxReader } from '../../test/fakes/fake-outbox-reader.ts'
import { NO_ASKS } from '../../test/fakes/no-approvals.ts'
import { ALICE, GARDEN, HostTables, KITCHEN, OWNER, silentLog } from '../../test/rig/host-tables.ts'
import { CreelError } from '../domain/errors.ts'
import type { CallOrigin } from '../domain/host-call.ts'
import { collect } from '../mail/collector.ts'
import { GroupProblems } from '../sandboxes/group-problems.ts'
import { type CallHandler, callHandler } from './call-handler.ts'
import { answerCalls, Calls, MAX_ANSWERED, MAX_PER_MINUTE } from './calls.ts'

class CallsWorld extends HostTables {
  readonly reader = new FakeOutboxReader()
  readonly mailbox = new FakeMailbox(this.clock)
  readonly ran: { args: unknown; origin: CallOrigin }[] = []
  readonly rung: string[] = []
  readonly handlers = new Map<string, CallHandler>([
    [
      'note',
      callHandler(z.strictObject({ text: z.string().min(1) }), (args, origin) => {
        this.ran.push({ args, origin })
        return { noted: args.text }
      }),
    ],
  ])
  readonly #problems = new GroupProblems({ clock: this.clock, events: this.events, tell: () => undefined })
  readonly #ports = {
    ...{ calls: this.hostCalls, dispatches: this.dispatches, directory: this.directory },
    ...{ mailbox: this.mailbox, handlers: this.handlers, events: this.events, clock: this.clock },
    nudge: (group: string) => void this.rung.push(group),
  }
  readonly stage = new Calls(this.#ports, {
    ...{ clock: this.clock, log: silentLog, random: () => 0.5, pollMs: 1_000 },
    backoff: { baseMs: 1, maxMs: 1 },
  })

  constructor() {
    super()
    for (const group of [GARDEN, KITCHEN]) {
      this.reader.make(group)
      this.mailbox.open(group)
    }
    this.bind(this.room(), GARDEN)
  }

  async collect() {
    const { reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock } = this
    await using files = { store: new FakeFileStore(), [Symbol.asyncDispose]: () => files.store.close() }
    return collect(GARDEN, {
      ...{ reader, outboxes, dispatches, deliveries, directory, mailbox, events, clock },
      ...{
        problems: this.#problems,
        board: { show: () => undefined },
        agents: { nudge: () => undefined },
        files: files.store,
        maxFileBytes: 1,
      },
      ...{ approvals: NO_ASKS, calls: this.stage, channelOf: () => undefined, nudge: () => undefined },
    })
  }

  answer() {
    return answerCalls(GARDEN, this.#ports, new AbortController().signal)
  }

  /** A tool's call, from the outbox to the answers in the inbox. */
  async call(...entries: readonly object[]) {
    this.reader.append(GARDEN, ...entries)
    await this.collect()
    while ((await this.answer()) === 'again');
    return this.results()
  }

  results() {
    return this.mailbox.rows(GARDEN).flatMap(({ entry }) => (entry.type === 'result' ? [entry] : []))
  }

  rejected(): number {
    return this.overview.read().rejectedByGroup.get(GARDEN) ?? 0
  }
}

const call = (id: string, more: object = {}) => ({
  ...{ type: 'call', inboxSeq: 1, id, name: 'note', args: '{"text":"a word"}' },
  ...more,
})

let world: CallsWorld
beforeEach(() => {
  world = new CallsWorld()
})
afterEach(() => world[Symbol.dispose]())

describe('a call', () => {
  test('is carried out once and answered into the inbox, and the runner is rung', async () => {
    const row = world.place(GARDEN, 1)
    const results = await world.call(call('a:1'))
    expect(results).toEqual([
      { type: 'result', inboxSeq: 1, callId: 'a:1', ok: true, text: '{\n "noted": "a word"\n}' },
    ])
    expect(world.rung).toEqual([GARDEN])
    expect(world.ran).toMatchObject([
      {
        args: { text: 'a word' },
        origin: {
          ...{ group: GARDEN, session: 's', inboxSeq: 1, inboundId: row.id, chatId: row.chatId },
          ...{ speaker: ALICE, speakers: [ALICE], key: 'garden:1:a:1' },
        },
      },
    ])
    expect(await world.answer()).toBe('idle')
    expect(world.hostCalls.groupsWithWork()).toEqual([])
  })

  test('that is made again is not carried out again, and has the same answer, though the inbox was pruned', async () => {
    world.place(GARDEN, 1)
    await world.call(call('a:1'))
    await world.call(call('a:1'))
    expect([world.ran.length, world.results().length]).toEqual([1, 1])
    world.mailbox.put(GARDEN, 'later', { type: 'acked', outboxSeq: 1 }, world.clock.now())
    await world.mailbox.prune(GARDEN, 1, [])
    expect(world.results()).toEqual([])
    expect(await world.call(call('a:1'))).toMatchObject([{ callId: 'a:1', ok: true }])
    expect(world.ran).toHaveLength(1)
  })

  test('goes on where a host was killed: before it was carried out, before its answer was told', async () => {
    world.place(GARDEN, 1)
    world.reader.append(GARDEN, call('a:1'))
    await world.collect()
    expect(world.hostCalls.groupsWithWork()).toEqual([GARDEN])
    world.mailbox.failures.set(GARDEN, new Error('killed'))
    await expect(world.answer()).rejects.toThrow('killed')
    expect([world.ran.length, world.results().length]).toEqual([1, 0])
    await world.answer()
    expect([world.ran.length, world.results().length]).toEqual([1, 1])
  })

  test('has as speakers all whose messages are in the turn', async () => {
    world.place(GARDEN, 1)
    world.place(GARDEN, 2, 'me too', { sender: { id: OWNER, name: 'Olga', isBot: false } })
    world.place(GARDEN, 3, 'waits', { sender: { id: OWNER, name: 'Olga', isBot: false } })
    const accepted = (inboxSeq: number) => ({ type: 'accepted', inboxSeq, attempt: 1, at: 1 })
    await world.call(accepted(1), call('a:1'))
    await world.call(accepted(2), call('b:1'))
    expect(world.ran.map(({ origin }) => origin.speakers)).toEqual([[ALICE], [ALICE, OWNER]])
  })
})

describe('nothing is done for a call', () => {
  test('of a message that the group was never given, of another group, or that is settled', async () => {
    world.place(GARDEN, 1)
    world.place(KITCHEN, 2)
    const settled = { type: 'settled', inboxSeq: 1, outcome: 'done' }
    expect(
      await world.call(call('a', { inboxSeq: 7 }), call('b', { inboxSeq: 2 }), settled, call('c')),
    ).toEqual([])
    expect(await world.call(call('d'))).toEqual([])
    expect([world.rejected(), world.ran.length]).toEqual([4, 0])
  })

  test('of a chat that is not bound to the group any more', async () => {
    const { chatId } = world.place(GARDEN, 1)
    world.directory.unbind(chatId, GARDEN)
    expect(await world.call(call('a'))).toMatchObject([{ ok: false, text: /not bound to you/ }])
    expect(world.ran).toEqual([])
  })

  test.each([
    [{ args: '{' }, /are no JSON/],
    [{ args: '{"text":""}' }, /Too small/],
    [{ args: '{"text":"a","as":"owner"}' }, /Unrecognized key: "as"/],
    [{ args: '[]' }, /Wrong arguments/],
    [{ args: '['.repeat(20_000) }, /are no JSON/],
    [{ name: 'constructor' }, /knows no "constructor"\. It knows: note\./],
    [{ name: 'become_owner' }, /knows no "become_owner"/],
  ])('that is wrong: %j', async (more, text) => {
    world.place(GARDEN, 1)
    const [result] = await world.call(call('a', more))
    expect(result?.ok).toBe(false)
    expect(result?.text).toMatch(text)
    expect(world.ran).toEqual([])
  })

  test.each([
    [{ args: 'x'.repeat(20_001) }],
    [{ id: 'x'.repeat(101) }],
    [{ id: '../a' }],
    [{ name: 'No Name' }],
    [{ inboxSeq: -1 }],
  ])('that is no entry: %j', async (more) => {
    world.place(GARDEN, 1)
    expect(await world.call(call('a', more))).toEqual([])
    expect(world.rejected()).toBe(1)
  })

  test('beyond its rate, which it is told; beyond twice of it not even that', async () => {
    world.place(GARDEN, 1)
    const flood = Array.from({ length: MAX_ANSWERED + 20 }, (_, n) => call(`a:${n}`))
    const results = await world.call(...flood.slice(0, 150))
    await world.call(...flood.slice(150))
    while ((await world.collect()) === 'again') await world.answer()
    while ((await world.answer()) === 'again');
    expect(world.ran).toHaveLength(MAX_PER_MINUTE)
    expect(results.at(-1)?.text).toMatch(/more than 120 calls within a minute/)
    expect(world.results()).toHaveLength(MAX_ANSWERED)
    expect(world.rejected()).toBe(20)
    await world.clock.advance(60_001)
    await world.call(call('later'))
    expect(world.ran).toHaveLength(MAX_PER_MINUTE + 1)
  })
})

describe('a handler', () => {
  const withHandler = async (handler: CallHandler) => {
    world.handlers.set('note', handler)
    world.place(GARDEN, 1)
    return (await world.call(call('a:1')))[0]
  }

  test('that refuses tells the model why, and what to do', async () => {
    const handler = callHandler(z.unknown(), () => {
      throw new CreelError('not_found', 'There is no task 9.', { hint: 'Yours are: 3, 4.' })
    })
    expect(await withHandler(handler)).toMatchObject({
      ok: false,
      text: 'There is no task 9. Yours are: 3, 4.',
    })
  })

  test('that breaks costs its call alone, and says nothing of why', async () => {
    const broken = await withHandler(async () => Promise.reject(new Error('SECRET /path')))
    expect(broken?.text).toMatch(/failed inside Creel/)
    expect(broken?.text).not.toContain('SECRET')
  })

  test('that never ends is answered for', async () => {
    world.handlers.set('note', () => new Promise(() => undefined))
    world.place(GARDEN, 1)
    const answered = world.call(call('a:1'))
    await expect.poll(() => world.clock.sleeping).toContain(15_000)
    await world.clock.advance(15_000)
    expect((await answered)[0]?.text).toMatch(/takes too long/)
  })

  test('that says too much is cut off with a word about it', async () => {
    expect((await withHandler(callHandler(z.unknown(), () => 'x'.repeat(60_001))))?.text).toMatch(/too long/)
  })
})
