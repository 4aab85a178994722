import { describe, expect, it } from 'vitest'
import { FakeMachine } from '../test/fakes/fake-machine.ts'
import { checkLeaks, testSandboxes } from './leak-guard.ts'
import { readArguments } from './test-suites.ts'
import { addTallies, closingLine, exitCode, NOTHING, oneTest } from './test-tally.ts'

describe('the closing line', () => {
  it('counts everything, and skipped tests only when there are some', () => {
    const tally = addTallies([oneTest('a', null), oneTest('b', 'bad'), { ...NOTHING, passed: 3 }])
    expect(closingLine(tally)).toBe('4 passed, 1 failed')
    const skipped = { ...NOTHING, passed: 1, skipped: [{ name: 'c', why: 'no IPv6 here' }] }
    expect(closingLine(skipped)).toBe('1 passed, 0 failed, 1 skipped')
  })

  it('is a success only when something passed and nothing failed', () => {
    expect(exitCode(NOTHING)).toBe(1)
    expect(exitCode(oneTest('a', null))).toBe(0)
    expect(exitCode(addTallies([oneTest('a', null), oneTest('b', 'bad')]))).toBe(1)
  })
})

describe('the arguments of creel test', () => {
  const names = (words: string[]) => {
    const read = readArguments(words)
    return typeof read === 'string' ? read : read.suites.map(({ name }) => name)
  }

  it('without a suite means all, in the order of the table', () => {
    const all = ['unit', 'telegram', 'docker', 'setup', 'providers', 'hostile', 'web', 'chaos', 'compose']
    expect(names([])).toEqual(all)
    expect(names(['all'])).toEqual(names([]))
    expect(names(['web', 'unit'])).toEqual(['unit', 'web'])
  })

  it('leaves what follows -- to vitest', () => {
    expect(readArguments(['unit', '--json', '--', '-t', '--odd'])).toMatchObject({
      json: true,
      vitest: ['-t', '--odd'],
    })
  })

  it('takes seed and length of the chaos run', () => {
    const words = ['chaos', '--seed', '7', '--minutes', '30']
    expect(readArguments(words)).toMatchObject({ chaos: { seed: 7, minutes: 30 } })
    expect(readArguments(['chaos', '--minutes', 'long'])).toMatch(/whole number.*long/)
  })

  it('refuses what it does not know', () => {
    expect(names(['units'])).toBe('unknown suite units')
    expect(names(['--jsno'])).toMatch(/unknown option '--jsno'/i)
  })
})

describe('the leak guard', () => {
  const listed = 'a1 creel-1-old test-1\nb2 creel-2-left test-2\nc3 creel-3-mine 7f3a'
  const engine = (...listings: string[]) =>
    new FakeMachine({
      commands: { 'docker -H unix:///e.sock ps -a': () => ({ stdout: listings.shift() ?? '' }) },
    })

  it('sees test installs alone', async () => {
    expect((await testSandboxes(engine(listed).run, '/e.sock')).map(({ id }) => id)).toEqual(['a1', 'b2'])
  })

  it('passes when all are gone, at once or soon', async () => {
    const known = new Set(['a1', 'b2'])
    expect((await checkLeaks(engine(listed), '/e.sock', known)).passed).toBe(1)
    expect((await checkLeaks(engine(listed, listed), '/e.sock', new Set())).passed).toBe(1)
  })

  it('names what is new, and removes nothing', async () => {
    const machine = engine(...Array.from({ length: 30 }, () => listed))
    const tally = await checkLeaks(machine, '/e.sock', new Set(['a1']))
    expect(tally.failed).toMatchObject([{ why: expect.stringContaining('docker rm -f creel-2-left') }])
    expect(machine.lines.every((line) => line.includes(' ps '))).toBe(true)
    expect(machine.slept).toBeGreaterThanOrEqual(10_000)
  })
})
