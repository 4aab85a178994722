import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ALICE, GARDEN } from '../../test/rig/host-tables.ts'
import { MINUTE, MONDAY, TaskWorld } from '../../test/rig/task-world.ts'
import type { ChatId, GroupName, UnixMs } from '../domain/ids.ts'
import type { Misfire, Schedule } from '../domain/task.ts'
import { MAX_MADE_UP } from './plan-claim.ts'

const HOUR = 60 * MINUTE
const once = (after: number): Schedule => ({ kind: 'once', at: (MONDAY + after) as UnixMs })
const hourly: Schedule = { kind: 'cron', expression: '0 * * * *' }

let world: TaskWorld
beforeEach(() => {
  world = new TaskWorld()
})
afterEach(() => world[Symbol.dispose]())

const dues = () => world.begun().map(({ key }) => (Number(key.split(':').at(-1)) - MONDAY) / MINUTE)
const history = (id: number) => world.tasks.runs(id, 50).map(({ state, reason }) => [state, reason])

describe('a task that is due', () => {
  test('becomes one message to its agent, in the conversation of its chat and the name of who wanted it', () => {
    const task = world.make(once(5 * MINUTE))
    expect(world.tasks.groupsDue(world.clock.now())).toEqual([])
    world.clock.set(MONDAY + 5 * MINUTE)
    expect(world.tasks.groupsDue(world.clock.now())).toEqual([GARDEN])
    world.fire()
    expect(world.begun()).toMatchObject([
      {
        key: `host:task:${task.id}:${MONDAY + 5 * MINUTE}`,
        session: `chat:${world.room1}`,
        sender: ALICE,
        text: expect.stringMatching(
          /^Task 1 \(Plants\) is due: once, 2026-03-02 08:05 \(UTC\)[\s\S]*\n\nwater them$/,
        ),
      },
    ])
    expect(world.nudged).toEqual([GARDEN])
    expect(world.task(task.id)).toMatchObject({ state: 'done', due: null })
    expect(history(task.id)).toEqual([['waiting', null]])
    world.fire()
    expect(world.begun()).toHaveLength(1)
  })

  test('comes again as its schedule says, not as it was late', () => {
    world.make(hourly)
    world.make({ kind: 'every', ms: 45 * MINUTE, from: MONDAY })
    for (const at of [45, 60, 90, 120, 135]) {
      world.clock.set(MONDAY + at * MINUTE + 900)
      world.fire()
      world.endRuns()
    }
    expect(dues()).toEqual([45, 60, 90, 120, 135])
  })

  test('begins later by its jitter, never sooner, and is due at the same times all the same', () => {
    const task = world.make(hourly, { jitterS: 600 })
    const late: number[] = []
    for (let hour = 1; hour <= 5; hour++) {
      const { due } = world.task(task.id)
      late.push((due?.fireAt ?? 0) - (due?.dueAt ?? 0))
      expect(due?.dueAt).toBe(MONDAY + hour * HOUR)
      world.clock.set((due?.fireAt ?? 0) - 1)
      world.fire()
      expect(world.begun()).toHaveLength(hour - 1)
      world.clock.set(due?.fireAt ?? 0)
      world.fire()
      world.endRuns()
    }
    expect(late.every((ms) => ms >= 0 && ms <= 600_000)).toBe(true)
    expect(new Set(late).size).toBeGreaterThan(1)
    expect(dues()).toEqual([60, 120, 180, 240, 300])
  })

  test('is not begun beside its own run, which the history says', () => {
    const task = world.make(hourly)
    world.runUntil(MONDAY + HOUR)
    world.clock.set(MONDAY + 2 * HOUR)
    world.fire()
    expect(dues()).toEqual([60])
    expect(history(task.id)[0]).toEqual(['skipped', 'the run before it has not ended'])
    world.endRuns()
    world.clock.set(MONDAY + 3 * HOUR)
    world.fire()
    expect(dues()).toEqual([60, 180])
  })

  test('runs in the conversation that was begun anew', () => {
    const row = world.receive('/new')
    world.choices.beginAnew(GARDEN, `chat:${world.room1}`, row.id)
    world.make(once(MINUTE))
    world.runUntil(MONDAY + MINUTE)
    expect(world.begun()[0]?.session).toBe(`chat:${world.room1}~1`)
  })
})

describe('a host that was down over the time of a task', () => {
  const downFor = (hours: number, misfire: Misfire, schedule: Schedule = hourly) => {
    const task = world.make(schedule, { misfire })
    world.clock.set(MONDAY + hours * HOUR + 30 * MINUTE)
    world.fire()
    return task
  }

  test('runs it once for all times with run_once', () => {
    const task = downFor(3, 'run_once')
    expect(dues()).toEqual([60])
    expect(world.task(task.id).due?.dueAt).toBe(MONDAY + 4 * HOUR)
  })

  test('leaves it with skip, and says so', () => {
    const task = downFor(3, 'skip')
    expect(dues()).toEqual([])
    expect(history(task.id)).toEqual([['skipped', 'missed: Creel was not running at that time']])
    expect(world.task(task.id)).toMatchObject({ state: 'active', due: { dueAt: MONDAY + 4 * HOUR } })
  })

  test('makes up for each time with all, within a bound', () => {
    const few = downFor(3, 'all')
    expect(dues()).toEqual([60, 120, 180])
    world.tasks.setState(few.id, 'cancelled', null)
    const many = downFor(100, 'all')
    expect(dues()).toHaveLength(3 + MAX_MADE_UP)
    expect(history(many.id)[0]?.[1]).toMatch(/only 24 missed times/)
  })

  test.each([
    ['run_once', 1, 'done', null],
    ['all', 1, 'done', null],
    ['skip', 0, 'done', 'missed: Creel was not running at that time'],
  ] as const)('over the only time of a task, with %s', (misfire, runs, state, reason) => {
    const task = downFor(3, misfire, once(HOUR))
    expect(dues()).toHaveLength(runs)
    expect(world.task(task.id)).toMatchObject({ state, reason })
  })

  test('for less than a minute missed nothing', () => {
    world.make(hourly, { misfire: 'skip' })
    world.clock.set(MONDAY + HOUR + 59_000)
    world.fire()
    expect(dues()).toEqual([60])
  })
})

describe('a claim', () => {
  test('is one transaction: killed within it, nothing has happened, and afterwards all has', () => {
    const task = world.make(hourly)
    world.clock.set(MONDAY + HOUR)
    for (const table of ['inbound', 'dispatch', 'task_run']) {
      world.db.exec(`CREATE TRIGGER full BEFORE INSERT ON ${table} BEGIN SELECT raise(ABORT, 'full'); END`)
      expect(() => world.fire()).toThrow('full')
      world.db.exec('DROP TRIGGER full')
    }
    world.db.exec("CREATE TRIGGER full BEFORE UPDATE ON task BEGIN SELECT raise(ABORT, 'full'); END")
    expect(() => world.fire()).toThrow('full')
    world.db.exec('DROP TRIGGER full')
    expect([world.begun().length, world.tasks.runs(task.id, 5).length]).toEqual([0, 0])
    world.fire()
    expect(dues()).toEqual([60])
  })

  test('of a task that was changed since it was read does nothing', () => {
    const task = world.make(hourly)
    world.clock.set(MONDAY + HOUR)
    const claim = { task, begun: [], skipped: [], next: null, state: 'done', reason: null } as const
    world.tasks.setState(task.id, 'paused', null)
    world.tasks.claim([claim], world.clock.now())
    expect(world.task(task.id).state).toBe('paused')
  })

  test('1,000 tasks of ten agents, due at once, begin once each', () => {
    const groups = Array.from({ length: 10 }, (_, n) => `g${n}` as GroupName)
    for (const group of groups) world.bind(world.room1, group)
    world.db.transaction(() => {
      for (const group of groups) for (let n = 0; n < 100; n++) world.make(once(MINUTE), { group })
    })()
    world.clock.set(MONDAY + MINUTE)
    const began = performance.now()
    for (const group of world.tasks.groupsDue(world.clock.now())) world.fire(group)
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(new Set(world.begun().map(({ key }) => key)).size).toBe(1_000)
    expect(world.begun()).toHaveLength(1_000)
    expect(world.tasks.groupsDue(world.clock.now())).toEqual([])
  })
})

describe('a task that cannot run fails, and the owner is told', () => {
  test.each([
    ['when its chat is not bound any more', () => world.directory.unbind(world.room1, GARDEN), /not bound/],
    ['when its chat was denied', () => world.directory.setDenied(world.room1, true), /was denied/],
    [
      'when who wanted it was denied',
      () => world.roles.grant(ALICE, 'denied', GARDEN, world.clock.now()),
      /Alice, who wanted it, was denied/,
    ],
  ])('%s', (_, happens, reason) => {
    const task = world.make(hourly)
    happens()
    world.clock.set(MONDAY + HOUR)
    world.fire()
    expect(world.begun()).toEqual([])
    expect(world.task(task.id)).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) })
    expect(world.told).toEqual([expect.stringMatching(/does not run any more/)])
    world.fire()
    expect(world.told).toHaveLength(1)
  })

  test('and others go on', () => {
    const other = world.room('other')
    world.bind(other, GARDEN)
    world.make(hourly)
    world.make(hourly, { chatId: other as ChatId })
    world.directory.unbind(world.room1, GARDEN)
    world.clock.set(MONDAY + HOUR)
    world.fire()
    expect(world.begun()).toHaveLength(1)
  })
})

describe('a task that tidies the memory', () => {
  test('is skipped while nobody has said anything since it last ran, and is not late for it', () => {
    const task = world.make({ kind: 'every', ms: 10 * MINUTE, from: MONDAY }, { afterTalk: true })
    const states = () => world.tasks.runs(task.id, 10).map(({ state, reason }) => reason ?? state)
    const quiet = 'nobody has said anything to the agent since it last ran'
    world.clock.set(MONDAY)
    // What was said before it was made counts for its first run: Alice has said hello, but to nobody.
    world.runUntil(MONDAY + 10 * MINUTE)
    expect(states()).toEqual([quiet])
    world.give(GARDEN, 'hello garden')
    world.runUntil(MONDAY + 20 * MINUTE)
    world.endRuns()
    world.runUntil(MONDAY + 40 * MINUTE)
    expect(states()).toEqual([quiet, quiet, 'done', quiet])
    world.give(GARDEN, 'something new')
    world.runUntil(MONDAY + 50 * MINUTE)
    expect(states()[0]).toBe('waiting')
    expect(world.begun()).toHaveLength(2)
    expect(world.task(task.id)).toMatchObject({ state: 'active', afterTalk: true })
  })
})
