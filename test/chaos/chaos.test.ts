import { describe, expect, it } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage, whyNoEngine } from '../docker/test-image.ts'
import { runChaos } from './chaos-run.ts'
import { HOST_POINTS, RUNNER_POINTS } from './crash-points.ts'
import { MUTATIONS } from './mutations.ts'

const MINUTE = 60_000
/** `./creel test chaos --minutes N`: so long, and until the counts of a whole proof are reached. */
const minutes = Number(process.env.CREEL_CHAOS_MINUTES ?? 0)
const seed = Number(process.env.CREEL_CHAOS_SEED ?? Date.now() % 1_000_000)
const whole = minutes > 0
const loadMs = whole ? minutes * MINUTE : 100_000
const smallDisk = process.getuid?.() === 0
if (!smallDisk) console.error('skipped: full disk: mounting a small disk takes root')

describe('everything killed by turns', () => {
  it(
    `loses and doubles nothing (seed ${seed})`,
    async () => {
      const report = await runChaos({
        ...{ seed, maxMs: loadMs, smallDisk },
        kills: whole ? 1_000 : Number.POSITIVE_INFINITY,
        messages: whole ? 20_000 : Number.POSITIVE_INFINITY,
        eachPoint: 20,
        say: (line) => console.log(line),
      })
      console.log(JSON.stringify(report))
      expect(report.complaints, `seed ${seed}`).toEqual([])
      if (!whole) return
      expect(report.kills).toBeGreaterThanOrEqual(1_000)
      expect(report.messages).toBeGreaterThanOrEqual(20_000)
      for (const point of [...HOST_POINTS, ...RUNNER_POINTS])
        expect(report.points[point], point).toBeGreaterThanOrEqual(20)
    },
    loadMs + 8 * MINUTE,
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
      if (found)
        await docker
          .getContainer(found.Id)
          .kill({ signal: 'SIGKILL' })
          .catch(() => undefined)
    }
    const report = await runChaos({
      ...{ seed, maxMs: 40_000, kills: 1_000, messages: 100_000, groups: 2, engine: 'docker' },
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
    async ({ name, caughtBy, points }) => {
      // What a mutation loses depends on when something dies: the next seed kills elsewhere.
      for (let tries = 0; tries < 4; tries++) {
        const report = await runChaos({
          ...{ seed: seed + tries, maxMs: 30_000, kills: 8, messages: 60 },
          ...{ mutation: name, points, settleMs: 10_000, groups: 3 },
        })
        if (report.complaints.some((complaint) => caughtBy.test(complaint))) return
      }
      expect.fail(`${name} was not found out with seeds ${seed} to ${seed + 3}`)
    },
    4 * MINUTE,
  )
})
