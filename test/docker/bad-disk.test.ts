import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HostProcess } from '../rig/host-process.ts'
import { TerminalRig } from '../rig/terminal-rig.ts'
import { testAgentImage, whyNoEngine } from './test-image.ts'

const noEngine = await whyNoEngine()
const isRoot = process.getuid?.() === 0
const missing = noEngine ?? (isRoot ? null : 'mounting a small disk takes root')
if (missing) console.error(`skipped: ${missing}`)

const DISK_MB = 12

describe.skipIf(missing)('a data directory', () => {
  let host: HostProcess

  beforeEach(async () => {
    await testAgentImage()
    host = await HostProcess.make()
    mkdirSync(host.dataDir)
  })
  afterEach(async () => {
    await host[Symbol.asyncDispose]()
  })

  describe('on a small disk', () => {
    const filler = () => join(host.dataDir, 'filler')

    /** Leaves no block free. */
    function fill(): void {
      for (let size = 1024 * 1024; size >= 512; size /= 2) {
        for (let n = 0; n < 64; n++) {
          const { bavail, bsize } = statfsSync(host.dataDir)
          if (bavail * bsize < size) break
          writeFileSync(filler(), Buffer.alloc(size), { flag: 'a' })
        }
      }
    }

    beforeEach(async () => {
      const options = ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=700`, 'creel-test', host.dataDir]
      execFileSync('mount', options)
      host.beforeRemoval(() => execFileSync('umount', ['--lazy', host.dataDir]))
      await host.creel('group', 'add', 'main')
      await host.start()
    })

    it('that fills up in a turn: what is taken is answered once, what cannot be kept is refused', async () => {
      const terminal = new TerminalRig(host, 'main')
      await terminal.say('/demo slow 3000')
      await host.event('turn.accepted')
      const turnEnds = performance.now() + 3_000
      fill()
      const taken: string[] = []
      let refused = 0
      // Long enough for the turn to end on the full disk, and for the log to hit its end.
      while (performance.now() < turnEnds + 1_000 || refused === 0) {
        const text = `number ${taken.length + refused}`
        await terminal.say(text).then(
          () => taken.push(text),
          (error: Error) => {
            expect(error.message).toMatch(/full|space/)
            refused += 1
          },
        )
        fill()
      }
      expect(await host.call('status')).toMatchObject({ running: true })
      rmSync(filler())
      await terminal.answered('slow answer')
      await terminal.say('after')
      await terminal.answered('demo: after')
      const lines = await terminal.agentLines()
      expect(lines.filter((line) => line.includes('slow answer'))).toHaveLength(1)
      const echoes = lines.flatMap((line) => /^demo: (number \d+)$/m.exec(line)?.[1] ?? [])
      expect(echoes).toEqual(taken)
    })

    it('that is full at the start: the error names it and says what to do', async () => {
      await host.terminate()
      fill()
      const { code, stderr } = await host.creelFails('serve')
      expect(code).toBe(1)
      expect(stderr).toContain(host.dataDir)
      expect(stderr).toContain('free some disk space')
      rmSync(filler())
      await host.start()
      expect(await host.creel('chat', '-m', 'room again')).toContain('demo: room again')
    })
  })

  it('that cannot be written is named, with what to do', async () => {
    // Read-only even for root, which no file mode stops.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'creel-test', host.dataDir])
    host.beforeRemoval(() => execFileSync('umount', ['--lazy', host.dataDir]))
    const { code, stderr } = await host.creelFails('serve')
    expect(code).toBe(1)
    expect(stderr).toContain(`data directory ${host.dataDir} cannot be used: EROFS`)
    expect(stderr).toContain('set data_dir to a path that can be written')
  })
})
