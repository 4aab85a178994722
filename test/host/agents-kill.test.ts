import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { InboxReader } from '@creel/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AgentsWorld, LEAD, SCOUT } from '../rig/agents-world.ts'

const PROGRAM = join(import.meta.dirname, '../rig/killed-agents.ts')

let world: AgentsWorld
beforeEach(() => {
  world = new AgentsWorld()
  mkdirSync(join(world.folder, 'inboxes'))
})
afterEach(() => world[Symbol.asyncDispose]())

/** A host works off what there is, and is killed at this point. */
function work(point: string): string | null {
  const args = [PROGRAM, world.path, join(world.folder, 'inboxes'), String(world.clock.now()), point]
  const child = spawnSync(process.execPath, [...args, join(world.folder, 'note')], { encoding: 'utf8' })
  expect(child.stderr).toBe('')
  return child.signal
}

/** The lead has called a tool in its turn. */
function calls(inboxSeq: number, name: string, args: object): void {
  const call = { group: LEAD, inboxSeq, callId: `a:${name}`, name, args: JSON.stringify(args) }
  const nothing = { accepted: [], deliveries: [], settled: [], rejected: 0 }
  const cursor = world.outboxes.cursor(LEAD) + 1
  const at = world.clock.now()
  world.outboxes.record(LEAD, { ...nothing, cursor, calls: [{ ...call, at }] }, at)
}

function inboxOf(group: string): object[] {
  using inbox = new InboxReader(join(world.folder, 'inboxes', `${group}.db`))
  return inbox.after(0, 9).map(({ entry }) => entry)
}

test.each(['before agents.add', 'after agents.add'])(
  'killed %s: what an agent asks another one is asked once',
  (point) => {
    const turn = world.said('go')
    calls(turn.seq, 'send_to_agent', { to: 'scout', message: 'find it', new_conversation: false })
    expect(work(point)).toBe('SIGKILL')
    expect(work('')).toBe(null)
    expect(world.requests.ofSession(LEAD, turn.session, 9)).toMatchObject([
      { message: 'find it', state: 'open' },
    ])
    expect(world.waitingFor(SCOUT)).toEqual(['find it'])
    expect(inboxOf('lead')).toMatchObject([{ type: 'result', ok: true }])
    expect(world.hostCalls.groupsWithWork()).toEqual([])
  },
)

test.each(['before agents.tell', 'after agents.tell'])(
  'killed %s: what was answered is told once',
  (point) => {
    const turn = world.said('go')
    world.ask(LEAD, turn, 'scout')
    world.ends(SCOUT, world.take(SCOUT), 'found')
    world.ends(LEAD, turn, '')
    expect(work(point)).toBe('SIGKILL')
    expect(work('')).toBe(null)
    expect(world.waitingFor(LEAD)).toEqual(['found'])
    expect(world.requests.ofSession(LEAD, turn.session, 9)).toMatchObject([{ state: 'told', rounds: 1 }])
  },
)

test.each(['after agents.cancel', 'after mailbox.put', 'after agents.stopped'])(
  'killed %s: what is cancelled is stopped, in inboxes, too',
  (point) => {
    const turn = world.said('go')
    const { id } = world.ask(LEAD, turn, 'scout')
    const scout = world.take(SCOUT)
    calls(turn.seq, 'cancel_agent_request', { request: id })
    expect(work(point)).toBe('SIGKILL')
    expect(work('')).toBe(null)
    expect(world.requests.find(id)?.state).toBe('cancelled')
    expect(world.requests.stopping()).toEqual([])
    expect(inboxOf('scout')).toEqual([{ type: 'cancel', inboxSeq: scout.seq }])
    expect(inboxOf('lead')).toMatchObject([{ type: 'result', ok: true }])
  },
)

test.each(['after agents.tell', 'after mailbox.put'])(
  'killed %s: what takes too long is told once and stopped',
  async (point) => {
    const turn = world.said('go')
    world.ask(LEAD, turn, 'scout')
    const scout = world.take(SCOUT)
    world.ends(LEAD, turn, '')
    await world.clock.advance(3_600_001)
    expect(work(point)).toBe('SIGKILL')
    expect(work('')).toBe(null)
    expect(world.waitingFor(LEAD)).toEqual(['(It did not end in time and was stopped.)'])
    expect(inboxOf('scout')).toEqual([{ type: 'cancel', inboxSeq: scout.seq }])
    expect(world.requests.stopping()).toEqual([])
  },
)
