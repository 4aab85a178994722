import { describe, expect, it } from 'vitest'
import { covers, injectionOf, type OutgoingRequest } from './injection.ts'
import { HostPattern, PathPattern, type SecretValue } from './secret.ts'

const request = (more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  host: 'api.example.com',
  port: 443,
  path: '/repos/acme/x',
  secure: true,
  ...more,
})
const where = { hosts: ['api.example.com'], paths: [] }

describe('a secret is added', () => {
  it.each<[SecretValue, unknown]>([
    [
      { kind: 'bearer', token: 'tok', ...where },
      { headers: { authorization: 'Bearer tok' }, query: {}, secrets: ['tok'] },
    ],
    [
      { kind: 'header', header: 'X-Token', value: 'v 1', ...where },
      { headers: { 'x-token': 'v 1' }, query: {}, secrets: ['v 1'] },
    ],
    [
      { kind: 'basic', user: 'u', password: 'p', ...where },
      { headers: { authorization: 'Basic dTpw' }, query: {}, secrets: ['p', 'dTpw'] },
    ],
    [
      { kind: 'query', parameter: 'key', value: 'a+b', ...where },
      { headers: {}, query: { key: 'a+b' }, secrets: ['a+b', 'a%2Bb'] },
    ],
  ])('%o', (value, expected) => {
    expect(injectionOf(value, request())).toEqual(expected)
    expect(injectionOf(value, request({ host: 'other.example.com' }))).toBeNull()
  })

  it('never of a kind that belongs to no host', () => {
    expect(injectionOf({ kind: 'api-key', key: 'k' }, request())).toBeNull()
    expect(injectionOf({ kind: 'auth-file', content: '{}' }, request())).toBeNull()
  })
})

describe('hosts', () => {
  it.each([
    ['api.example.com', 'api.example.com', 443, true],
    ['api.example.com', 'api.example.com', 8443, false],
    ['api.example.com:8443', 'api.example.com', 8443, true],
    ['api.example.com', 'xapi.example.com', 443, false],
    ['api.example.com', 'api.example.com.evil.org', 443, false],
    ['*.example.com', 'a.example.com', 443, true],
    ['*.example.com', 'a.b.example.com', 443, true],
    ['*.example.com', 'example.com', 443, false],
    ['*.example.com', '.example.com', 443, false],
    ['*.example.com', 'aexample.com', 443, false],
    ['*.example.com', 'a.example.com.evil.org', 443, false],
  ])('%s and %s:%i', (pattern, host, port, expected) => {
    expect(covers({ hosts: [pattern], paths: [] }, request({ host, port }))).toBe(expected)
  })

  it('without TLS get nothing', () => {
    expect(covers(where, request({ secure: false }))).toBe(false)
  })

  it.each(['*', '*.', 'a b', 'A.example.com', 'https://a.b', 'a.*.b', '-a', 'a/b', ''])(
    'cannot be %o',
    (text) => {
      expect(HostPattern.safeParse(text).success).toBe(false)
    },
  )
})

describe('paths', () => {
  const below = (path: string, prefix = '/repos/acme') =>
    covers({ hosts: ['api.example.com'], paths: [prefix] }, request({ path }))

  it('are the path and all below it', () => {
    expect(['/repos/acme', '/repos/acme/', '/repos/acme/x/y'].map((path) => below(path))).toEqual([
      true,
      true,
      true,
    ])
    expect(below('/a/b', '/a/')).toBe(true)
  })

  it.each([
    '/repos/acmecorp',
    '/repos',
    '/repos/acme/../other',
    '/repos/acme/%2e%2e/other',
    '/repos/acme/..%2fother',
    '/repos/acme/./x',
    '/repos/acme//x',
    '/repos/acme\\..\\x',
    '/repos/acme;x',
    '/Repos/acme',
    'repos/acme',
    '/repos/acme/x y',
  ])('are not %s', (path) => {
    expect(below(path)).toBe(false)
  })

  it.each(['repos', '/a/../b', '/a/%2e', '/a?b', '/a*', '//a'])('cannot be %o', (text) => {
    expect(PathPattern.safeParse(text).success).toBe(false)
  })
})
