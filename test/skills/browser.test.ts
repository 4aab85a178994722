import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inTwo, readCommand } from '../../skills/browser/parts/command.ts'
import { SkillProgram } from './skill-program.ts'

describe('the command of the skill browser', () => {
  it('keeps its steps in their order, and knows which words are for all of them', () => {
    const words = [
      'https://x.test',
      '--fill',
      'From=a=b',
      '--whole',
      '--click',
      'Go',
      '--text',
      '--fill',
      'To=',
    ]
    expect(readCommand(words)).toEqual({
      start: 'https://x.test',
      steps: [
        { name: 'fill', value: 'From=a=b' },
        { name: 'click', value: 'Go' },
        { name: 'text', value: '' },
        { name: 'fill', value: 'To=' },
      ],
      settings: { whole: true, phone: false, keep: '', max: 20_000 },
    })
    expect(readCommand(['page.html']).steps).toEqual([{ name: 'text', value: '' }])
  })

  it.each([
    ['nothing to open', [], 'usage:'],
    ['two addresses', ['a', 'b'], 'usage:'],
    ['a step that there is not', ['a', '--run', 'x'], "Unknown option '--run'"],
    ['a name that leads elsewhere', ['a', '--keep', '../x'], '--keep: expected a-z'],
    ['no number', ['a', '--max', '1e9'], '--max: expected'],
  ])('refuses %s', (_what, words, said) => {
    expect(() => readCommand(words)).toThrow(said)
  })

  it('takes a field and a value apart, where a selector has an equals sign, too', () => {
    expect(inTwo('Name=a=b')).toEqual(['Name', 'a=b'])
    expect(inTwo('css:input[name=mail]=me\nyou')).toEqual(['css:input[name=mail]', 'me\nyou'])
    expect(() => inTwo('Name')).toThrow('expected FIELD=VALUE')
  })

  it('refuses what is neither an address nor a file, before there is a browser', async () => {
    using program = new SkillProgram('browser', 'browser.ts')
    for (const start of ['page.html', 'javascript:alert(1)', 'file:///etc/passwd']) {
      const { err, code } = await program.run(start)
      expect([code, err]).toEqual([1, expect.stringContaining(`${start}: expected an address`)])
    }
  })

  it('is driven by one version, in the image and in the tests', () => {
    const root = join(import.meta.dirname, '../..')
    const locked = (lock: string) =>
      JSON.parse(readFileSync(join(root, lock), 'utf8')).packages['node_modules/playwright-core'].version
    expect(locked('container/image/browser/package-lock.json')).toBe(locked('package-lock.json'))
  })
})
