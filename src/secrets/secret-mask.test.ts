import { describe, expect, it } from 'vitest'
import { SecretMask } from './secret-mask.ts'

describe('a secret mask', () => {
  it('takes out what it learned, wherever and however often it stands', () => {
    const mask = new SecretMask()
    mask.learn(['sk-1234567890', 'two\n"lines" 1234'])
    expect(mask.clean('a sk-1234567890b sk-1234567890')).toBe('a ***b ***')
    expect(mask.clean(JSON.stringify({ x: 'two\n"lines" 1234' }))).toBe('{"x":"***"}')
    expect(mask.clean('nothing here')).toBe('nothing here')
  })

  it('leaves short words alone, and forgets the oldest beyond its bound', () => {
    const mask = new SecretMask()
    mask.learn(['short'])
    expect(mask.clean('a short text')).toBe('a short text')
    mask.learn(Array.from({ length: 2_001 }, (_, n) => `secret-number-${String(n).padStart(4, '0')}`))
    expect(mask.clean('secret-number-0000 secret-number-2000')).toBe('secret-number-0000 ***')
  })
})
