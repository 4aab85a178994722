import { expect, it } from 'vitest'
import { PRIMED_START, TOO_LONG_START } from '../../container/runner/src/reply-text.ts'
import type { ProviderRig } from '../providers/rig.ts'

/** How the API of a provider says that a conversation is too long. */
export const ANTHROPIC_OVERFLOW = {
  type: 'error',
  error: { type: 'invalid_request_error', message: 'prompt is too long: 216301 tokens > 200000 maximum' },
}

export const OPENAI_OVERFLOW = {
  error: {
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    message: 'Your input exceeds the context window of this model. Please adjust your input and try again.',
    param: 'input',
  },
}

interface MemoryTools {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
  readonly unknownSession: string
  readonly overflow: object
}

/** What a provider remembers is a cache; the transcript takes its place when it is lost or too long. */
export function describeMemory({ rig, next, heard, lines, unknownSession, overflow }: MemoryTools): void {
  it('remembers in a new sandbox', async () => {
    const before = await heard()
    await rig().killSandbox()
    const after = await heard()
    const [call] = rig().model.calls(after)
    expect(call?.text).toContain(`heard ${before}`)
    // Not primed once more; the session itself may have begun with a transcript.
    const primers = (word: string) => rig().model.calls(word)[0]?.text.split('</transcript>').length
    expect(primers(after)).toBe(primers(before))
  })

  it('goes on from the transcript, and says so once, when its runtime does not know the session', async () => {
    const told = (await lines(PRIMED_START)).length
    const before = await heard()
    await rig().killSandbox()
    rig().loseSessions(unknownSession)
    const after = await heard()
    expect((await lines(PRIMED_START)).length).toBe(told + 1)
    const [call] = rig().model.calls(after)
    expect(call?.text).toMatch(new RegExp(`> heard ${before}[\\s\\S]*</transcript>[\\s\\S]*${after}`))
    const later = await heard()
    expect((await lines(PRIMED_START)).length).toBe(told + 1)
    expect(rig().model.calls(later)[0]?.text).toContain(`heard ${after}`)
  })

  it('answers on a fresh session, and says so once, when the conversation is too long', async () => {
    const told = (await lines(TOO_LONG_START)).length
    const before = await heard()
    const word = next()
    // Also what a runtime asks to sum the conversation up by itself: only a fresh session is short enough.
    rig().model.refuseUnless(`> heard ${before}`, { status: 400, body: JSON.stringify(overflow) })
    await rig().ask(word, `heard ${word}`)
    rig().model.clearFaults()
    expect((await lines(TOO_LONG_START)).length).toBe(told + 1)
    expect(await lines(`heard ${word}`)).toHaveLength(1)
    expect(rig().model.calls(word).at(-1)?.text).toMatch(
      new RegExp(`> heard ${before}[\\s\\S]*</transcript>`),
    )
    const later = await heard()
    expect((await lines(TOO_LONG_START)).length).toBe(told + 1)
    expect(rig().model.calls(later)[0]?.text).toContain(`heard ${word}`)
  })

  it('can look up what was said', async () => {
    const word = await heard()
    const found = await rig().inSandbox('grep', '-rhiF', `heard ${word}`, '/memory/conversations')
    expect(found.trim()).toBe(`> heard ${word}`)
  })
}
