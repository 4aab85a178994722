import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OpencodeWorld, run, said } from '../../../../../test/fakes/opencode-world.ts'

let world: OpencodeWorld
beforeEach(() => {
  world = new OpencodeWorld()
})
afterEach(() => world.end())

describe('a stream of events that breaks', () => {
  beforeEach(async () => {
    await world.connect()
  })

  it('loses neither reply nor end, and doubles nothing', async () => {
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      const message = world.fake.begin(prompt.session, prompt.id)
      const part = world.fake.write(prompt.session, message, 'one ')
      world.fake.cut()
      world.fake.finish(prompt.session, message, prompt.id, 'one two', part)
      world.fake.idle(prompt.session)
    }
    const events = await run(world.turn())
    expect(said(events)).toEqual(['one two'])
    expect(events.at(-1)).toEqual({ type: 'completed' })
    expect(world.logged).toContain('opencode_stream_broken')
  })

  it('in the middle of a reply goes on with it', async () => {
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      world.fake.cut()
      const message = world.fake.begin(prompt.session, prompt.id)
      void vi
        .waitFor(() => expect(world.calls(`GET /session/${prompt.session}/message`)).toHaveLength(1), {
          timeout: 5_000,
        })
        .then(() => {
          world.fake.finish(
            prompt.session,
            message,
            prompt.id,
            'whole',
            world.fake.write(prompt.session, message, 'whole'),
          )
          world.fake.idle(prompt.session)
        })
    }
    expect(said(await run(world.turn()))).toEqual(['whole'])
  })

  it('loses no permission that was asked for meanwhile', async () => {
    world.fake.waitingPermissions = [{ id: 'per_2', sessionID: 'ses_x' }]
    world.fake.tell('permission.asked', { id: 'per_1', sessionID: 'ses_x' })
    world.fake.tell('question.asked', { id: 'que_1', sessionID: 'ses_x' })
    await vi.waitFor(() => expect(world.calls('POST /question/que_1/reject')).toHaveLength(1))
    expect(world.calls('POST /permission/per_1/reply')).toHaveLength(1)
    world.fake.cut()
    await vi.waitFor(() => expect(world.calls('POST /permission/per_2/reply')).toHaveLength(1), {
      timeout: 5_000,
    })
  })
})

describe('the death of the server', () => {
  it('ends every running turn at once, and one that comes too late', async () => {
    await world.connect()
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    const running = [world.turn(), world.turn()].map(run)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(2))
    world.life.die('exit 137: out of memory')
    const crashed = { type: 'failed', reason: 'crashed', message: 'opencode ended: exit 137: out of memory' }
    for (const events of await Promise.all(running)) expect(events.at(-1)).toEqual(crashed)
    expect((await run(world.turn())).at(-1)).toEqual(crashed)
  })

  it('while it starts is the reason given', async () => {
    world.fake.hang.add('GET /event')
    const connecting = world.connect()
    world.life.die('exit 1: bad config')
    await expect(connecting).rejects.toThrow('exit 1: bad config')
  })
})

describe('a tool server that is not up', () => {
  it('is reported, and the turns go on without it', async () => {
    world.fake.toolServers = { dead: { status: 'failed' }, lab: { status: 'connected' } }
    await world.connect()
    expect(world.logged).toEqual(['down: dead'])
    world.fake.onPrompt = (prompt) => world.fake.reply(prompt, 'here')
    expect(said(await run(world.turn()))).toEqual(['here'])
  })
})
