import { expect, test } from 'vitest'
import type { GroupName } from '../../domain/ids.ts'
import { handleOf, sandboxName } from './labels.ts'

const listed = (part: object) => ({ Id: 'abc', State: 'running', Created: 5, Labels: {}, ...part })

test('a listed container of ours is a handle', () => {
  const labels = { 'creel.group': 'garden', 'creel.protocol': '1', 'creel.spec': 'f00' }
  expect(handleOf(listed({ Labels: labels }))).toEqual({
    group: 'garden',
    id: 'abc',
    state: 'running',
    protocol: 1,
    specHash: 'f00',
    startedAt: 5_000,
  })
  for (const State of ['created', 'exited', 'dead', 'removing', 'restarting', 'stopped']) {
    expect(handleOf(listed({ Labels: labels, State }))?.state).toBe('exited')
  }
})

test('a container whose labels name no group is none of ours', () => {
  expect(handleOf(listed({}))).toBeNull()
  expect(handleOf(listed({ Labels: { 'creel.group': '../etc' } }))).toBeNull()
})

test('names differ by install and by group, and fit what an engine allows', () => {
  const garden = 'garden' as GroupName
  expect(sandboxName('one', garden)).toMatch(/^creel-[0-9a-f]{8}-garden$/)
  expect(sandboxName('one', garden)).not.toBe(sandboxName('two', garden))
  expect(sandboxName('one', 'a'.repeat(31) as GroupName).length).toBeLessThan(64)
})
