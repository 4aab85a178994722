import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AgentsWorld, LEAD, SCOUT } from '../../test/rig/agents-world.ts'
import type { UserId } from '../domain/ids.ts'

const MALLORY = { id: 'fake:mallory' as UserId, name: 'Mallory', isBot: false }

let world: AgentsWorld
beforeEach(() => {
  world = new AgentsWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

describe('a turn in which several people spoke', () => {
  /** Alice, an owner, and Mallory, whom nobody knows, have words in it. */
  function both() {
    const turn = world.said('go')
    world.receive('me too', { sender: MALLORY })
    const { senderId, senderName } = turn.row
    world.roles.grant(senderId, 'owner', null, world.clock.now())
    const origin = { group: LEAD, session: turn.session, inboundId: turn.id, key: 'k' }
    return () =>
      world.agents.ask(
        { ...origin, speaker: senderId, speakerName: senderName, speakers: [senderId, MALLORY.id] },
        { to: 'scout', message: 'm', fresh: false },
      )
  }

  test('asks another agent only where each of them may', () => {
    world.settings.scout = { agents: { lead: {} } }
    expect(both()).toThrow('everybody')
  })

  test('asks it with the rights of the one who may do least', () => {
    world.settings.scout = { agents: { lead: { hear: 'anyone' } } }
    both()()
    expect(world.take(SCOUT).row).toMatchObject({ senderId: MALLORY.id, senderName: 'Mallory' })
  })
})
