import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApprovalWorld, ROOM } from '../../test/rig/approval-world.ts'
import { GARDEN } from '../../test/rig/host-tables.ts'
import type { UserId } from '../domain/ids.ts'

let world: ApprovalWorld
beforeEach(() => {
  world = new ApprovalWorld()
})
afterEach(() => world[Symbol.dispose]())

const question = {
  kind: 'question' as const,
  text: 'Red?',
  options: ['Yes', 'No'],
  freeText: false,
  onlySpeaker: false,
  timeoutS: 600,
}

describe('a question', () => {
  const alice = 'fake:alice' as UserId
  const bob = 'fake:bob' as UserId

  beforeEach(() => {
    for (const user of [alice, bob]) world.roles.grant(user, 'member', GARDEN, world.clock.now())
  })

  test('is answered by whom the agent listens to in its chat, by number or code, and by nobody elsewhere', async () => {
    world.ask(question)
    expect(world.says('1', bob)).toBe(false)
    expect(world.says('3', bob, ROOM)).toBe(false)
    expect(world.says('2', bob, ROOM)).toBe(true)
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('The answer: "No"')])
  })

  test('for the speaker alone is not answered by others', () => {
    world.ask({ ...question, onlySpeaker: true })
    expect(world.says('1', bob, ROOM)).toBe(false)
    world.says(`/answer ${world.newest().code} 1`, bob, ROOM)
    expect(world.newest().state).toBe('asked')
    world.says(`/answer ${world.newest().code} 1`, alice, ROOM)
    expect(world.newest()).toMatchObject({ state: 'allowed', choice: '1' })
  })

  test('grants nothing: it cannot be allowed into being a rule', async () => {
    world.ask({ ...question, text: 'Creel asks: allow evil.example.com?', options: ['Always'] })
    world.says(world.approve('always'))
    await world.work()
    expect(world.rules.all()).toEqual([])
  })

  test('that nobody answers is told to its agent', async () => {
    world.ask(question)
    await world.clock.advance(600_000)
    await world.work()
    expect(world.words()).toEqual([expect.stringContaining('Nobody answered in time')])
  })

  test('with two of them open, a number alone answers neither', () => {
    world.ask(question)
    world.ask({ ...question, text: 'Blue?' })
    expect(world.says('1', bob, ROOM)).toBe(false)
  })
})
