import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TurnEvent } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { TurnMapper } from './turn-mapper.ts'

/**
 * What codex app-server 0.169.0 reported, written down from the real program: `reply` against aimock, the others
 * against streams written by hand, for aimock neither cuts a stream at a given event nor calls a namespaced tool.
 */
const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/codex')
const Recording = z.object({
  turnId: z.string(),
  notifications: z.array(z.object({ method: z.string(), params: z.unknown() })),
})

function recording(name: string): z.infer<typeof Recording> {
  return Recording.parse(JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')))
}

function mapped(name: string): TurnEvent[] {
  const { turnId, notifications } = recording(name)
  const mapper = new TurnMapper(turnId, 'gpt-test')
  const events = notifications.flatMap(({ method, params }) => mapper.take(method, params))
  expect(mapper.over).toBe(true)
  return events.filter(({ type }) => type !== 'activity')
}

/** What a reader that keeps to the port would show and send. */
function told(events: readonly TurnEvent[]): { drafts: string[]; messages: string[] } {
  const drafts: string[] = []
  const messages: string[] = []
  let draft = ''
  for (const event of events) {
    if (event.type === 'delta') {
      draft += event.text
      drafts.push(draft)
    } else if (event.type === 'message') {
      draft = ''
      if (event.text !== '') messages.push(event.text)
    }
  }
  return { drafts, messages }
}

const WHOLE = 'The whole answer, from its start'

describe('TurnMapper', () => {
  // Written by hand from the schema that `codex app-server generate-ts` prints: no mock of ours makes images.
  it('gives the images that the model made, where codex has saved them', () => {
    const mapper = new TurnMapper('t', 'gpt-test')
    const item = { type: 'imageGeneration', id: 'i', status: 'completed', revisedPrompt: null, failure: null }
    const report = (method: string, more: object) =>
      mapper.take(method, { turnId: 't', item: { ...item, ...more } })
    const image = { type: 'file', path: '/home/agent/.codex/generated_images/i.png', name: 'image.png' }
    const ended = { type: 'tool', phase: 'ended', name: 'make image' }
    report('item/started', {})
    expect(report('item/completed', { savedPath: image.path, result: 'aGk=' })).toEqual([ended, image])
    report('item/started', {})
    expect(report('item/completed', { result: '' })).toEqual([ended])
    expect(report('item/completed', { savedPath: 7 })).toEqual([{ type: 'activity' }])
  })

  it('maps a plain reply', () => {
    const events = mapped('reply')
    expect(told(events).messages).toEqual(['PONG from the mock model'])
    expect(told(events).drafts.at(-1)).toBe('PONG from the mock model')
    expect(events.at(-1)).toEqual({ type: 'completed' })
  })

  it('names tools, tells their start and end, and sums the usage of each request', () => {
    const events = mapped('tools')
    expect(events.filter(({ type }) => type === 'tool')).toEqual([
      { type: 'tool', phase: 'started', name: 'shell' },
      { type: 'tool', phase: 'ended', name: 'shell' },
      { type: 'tool', phase: 'started', name: 'lab.echo_token' },
      { type: 'tool', phase: 'ended', name: 'lab.echo_token' },
    ])
    expect(events.filter(({ type }) => type === 'usage')).toEqual([
      usage(10, 3, 0),
      usage(10, 3, 0),
      // 100 in, 40 of them from the cache.
      usage(60, 7, 40),
    ])
  })

  it('does not double a reply that was begun again after a cut', () => {
    const { drafts, messages } = told(mapped('cut-stream'))
    expect(messages).toEqual([WHOLE])
    expect(drafts).toEqual([WHOLE, WHOLE])
  })

  it('does not double a reply that was whole when its stream was cut', () => {
    expect(told(mapped('cut-after-message')).messages).toEqual([WHOLE])
  })

  it('drops the text that a steer cut off', () => {
    const { drafts, messages } = told(mapped('steered'))
    expect(messages).toEqual(['Steered answer'])
    expect(drafts).toEqual([WHOLE, 'Steered answer'])
  })

  it('sends nothing of a text that was interrupted', () => {
    const events = mapped('interrupted-text')
    expect(told(events).messages).toEqual([])
    expect(events.at(-1)).toEqual({ type: 'interrupted' })
  })

  it('ends a tool that an interrupt left open', () => {
    const events = mapped('interrupted-tool')
    expect(events.slice(-2)).toEqual([
      { type: 'tool', phase: 'ended', name: 'shell' },
      { type: 'interrupted' },
    ])
  })

  it('ends a turn that failed with the reason', () => {
    expect(mapped('refused-key').at(-1)).toMatchObject({ type: 'failed', reason: 'auth' })
  })

  it('sends the answer and not the comments on the way to it', () => {
    expect(told(mapped('commentary')).messages).toEqual(['All is well.'])
  })

  it('sends the last comment when there was nothing else', () => {
    const { turnId, notifications } = recording('commentary')
    const mapper = new TurnMapper(turnId, 'gpt-test')
    const withoutAnswer = notifications.filter(
      ({ params }) => !JSON.stringify(params).includes('final_answer'),
    )
    const events = withoutAnswer.flatMap(({ method, params }) => mapper.take(method, params))
    const end = { turn: { id: turnId, status: 'completed', error: null, items: [] } }
    expect(told([...events, ...mapper.take('turn/completed', end)]).messages).toEqual([
      'I look at the file first.',
    ])
  })

  it('takes the reply out of the last report when that of the reply was lost', () => {
    const { turnId, notifications } = recording('reply')
    const mapper = new TurnMapper(turnId, 'gpt-test')
    const lossy = notifications.filter(({ method }) => method !== 'item/completed')
    expect(told(lossy.flatMap(({ method, params }) => mapper.take(method, params))).messages).toEqual([
      'PONG from the mock model',
    ])
  })

  it('passes over the reports of another turn, and any after the last', () => {
    const { turnId, notifications } = recording('tools')
    const other = new TurnMapper('another turn', 'gpt-test')
    expect(notifications.flatMap(({ method, params }) => other.take(method, params))).toEqual([])
    expect(other.over).toBe(false)
    const mapper = new TurnMapper(turnId, 'gpt-test')
    for (const { method, params } of notifications) mapper.take(method, params)
    expect(notifications.flatMap(({ method, params }) => mapper.take(method, params))).toEqual([])
  })

  it('survives reports of any shape', () => {
    const mapper = new TurnMapper('t', 'gpt-test')
    const shapes = [
      undefined,
      null,
      7,
      'x',
      [],
      {},
      { turnId: 't' },
      { turnId: 't', item: { type: 1 } },
      { turn: {} },
    ]
    const methods = [
      'item/started',
      'item/completed',
      'item/agentMessage/delta',
      'thread/tokenUsage/updated',
      'turn/completed',
      'error',
      'invented/tomorrow',
    ]
    for (const method of methods) {
      for (const shape of shapes) {
        expect(mapper.take(method, shape).every(({ type }) => type === 'activity')).toBe(true)
      }
    }
    const end = { turn: { id: 't', status: 'invented', error: null } }
    expect(mapper.take('turn/completed', end)).toMatchObject([{ type: 'failed', reason: 'other' }])
  })
})

function usage(inputTokens: number, outputTokens: number, cacheReadTokens: number): TurnEvent {
  return { type: 'usage', model: 'gpt-test', inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens: 0 }
}
