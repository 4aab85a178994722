import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeClock } from '../../../../../test/fakes/fake-clock.ts'
import { follow, OpencodeWorld, run, said } from '../../../../../test/fakes/opencode-world.ts'

let world: OpencodeWorld
beforeEach(() => {
  world = new OpencodeWorld()
})
afterEach(() => world.end())

describe('a turn', () => {
  beforeEach(async () => {
    await world.connect()
  })

  it('begins a session, and the next one goes on in it', async () => {
    world.fake.onPrompt = (prompt) => world.fake.reply(prompt, `re: ${prompt.text}`)
    const first = await run(world.turn())
    expect(first[0]).toEqual({ type: 'started', resumeToken: expect.stringMatching(/^ses_/) })
    expect(said(first)).toEqual(['re: hi'])
    const token = first[0]?.type === 'started' ? first[0].resumeToken : undefined
    const second = await run(world.turn(token === undefined ? {} : { resumeToken: token, effort: 'high' }))
    expect(said(second)).toEqual(['re: hi'])
    expect(world.calls('POST /session')).toHaveLength(1)
    expect(world.fake.prompts[1]?.body).toMatchObject({
      variant: 'high',
      model: { providerID: 'anthropic', modelID: 'claude-sonnet-4-5' },
    })
  })

  it.each([
    ['ses_unknown', 'unknown to the server'],
    ['../../evil', 'not one of its ids'],
  ])('with the token %s, %s, has lost its session', async (resumeToken) => {
    expect(await run(world.turn({ resumeToken }))).toEqual([
      expect.objectContaining({ type: 'failed', reason: 'resume-lost' }),
    ])
    expect(world.fake.prompts).toEqual([])
  })

  it('whose session is broken or goes at the last moment has lost it', async () => {
    world.fake.refuse.set('GET /session/ses_broken', 500)
    expect((await run(world.turn({ resumeToken: 'ses_broken' }))).at(-1)).toMatchObject({
      reason: 'resume-lost',
    })
    world.fake.refuse.set('POST /session/ses_fake1/prompt_async', 404)
    expect((await run(world.turn())).at(-1)).toMatchObject({ reason: 'resume-lost' })
  })

  it('that is tried again takes the first try out of the session, but not a word before it', async () => {
    world.fake.onPrompt = (prompt) => world.fake.reply(prompt, 'yes')
    const token = (await run(world.turn()))[0]
    const resumeToken = token?.type === 'started' ? (token.resumeToken ?? '') : ''
    const stop = new AbortController()
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      world.fake.begin(prompt.session, prompt.id)
      stop.abort()
    }
    await run(world.turn({ resumeToken, prompt: 'and now' }, stop.signal))
    world.fake.onPrompt = (prompt) => world.fake.reply(prompt, 'done')
    expect(said(await run(world.turn({ resumeToken, prompt: 'and now', attempt: 2 })))).toEqual(['done'])
    const stored = world.fake.messages(resumeToken).map(({ info }) => info.role)
    expect(stored).toEqual(['user', 'assistant', 'user', 'assistant'])
  })

  it('of a model that the server does not know sends no prompt, for that would be stored', async () => {
    expect(await run(world.turn({ model: 'claude-nope' }))).toEqual([
      {
        type: 'failed',
        reason: 'other',
        message: 'model: opencode does not know "claude-nope" of anthropic',
      },
    ])
    expect(world.fake.prompts).toEqual([])
  })

  it('that fails ends once, though the server goes idle twice', async () => {
    const error = { name: 'APIError', data: { message: 'no', statusCode: 401 } }
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      const message = world.fake.begin(prompt.session, prompt.id)
      world.fake.tell('session.error', { sessionID: prompt.session, error })
      world.fake.idle(prompt.session)
      world.fake.finish(prompt.session, message, prompt.id, '', undefined, error)
      world.fake.idle(prompt.session)
    }
    const events = await run(world.turn())
    expect(events).toEqual([
      expect.objectContaining({ type: 'started' }),
      expect.objectContaining({ type: 'usage' }),
      { type: 'failed', reason: 'auth', message: 'APIError (401): no' },
    ])
  })

  it('to which the server never replies fails instead of waiting for ever', async () => {
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      world.fake.idle(prompt.session)
    }
    expect((await run(world.turn())).at(-1)).toMatchObject({ type: 'failed', reason: 'other' })
  })

  it('that would wait long for the model is told to the person, and its run ended', async () => {
    world.fake.onPrompt = (prompt) => {
      world.fake.take(prompt)
      const status = { type: 'retry', attempt: 1, message: 'Too Many Requests', next: Date.now() + 600_000 }
      world.fake.tell('session.status', { sessionID: prompt.session, status })
    }
    const events = await run(world.turn())
    expect(events.at(-1)).toMatchObject({ type: 'failed', reason: 'rate-limited' })
    await vi.waitFor(() => expect(world.fake.calls.some((call) => call.endsWith('/abort'))).toBe(true))
  })
})

describe('more input', () => {
  beforeEach(async () => {
    await world.connect()
  })

  it('is taken up by the run that goes on; the turn ends after both replies', async () => {
    const turn = world.turn()
    const { events, done } = follow(turn)
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(1))
    expect(await turn.steer('and?')).toBe('accepted')
    const [first, second] = world.fake.prompts
    if (!first || !second) throw new Error('two prompts were sent')
    expect(second.id > first.id).toBe(true)
    const { session } = first
    for (const [prompt, text] of [
      [first, 'one'],
      [second, 'two'],
    ] as const) {
      world.fake.finish(session, world.fake.begin(session, prompt.id), prompt.id, text)
    }
    world.fake.idle(session)
    await done
    expect(said(events)).toEqual(['one', 'two'])
    expect(await turn.steer('too late')).toBe('too-late')
    expect(world.fake.prompts).toHaveLength(2)
  })

  it('that comes as the run ends gets its reply in the same turn, from a run of its own', async () => {
    const turn = world.turn()
    const { events, done } = follow(turn)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(1))
    const [first] = world.fake.prompts
    if (!first) throw new Error('a prompt was sent')
    world.fake.onPrompt = (second) => {
      world.fake.reply(first, 'one')
      setTimeout(() => world.fake.reply(second, 'two'), 100)
    }
    expect(await turn.steer('and?')).toBe('accepted')
    await done
    expect(said(events)).toEqual(['one', 'two'])
  })

  it('that the server refuses is too late, and holds nothing up', async () => {
    const turn = world.turn()
    const { events, done } = follow(turn)
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(1))
    const [first] = world.fake.prompts
    if (!first) throw new Error('a prompt was sent')
    world.fake.refuse.set(`POST /session/${first.session}/prompt_async`, 500)
    expect(await turn.steer('and?')).toBe('too-late')
    world.fake.finish(first.session, world.fake.begin(first.session, first.id), first.id, 'one')
    world.fake.idle(first.session)
    await done
    expect(said(events)).toEqual(['one'])
  })
})

describe('an abort', () => {
  it('ends the run and then the turn; the next turn waits until the server is at rest', async () => {
    await world.connect()
    const stop = new AbortController()
    const { events, done } = follow(world.turn({}, stop.signal))
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(1))
    stop.abort()
    await done
    expect(events.at(-1)).toEqual({ type: 'interrupted' })
    const session = world.fake.prompts[0]?.session ?? ''
    world.fake.onPrompt = (prompt) => world.fake.reply(prompt, 'again')
    expect(said(await run(world.turn({ resumeToken: session })))).toEqual(['again'])
    const order = world.fake.calls
      .filter((call) => /abort|prompt_async/.test(call))
      .map((call) => call.replace(/.*\//, ''))
    expect(order.at(0)).toBe('prompt_async')
    expect(order.at(-1)).toBe('prompt_async')
    expect(order.slice(1, -1)).toEqual(order.slice(1, -1).fill('abort'))
  })

  it('before the turn began, and a reader that leaves, end it as well', async () => {
    await world.connect()
    expect(await run(world.turn({}, AbortSignal.abort()))).toEqual([{ type: 'interrupted' }])
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    for await (const event of world.turn())
      if (world.fake.prompts.length > 0 && event.type !== 'started') break
    await vi.waitFor(() => expect(world.fake.calls.some((call) => call.endsWith('/abort'))).toBe(true))
  })

  it('that the server does not answer holds the turn for less than a second, then the server is ended', async () => {
    const clock = new FakeClock()
    await world.connect(clock)
    const stop = new AbortController()
    const { events, done } = follow(world.turn({}, stop.signal, clock))
    world.fake.onPrompt = (prompt) => world.fake.take(prompt)
    await vi.waitFor(() => expect(world.fake.prompts).toHaveLength(1))
    const session = world.fake.prompts[0]?.session ?? ''
    world.fake.hang.add(`POST /session/${session}/abort`)
    stop.abort()
    await vi.waitFor(() => expect(world.calls(`POST /session/${session}/abort`)).toHaveLength(1))
    await clock.advance(900)
    await done
    expect(events.at(-1)).toEqual({ type: 'interrupted' })
    expect(world.life.stops).toBe(0)
    await clock.advance(5_000)
    expect(world.life.stops).toBe(1)
    expect(world.logged).toContain('opencode_hung')
  })
})
