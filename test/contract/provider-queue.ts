import type { QueueMode } from '@creel/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { INTERRUPTED } from '../../container/runner/src/reply-text.ts'
import type { ProviderRig } from '../providers/rig.ts'

/** What the tests of a queue need of the suite that they are part of. */
export interface QueueTools {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
}

const SLOW = { pieceMs: 100 } as const

/** What becomes of a message that comes while its agent is at work, with runtimes that call a model. */
export function describeQueue({ rig, next, heard, lines }: QueueTools): void {
  describe('a message while the agent writes', () => {
    const queue = (mode: QueueMode) => rig().queue(mode)
    const settled = () => rig().settled()
    /** Has the agent write a long answer to `word`, and waits until some of it is shown. */
    const writing = async (word: string) => {
      rig().model.on(word, { text: `heard ${word} ${'and so on '.repeat(200)}`, ...SLOW })
      await rig().person.say(word)
      const shown = () => rig().entries('progress').at(-1)?.text.includes(word)
      await rig().host.until('words of the answer', () => shown() === true)
    }
    beforeAll(() => heard())
    afterAll(() => queue('follow_up'))

    it('goes into the turn when it steers: one settlement, nothing twice', async () => {
      await queue('steer')
      const [first, second] = [next(), next()]
      const before = settled().length
      await writing(first)
      rig().model.on(second, { text: `heard ${second}` })
      await rig().ask(second, `heard ${second}`)
      await rig().host.until('both settlements', () => settled().length === before + 2)
      const [one, two] = settled().slice(before)
      expect([one?.outcome, two?.outcome]).toEqual(['done', 'done'])
      expect(rig().replies().at(-1)).toBe(one?.inboxSeq)
      const returned = rig().entries('returned')
      expect(
        returned.filter(({ inboxSeq }) => inboxSeq === one?.inboxSeq || inboxSeq === two?.inboxSeq),
      ).toEqual([])
      const [call] = rig().model.calls(second)
      expect(call?.text).toContain(first)
      expect(await lines(`heard ${second}`)).toHaveLength(1)
      // A runtime finishes what it was writing, or begins the answer to both anew.
      expect((await lines(`heard ${first}`)).length).toBeLessThanOrEqual(1)
      await heard()
    })

    it('ends the turn when it interrupts, and is next', async () => {
      await queue('interrupt')
      const [first, second] = [next(), next()]
      const before = settled().length
      await writing(first)
      rig().model.on(second, { text: `heard ${second}` })
      await rig().ask(second, `heard ${second}`)
      await rig().host.until('both settlements', () => settled().length === before + 2)
      expect(
        settled()
          .slice(before)
          .map(({ outcome }) => outcome),
      ).toEqual(['cancelled', 'done'])
      const cut = await lines(INTERRUPTED)
      expect(cut.filter((line) => line.includes(`heard ${first}`))).toHaveLength(1)
      expect(await lines(`heard ${second}`)).toHaveLength(1)
      await heard()
    })

    it('shares one turn with others that wait when it is collected', async () => {
      await queue('collect')
      const [first, second, third] = [next(), next(), next()]
      const before = settled().length
      rig().model.on(first, { text: `heard ${first} ${'and so on '.repeat(30)}`, ...SLOW })
      await rig().person.say(first)
      await rig().host.until('the call', () => rig().model.calls(first).length > 0)
      await rig().person.say(second)
      await rig().ask(third, `heard ${third}`)
      await rig().host.until('all settlements', () => settled().length === before + 3)
      const [, two, three] = settled().slice(before)
      const replies = rig().replies()
      expect(replies.filter((seq) => seq === two?.inboxSeq)).toHaveLength(1)
      expect(replies.filter((seq) => seq === three?.inboxSeq)).toEqual([])
      expect(rig().model.calls(third)[0]?.text).toContain(second)
      await heard()
    })
  })
}
