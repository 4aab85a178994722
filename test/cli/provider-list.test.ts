import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PROVIDERS } from '../../src/config/schema.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

describe('creel provider', () => {
  it('list shows every provider, its image and its agents, without engine and host, too', async () => {
    await cli.run('group', 'add', 'home')
    const { out, code } = await cli.run('provider', 'list', '--json')
    expect(code).toBe(0)
    const lines: { provider: string; image: string; built: boolean | null; groups: string[] }[] =
      JSON.parse(out)
    expect(lines.map(({ provider }) => provider)).toEqual([...PROVIDERS])
    expect(lines[0]).toMatchObject({ provider: 'demo', built: null, groups: ['home'] })
    for (const { image } of lines) expect(image).toMatch(/^creel-agent:[0-9a-f]{16}$/)
    expect((await cli.run('provider', 'list')).out).toContain('unknown (no engine)')
  })

  it('test says that it needs the host', async () => {
    await cli.run('group', 'add', 'home')
    const { err, code } = await cli.run('provider', 'test', 'home')
    expect(code).not.toBe(0)
    expect(err).toContain('Creel is not running')
    expect(err).toContain('./creel up')
  })
})
