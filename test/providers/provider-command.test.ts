import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GROUP, ProviderRig } from './rig.ts'

describe('creel provider', () => {
  let rig: ProviderRig
  beforeAll(async () => {
    rig = await ProviderRig.make({ provider: 'demo' })
  })
  afterAll(() => rig?.[Symbol.asyncDispose]())

  it('test takes one turn and shows each step with its time', async () => {
    const result = JSON.parse(await rig.host.creel('provider', 'test', GROUP, '--json'))
    expect(result).toMatchObject({ group: GROUP, provider: 'demo', ok: true })
    const steps: { step: string; ms: number; what: string }[] = result.steps
    expect(steps.map(({ step }) => step)).toEqual([
      'settings',
      'image',
      'message kept',
      'sandbox awake',
      'answer',
    ])
    expect(steps.at(-1)?.what).toContain('demo: ')
    expect(steps.every(({ ms }) => ms >= 0)).toBe(true)
    expect(await rig.host.creel('provider', 'test', GROUP)).toContain(`${GROUP} answers with demo`)
  })

  it('test of an agent that is not there, or whose settings are broken, says which', async () => {
    expect((await rig.host.creelFails('provider', 'test', 'nobody')).stderr).toContain('nobody')
    rig.configure({ provider: 'nonsense' })
    expect((await rig.host.creelFails('provider', 'test', GROUP)).stderr).toContain('nonsense')
    rig.configure({ provider: 'demo' })
  })

  it('list says that the image of a provider in use is built', async () => {
    const lines: { provider: string; built: boolean; groups: string[] }[] = JSON.parse(
      await rig.host.creel('provider', 'list', '--json'),
    )
    expect(lines).toContainEqual(expect.objectContaining({ provider: 'demo', built: true, groups: [GROUP] }))
  })
})
