import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ALICE, GARDEN, KITCHEN } from '../../../test/rig/host-tables.ts'
import { MINUTE, MONDAY, TaskWorld } from '../../../test/rig/task-world.ts'
import { egressRule } from '../../domain/egress-rules.ts'
import type { GroupName, UnixMs } from '../../domain/ids.ts'
import { NO_PACKAGES } from '../../domain/packages.ts'
import { SqliteEgressRules } from './egress-rule-store.ts'
import { SqliteGroupTraces } from './group-traces.ts'
import { SqlitePackageStore } from './package-store.ts'
import { SqliteToolServers } from './tool-server-store.ts'

let world: TaskWorld
beforeEach(() => {
  world = new TaskWorld()
})
afterEach(() => world[Symbol.dispose]())

const NOW = MONDAY as UnixMs
const BOT = { channel: 'fake', account: 'main' }

function give(group: GroupName): void {
  const { db, roles } = world
  world.bind(world.room1, group)
  roles.grant(ALICE, 'admin', group, NOW)
  world.make({ kind: 'once', at: (NOW + MINUTE) as UnixMs }, { group })
  new SqliteEgressRules(db).add(
    { group, effect: 'allow', once: false, by: 'test', expiresAt: null, rule: egressRule('example.com') },
    NOW,
  )
  new SqliteToolServers(db).add({
    ...{ group, name: 'files', approvalId: 1, by: 'test', at: NOW },
    server: { command: 'files', args: [], env: {} },
  })
  new SqlitePackageStore(db).ran(group, NO_PACKAGES, NOW)
}

function has(group: GroupName): unknown {
  const { db, roles, directory, tasks } = world
  return {
    chats: directory.bindingsOf(group).length,
    roles: roles.roles(ALICE, group),
    tasks: tasks.countOpen(group),
    rules: new SqliteEgressRules(db).inForce(group, NOW).length,
    servers: new SqliteToolServers(db).of(group).length,
    packages: new SqlitePackageStore(db).listsOf(group).length,
  }
}

describe('an agent that is removed', () => {
  test('leaves nothing to one that is made under its name, and takes nothing from others', () => {
    for (const group of [GARDEN, KITCHEN]) give(group)
    world.roles.grant(ALICE, 'owner', null, NOW)
    const before = has(KITCHEN)
    expect(before).toEqual({
      ...{ chats: 1, roles: expect.arrayContaining(['admin', 'owner']), tasks: 1 },
      ...{ rules: 1, servers: 1, packages: 1 },
    })
    const traces = new SqliteGroupTraces(world.db)
    traces.forget(GARDEN, NOW)
    traces.forget(GARDEN, NOW)
    expect(has(GARDEN)).toEqual({ chats: 0, roles: ['owner'], tasks: 0, rules: 0, servers: 0, packages: 0 })
    expect(has(KITCHEN)).toEqual(before)
    world.runUntil(NOW + 2 * MINUTE)
    expect(world.nudged).toEqual([KITCHEN])
    expect(world.tasks.list({ group: GARDEN, open: false }, 9)).toMatchObject([
      { state: 'cancelled', reason: 'the agent was removed' },
    ])
  })

  test('answers nothing any more: what waits and what it works on is cancelled', () => {
    const placed = world.place(GARDEN, 1, 'works on it')
    const waiting = world.give(GARDEN, 'waits')
    world.give(KITCHEN, 'another one')
    new SqliteGroupTraces(world.db).forget(GARDEN, NOW)
    expect(world.dispatches.hasOpen(GARDEN)).toBe(false)
    expect(world.dispatches.stopping(GARDEN)).toEqual([1])
    expect(world.dispatches.groupsWithPending()).toEqual([GARDEN, KITCHEN])
    const fates = world.db
      .prepare(
        'SELECT inbound_id AS id, outcome, outcome_reason AS why FROM dispatch WHERE group_name = ? ORDER BY 1',
      )
      .all(GARDEN)
    const gone = { outcome: 'cancelled', why: 'the agent was removed' }
    expect(fates).toEqual([placed, waiting].map(({ id }) => ({ id, ...gone })))
  })

  test('is not what a pairing code gives a chat to any more', () => {
    world.pairings.create(BOT, GARDEN, NOW)
    new SqliteGroupTraces(world.db).forget(GARDEN, NOW)
    expect(world.pairings.state(BOT, NOW)).toEqual({ state: 'void' })
  })
})
