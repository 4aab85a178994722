import { describe, expect, it } from 'vitest'
import { terminalText } from './terminal-text.ts'

describe('terminalText', () => {
  it.each([
    ['a colour', 'a\u001b[31mred\u001b[0m', 'ared'],
    ['a window title', '\u001b]0;owned\u0007a', 'a'],
    ['a clipboard write', '\u001b]52;c;cm0gLXJm\u001b\\a', 'a'],
    ['a hidden link', '\u001b]8;;https://evil.example\u001b\\text\u001b]8;;\u001b\\', 'text'],
    ['a device string', '\u001bP+q544e\u001b\\a', 'a'],
    ['8-bit controls', '\u009b31ma\u009d0;t\u009cb', 'ab'],
    ['a status question', 'a\u001b[6n\u001b[cb', 'ab'],
    ['a screen reset', '\u001bcgone', 'gone'],
    ['one inside another', '\u001b\u001b]0;x\u0007[31ma', 'a'],
    ['a line written over', 'rm -rf /\rls', 'rm -rf /\nls'],
    ['backspaces and a bell', 'a\b\b\u0007b\u0000\u007f', 'ab'],
    ['a turned direction', '\u202egpj.exe\u202c', 'gpj.exe'],
    ['an unfinished one', 'a\u001b]0;the rest is lost', 'a'],
    ['a lone escape at the end', 'a\u001b', 'a'],
  ])('removes %s', (_name, text, expected) => {
    expect(terminalText(text)).toBe(expected)
  })

  it('leaves text, tabs and line breaks as they are', () => {
    const text = '# Title\n\n- café 👨‍👩‍👧 `code`\tx\r\nnext'
    expect(terminalText(text)).toBe(text.replace('\r', ''))
  })

  it('never lets a control character through, and takes time by length alone', () => {
    const alphabet = ['\u001b', '[', ']', ';', '0', 'm', '\u0007', '\\', '\u009b', 'P', '\r', 'a']
    let state = 1
    for (let round = 0; round < 2_000; round++) {
      let text = ''
      for (let index = 0; index < 12; index++) {
        state = (state * 48_271) % 2_147_483_647
        text += alphabet[state % alphabet.length]
      }
      expect(terminalText(text)).not.toMatch(/(?![\t\n])\p{Cc}/u)
    }
    const started = performance.now()
    for (const piece of ['\u001b]', '\u001b[', '\u001b', '\u009d0']) terminalText(piece.repeat(100_000))
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
