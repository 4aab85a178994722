import { expect, it } from 'vitest'
import { failureReply } from '../../container/runner/src/reply-text.ts'
import { GROUP, type ProviderRig } from '../providers/rig.ts'

/** What the tests of failures need of the suite that they are part of. */
export interface FailureTools {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
  /** Part of the command line of the runtime's process. */
  readonly process: string | undefined
}

/** What a model's service and a runtime may do wrong. */
export function describeFailures({ rig, next, heard, lines, process }: FailureTools): void {
  const many = <T>(value: T) => Array.from({ length: 200 }, () => value)

  it.each([
    [401, 'auth'],
    [500, 'overloaded'],
  ] as const)(
    'tells the person when its model answers %i for good, and answers the next',
    async (status, reason) => {
      const word = next()
      const told = failureReply(reason)
      const before = (await lines('The agent could not answer')).length
      rig().model.fault(word, ...many({ status }))
      await rig().person.say(word)
      await rig().host.until(
        `“${told}”`,
        async () => (await lines('The agent could not answer')).length > before,
        150_000,
      )
      expect((await lines('The agent could not answer')).at(-1)).toContain(
        status === 401 ? told : 'The agent could not',
      )
      rig().model.clearFaults()
      await heard()
    },
  )

  it.each([
    ['asks it to wait a second', { status: 429, headers: { 'retry-after': '1' } }],
    ['fails once', { status: 500 }],
  ])('answers once when its model %s', async (_, fault) => {
    const word = next()
    rig().model.fault(word, fault)
    await rig().ask(word, `heard ${word}`)
    expect(rig().model.faultsLeft).toBe(0)
    expect(await lines(`heard ${word}`)).toHaveLength(1)
    await heard()
  })

  it('answers once, and nothing twice, when the stream is cut', async () => {
    const word = next()
    rig().model.on(word, { text: `heard ${word} ${'and so on '.repeat(60)}the end`, pieceMs: 20 })
    rig().model.fault(word, { cutAfter: 2_500 })
    const before = (await lines('The agent could not answer')).length
    await rig().person.say(word)
    await rig().host.until('an end', async () => {
      const failed = (await lines('The agent could not answer')).length > before
      return failed || (await lines('the end')).some((line) => line.includes(word))
    })
    expect(rig().model.faultsLeft).toBe(0)
    for (const line of await lines(`heard ${word}`)) expect(line.split(`heard ${word}`)).toHaveLength(2)
    await heard()
  })

  if (process !== undefined)
    it('answers once when its runtime is killed during a turn, and answers the next', async () => {
      const word = next()
      rig().model.on(word, { text: `heard ${word} ${'and so on '.repeat(50)}the end`, pieceMs: 100 })
      const before = (await rig().person.agentLines()).length
      await rig().person.say(word)
      await rig().host.until('the call', () => rig().model.calls(word).length > 0)
      await rig().inSandbox('pkill', '-9', '-f', process)
      await rig().host.until(
        'an answer',
        async () => (await rig().person.agentLines()).length > before,
        150_000,
      )
      expect((await rig().person.agentLines()).slice(before)).toEqual([
        expect.stringMatching(/^heard .* the end$/),
      ])
      // A runtime may ask the message that got no answer at first again, together with the next.
      const after = next()
      rig().model.on(after, { text: `heard ${after}` })
      await rig().ask(after, `heard ${after}`)
      expect((await rig().host.containers()).filter(({ group }) => group === GROUP)).toHaveLength(1)
    })
}
