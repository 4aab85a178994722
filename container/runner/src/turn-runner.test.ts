import { MAX_TEXT } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunnerRig, scripted } from '../../../test/runner/runner-rig.ts'
import { NO_ANSWER, PRIMED_START, TOO_LONG_START } from './reply-text.ts'

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

describe('a turn', () => {
  it('is accepted, then answered and settled in one commit', async () => {
    const seq = rig.say('hello')
    running = rig.start()
    await rig.settled(seq)
    const rows = rig.rows()
    expect(rows.map((row) => row.entry.type)).toEqual(['accepted', 'reply', 'settled'])
    expect(rows[0]?.entry).toMatchObject({ inboxSeq: seq, attempt: 1 })
    expect(rows[2]?.at).toBe(rows[1]?.at)
    expect(rig.replies()).toEqual(['demo: hello\n(This is the demo provider: there is no model behind it.)'])
  })

  it('knows the session: only its first answer carries the note, also after a restart', async () => {
    const first = rig.say('a')
    running = rig.start()
    await rig.settled(first)
    await running.stop()
    const second = rig.say('b')
    running = rig.start()
    await rig.settled(second)
    expect(rig.replies(second)).toEqual(['demo: b'])
    const other = rig.say('/demo help', 'two')
    await rig.settled(other)
    expect(rig.replies(other)[0]).toContain('This is turn 1 of this session.')
  })

  it.each([
    ['/demo garbage', 'failed', /crashed: .*not an event/, /its provider crashed/],
    ['/demo fail quota', 'failed', /^quota: /, /quota or the credit/],
    ['/demo fail no idea', 'failed', /^other: .*no idea/, /reported an error/],
  ])('%s settles as %s with a reason for both sides', async (text, outcome, reason, reply) => {
    const seq = rig.say(text)
    const next = rig.say('still there?')
    running = rig.start()
    await rig.settled(seq, next)
    expect(rig.entries('settled', seq)).toEqual([
      expect.objectContaining({ outcome, reason: expect.stringMatching(reason) }),
    ])
    expect(rig.replies(seq).at(-1)).toMatch(reply)
    expect(rig.replies(next)[0]).toMatch(/^demo: still there\?/)
  })

  it("takes the conversation's model and effort over the group's", async () => {
    rig.settings({ model: 'of the group', effort: 'low' })
    const seq = rig.say('as usual')
    const chosen = rig.say('as chosen', 'one', { model: 'of the chat', effort: 'high' })
    const asked: unknown[] = []
    running = rig.start({
      providers: scripted(({ model, effort }) => {
        asked.push({ model, effort })
        return {
          async *[Symbol.asyncIterator]() {
            yield { type: 'completed', silent: true }
          },
          steer: async () => 'unsupported',
        }
      }),
    })
    await rig.settled(seq, chosen)
    expect(asked).toEqual([
      { model: 'of the group', effort: 'low' },
      { model: 'of the chat', effort: 'high' },
    ])
  })

  it('that is silent on purpose says nothing; one that just says nothing is reported', async () => {
    const silent = rig.say('/demo silent')
    running = rig.start()
    await rig.settled(silent)
    expect(rig.replies(silent)).toEqual([])
    await running.stop()
    const mute = rig.say('x')
    running = rig.start({
      providers: scripted(() => ({
        async *[Symbol.asyncIterator]() {
          yield { type: 'message', text: ' \n' }
          yield { type: 'completed' }
        },
        steer: async () => 'unsupported',
      })),
    })
    await rig.settled(mute)
    expect(rig.replies(mute)).toEqual([NO_ANSWER])
  })

  it('of a provider that throws, ends without an end or is no iterable fails, and the lane goes on', async () => {
    let turn = 0
    running = rig.start({
      providers: scripted(() => {
        turn += 1
        if (turn === 1) throw new Error('at start')
        if (turn === 4) return JSON.parse('{}')
        return {
          async *[Symbol.asyncIterator]() {
            yield { type: 'message', text: `said in turn ${turn}` }
            if (turn === 2) throw new Error('in the middle')
            if (turn > 4) yield { type: 'completed' }
          },
          steer: async () => 'unsupported',
        }
      }),
    })
    const seqs = [1, 2, 3, 4, 5].map((n) => rig.say(`${n}`))
    await rig.settled(...seqs)
    expect(rig.entries('settled').map((entry) => entry.outcome)).toEqual([
      'failed',
      'failed',
      'failed',
      'failed',
      'done',
    ])
    expect(rig.replies(2)).toEqual(['said in turn 2', expect.stringContaining('crashed')])
  })

  it('whose session is lost begins a new one once, says so, and keeps the new one', async () => {
    const tokens: (string | undefined)[] = []
    const providers = scripted((input) => ({
      async *[Symbol.asyncIterator]() {
        tokens.push(input.resumeToken)
        if (input.resumeToken === 'one') {
          yield { type: 'delta', text: 'half an ans' }
          yield { type: 'failed', reason: 'resume-lost', message: 'unknown session' }
          return
        }
        yield { type: 'started', resumeToken: tokens.length === 1 ? 'one' : 'two' }
        yield { type: 'message', text: `answer ${tokens.length}` }
        yield { type: 'completed' }
      },
      steer: async () => 'unsupported',
    }))
    const seqs = ['a', 'b', 'c'].map((text) => rig.say(text))
    running = rig.start({ providers })
    await rig.settled(...seqs)
    expect(tokens).toEqual([undefined, 'one', undefined, 'two'])
    expect(seqs.map((seq) => rig.replies(seq))).toEqual([
      ['answer 1'],
      [PRIMED_START, 'answer 3'],
      ['answer 4'],
    ])
    expect(rig.entries('settled').map((entry) => entry.outcome)).toEqual(['done', 'done', 'done'])
  })

  it('whose session is lost again after the fresh start fails; without a token it is not tried twice', async () => {
    let turns = 0
    const providers = scripted(() => ({
      async *[Symbol.asyncIterator]() {
        turns += 1
        if (turns === 1) {
          yield { type: 'started', resumeToken: 'one' }
          yield { type: 'completed', silent: true }
        } else {
          yield { type: 'failed', reason: 'resume-lost', message: 'broken' }
        }
      },
      steer: async () => 'unsupported',
    }))
    const seqs = ['a', 'b', 'c'].map((text) => rig.say(text))
    running = rig.start({ providers })
    await rig.settled(...seqs)
    expect(turns).toBe(4)
    expect(rig.entries('settled').map((entry) => entry.outcome)).toEqual(['done', 'failed', 'failed'])
  })

  it('that failed or was stopped leaves its session behind for the next one', async () => {
    const tokens: (string | undefined)[] = []
    const providers = scripted((input) => ({
      async *[Symbol.asyncIterator]() {
        tokens.push(input.resumeToken)
        yield { type: 'started', resumeToken: `token-${tokens.length}` }
        yield { type: 'failed', reason: 'other', message: 'broken' }
      },
      steer: async () => 'unsupported',
    }))
    const seqs = ['a', 'b'].map((text) => rig.say(text))
    running = rig.start({ providers })
    await rig.settled(...seqs)
    expect(tokens).toEqual([undefined, 'token-1'])
  })

  it('whose conversation is too long for the model begins anew once, says so, and keeps the new one', async () => {
    const tokens: (string | undefined)[] = []
    const providers = scripted((input) => ({
      async *[Symbol.asyncIterator]() {
        tokens.push(input.resumeToken)
        yield { type: 'started', resumeToken: `token-${tokens.length}` }
        if (tokens.length === 2) yield { type: 'failed', reason: 'context-overflow', message: 'too long' }
        else yield { type: 'completed', silent: true }
      },
      steer: async () => 'unsupported',
    }))
    const seqs = ['a', 'b', 'c'].map((text) => rig.say(text))
    running = rig.start({ providers })
    await rig.settled(...seqs)
    expect(tokens).toEqual([undefined, 'token-1', undefined, 'token-3'])
    expect(rig.replies(seqs[1])).toEqual([TOO_LONG_START])
  })

  it('records cache and cost of all its models where they were reported', async () => {
    const seq = rig.say('x')
    const providers = scripted(() => ({
      async *[Symbol.asyncIterator]() {
        yield { type: 'usage', model: 'small', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3 }
        yield { type: 'usage', model: 'big', inputTokens: 10, outputTokens: 20, costUsd: 0.5 }
        yield { type: 'completed', silent: true }
      },
      steer: async () => 'unsupported',
    }))
    running = rig.start({ providers })
    await rig.settled(seq)
    expect(rig.entries('usage', seq)).toEqual([
      {
        type: 'usage',
        inboxSeq: seq,
        provider: 'demo',
        model: 'big',
        inputTokens: 11,
        outputTokens: 22,
        cacheReadTokens: 3,
        costUsd: 0.5,
      },
    ])
  })

  it('that takes too long is stopped and says so; a provider that ignores the stop is left behind', async () => {
    rig.settings({ turnTimeoutMs: 50 })
    const seq = rig.say('/demo hang')
    running = rig.start()
    await rig.settled(seq)
    expect(rig.replies(seq)).toEqual([expect.stringContaining('time limit of 0.05 s')])
    await running.stop()
    const deaf = rig.say('x')
    running = rig.start({
      providers: scripted(() => ({
        [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
        steer: async () => 'unsupported',
      })),
    })
    await rig.settled(deaf)
    expect(rig.entries('settled', deaf)[0]).toMatchObject({ outcome: 'failed' })
  })

  it('shows progress while deltas come, before its answer', async () => {
    const seq = rig.say('/demo slow 700')
    running = rig.start()
    await rig.settled(seq)
    const types = rig.rows().map((row) => row.entry.type)
    expect(types.filter((type) => type === 'progress').length).toBeGreaterThanOrEqual(2)
    expect(types.slice(-2)).toEqual(['reply', 'settled'])
    expect(rig.entries('progress')[0]?.text).toMatch(/^demo: slow 1/)
  })

  it('cuts what is too long with a visible note, and sends only so many messages', async () => {
    const long = rig.say(`/demo long ${MAX_TEXT + 1}`)
    const many = rig.say('/demo many 150')
    running = rig.start()
    await rig.settled(long, many)
    const [text = ''] = rig.replies(long)
    expect(text.length).toBeLessThanOrEqual(MAX_TEXT)
    expect(text).toMatch(/\(cut here: the answer was 200001 characters long\)$/)
    expect(rig.replies(many)).toHaveLength(101)
    expect(rig.replies(many).at(-1)).toContain('50 more messages')
  })
})
