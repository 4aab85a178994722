import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../domain/errors.ts'
import { allowedSites } from './allowed-sites.ts'

describe('allowed sites', () => {
  it('are loopback names with the port, by default', () => {
    const sites = allowedSites('127.0.0.1', 4280, '')
    expect([...sites.hosts].sort()).toEqual(['127.0.0.1:4280', 'localhost:4280'])
    expect([...sites.origins].sort()).toEqual(['http://127.0.0.1:4280', 'http://localhost:4280'])
    expect(sites.publicOrigin).toBe('http://127.0.0.1:4280')
  })

  it('take in the address that is listened on and the public one', () => {
    const sites = allowedSites('192.168.1.5', 4280, 'https://Creel.Example.org/')
    expect(sites.hosts).toContain('192.168.1.5:4280')
    expect(sites.hosts).toContain('creel.example.org')
    expect(sites.origins).toContain('https://creel.example.org')
    expect(sites.publicOrigin).toBe('https://creel.example.org')
  })

  it('do not take in every name when all addresses are listened on', () => {
    expect([...allowedSites('0.0.0.0', 4280, '').hosts].sort()).toEqual(['127.0.0.1:4280', 'localhost:4280'])
    expect(allowedSites('::', 4280, '').hosts).toContain('[::1]:4280')
  })

  it('leave out the port where browsers do', () => {
    expect(allowedSites('127.0.0.1', 80, '').hosts).toContain('127.0.0.1')
  })

  it.each([
    'creel.example.org',
    'ftp://a.example',
    'https://a.example/path',
    'https://u:p@a.example',
    'https://',
  ])('refuse the public address %j by its key', (publicUrl) => {
    expect(() => allowedSites('127.0.0.1', 4280, publicUrl)).toThrow(ConfigError)
    expect(() => allowedSites('127.0.0.1', 4280, publicUrl)).toThrow('web.public_url')
  })
})
