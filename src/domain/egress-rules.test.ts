import { describe, expect, it } from 'vitest'
import {
  allows,
  covers,
  denies,
  denyRule,
  type EgressRule,
  egressRule,
  isLimited,
  parseEgressRule,
  ruleText,
  ruleWarnings,
} from './egress-rules.ts'
import { CreelError } from './errors.ts'

const usual = { ports: [443], methods: [], paths: [], private: false }

describe('a rule', () => {
  it.each<[unknown, Partial<EgressRule>]>([
    ['example.com', {}],
    ['Example.COM.', {}],
    ['https://example.com', {}],
    ['https://example.com/', {}],
    ['HTTPS://example.com', {}],
    ['http://example.com', { ports: [80] }],
    ['http://example.com:8080', { ports: [8080] }],
    ['example.com:8443', { ports: [8443] }],
    ['example.com:65535', { ports: [65_535] }],
    ['*.example.com', { host: '*.example.com' }],
    ['*.example.com:8443', { host: '*.example.com', ports: [8443] }],
    ['https://example.com/repos/acme', { paths: ['/repos/acme'] }],
    ['example.com/repos/', { paths: ['/repos/'] }],
    ['*', { host: '*' }],
    ['1.1.1.1', { host: '1.1.1.1' }],
    ['1.1.1.1:853', { host: '1.1.1.1', ports: [853] }],
    ['2606:4700:4700::1111', { host: '2606:4700:4700::1111' }],
    ['[2606:4700:4700::1111]', { host: '2606:4700:4700::1111' }],
    ['[2606:4700:4700:0::1111]:8443', { host: '2606:4700:4700::1111', ports: [8443] }],
    [{ host: 'example.com' }, {}],
    [{ host: 'example.com', ports: [80, 443, 80] }, { ports: [80, 443] }],
    [{ host: 'http://example.com:8080/x' }, { ports: [8080], paths: ['/x'] }],
    [{ host: 'example.com', methods: ['get', 'POST'] }, { methods: ['GET', 'POST'] }],
    [{ host: 'example.com/a', paths: ['/b', '/a'] }, { paths: ['/a', '/b'] }],
    [
      { host: '10.0.0.5', private: true },
      { host: '10.0.0.5', private: true },
    ],
    [
      { host: '[::1]:9000', private: true },
      { host: '::1', ports: [9000], private: true },
    ],
    [
      { host: '*.lan', private: true },
      { host: '*.lan', private: true },
    ],
  ])('%o', (raw, expected) => {
    const rule = { host: 'example.com', ...usual, ...expected }
    expect(parseEgressRule(raw)).toEqual(rule)
    // What is kept means the same when it is read again.
    expect(parseEgressRule(JSON.parse(JSON.stringify(rule)))).toEqual(rule)
  })
})

describe('what is no rule says what was expected', () => {
  it.each<[unknown, RegExp]>([
    ['', /a host such as example\.com/],
    ['https://', /a host such as/],
    ['exa mple.com', /a host such as/],
    ['user:pw@example.com', /without user, password or query/],
    ['user@example.com', /without user, password or query/],
    ['example.com?q', /without user, password or query/],
    ['example.com#f', /without user, password or query/],
    ['ftp://example.com', /a host such as/],
    ['example.com:', /a host such as/],
    ['example.com:0', /a port from 1 to 65535/],
    ['example.com:65536', /a port from 1 to 65535/],
    ['example.com:443x', /a host such as/],
    ['example.com:99999999999999999999', /a port from 1 to 65535/],
    ['example.com/a/../b', /a plain path/],
    ['example.com/a%2fb', /a plain path/],
    ['example.com/*', /a plain path/],
    ['example.com/a?b', /a plain path/],
    ['https://example.com//x', /a plain path/],
    ['bücher.example', /write xn--bcher-kva\.example/],
    ['раypal.com', /write xn--/],
    ['\u212Aernel.org', /write kernel\.org/],
    ['127.1', /write 127\.0\.0\.1/],
    ['0x7f000001', /write 127\.0\.0\.1/],
    ['a.*.com', /a host such as/],
    ['*example.com', /a host such as/],
    ['127.0.0.1', /"private": true/],
    ['169.254.169.254', /"private": true/],
    ['[::1]', /"private": true/],
    ['::ffff:192.168.0.1', /"private": true/],
    [{ host: '*', private: true }, /a host or a domain of your own/],
    [{ host: '*.com', private: true }, /a host or a domain of your own/],
    [{ host: 'example.com:8443', ports: [443] }, /the port in one place/],
    [{ host: 'example.com', ports: [] }, /numbers from 1 to 65535/],
    [{ host: 'example.com', ports: [0] }, /numbers from 1 to 65535/],
    [{ host: 'example.com', ports: [65_536] }, /numbers from 1 to 65535/],
    [{ host: 'example.com', ports: ['443'] }, /numbers from 1 to 65535/],
    [{ host: 'example.com', ports: 443 }, /numbers from 1 to 65535/],
    [{ host: 'example.com', methods: ['GET\r\n'] }, /names of methods/],
    [{ host: 'example.com', methods: 'GET' }, /names of methods/],
    [{ host: 'example.com', paths: ['x'] }, /plain paths/],
    [{ host: 'example.com', paths: ['/a/../b'] }, /plain paths/],
    [{ host: 'example.com', private: 'yes' }, /true or false/],
    [{ host: 'example.com', hosts: [] }, /no key hosts/],
    [{ host: 5 }, /a host such as/],
    [{}, /a host such as/],
    [null, /a text such as "example\.com" or an object/],
    [42, /a text such as/],
    [['example.com'], /a text such as/],
    [JSON.parse('{"host":"a.example","__proto__":{"private":true}}'), /no key __proto__/],
  ])('%o', (raw, expected) => {
    expect(() => egressRule(raw)).toThrow(CreelError)
    expect(() => egressRule(raw)).toThrow(expected)
  })
})

const rule = (raw: unknown) => egressRule(raw)
const request = (more: object = {}) => ({ host: 'example.com', port: 443, method: 'GET', path: '/', ...more })

describe('a rule lets pass', () => {
  it.each<[unknown, object, boolean]>([
    ['example.com', {}, true],
    ['example.com', { port: 80 }, false],
    ['example.com', { host: 'www.example.com' }, false],
    ['http://example.com', { port: 80 }, true],
    ['http://example.com', { port: 443 }, false],
    [{ host: 'example.com', methods: ['GET'] }, { method: 'GET' }, true],
    [{ host: 'example.com', methods: ['GET'] }, { method: 'HEAD' }, true],
    [{ host: 'example.com', methods: ['POST'] }, { method: 'HEAD' }, false],
    [{ host: 'example.com', methods: ['GET'] }, { method: 'POST' }, false],
    [{ host: 'example.com', methods: ['GET'] }, { method: 'get' }, false],
    ['example.com/repos', { path: '/repos' }, true],
    ['example.com/repos', { path: '/repos/x' }, true],
    ['example.com/repos', { path: '/reposx' }, false],
    ['example.com/repos', { path: '/' }, false],
    ['example.com/repos', { path: '/repos/../x' }, false],
    ['example.com/repos', { path: '/repos/%2e%2e/x' }, false],
    ['example.com/repos', { path: '/repos//x' }, false],
    ['example.com', { path: '/any/../thing' }, true],
  ])('%o and %o: %s', (raw, more, expected) => {
    expect(allows(rule(raw), request(more))).toBe(expected)
  })

  it('covers host and port whatever the request', () => {
    const target = { host: 'example.com', port: 443 }
    expect(covers(rule({ host: 'example.com', methods: ['GET'] }), target)).toBe(true)
    expect(covers(rule('example.com'), { ...target, port: 8443 })).toBe(false)
  })

  it('is limited when its requests must be read', () => {
    expect(['example.com', 'http://example.com', '*'].map((raw) => isLimited(rule(raw)))).toEqual([
      false,
      false,
      false,
    ])
    expect(isLimited(rule('example.com/a'))).toBe(true)
    expect(isLimited(rule({ host: 'example.com', methods: ['GET'] }))).toBe(true)
  })
})

describe('what is denied', () => {
  it.each<[string, number[], string]>([
    ['example.com', [], 'example.com'],
    ['*', [], '*'],
    ['10.0.0.5', [], '10.0.0.5'],
    ['[::1]', [], '::1'],
    ['example.com:8443', [8443], 'example.com'],
    ['http://example.com/x', [80], 'example.com'],
    ['10.0.0.5:22', [22], '10.0.0.5'],
    ['*.com:22', [22], '*.com'],
  ])('%s', (text, ports, host) => {
    expect(denyRule(text)).toEqual({ host, ports, methods: [], paths: [], private: false })
  })

  it('is every port without one', () => {
    const target = (port: number) => ({ host: 'a.example.com', port })
    expect([22, 443].every((port) => denies(denyRule('*.example.com'), target(port)))).toBe(true)
    expect([22, 443].map((port) => denies(denyRule('a.example.com:22'), target(port)))).toEqual([true, false])
    expect(denies(denyRule('example.com'), target(443))).toBe(false)
  })

  it.each(['', 'exa mple', 'example.com:0'])('cannot be %o', (text) => {
    expect(() => denyRule(text)).toThrow(CreelError)
  })
})

describe('for a person', () => {
  it.each<[unknown, string]>([
    ['example.com', 'example.com'],
    ['http://example.com', 'example.com:80'],
    [{ host: 'example.com', ports: [80, 443] }, 'example.com:{80,443}'],
    [{ host: 'example.com/a', methods: ['GET'] }, 'GET example.com/a'],
    [{ host: 'example.com', paths: ['/a', '/b'] }, 'example.com{/a,/b}'],
    [{ host: '[::1]:9000', private: true }, '[::1]:9000 (private)'],
  ])('%o is written %s', (raw, expected) => {
    expect(ruleText(rule(raw))).toBe(expected)
  })

  it.each<[unknown, RegExp[]]>([
    ['example.com', []],
    ['10.example.com', []],
    ['1.1.1.1', []],
    ['*', [/anybody can have/]],
    ['*.com', [/anybody can have/]],
    ['*.github.io', [/anybody can have/]],
    ['nas.lan', [/local network/]],
    [{ host: 'nas.lan', private: true }, []],
    [{ host: '*.example.com', private: true }, [/may end at private addresses/]],
    ['http://example.com', [/without TLS/]],
  ])('%o is warned of as it should', (raw, expected) => {
    const warnings = ruleWarnings(rule(raw))
    expect(warnings).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(warnings[index]?.text).toMatch(pattern)
    expect(warnings.every(({ hint }) => hint !== '')).toBe(true)
  })
})
