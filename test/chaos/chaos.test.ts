import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage, whyNoEngine } from '../docker/test-image.ts'
import { chaosPrograms, runChaos } from './chaos-run.ts'
import { MUTATIONS } from './mutations.ts'
import type { Programs } from './programs.ts'

const MINUTE = 60_000
/** As long as each point takes to be hit; the long proof is `./creel test chaos --minutes N`. */
const LOAD = { minMs: 40_000, maxMs: 600_000, eachPoint: 1 }
const seed = Number(process.env.CREEL_CHAOS_SEED ?? Date.now() % 1_000_000)
const smallDisk = process.getuid?.() === 0
if (!smallDisk) console.error('skipped: full disk: mounting a small disk takes root')

let programs: Programs
beforeAll(async () => {
  programs = await chaosPrograms()
}, 2 * MINUTE)
afterAll(() => programs[Symbol.dispose]())

describe('everything killed by turns', () => {
  it(
    `loses and doubles nothing (seed ${seed})`,
    async () => {
      const report = await runChaos({
        ...{ seed, programs, smallDisk, ...LOAD, worlds: 2, kills: 0, messages: 0 },
        say: (progress) => console.log(JSON.stringify(progress)),
      })
      console.log(JSON.stringify(report))
      expect(report.complaints, `seed ${seed}`).toEqual([])
      expect(report.doubledVisibly.sure).toBe(0)
      const missed = Object.entries(report.points).filter(([, hits]) => hits === 0)
      expect(missed, 'points at which nothing died').toEqual([])
    },
    18 * MINUTE,
  )
})

const noEngine = await whyNoEngine()
if (noEngine) console.error(`skipped: ${noEngine}`)

it.skipIf(noEngine)(
  `loses and doubles nothing with real containers (seed ${seed})`,
  async () => {
    await testAgentImage()
    const docker = engineClient(ENGINE_SOCKET)
    /** The newest container of a group of this name; agents of other installs have other names. */
    const killSandbox = async (group: string) => {
      const filters = { label: [`creel.group=${group}`], status: ['running'] }
      const [found] = await docker.listContainers({ filters })
      // It may end by itself between the two calls.
      const kill = async (id: string) => docker.getContainer(id).kill({ signal: 'SIGKILL' })
      return found === undefined
        ? false
        : await kill(found.Id).then(
            () => true,
            () => false,
          )
    }
    const report = await runChaos({
      ...{
        programs,
        seed,
        maxMs: 25_000,
        kills: Number.POSITIVE_INFINITY,
        messages: 0,
        groups: 2,
        engine: 'docker',
      },
      env: { CREEL_ENGINE_SOCKET: ENGINE_SOCKET, CREEL_BASE_IMAGE: await testBaseImage() },
      killSandbox,
    })
    console.log(JSON.stringify(report))
    expect(report.complaints, `seed ${seed}`).toEqual([])
    const all = await docker.listContainers({ all: true, filters: { label: ['creel.group'] } })
    expect(all.filter(({ Labels }) => Labels['creel.group']?.startsWith('chaos-'))).toEqual([])
  },
  10 * MINUTE,
)

describe('a host that was broken on purpose', () => {
  it.each(MUTATIONS)(
    '$name is found out',
    async ({ name, caughtBy, points, bounded = false }) => {
      // What a mutation loses depends on when something dies: the next seed kills elsewhere.
      for (let tries = 0; tries < 4; tries++) {
        const report = await runChaos({
          ...{ programs, seed: seed + tries, maxMs: 30_000, kills: 8, messages: 60 },
          ...{ mutation: name, points, bounded, settleMs: 10_000, groups: 3 },
        })
        if (report.complaints.some((complaint) => caughtBy.test(complaint))) return
      }
      expect.fail(`${name} was not found out with seeds ${seed} to ${seed + 3}`)
    },
    4 * MINUTE,
  )
})
