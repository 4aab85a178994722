import { expect, it } from 'vitest'
import type { ProviderRig } from '../providers/rig.ts'

interface SearchTests {
  readonly rig: () => ProviderRig
  readonly next: () => string
  readonly lines: (part: string) => Promise<string[]>
  /** Whether it has a model, which answers in its own words. */
  readonly model: boolean
}

/** What an agent finds in its memory again. `asked` has it call a tool for a word, `told` is what it was told then. */
export function describeSearch(
  { rig, next, lines, model }: SearchTests,
  asked: (word: string, tool: string, args: object) => string,
  told: (word: string) => string,
): void {
  it('find what was noted and said by parts of its words, without their accents', async () => {
    const [word, later] = [next(), next()]
    const name = `Zahnärzte${word.replace(/\D/g, '')}`
    await rig().person.say(asked(word, 'remember', { text: `call the ${name} again` }))
    await rig().person.answered(model ? `heard ${word}` : 'Noted as ')
    const query = `AGAIN "zahnarz* ${name.slice(4)}`
    await rig().person.say(asked(later, 'search_conversations', { query }))
    await rig().person.answered(model ? `heard ${later}` : '/memory/index.md:')
    const found = model ? told(later) : (await lines('/memory/index.md:')).join('')
    expect(found).toMatch(new RegExp(`/memory/index\\.md:\\d+ [\\s\\S]*call the ${name} again`))
  })
}
