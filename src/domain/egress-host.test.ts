import { describe, expect, it } from 'vitest'
import { canonicalHost, canonicalPattern, hostMatches, isLocalName, isTooWide } from './egress-host.ts'

const LONG = 'a'.repeat(63)

describe('a host', () => {
  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.Com', 'example.com'],
    ['example.com.', 'example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['my_bucket.example.com', 'my_bucket.example.com'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    ['a-b.c1.example', 'a-b.c1.example'],
    ['localhost', 'localhost'],
    [`${LONG}.example`, `${LONG}.example`],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['[2001:DB8:0::A]', '2001:db8::a'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
  ])('%s is compared as %s', (text, expected) => {
    expect(canonicalHost(text)).toBe(expected)
  })

  it.each([
    '',
    '.',
    '..',
    '.example.com',
    'example..com',
    'example.com..',
    '-a.example',
    'a-.example',
    `${LONG}a.example`,
    `${`${LONG}.`.repeat(4)}example`,
    'exa mple.com',
    'example.com\n',
    'example.com\0.evil.org',
    'example.com%00',
    'example.com/',
    'example.com:443',
    'user@example.com',
    'a,b',
    '*',
    '*.example.com',
    // Letters that look like others, or become others when they are lower-cased.
    'bücher.example',
    'раypal.com',
    '\u212Aernel.org',
    'example\u3002com',
    '１.1.1.1',
    // Read as an address by some programs.
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.01',
    '1.2.3.4.',
    '1.2.3.256',
    'example.0',
    'a.0x',
    '[127.0.0.1]',
    '[::1',
    '::1]',
    'fe80::1%eth0',
    '[::1]:443',
  ])('is not %o', (text) => {
    expect(canonicalHost(text)).toBeNull()
  })
})

describe('a pattern', () => {
  it.each([
    ['*', '*'],
    ['*.Example.com.', '*.example.com'],
    ['*.com', '*.com'],
    ['example.com', 'example.com'],
  ])('%s is %s', (text, expected) => {
    expect(canonicalPattern(text)).toBe(expected)
  })

  it.each(['**', '*.', '*example.com', 'a.*.com', 'example.*', '*.*.com', '*.1.2.3.4', '*.[::1]', '*.bü.de'])(
    'is not %o',
    (text) => {
      expect(canonicalPattern(text)).toBeNull()
    },
  )

  it.each([
    ['example.com', 'example.com', true],
    ['example.com', 'www.example.com', false],
    ['example.com', 'example.com.evil.org', false],
    ['example.com', 'xexample.com', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'aexample.com', false],
    ['*.example.com', 'a.example.com.evil.org', false],
    ['10.0.0.5', '10.0.0.5', true],
    ['10.0.0.5', '10.0.0.50', false],
    ['::1', '::1', true],
    ['*', 'anything.example', true],
    ['*', '::1', true],
  ])('%s and %s: %s', (pattern, host, expected) => {
    expect(hostMatches(pattern, host)).toBe(expected)
  })
})

describe('width', () => {
  it.each([
    '*',
    '*.com',
    '*.dev',
    '*.co.uk',
    '*.com.au',
    '*.github.io',
    '*.amazonaws.com',
    '*.s3.amazonaws.com',
  ])('%s is too wide', (pattern) => {
    expect(isTooWide(pattern)).toBe(true)
  })

  it.each([
    'com',
    'example.com',
    '*.example.com',
    '*.example.co.uk',
    'me.github.io',
    '*.lan',
    '*.notgithub.io',
  ])('%s is not', (pattern) => {
    expect(isTooWide(pattern)).toBe(false)
  })
})

it('names of a local network are told from others', () => {
  const local = [
    'localhost',
    'nas',
    'nas.lan',
    'printer.local',
    'metadata.google.internal',
    '*.home.arpa',
    'a.corp',
  ]
  expect(local.every(isLocalName)).toBe(true)
  expect(['example.com', '*.example.com', 'lan.example.com', 'local.dev'].some(isLocalName)).toBe(false)
})
