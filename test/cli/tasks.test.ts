import { afterEach, beforeEach, expect, it } from 'vitest'
import type { GroupName, UnixMs, UserId } from '../../src/domain/ids.ts'
import type { Schedule } from '../../src/domain/task.ts'
import { nextRun } from '../../src/schedule/task-schedule.ts'
import { CliRig } from './cli-rig.ts'

const HOME = 'home' as GroupName

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

/** The agent home has a task in a chat that is bound to it. */
function make(name: string, schedule: Schedule, at = Date.now()): void {
  using core = cli.core()
  const address = { channel: 'telegram', account: 'main', chat: '7' }
  const now = core.clock.now()
  const sender = { id: 'telegram:5' as UserId, name: 'Ann\u202e', isBot: false }
  core.inbound.record(
    {
      ...{ address, chatKind: 'private', chatTitle: 'Ann', platformMessageId: name, sender, text: 'hi' },
      ...{ sentAt: now, mentionsUs: false },
    },
    now,
  )
  const chat = core.directory.chatFor(address, 'private', 'Ann', now)
  core.directory.bind(
    chat.id,
    HOME,
    { engage: 'always', session: 'shared', senders: 'open', queue: 'follow_up' },
    now,
  )
  const plan = { schedule, zone: 'Europe/Berlin', jitterS: 0 }
  core.tasks.add({
    ...{ ...plan, key: name, group: HOME, name, prompt: `do ${name}`, misfire: 'run_once', script: null },
    ...{ scriptS: 30, chatId: chat.id, thread: undefined, createdBy: sender.id, createdByName: sender.name },
    ...{ createdAt: now, due: nextRun(plan, at as UnixMs) },
  })
}

it('lists, shows, runs, pauses, resumes, cancels tasks and tells their history, for people and for scripts', async () => {
  expect((await cli.run('tasks')).out).toContain('there are no tasks')
  make('plants', { kind: 'cron', expression: '0 9 * * 1-5' })
  expect((await cli.run('tasks', 'list')).out).toMatch(
    /1 +home +plants +cron "0 9 \* \* 1-5" \(Europe\/Berlin\) +\d{4}-\d\d-\d\d 09:00 \(Europe\/Berlin\) +ann-\d+ +Ann/,
  )
  expect((await cli.run('tasks', 'show', '1')).out).not.toContain('\u202e')
  expect((await cli.run('tasks', 'pause', '1')).out).toBe('task 1 (plants): paused\n')
  expect(await cli.json('tasks', 'resume', '1')).toMatchObject({ state: 'active', group: 'home' })
  expect((await cli.run('tasks', 'history', '1')).out).toBe('it has not run yet\n')
  expect((await cli.run('tasks', 'run', '1')).out).toContain('begun')
  expect(await cli.json('tasks', 'history', '1')).toMatchObject([{ state: 'waiting', ended: null }])
  expect(await cli.json('tasks', 'show', '1')).toMatchObject({
    prompt: 'do plants',
    runs: [{ state: 'waiting' }],
  })
  expect(await cli.json('tasks', 'cancel', '1')).toMatchObject({ state: 'cancelled' })
  expect(await cli.json('tasks', 'list')).toEqual([])
  expect(await cli.json<unknown[]>('tasks', 'list', '--all')).toHaveLength(1)
})

it.each([
  [['tasks', 'show', '9'], 'there is no task 9'],
  [['tasks', 'run', 'seven'], 'expected a number'],
  [['tasks', 'list', '--group', 'nobody'], 'there is no agent nobody'],
])('%j says what is wrong', async (args, text) => {
  const { err, code } = await cli.run(...args)
  expect(err).toContain(text)
  expect(code).not.toBe(0)
})

it('doctor names what is overdue and what has failed', async () => {
  make('late', { kind: 'once', at: (Date.now() - 3_600_000) as UnixMs }, Date.now() - 7_200_000)
  const { out } = await cli.run('doctor')
  expect(out).toMatch(/tasks of home: task 1 \(late\) should have begun: /)
  expect((await cli.run('status')).out).toContain('tasks: 1 should have begun (creel tasks list)')
})

it('has an agent tidy its memory each night, as a task that can be changed and switched off', async () => {
  await cli.run('group', 'add', 'home')
  const { err, code } = await cli.run('memory', 'distill', 'home', '03:30')
  expect([code, err]).toEqual([1, expect.stringContaining('there is no owner yet')])
  make('plants', { kind: 'cron', expression: '0 9 * * *' })
  {
    using core = cli.core()
    core.roles.grant('telegram:5' as UserId, 'owner', null, core.clock.now())
    core.people.setZone('telegram:5' as UserId, 'Asia/Tokyo')
  }
  expect((await cli.run('memory', 'distill', 'home')).out).toBe('off\n')
  expect((await cli.run('memory', 'distill', 'home', 'on')).out).toMatch(
    /^task 2: cron "30 3 \* \* \*" \(Asia\/Tokyo\); next: \S+ 03:30 \(Asia\/Tokyo\); in chat \S+\n$/,
  )
  expect((await cli.json<{ prompt: string }>('tasks', 'show', '2')).prompt).toMatch(
    /conversations[\s\S]*index\.md[\s\S]*answer NO_REPLY alone/,
  )
  const changed = await cli.json('memory', 'distill', 'home', '4:05', '--tell')
  expect(changed).toMatchObject({ id: 2, when: expect.stringContaining('5 4 * * *') })
  expect((await cli.json<{ prompt: string }>('tasks', 'show', '2')).prompt).toContain('what you noted')
  expect(await cli.json('memory', 'distill', 'home')).toMatchObject({ id: 2 })
  expect((await cli.run('memory', 'distill', 'home', 'off')).out).toBe('off\n')
  expect(await cli.json('memory', 'distill', 'home', 'off')).toBeNull()
  expect(await cli.json('tasks', 'show', '2')).toMatchObject({ state: 'cancelled' })
  expect(await cli.json('memory', 'distill', 'home', '03:30')).toMatchObject({ id: 3 })
  expect((await cli.run('memory', 'distill', 'home', '25:00')).err).toContain('expected a time such as 03:30')
  expect((await cli.run('memory', 'distill', 'home', '03:30', '--chat', '99')).err).toContain(
    'there is no chat 99',
  )
})
