import { expect, it } from 'vitest'
import type { ProviderRig } from '../providers/rig.ts'

/** A stream that says `text`, and what the model used for it. */
export type CountedAnswer = (text: string) => readonly string[]

/** What every dialect's counted answer amounts to. */
export const COUNTED = { inputTokens: 11, outputTokens: 7, cacheReadTokens: 1_000, cacheWriteTokens: 200 }

function sse(events: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[]): string[] {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

/** Here the input leaves out what was read from the cache and written to it. */
export const anthropicCounted: CountedAnswer = (text) => {
  const usage = { input_tokens: 11, cache_read_input_tokens: 1_000, cache_creation_input_tokens: 200 }
  const message = { id: 'msg_counted', type: 'message', role: 'assistant', model: 'counted', content: [] }
  return sse([
    { type: 'message_start', message: { ...message, usage: { ...usage, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { ...usage, output_tokens: 7 },
    },
    { type: 'message_stop' },
  ])
}

/** Here it counts all of them. */
export const openaiCounted: CountedAnswer = (text) => {
  const content = [{ type: 'output_text', text, annotations: [] }]
  const item = { type: 'message', id: 'msg_counted', role: 'assistant', status: 'completed', content }
  const input_tokens_details = { cached_tokens: 1_000, cache_write_tokens: 200 }
  const usage = { input_tokens: 1_211, input_tokens_details, output_tokens: 7, total_tokens: 1_218 }
  return sse([
    { type: 'response.created', response: { id: 'resp_counted' } },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { id: 'resp_counted', usage } },
  ])
}

interface ChatTools {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
  readonly ownModel: string
  readonly otherModel: string
  readonly counted: CountedAnswer
}

/** What a person can say to the host in a chat, as the model sees it. */
export function describeChat({ rig, next, heard, lines, ownModel, otherModel, counted }: ChatTools): void {
  const command = async (text: string, answer: string) => {
    const before = (await lines(answer)).length
    await rig().person.say(text)
    await rig().host.until(`“${answer}”`, async () => (await lines(answer)).length > before)
  }

  it('begins a new conversation at /new: the next request holds nothing of before, the one after it does', async () => {
    const before = await heard()
    await command('/new', 'A new conversation begins')
    const after = await heard()
    for (const call of rig().model.calls(after)) expect(call.text).not.toContain(before)
    const later = await heard()
    expect(rig().model.calls(later)[0]?.text).toContain(`heard ${after}`)
    expect(rig().model.calls(later)[0]?.text).not.toContain(before)
  })

  it('asks the model that was chosen with /model, and its own again after default', async () => {
    const modelOf = async () => JSON.parse(rig().model.calls(await heard())[0]?.text ?? '{}').model
    await command(`/model ${otherModel}`, `The model of this conversation is ${otherModel}`)
    expect(await modelOf()).toBe(otherModel)
    await command('/model default', "The model is the agent's again")
    expect(await modelOf()).toBe(ownModel)
  })

  it('says at /status what it does while it does it', async () => {
    await command('/status', 'Nothing is running here')
    const long = next()
    rig().model.on(long, { text: `heard ${long} ${'and so on '.repeat(400)}`, pieceMs: 100 })
    const newest = () =>
      Math.max(
        0,
        ...rig()
          .entries('progress')
          .map(({ inboxSeq }) => inboxSeq),
      )
    const before = newest()
    await rig().person.say(long)
    await rig().host.until('words of the answer', () => newest() > before)
    await command('/status', 'Working for')
    expect((await lines('Working for')).at(-1)).toContain(ownModel)
    await command('/stop', 'Stopped.')
    await heard()
  })

  it('counts fresh tokens apart from those of the cache, the same for every provider', async () => {
    const before = rig().usage().length
    const word = next()
    rig().model.fault(word, {
      pieces: counted(`heard ${word}`),
      headers: { 'content-type': 'text/event-stream' },
    })
    await rig().ask(word, `heard ${word}`)
    await rig().host.until('the usage', () => rig().usage().length > before)
    expect(rig().usage().at(-1)).toMatchObject(COUNTED)
    const listed = JSON.parse(await rig().host.creel('usage', '--json'))
    expect(listed.lines.length).toBeGreaterThan(0)
  })
}
