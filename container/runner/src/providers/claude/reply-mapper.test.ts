import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TurnEvent } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { ReplyMapper } from './reply-mapper.ts'
import { SdkMessage } from './sdk-message.ts'

const RECORDINGS = join(import.meta.dirname, '../../../../../test/fixtures/claude')

/** What a recording of the real program becomes: every event, as a turn passes them on. */
function replay(name: string): TurnEvent[] {
  const mapper = new ReplyMapper(() => 1_000)
  const events: TurnEvent[] = []
  for (const line of readFileSync(join(RECORDINGS, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')) {
    const parsed = SdkMessage.safeParse(JSON.parse(line))
    if (!parsed.success) continue
    events.push(...mapper.take(parsed.data))
    if (parsed.data.type === 'result') events.push(mapper.end(parsed.data))
  }
  return events.map((event) => TurnEvent.parse(event))
}

const without = (events: TurnEvent[], ...types: string[]) =>
  events.filter(({ type }) => !types.includes(type))
const brief = (name: string) => without(replay(name), 'activity', 'started', 'delta', 'usage', 'phase')

/** What is shown as being written at the end of each step: deltas since the last message. */
function drafts(events: TurnEvent[]): string[] {
  let draft = ''
  const seen: string[] = []
  for (const event of events) {
    if (event.type === 'delta') draft += event.text
    else if (event.type === 'message') {
      seen.push(draft)
      draft = ''
    }
  }
  return [...seen, draft]
}

describe('what Claude says becomes', () => {
  it('a start with the token, deltas, one message, the usage and an end', () => {
    expect(without(replay('plain'), 'activity')).toEqual([
      { type: 'started', resumeToken: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { type: 'delta', text: 'Hello there, friend.' },
      { type: 'message', text: 'Hello there, friend.' },
      {
        type: 'usage',
        model: 'claude-opus-5-5',
        inputTokens: 11,
        outputTokens: 7,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        costUsd: expect.closeTo(0.000184),
      },
      { type: 'completed' },
    ])
  })

  it('usage of each turn alone, although the program counts on', () => {
    const usage = replay('two-turns').filter((event) => event.type === 'usage')
    expect(usage.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [11, 7],
      [11, 7],
    ])
    expect(usage.map(({ costUsd }) => costUsd?.toFixed(6))).toEqual(['0.000184', '0.000184'])
  })

  it('the answer alone when it only narrates before a tool', () => {
    expect(brief('tool-after-narration')).toEqual([
      { type: 'tool', phase: 'started', name: 'Bash' },
      { type: 'tool', phase: 'ended', name: 'Bash' },
      { type: 'message', text: '' },
      { type: 'message', text: 'After the tool.' },
      { type: 'completed' },
    ])
    expect(drafts(replay('tool-after-narration'))).toEqual(['Let me look.', 'After the tool.', ''])
  })

  it('two messages when what it says before a tool is more than narration', () => {
    expect(brief('tool-after-plan').filter(({ type }) => type === 'message')).toEqual([
      { type: 'message', text: 'Here is the plan:\n\n1. look\n2. act' },
      { type: 'message', text: 'After the tool.' },
    ])
  })

  it('the narration when nothing else was said', () => {
    expect(brief('tool-last').filter((event) => event.type === 'message' && event.text !== '')).toEqual([
      { type: 'message', text: 'I note that down.' },
    ])
  })

  it('an answer to each thing said, when one was pushed while text streamed', () => {
    expect(brief('steer-mid-stream')).toEqual([
      { type: 'message', text: 'one two three four five six' },
      { type: 'completed' },
      { type: 'message', text: 'Hello there, friend.' },
      { type: 'completed' },
    ])
  })

  it('one answer when something was pushed while a tool ran', () => {
    const ends = brief('steer-mid-tool').filter(({ type }) => type === 'completed' || type === 'message')
    expect(ends.at(-2)).toEqual({ type: 'message', text: 'After the tool.' })
    expect(ends.filter(({ type }) => type === 'completed')).toHaveLength(1)
  })

  it('the text once when the stream was cut and the reply came again', () => {
    expect(brief('cut-and-said-again')).toEqual([
      { type: 'message', text: '' },
      { type: 'message', text: 'Hello there, friend.' },
      { type: 'completed' },
    ])
    expect(drafts(replay('cut-and-said-again'))).toEqual(['Half an ans', 'Hello there, friend.', ''])
  })

  it('one message of both parts when the stream was cut and the reply went on', () => {
    expect(brief('cut-and-continued')).toEqual([
      { type: 'message', text: '' },
      { type: 'message', text: 'A whole block\n\nHello there, friend.' },
      { type: 'completed' },
    ])
    expect(drafts(replay('cut-and-continued'))).toEqual([
      'A whole block\n\nand half',
      'A whole block\n\nHello there, friend.',
      '',
    ])
  })

  it.each([
    ['error-401', 'auth', /Invalid API key|authenticat/i],
    ['error-403', 'auth', /nope/],
    ['error-429', 'rate-limited', /429/],
    ['error-500', 'overloaded', /boom/],
    ['error-529', 'overloaded', /Overloaded/],
    ['error-reset', 'overloaded', /ECONNRESET/],
    ['error-credit', 'quota', /Credit balance/],
    ['error-too-long', 'context-overflow', /too long/],
    ['error-model', 'other', /selected model/],
    ['error-refused', 'refused', /safeguards/],
    ['lost-session', 'resume-lost', /No conversation found/],
    ['lost-session-bad-id', 'resume-lost', /not-a-uuid/],
  ])('%s: failed, %s, and no text of the error as an answer', (name, reason, message) => {
    const events = brief(name)
    expect(events).toEqual([
      expect.objectContaining({ type: 'failed', reason, message: expect.stringMatching(message) }),
    ])
  })

  it('when to come back, for a rate limit', () => {
    expect(brief('error-429')[0]).toMatchObject({ retryAfterMs: expect.any(Number) })
    expect(brief('error-500')[0]).not.toHaveProperty('retryAfterMs')
  })

  it('a wait, while the program waits for its next try', () => {
    const waits = replay('error-500').filter((event) => event.type === 'phase')
    expect(waits.length).toBeGreaterThan(1)
    for (const wait of waits) expect(wait).toMatchObject({ phase: 'waiting', untilMs: expect.any(Number) })
    expect(waits[0]?.untilMs).toBeGreaterThan(1_000)
  })

  it('nothing as an answer when it was interrupted', () => {
    expect(brief('interrupted').filter((event) => event.type === 'message' && event.text !== '')).toEqual([])
  })

  it('events only, whatever was recorded', () => {
    const names = readdirSync(RECORDINGS).filter((name) => name.endsWith('.jsonl'))
    expect(names.length).toBeGreaterThan(20)
    for (const name of names) expect(replay(name.replace('.jsonl', '')).length).toBeGreaterThan(0)
  })
})

describe('of a subagent', () => {
  it('a chat hears nothing', () => {
    const mapper = new ReplyMapper(() => 1_000)
    const said = { id: 'm', model: 'x', content: [{ type: 'text', text: 'inner' }] }
    const inner = [
      { type: 'assistant', parent_tool_use_id: 'toolu_1', message: said },
      {
        type: 'stream_event',
        parent_tool_use_id: 'toolu_1',
        event: { type: 'content_block_delta', delta: { type: 'text_delta', text: 'inner' } },
      },
    ]
    for (const message of inner)
      expect(mapper.take(SdkMessage.parse(message))).toEqual([{ type: 'activity' }])
  })
})
