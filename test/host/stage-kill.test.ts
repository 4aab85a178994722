import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { InboxReader } from '@creel/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GARDEN } from '../rig/host-tables.ts'
import { MINUTE, MONDAY, TaskWorld } from '../rig/task-world.ts'

const PROGRAM = join(import.meta.dirname, '../rig/killed-stage.ts')
const CALL = {
  ...{ group: GARDEN, inboxSeq: 1, callId: 'a:1', name: 'schedule_task' },
  args: '{"name":"called for","prompt":"x","cron":"0 9 * * *"}',
}

let world: TaskWorld
beforeEach(() => {
  world = new TaskWorld()
})
afterEach(() => world[Symbol.dispose]())

/** A host looks at what is due and asked for, and is killed at this point. */
function look(point: string): string | null {
  const args = [PROGRAM, world.path, join(world.folder, 'inbox.db'), String(MONDAY + MINUTE), point]
  const child = spawnSync(process.execPath, [...args, join(world.folder, 'note')], { encoding: 'utf8' })
  expect(child.stderr).toBe('')
  return child.signal
}

const steps = ['tasks.claim', 'tasks.add', 'calls.answer', 'mailbox.put', 'calls.told']
test.each(steps.flatMap((step) => [`before ${step}`, `after ${step}`]))(
  'killed %s: what is due begins once, what is asked for is made and answered once',
  (point) => {
    const task = world.make({ kind: 'cron', expression: '* * * * *' })
    world.place(GARDEN, 1)
    world.outboxes.record(
      GARDEN,
      { cursor: 1, accepted: [], deliveries: [], settled: [], rejected: 0, calls: [{ ...CALL, at: MONDAY }] },
      MONDAY,
    )
    expect(look(point)).toBe('SIGKILL')
    expect(look('')).toBe(null)
    expect(world.begun().map(({ key }) => key)).toEqual([`host:task:${task.id}:${MONDAY + MINUTE}`])
    expect(world.tasks.runs(task.id, 9)).toHaveLength(1)
    expect(world.task(task.id).due?.dueAt).toBe(MONDAY + 2 * MINUTE)
    expect(world.tasks.list({ group: GARDEN, open: true }, 9).map(({ name }) => name)).toEqual([
      'Plants',
      'called for',
    ])
    using inbox = new InboxReader(join(world.folder, 'inbox.db'))
    expect(inbox.after(0, 9).map(({ entry }) => entry)).toMatchObject([
      { type: 'result', callId: 'a:1', ok: true },
    ])
    expect(world.hostCalls.groupsWithWork()).toEqual([])
  },
)
