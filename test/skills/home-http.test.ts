import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SkillProgram } from './skill-program.ts'

const KITCHEN = { entity_id: 'light.kitchen', state: 'off', attributes: { friendly_name: 'Kitchen' } }
const BATH = { entity_id: 'sensor.bath', state: '21.5', attributes: { unit_of_measurement: '°C' } }

let hub: Server
const asked: string[] = []
const url = () => `http://127.0.0.1:${(hub.address() as AddressInfo).port}`

beforeAll(async () => {
  hub = createServer(async (request, response) => {
    const body = await text(request)
    asked.push(`${request.method} ${request.url} ${body}`)
    const answers: Record<string, [number, unknown]> = {
      '/api/states': [200, [BATH, KITCHEN]],
      '/api/states/light.kitchen': [200, KITCHEN],
      '/api/states/light.locked': [401, {}],
      '/api/services/light/turn_on': [200, [{ ...KITCHEN, state: 'on' }]],
      '/api/services/light/turn_off': [200, []],
    }
    const [status, answer] = answers[request.url ?? ''] ?? [404, {}]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }).listen(0, '127.0.0.1')
  await once(hub, 'listening')
})
afterAll(() => hub.close())

async function home(...args: string[]) {
  using program = new SkillProgram('home-http', 'home.ts')
  return program.run('--hub', url(), ...args)
}

it('lists what the hub has, all or of one kind', async () => {
  expect((await home('list')).out).toBe('light.kitchen: off  (Kitchen)\nsensor.bath: 21.5 °C\n')
  expect((await home('list', 'sensor')).out).toBe('sensor.bath: 21.5 °C\n')
  expect((await home('state', 'light.kitchen')).out).toBe('light.kitchen: off  (Kitchen)\n')
})

it('calls a service with values of their kinds, and shows what changed', async () => {
  const { out } = await home('call', 'light', 'turn_on', 'light.kitchen', 'brightness_pct=40', 'effect=slow')
  expect(out).toBe('light.kitchen: on  (Kitchen)\n')
  expect(asked.at(-1)).toBe(
    'POST /api/services/light/turn_on {"brightness_pct":40,"effect":"slow","entity_id":"light.kitchen"}',
  )
  expect((await home('call', 'light', 'turn_off', 'light.kitchen')).out).toContain('no state has changed yet')
})

it.each([
  [
    'a name that would be a path',
    ['state', '../config'],
    'entity: expected such as light.kitchen, got ../config',
  ],
  ['a hub that wants a token', ['state', 'light.locked'], 'the owner has to put it into the vault'],
  ['an entity that is not there', ['state', 'light.none'], 'the hub knows no states/light.none (404)'],
  [
    'a value without a key',
    ['call', 'light', 'turn_on', 'light.kitchen', '40'],
    'expected KEY=VALUE, got 40',
  ],
])('says what is wrong: %s', async (_, args, problem) => {
  const ran = await home(...args)
  expect(ran.code).toBe(1)
  expect(ran.err).toContain(problem)
})

it('says when the hub is not reached', async () => {
  using program = new SkillProgram('home-http', 'home.ts')
  const ran = await program.run('--hub', 'http://127.0.0.1:1', 'list')
  expect(ran.err).toMatch(/home: http:\/\/127\.0\.0\.1:1 cannot be reached: .*is it allowed for this agent/)
})
