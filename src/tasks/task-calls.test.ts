import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ALICE, GARDEN, KITCHEN, OWNER } from '../../test/rig/host-tables.ts'
import { MINUTE, MONDAY, TaskWorld } from '../../test/rig/task-world.ts'
import type { CallOrigin } from '../domain/host-call.ts'
import type { ChatId, UserId } from '../domain/ids.ts'
import { MAX_TASKS } from '../domain/task.ts'

const BOB = 'fake:bob' as UserId
const CAROL = 'fake:carol' as UserId

let world: TaskWorld
beforeEach(() => {
  world = new TaskWorld()
  for (const [id, name] of [[OWNER, 'Olga'] as const, [BOB, 'Bob'] as const, [CAROL, 'Carol'] as const])
    world.receive('hello', { sender: { id, name, isBot: false } })
  world.roles.grant(OWNER, 'owner', null, world.clock.now())
  world.roles.grant(CAROL, 'member', GARDEN, world.clock.now())
})
afterEach(() => world[Symbol.dispose]())

const plants = { name: 'Plants', prompt: 'water them', cron: '0 9 * * 1-5' }
const by = (speaker: UserId, more: Partial<CallOrigin> = {}) => ({ speaker, speakers: [speaker], ...more })
const done = async (name: string, args: object, origin: Partial<CallOrigin> = {}) => {
  const { ok, text } = await world.call(name, args, origin)
  expect(text.slice(0, ok ? 0 : 500)).toBe('')
  return text.startsWith('{') || text.startsWith('[')
    ? (JSON.parse(text) as Record<string, unknown>)
    : { text }
}
const refusedWith = async (name: string, args: object, origin: Partial<CallOrigin> = {}) => {
  const { ok, text } = await world.call(name, args, origin)
  expect(ok, text).toBe(false)
  return text
}

describe('schedule_task', () => {
  test.each([
    [{ cron: '0 9 * * 1-5' }, '2026-03-02 09:00 (UTC)', '2026-03-02T09:00:00.000Z'],
    [{ cron: '30 0 9 * * 1-5' }, '2026-03-02 09:00:30 (UTC)', '2026-03-02T09:00:30.000Z'],
    [
      { cron: '0 9 * * 1-5', timezone: 'America/New_York' },
      '2026-03-02 09:00 (America/New_York)',
      '2026-03-02T14:00:00.000Z',
    ],
    [{ in_minutes: 20 }, '2026-03-02 08:20 (UTC)', '2026-03-02T08:20:00.000Z'],
    [{ every_minutes: 90 }, '2026-03-02 09:30 (UTC)', '2026-03-02T09:30:00.000Z'],
    [
      { at: '2026-07-01T10:00', timezone: 'Europe/Berlin' },
      '2026-07-01 10:00 (Europe/Berlin)',
      '2026-07-01T08:00:00.000Z',
    ],
    [{ at: '2026-07-01T10:00:00+02:00' }, '2026-07-01 08:00 (UTC)', '2026-07-01T08:00:00.000Z'],
    [
      { at: '2026-07-01T10:00Z', timezone: 'Asia/Tokyo' },
      '2026-07-01 19:00 (Asia/Tokyo)',
      '2026-07-01T10:00:00.000Z',
    ],
  ])('%j is next at %s', async (when, next, next_utc) => {
    expect(await done('schedule_task', { name: 'Plants', prompt: 'water them', ...when })).toMatchObject({
      ...{ id: 1, state: 'active', next, next_utc, made_by: 'Somebody', made_by_id: ALICE },
    })
    expect(world.task(1)).toMatchObject({ chatId: world.room1, createdBy: ALICE, misfire: 'run_once' })
  })

  test('that names no zone is on the clock of whoever speaks, and stays there when they change it', async () => {
    const when = { name: 'Plants', prompt: 'water them', cron: '0 9 * * *' }
    world.people.setZone(ALICE, 'Asia/Tokyo')
    world.people.setZone(OWNER, 'America/New_York')
    expect(await done('schedule_task', when)).toMatchObject({
      ...{
        timezone: 'Asia/Tokyo',
        next: '2026-03-03 09:00 (Asia/Tokyo)',
        next_utc: '2026-03-03T00:00:00.000Z',
      },
    })
    expect(await done('schedule_task', when, { speaker: OWNER })).toMatchObject({
      next_utc: '2026-03-02T14:00:00.000Z',
    })
    expect(await done('schedule_task', { ...when, timezone: 'Europe/Berlin' })).toMatchObject({
      timezone: 'Europe/Berlin',
    })
    world.people.setZone(ALICE, null)
    expect(await done('update_task', { id: 1, cron: '30 9 * * *' })).toMatchObject({ timezone: 'Asia/Tokyo' })
    expect(await done('schedule_task', when)).toMatchObject({ timezone: 'UTC' })
  })

  test('by the same call again is the same task', async () => {
    await done('schedule_task', plants, { key: 'one' })
    expect(await done('schedule_task', plants, { key: 'one' })).toMatchObject({ id: 1 })
    expect(await done('schedule_task', plants, { key: 'two' })).not.toMatchObject({ id: 1 })
    expect(world.tasks.countOpen(GARDEN)).toBe(2)
  })

  test.each([
    [{ cron: undefined }, /exactly one of at, in_minutes, cron and every_minutes/],
    [{ in_minutes: 5 }, /exactly one of/],
    [{ cron: '0 9 * *' }, /five fields/],
    [{ cron: '0 9 31 2 *' }, /got "0 9 31 2 \*".*weekdays at nine/],
    [{ cron: '*/10 * * * * *' }, /once every 60 seconds at most/],
    [{ cron: '0,30 0 9 * * *' }, /once every 60 seconds at most/],
    [{ cron: undefined, every_minutes: 0.5 }, /every_minutes/],
    [{ timezone: 'Mars/Olympus' }, /expected a time zone, got "Mars\/Olympus".*IANA/],
    [{ cron: undefined, at: '2026-03-02T07:59' }, /is over\. It is 2026-03-02 08:00 there now/],
    [{ cron: undefined, at: 'tomorrow' }, /"tomorrow" is no time\. Write it as/],
    [{ cron: undefined, at: '2126-03-02T07:59' }, /20 years/],
    [{ deliver_to: 'nowhere-99' }, /no destination "nowhere-99"\. list_destinations/],
    [{ deliver_to: 'owner' }, /no destination/],
    [{ script: 'x'.repeat(8_001) }, /script/],
    [{ prompt: ' ' }, /prompt/],
    [{ group: 'kitchen' }, /Unrecognized key/],
    [{ jitter_seconds: 3_601 }, /jitter_seconds/],
  ])('refuses %j and says what to do', async (change, text) => {
    expect(await refusedWith('schedule_task', { ...plants, ...change })).toMatch(text)
    expect(world.tasks.countOpen(GARDEN)).toBe(0)
  })

  test('goes into another chat of the agent, and into no other', async () => {
    const mine = world.room('mine')
    const theirs = world.room('theirs')
    world.bind(mine, GARDEN)
    world.bind(theirs, KITCHEN)
    expect(await done('schedule_task', { ...plants, deliver_to: `room-${mine}` })).toMatchObject({
      chat: `room-${mine}`,
    })
    expect(await refusedWith('schedule_task', { ...plants, deliver_to: `room-${theirs}` })).toMatch(
      /no destination/,
    )
    world.directory.setDenied(mine, true)
    expect(await refusedWith('schedule_task', { ...plants, deliver_to: `room-${mine}` })).toMatch(
      /no destination/,
    )
  })

  test('makes so many and no more', async () => {
    for (let n = 0; n < MAX_TASKS; n++) world.make({ kind: 'every', ms: MINUTE, from: MONDAY })
    expect(await refusedWith('schedule_task', plants)).toMatch(/100 tasks already.*cancel_task/)
    await done('cancel_task', { id: 1 })
    await done('schedule_task', plants)
  })
})

describe('update_task', () => {
  test('changes what is given and leaves the rest, its next time too', async () => {
    await done('schedule_task', { ...plants, script: 'true', jitter_seconds: 60 })
    const { due } = world.task(1)
    expect(await done('update_task', { id: 1, name: 'Flowers' })).toMatchObject({ name: 'Flowers' })
    expect(world.task(1)).toMatchObject({ prompt: 'water them', script: 'true', jitterS: 60, due })
    await done('update_task', { id: 1, script: '', jitter_seconds: 0, every_minutes: 30 })
    expect(world.task(1)).toMatchObject({ script: null, due: { dueAt: MONDAY + 30 * MINUTE } })
    await done('update_task', { id: 1, cron: '0 9 * * *', timezone: 'Europe/Berlin' })
    expect(world.task(1).due?.dueAt).toBe(MONDAY + 24 * 60 * MINUTE)
    expect(await refusedWith('update_task', { id: 1, timezone: 'nowhere' })).toMatch(/time zone/)
  })
})

describe('pause, resume, cancel', () => {
  test('stop a task, let it go on from its next time, end it; twice is once', async () => {
    await done('schedule_task', plants)
    for (let n = 0; n < 2; n++)
      expect(await done('pause_task', { id: 1 })).toMatchObject({ state: 'paused', next: 'paused' })
    world.runUntil(MONDAY + 2 * 60 * MINUTE)
    expect(world.begun()).toEqual([])
    for (let n = 0; n < 2; n++)
      expect(await done('resume_task', { id: 1 })).toMatchObject({ next: '2026-03-03 09:00 (UTC)' })
    for (let n = 0; n < 2; n++)
      expect(await done('cancel_task', { id: 1 })).toMatchObject({ state: 'cancelled' })
    expect(await refusedWith('resume_task', { id: 1 })).toMatch(/is over/)
    expect(await refusedWith('update_task', { id: 1, name: 'x' })).toMatch(/is over/)
    expect(await done('list_tasks', {})).toEqual({ text: 'There are no tasks.' })
    expect(await done('list_tasks', { ended: true })).toMatchObject([{ id: 1, state: 'cancelled' }])
  })

  test('a time that is over cannot come again', async () => {
    await done('schedule_task', { name: 'x', prompt: 'x', in_minutes: 1 })
    await done('pause_task', { id: 1 })
    world.clock.set(MONDAY + 2 * MINUTE)
    expect(await refusedWith('resume_task', { id: 1 })).toMatch(/is over\. Give it another one/)
  })
})

describe('list_tasks', () => {
  test('shows one whole, with its runs', async () => {
    await done('schedule_task', { ...plants, script: './look' })
    world.runUntil(MONDAY + 60 * MINUTE)
    expect(await done('list_tasks', { id: 1 })).toMatchObject({
      ...{ prompt: 'water them', script: './look', script_timeout_seconds: 30 },
      runs: [{ due: '2026-03-02 09:00', state: 'waiting' }],
    })
    expect(await done('list_tasks', {})).toMatchObject([{ id: 1, last_run: 'waiting' }])
  })
})

describe('a turn in which several people spoke', () => {
  const ADAM = 'fake:adam' as UserId
  beforeEach(() => world.roles.grant(ADAM, 'admin', GARDEN, world.clock.now()))
  const made = async (...speakers: [UserId, ...UserId[]]) => {
    const [speaker] = speakers
    await done('schedule_task', plants, { speaker, speakers, speakerName: 'Who speaks' })
    const { createdBy, createdByName } = world.task(1)
    return [createdBy, createdByName]
  }

  test.each([
    ['the owner and a stranger', [OWNER, BOB], [BOB, 'Bob']],
    ['the owner and a member', [OWNER, CAROL], [CAROL, 'Carol']],
    ['a stranger and the owner', [BOB, OWNER], [BOB, 'Who speaks']],
    ['an admin, an owner, a stranger and a member', [ADAM, OWNER, BOB, CAROL], [BOB, 'Bob']],
    ['the owner and an admin who has never written', [OWNER, ADAM], [ADAM, ADAM]],
    ['two strangers', [ALICE, BOB], [ALICE, 'Who speaks']],
  ] as const)('%s: the task has the rights of who may do least', async (_, [one, ...others], whose) => {
    expect(await made(one, ...others)).toEqual(whose)
  })

  test('rights with another agent count, too', async () => {
    world.roles.grant(ALICE, 'member', KITCHEN, world.clock.now())
    expect(await made(ALICE, BOB)).toEqual([BOB, 'Bob'])
    world.roles.grant(BOB, 'member', GARDEN, world.clock.now())
    const both = { ...by(ALICE), speakers: [ALICE, BOB] }
    expect(await refusedWith('schedule_task', plants, both)).toMatch(/cannot be decided.*turn of their own/)
    // A role everywhere is one at agents that nobody has a role of its own at.
    world.roles.grant(BOB, 'member', null, world.clock.now())
    world.roles.grant(ALICE, 'member', GARDEN, world.clock.now())
    expect(await done('schedule_task', plants, { ...by(BOB), speakers: [BOB, ALICE] })).toMatchObject({
      made_by_id: ALICE,
    })
  })

  test('one of whom was denied makes none', async () => {
    world.roles.grant(BOB, 'denied', GARDEN, world.clock.now())
    const both = { ...by(OWNER), speakers: [OWNER, BOB] }
    expect(await refusedWith('schedule_task', plants, both)).toMatch(/Not made.*denied/)
    expect(world.tasks.countOpen(GARDEN)).toBe(0)
  })

  test('puts no words into a task that runs with more rights than each of them has', async () => {
    await done('schedule_task', plants, by(OWNER))
    for (const origin of [by(ADAM), { ...by(OWNER), speakers: [OWNER, ADAM] }]) {
      for (const words of [{ prompt: 'x' }, { script: 'x' }, { name: 'x' }])
        expect(await refusedWith('update_task', { id: 1, ...words }, origin)).toMatch(
          /rights of Somebody.*cancel_task/,
        )
      await done('update_task', { id: 1, every_minutes: 30 }, origin)
    }
    expect(world.task(1)).toMatchObject({ ...{ name: 'Plants', prompt: 'water them', script: null } })
    await done('update_task', { id: 1, prompt: 'x' }, by(OWNER))
  })
})

describe('whose tasks are whose', () => {
  /** Tasks 1 to 3: of the owner, of Alice who has no role, and of the owner in another chat. */
  beforeEach(async () => {
    await done('schedule_task', { ...plants, name: 'of the owner' }, by(OWNER))
    await done('schedule_task', { ...plants, name: 'of Alice' }, by(ALICE))
    const home = world.room('home')
    world.bind(home, GARDEN)
    await done('schedule_task', { ...plants, name: 'at home' }, by(OWNER, { chatId: home as ChatId }))
  })

  test.each([
    ['owner', by(OWNER), [true, true, true]],
    ['who made it', by(ALICE), [false, true, false]],
    ['a member, in its chat', by(CAROL), [false, true, false]],
    ['a stranger', by(BOB), [false, false, false]],
    [
      'a stranger whose words are in the turn of the owner',
      { ...by(OWNER), speakers: [OWNER, BOB] },
      [false, false, false],
    ],
    ['Alice with the owner', { ...by(OWNER), speakers: [OWNER, ALICE] }, [false, true, false]],
    ['the owner, in a turn of another agent', by(OWNER, { group: KITCHEN }), [false, false, false]],
  ] as const)('%s may change these: %j', async (_, origin, may) => {
    for (const tool of ['pause_task', 'update_task', 'resume_task', 'cancel_task']) {
      const args = (id: number) => (tool === 'update_task' ? { id, name: 'mine' } : { id })
      const oks: boolean[] = []
      for (const id of [1, 2, 3]) oks.push((await world.call(tool, args(id), origin)).ok)
      expect(oks, tool).toEqual(may)
    }
  })

  test('a refusal says whose it is; what is in another chat is not even known', async () => {
    expect(await refusedWith('cancel_task', { id: 1 }, by(BOB))).toMatch(
      /Somebody wanted it.*do not try again/,
    )
    expect(await refusedWith('cancel_task', { id: 3 }, by(BOB))).toMatch(/There is no task 3 here/)
    expect(await refusedWith('list_tasks', { id: 3 }, by(BOB))).toMatch(/There is no task 3 here/)
    expect(await done('list_tasks', {}, by(BOB))).toMatchObject([{ id: 1 }, { id: 2 }])
    expect(await done('list_tasks', {}, by(OWNER))).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3 }])
  })

  test('who is denied may change nothing, not even their own', async () => {
    world.roles.grant(ALICE, 'denied', GARDEN, world.clock.now())
    expect(await refusedWith('cancel_task', { id: 2 }, by(ALICE))).toMatch(/not changed/)
  })
})
