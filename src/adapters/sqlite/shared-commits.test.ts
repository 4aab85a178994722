import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ALICE, GARDEN, HostTables } from '../../../test/rig/host-tables.ts'

function rolesOf(tables: HostTables) {
  return tables.roles.roles(ALICE, GARDEN)
}

test('what is asked for in one turn is one commit, made before anybody hears of it', async () => {
  using tables = new HostTables()
  const { commits, roles, clock, db } = tables
  const inside: boolean[] = []
  const grant = (role: 'member' | 'admin') => () => {
    inside.push(db.inTransaction)
    roles.grant(ALICE, role, GARDEN, clock.now())
    return role
  }
  const both = [commits.run(grant('member')), commits.run(grant('admin'))]
  expect(rolesOf(tables)).toEqual([])
  expect(await both[0]).toBe('member')
  expect(db.inTransaction).toBe(false)
  expect(rolesOf(tables)).toHaveLength(2)
  expect(await both[1]).toBe('admin')
  expect(inside).toEqual([true, true])
})

test('work that throws is undone alone', async () => {
  using tables = new HostTables()
  const { commits, roles, clock } = tables
  const failing = commits.run(() => {
    roles.grant(ALICE, 'denied', GARDEN, clock.now())
    throw new Error('on purpose')
  })
  const well = commits.run(() => roles.grant(ALICE, 'member', GARDEN, clock.now()))
  await expect(failing).rejects.toThrow('on purpose')
  await well
  expect(rolesOf(tables)).toEqual(['member'])
})

test('work that is to be done again is, until it fails: what was done before stands', async () => {
  using tables = new HostTables()
  const { commits, roles, clock } = tables
  let times = 0
  const work = () => {
    times += 1
    roles.grant(ALICE, times === 1 ? 'member' : 'denied', GARDEN, clock.now())
    if (times > 1) throw new Error('on purpose')
    return 'again'
  }
  expect(await commits.run(work, (result) => result === 'again')).toBe('again')
  expect([times, rolesOf(tables)]).toEqual([2, ['member']])
  await expect(commits.run(work, (result) => result === 'again')).rejects.toThrow('on purpose')
  let left = 100
  await commits.run(
    () => (left -= 1),
    (result) => result > 0,
  )
  expect(left).toBe(84)
})

test('a commit that is undone refuses all that was done in it, and the next one is made', async () => {
  using tables = new HostTables()
  const { commits, roles, clock, db } = tables
  const lost = commits.run(() => roles.grant(ALICE, 'member', GARDEN, clock.now()))
  // What SQLite does by itself on a full disk.
  const full = commits.run(() => db.exec('ROLLBACK'))
  const after = commits.run(() => roles.grant(ALICE, 'admin', GARDEN, clock.now()))
  const results = await Promise.allSettled([lost, full, after])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(rolesOf(tables)).toEqual(['admin'])
})

test('long work leaves room for the rest of the process', async () => {
  using tables = new HostTables()
  let done = 0
  const slow = () => {
    const until = performance.now() + 5
    while (performance.now() < until);
    done += 1
  }
  const all = Promise.all(Array.from({ length: 20 }, () => tables.commits.run(slow)))
  await nextTurn()
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(20)
  await all
  expect(done).toBe(20)
})
