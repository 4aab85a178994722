import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TurnEvent } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { TurnMapper } from './turn-mapper.ts'
import { field, readEvent, readHistory, type ServerEvent, text } from './wire.ts'

/** Recorded from the real server; see test/fixtures/opencode. */
const FIXTURES = join(import.meta.dirname, '../../../../../test/fixtures/opencode')

function recorded(name: string): unknown[] {
  const lines = readFileSync(join(FIXTURES, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line): unknown => JSON.parse(line))
}

/** Prompts of a recording in order: its user messages, but not those that the server wrote itself. */
function prompts(events: readonly unknown[]): { session: string; ids: string[] } {
  const users = events.flatMap((raw) => {
    const event = readEvent(raw)
    return event.type === 'user-message' ? [event] : []
  })
  return { session: users[0]?.session ?? '', ids: [...new Set(users.map(({ id }) => id))] }
}

function mapperOf(events: readonly unknown[], expected = 1): TurnMapper {
  const { session, ids } = prompts(events)
  const mapper = new TurnMapper(session, ids[0] ?? '', () => 0)
  for (const id of ids.slice(1, expected)) mapper.expect(id)
  return mapper
}

/** What a turn yields, without signs of life, until it ends. */
function play(mapper: TurnMapper, events: readonly ServerEvent[]): TurnEvent[] {
  const yielded: TurnEvent[] = []
  for (const event of events) {
    for (const mapped of mapper.take(event)) if (mapped.type !== 'activity') yielded.push(mapped)
    if (isEnd(yielded.at(-1))) break
  }
  return yielded
}

function isEnd(event: TurnEvent | undefined): boolean {
  return event?.type === 'completed' || event?.type === 'failed'
}

function replay(name: string, expectedPrompts = 1): TurnEvent[] {
  const events = recorded(name)
  return play(mapperOf(events, expectedPrompts), events.map(readEvent))
}

const shown = (events: readonly TurnEvent[]) =>
  events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
const said = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'message' ? [event.text] : []))

describe('a recorded turn', () => {
  it('shows the reply as it is written, then gives it whole with its cost, then ends', () => {
    expect(replay('one-reply')).toEqual([
      { type: 'delta', text: 'pong' },
      { type: 'delta', text: '-1' },
      { type: 'delta', text: ' ok' },
      {
        type: 'usage',
        model: 'claude-sonnet-4-5',
        inputTokens: 11,
        outputTokens: 7,
        cacheReadTokens: 3,
        cacheWriteTokens: 2,
        costUsd: expect.closeTo(0.0001464, 7),
      },
      { type: 'message', text: 'pong-1 ok' },
      { type: 'completed' },
    ])
  })

  it('shows a text that was sent again after a cut stream once', () => {
    const events = replay('stream-cut')
    expect(shown(events)).toBe('one two three four five')
    expect(said(events)).toEqual(['one two three four five'])
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })

  it('with a second prompt while the reply streams ends once, after both replies', () => {
    const events = replay('steered-text', 2)
    expect(said(events)).toEqual([Array.from({ length: 30 }, (_, i) => `w${i} `).join(''), 'pong-9 ok'])
    expect(events.filter(isEnd)).toHaveLength(1)
  })

  it('with a second prompt while a tool runs names the tool and gives the answer alone', () => {
    const events = replay('steered-tool', 2)
    expect(events.filter(({ type }) => type === 'tool')).toEqual([
      { type: 'tool', phase: 'started', name: 'bash' },
      { type: 'tool', phase: 'ended', name: 'bash' },
    ])
    expect(said(events)).toEqual([expect.stringMatching(/^tool said /)])
    expect(events.filter(({ type }) => type === 'usage')).toHaveLength(2)
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })

  it.each([
    ['refused-key', 'auth'],
    ['no-credit', 'quota'],
    ['rate-limited', 'rate-limited'],
    ['context-overflow', 'context-overflow'],
    ['content-filter', 'refused'],
    ['unknown-model', 'other'],
  ])('%s fails as %s, once', (name, reason) => {
    const events = replay(name)
    expect(events.at(-1)).toMatchObject({ type: 'failed', reason })
    expect(events.filter(isEnd)).toHaveLength(1)
    expect(said(events)).toEqual([])
  })

  it('passes on how long the model asks to wait', () => {
    expect(replay('rate-limited').at(-1)).toMatchObject({ retryAfterMs: 2000 })
  })
})

describe('events that come oddly', () => {
  it('of another session, or of before the prompt, are passed over', () => {
    const events = recorded('refused-key').map(readEvent)
    const late: ServerEvent[] = events.filter(({ type }) => type === 'idle' || type === 'error')
    const next = recorded('one-reply')
    const mapper = mapperOf(next)
    const { session } = prompts(next)
    const stale = late.map(
      (event): ServerEvent => (event.type === 'connected' ? event : { ...event, session }),
    )
    expect(play(mapper, [...events, ...stale])).toEqual([])
    expect(play(mapper, next.map(readEvent)).at(-1)).toEqual({ type: 'completed' })
  })

  it('twice change nothing', () => {
    const once = recorded('steered-tool').map(readEvent)
    const idle = once.findIndex(({ type }) => type === 'idle')
    const told = once.slice(0, idle).filter(({ type }) => type !== 'delta')
    const mapper = mapperOf(recorded('steered-tool'), 2)
    const events = play(mapper, [...told, ...told, ...once.slice(idle)])
    expect(said(events)).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'tool')).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'usage')).toHaveLength(2)
  })

  it('show a message as finished before its text has come, when the server is slow', () => {
    const raw = recorded('one-reply')
    const last = raw.findLast((event) => readEvent(event).type === 'assistant-message')
    const hasty = raw.map((event) => (readEvent(event).type === 'assistant-message' ? last : event))
    const events = play(mapperOf(raw), hasty.map(readEvent))
    expect(said(events)).toEqual(['pong-1 ok'])
    expect(shown(events)).toBe('pong-1 ok')
  })

  it('idle with a prompt unanswered is no end, but a doubt', () => {
    const raw = recorded('one-reply')
    const mapper = mapperOf(raw)
    mapper.expect('msg_ffffffffffffaaaaaaaaaaaaaa')
    expect(play(mapper, raw.map(readEvent)).some(isEnd)).toBe(false)
    expect(mapper.takeDoubt()).toBe(true)
    expect(mapper.takeDoubt()).toBe(false)
    expect(mapper.giveUp()).toMatchObject({ type: 'failed', reason: 'other' })
  })

  it('of a subagent count as signs of life and as cost', () => {
    const raw = recorded('one-reply')
    const { session } = prompts(raw)
    const child = recorded('steered-tool').map(readEvent)
    const childSession = prompts(recorded('steered-tool')).session
    const begun = raw.map(readEvent)
    const events = play(mapperOf(raw), [
      ...begun.slice(0, 3),
      { type: 'session-created', session: childSession, parent: session },
      ...child,
      ...begun.slice(3),
    ])
    expect(said(events)).toEqual(['pong-1 ok'])
    expect(events.filter(({ type }) => type === 'usage')).toHaveLength(3)
  })

  it('of a compaction are not for the chat', () => {
    const raw = recorded('one-reply').map((event) => {
      const info = field(field(event, 'properties'), 'info')
      if (text(info, 'role') !== 'assistant') return event
      return {
        type: 'message.updated',
        properties: { ...Object(field(event, 'properties')), info: { ...Object(info), mode: 'compaction' } },
      }
    })
    const events = play(mapperOf(recorded('one-reply')), raw.map(readEvent))
    expect(said(events)).toEqual([])
    expect(shown(events)).toBe('')
  })
})

describe('a stored history', () => {
  it('tells what a broken stream did not', () => {
    const raw = recorded('one-reply')
    const { session } = prompts(raw)
    const infoOf = (role: string) =>
      raw
        .map((event) => field(field(event, 'properties'), 'info'))
        .findLast((info) => text(info, 'role') === role)
    const parts = raw
      .map((event) => field(field(event, 'properties'), 'part'))
      .filter((part) => part !== undefined)
    const history = readHistory([
      { info: infoOf('user'), parts: parts.slice(0, 1) },
      { info: infoOf('assistant'), parts: parts.slice(1) },
    ])
    const events = play(mapperOf(raw), [...history, { type: 'idle', session }])
    expect(said(events)).toEqual(['pong-1 ok'])
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })
})
