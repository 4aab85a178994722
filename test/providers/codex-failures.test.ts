import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CodexRig, messages } from './codex-rig.ts'

/** The real codex app-server with a mock model that fails, on this machine's loopback. */

describe('codex app-server and a model that fails', () => {
  let rig: CodexRig
  let n = 100
  const next = () => `ping-${++n}`

  beforeAll(async () => {
    rig = await CodexRig.start()
  })
  afterEach(() => rig.model.clearFaults())
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it.each([
    ['a wrong key', { status: 401 }, { reason: 'auth' }],
    [
      'a used-up quota',
      { status: 429, body: '{"error":{"code":"insufficient_quota","message":"x"}}' },
      { reason: 'quota' },
    ],
    ['too many requests', { status: 429, headers: { 'retry-after': '0' } }, { reason: 'rate-limited' }],
    ['an error of the service', { status: 500 }, { reason: 'overloaded' }],
    ['a full service', { status: 503 }, { reason: 'overloaded' }],
    [
      'a conversation too long',
      { status: 400, body: '{"error":{"code":"context_length_exceeded","message":"x"}}' },
      { reason: 'context-overflow' },
    ],
  ])('says that it failed for %s, soon, and answers the next', async (_name, fault, expected) => {
    const word = next()
    rig.model.fault(word, ...Array.from({ length: 40 }, () => fault))
    const events = await rig.ask(word, { session: 'failing' })
    expect(events.at(-1)).toMatchObject({ type: 'failed', ...expected })
    expect(messages(events)).toEqual([])
    expect(rig.model.calls(word).length).toBeLessThanOrEqual(9)
    rig.model.clearFaults()
    expect(messages(await rig.ask(next(), { session: 'failing' }))).toHaveLength(1)
  })

  it('waits as long as the service asks for, and answers once', async () => {
    const word = next()
    rig.model.fault(word, { status: 429, headers: { 'retry-after': '1' } })
    const before = performance.now()
    expect(messages(await rig.ask(word))).toEqual([`heard ${word}`])
    expect(performance.now() - before).toBeGreaterThan(950)
  })

  it('answers once when a stream is cut, whole', async () => {
    const word = next()
    const text = `heard ${word} ${'and so on '.repeat(60)}the end`
    rig.model.on(word, { text, pieceMs: 10 })
    rig.model.fault(word, { cutAfter: 3_000 })
    const events = await rig.ask(word)
    expect(rig.model.calls(word)).toHaveLength(2)
    expect(messages(events)).toEqual([text])
    let draft = ''
    for (const event of events) {
      if (event.type === 'delta') draft += event.text
      if (event.type === 'message') draft = ''
      expect(text.startsWith(draft)).toBe(true)
    }
  })
})
