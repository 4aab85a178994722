import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../clock.ts'
import { launch, type RunningProcess } from './launch.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codex-launch-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A shell script in place of app-server; says `ready` when all that it starts runs. */
function run(script: string): { process: RunningProcess; lines: string[]; ready: Promise<void> } {
  const mark = { name: 'CREEL_TEST_MARK', value: randomUUID() }
  const process = launch({
    command: ['/bin/sh', '-c', script],
    cwd: dir,
    environment: { [mark.name]: mark.value },
    mark,
    clock: systemClock,
  })
  const lines: string[] = []
  const ready = new Promise<void>((resolve) => {
    process.transport.open({
      line: (text) => {
        lines.push(text)
        if (text === 'ready') resolve()
      },
      tooLong: () => undefined,
      closed: () => undefined,
    })
  })
  return { process, lines, ready }
}

function pid(name: string): number {
  return Number(readFileSync(join(dir, name), 'utf8'))
}

function alive(name: string): boolean {
  const stat = `/proc/${pid(name)}/stat`
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, 'utf8'))
}

/** A child, one in a session of its own, and one whose parent is gone. */
const FAMILY = [
  'sleep 600 & echo $! > child',
  "setsid sh -c 'echo $$ > session; exec sleep 600' &",
  "sh -c 'sleep 600 & echo $! > orphan'",
  'while [ ! -s session ]; do sleep 0.01; done',
].join('\n')

describe('launch', () => {
  it('adds to the variables of the runner', async () => {
    const { process, lines } = run('echo "$HOME|$CREEL_TEST_MARK"; exit 0')
    expect(await process.ended).toBe('exit code 0')
    expect(lines[0]).toMatch(/^\/.+\|[0-9a-f-]{36}$/)
  })

  it('says how a process ended, with its last words only when it failed', async () => {
    const { process } = run('echo oops >&2; echo "\u001b[31mthread panicked\u001b[0m" >&2; exit 101')
    expect(await process.ended).toBe('exit code 101 (thread panicked)')
    expect(await run('echo a warning >&2; kill -9 $$').process.ended).toBe('signal SIGKILL')
  })

  it('delivers what a process wrote just before it died, and then says so', async () => {
    const { process, lines } = run('echo one; echo two; exit 3')
    expect(await process.ended).toBe('exit code 3')
    expect(lines).toEqual(['one', 'two'])
  })

  it('says that a program is missing', async () => {
    const process = launch({
      command: ['no-such-program-here'],
      cwd: dir,
      environment: {},
      mark: { name: 'CREEL_TEST_MARK', value: 'none' },
      clock: systemClock,
    })
    expect(await process.ended).toMatch(/exit code 127 .*no-such-program-here/)
  })

  it('kills the whole tree, sessions of their own and orphans too', async () => {
    const { process, ready } = run(`${FAMILY}\necho ready; wait`)
    await ready
    const family = ['child', 'session', 'orphan']
    expect(family.filter(alive)).toEqual(family)
    process.kill()
    expect(await process.ended).toBe('signal SIGKILL')
    expect(family.filter(alive)).toEqual([])
    process.kill()
  })

  it('asks first: a process that leaves when its input ends leaves by itself, and its tools are killed', async () => {
    const { process, ready } = run(`${FAMILY}\necho ready; read line; exit 0`)
    await ready
    await process.stop()
    expect(await process.ended).toBe('exit code 0')
    expect(['child', 'session', 'orphan'].filter(alive)).toEqual([])
    await process.stop()
  })

  it('kills one that does not leave', async () => {
    const { process, ready } = run("trap '' TERM\nsleep 600 & echo $! > child\necho ready; wait")
    await ready
    const before = performance.now()
    await process.stop()
    expect(performance.now() - before).toBeLessThan(20_000)
    expect(await process.ended).toBe('signal SIGKILL')
    expect(alive('child')).toBe(false)
  })
})
