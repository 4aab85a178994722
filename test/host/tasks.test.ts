import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GroupName, userId } from '../../src/domain/ids.ts'
import { HostWorld } from '../rig/host-world.ts'

const MAIN = 'main' as GroupName
const OWNER = { id: userId('fake', 'olga'), name: 'Olga', isBot: false }

let world: HostWorld
beforeEach(async () => {
  world = new HostWorld({ groups: { main: { provider: 'demo' } } })
  world.bind('room', 'main')
  world.core.roles.grant(OWNER.id, 'owner', null, world.core.clock.now())
  await world.host.start()
})
afterEach(() => world[Symbol.asyncDispose]())

const shown = () => world.channel.shown(world.channel.address('room')).join('\n')
const tool = (name: string, args: object, sender?: typeof OWNER) =>
  world.say('room', `/demo tool ${name} ${JSON.stringify(args)}`, sender === undefined ? {} : { sender })
const schedule = { name: 'Plants', prompt: 'water the plants', in_minutes: 0.02 }

test('a tool asks the host and has its answer within its turn, and the task comes when it is due', async () => {
  tool('schedule_task', schedule)
  await world.until(() => expect(shown()).toContain('"made_by": "Alice"'))
  const [task] = world.core.tasks.list({ group: MAIN, open: false }, 10)
  expect(task).toMatchObject({ name: 'Plants', createdBy: 'fake:alice' })
  await world.until(() => expect(shown()).toMatch(/is due: once[\s\S]*water the plants/))
  await world.until(() =>
    expect(world.core.tasks.runs(task?.id ?? 0, 5)).toMatchObject([{ state: 'done', reason: null }]),
  )
  expect(shown().match(/is due/g)).toHaveLength(1)
})

test('its script decides that nobody is woken', async () => {
  tool('schedule_task', { ...schedule, script: 'echo \'{"wakeAgent": false}\'' })
  const runs = () => world.core.tasks.runs(1, 5)
  await world.until(() =>
    expect(runs()).toMatchObject([{ state: 'done', reason: expect.stringContaining('asleep') }]),
  )
  expect(shown()).not.toContain('is due')
})

test('a stranger cannot cancel what the owner wanted, and hears why; the owner can', async () => {
  tool('schedule_task', { name: 'Plants', prompt: 'water the plants', cron: '0 9 * * *' }, OWNER)
  await world.until(() => expect(shown()).toContain('"made_by": "Olga"'))
  tool('cancel_task', { id: 1 })
  await world.until(() => expect(shown()).toContain('is not changed: Olga wanted it'))
  world.say('room', '/tasks')
  await world.until(() => expect(shown()).toContain('- 1: `Plants`, cron "0 9 * * *"'))
  tool('cancel_task', { id: 1 }, OWNER)
  await world.until(() => expect(shown()).toContain('"state": "cancelled"'))
  world.say('room', '/tasks')
  await world.until(() => expect(shown()).toContain('There are no tasks'))
})

test('what is due while no host runs begins with the next one', async () => {
  tool('schedule_task', { ...schedule, in_minutes: 0.03 })
  await world.until(() => expect(shown()).toContain('"made_by": "Alice"'))
  await world.restart({ stopSandboxes: true })
  await world.until(() => expect(shown()).toMatch(/is due[\s\S]*water the plants/))
  expect(shown().match(/is due/g)).toHaveLength(1)
})
