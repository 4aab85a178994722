import { describe, expect, it } from 'vitest'
import { authorityOf, isSameTarget, readTarget } from './target.ts'

describe('a target', () => {
  it.each([
    ['example.com:443', 'example.com', 443],
    ['EXAMPLE.com.:8443', 'example.com', 8443],
    ['a_b.example:1', 'a_b.example', 1],
    ['xn--bcher-kva.example:443', 'xn--bcher-kva.example', 443],
    ['localhost:65535', 'localhost', 65535],
    ['1.2.3.4:80', '1.2.3.4', 80],
    ['[::1]:80', '::1', 80],
    ['[2001:DB8:0::1]:443', '2001:db8::1', 443],
  ])('%s', (text, host, port) => {
    expect(readTarget(text, null)).toEqual({ host, port })
  })

  it('takes the given port where it has none', () => {
    expect(readTarget('example.com', 80)).toEqual({ host: 'example.com', port: 80 })
    expect(readTarget('[::1]', 80)).toEqual({ host: '::1', port: 80 })
  })

  it.each([
    '',
    ':443',
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:65536',
    'example.com:443:443',
    'example.com:+443',
    'example.com: 443',
    'user@example.com:443',
    'example.com/x:443',
    'example.com\\.evil.example:443',
    'example.com%2eevil:443',
    'exa mple.com:443',
    'bücher.example:443',
    'a..b:443',
    '.example.com:443',
    'example.com..:443',
    '-a.example:443',
    'a-.example:443',
    `${'a'.repeat(64)}.example:443`,
    `${'a.'.repeat(127)}example:443`,
    '127.1:80',
    '2130706433:80',
    '0x7f.0.0.1:80',
    '0x7f000001:80',
    '0177.0.0.1:80',
    '1.2.3.4.5:80',
    'a.0x10:80',
    '::1:80',
    '[::1%lo]:80',
    '[::1]x:80',
    '[1.2.3.4]:80',
    '*:443',
  ])('is none: %s', (text) => {
    expect(readTarget(text, null)).toBeNull()
  })

  it('is written so that it is read back', () => {
    for (const target of [
      { host: 'example.com', port: 443 },
      { host: '::1', port: 8080 },
    ])
      expect(isSameTarget(readTarget(authorityOf(target), null) ?? { host: '', port: 0 }, target)).toBe(true)
    expect(authorityOf({ host: 'a.example', port: 443 }, 443)).toBe('a.example')
    expect(isSameTarget({ host: 'a', port: 1 }, { host: 'a', port: 2 })).toBe(false)
  })
})
