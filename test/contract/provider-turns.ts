import { beforeAll, describe, expect, it } from 'vitest'
import type { ProviderRig } from '../providers/rig.ts'

/** What the tests of turns need of the suite that they are part of. */
export interface TurnTools {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly heard: () => Promise<string>
  readonly lines: (part: string) => Promise<string[]>
  /** The group's container.json, with more in it. */
  readonly container: (more?: object) => object
}

const HANGS = Array.from({ length: 20 }, () => ({ hang: true }) as const)

/** What holds for turns of every runtime that calls a model. */
export function describeTurns({ rig, next, heard, lines, container }: TurnTools): void {
  describe('a turn', () => {
    beforeAll(() => heard())

    it('ends when its model says nothing for the time that it has, and says in which phase', async () => {
      rig().configure({ ...container({ limits: { phase_s: { model: 10 }, retries: 0 } }) })
      await rig().killSandbox()
      const word = next()
      rig().model.fault(word, ...HANGS)
      await rig().person.say(word)
      await rig().person.answered('its model said nothing for 10 s, its limit (phase: model).')
      rig().model.clearFaults()
      await heard()
      rig().configure({ ...container() })
      await rig().killSandbox()
      await heard()
    })

    it('that answers NO_REPLY in a group says nothing, and in a private chat just that', async () => {
      const [silent, loud] = [next(), next()]
      for (const word of [silent, loud]) rig().model.on(word, { text: 'NO_REPLY', pieceMs: 50, pieceSize: 2 })
      const settled = () => rig().settled().length
      const before = (await rig().person.agentLines()).length
      await rig().chatKind('group')
      const from = settled()
      await rig().person.say(silent)
      await rig().host.until('the settlement', () => settled() > from)
      await rig().chatKind('private')
      await rig().person.say(loud)
      await rig().host.until('the answer', async () => (await rig().person.agentLines()).length > before)
      expect((await rig().person.agentLines()).slice(before)).toEqual(['NO_REPLY'])
      const seq = rig().settled().at(-2)?.inboxSeq
      expect(rig().settled().at(-2)).toMatchObject({ outcome: 'done' })
      const shown = rig()
        .entries('progress')
        .filter(({ inboxSeq }) => inboxSeq === seq)
      expect(shown.map(({ text }) => text).join('')).not.toContain('NO')
    })

    it('of /compact shortens the conversation and says so; the next message is answered', async () => {
      const [first] = [await heard(), await heard(), await heard()]
      const before = (await lines('The conversation was shortened')).length
      await rig().person.say('/compact')
      await rig().host.until('the word about it', async () => {
        return (await lines('The conversation was shortened')).length > before
      })
      const word = await heard()
      expect(rig().model.calls(word)[0]?.text).not.toContain(`heard ${first}`)
    })
  })
}
