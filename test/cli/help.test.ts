import type { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { CliRig } from './cli-rig.ts'

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

/** Every command with the words that call it. */
function commands(parent: Command, words: readonly string[] = []): string[][] {
  return parent.commands.flatMap((command) => {
    const own = [...words, command.name()]
    return [own, ...commands(command, own)]
  })
}

const output = { out: () => undefined, err: () => undefined }
const program = buildProgram({ projectDir: '', env: {}, output, signal: new AbortController().signal })

describe('--help', () => {
  it.each(commands(program))('of creel %s %s teaches more than the synopsis', async (...words) => {
    const { out, code } = await cli.run(...words.filter((word) => typeof word === 'string'), '--help')
    expect(code).toBe(0)
    const afterOptions = out.slice(
      out.indexOf('display help for command') + 'display help for command'.length,
    )
    expect(afterOptions).toMatch(/[a-z]{3,} .*[.)]|creel \w+/)
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120)
  })

  it('explains every option', () => {
    const all = (parent: Command): Command[] => parent.commands.flatMap((child) => [child, ...all(child)])
    for (const command of all(program)) {
      expect(command.description(), command.name()).not.toBe('')
      for (const { flags, description } of command.options) expect(description, flags).not.toBe('')
    }
  })

  it('works with a broken creel.toml', async () => {
    cli.config('this is = = no toml')
    expect((await cli.run('status', '--help')).code).toBe(0)
  })
})

describe('a word that Creel does not know', () => {
  it('as a command gets the nearest one', async () => {
    const { code, err } = await cli.run('statsu')
    expect(code).not.toBe(0)
    expect(err).toContain('Did you mean status?')
    expect(err).toContain('--help')
  })

  it.each(['tasks', 'approvals'])('is no argument of what "%s" does without one', async (name) => {
    const { code, err } = await cli.run(name, 'shwo', '3')
    expect(code).not.toBe(0)
    expect(err).toContain("unknown command 'shwo'\n(Did you mean show?)")
    expect((await cli.run(name, 'bogus')).err).toMatch(/unknown command 'bogus'\nThere are: list, show/)
    for (const more of [[], ['list'], ['--json'], ['list', '--json']])
      expect((await cli.run(name, ...more)).code, more.join(' ')).toBe(0)
  })

  it.each([
    [['skills', 'bogus'], "unknown command 'bogus'"],
    [['skills', 'lnit', 'x'], '(Did you mean lint?)'],
    [['status', '--jsno'], 'Did you mean --json?'],
    [['group', 'lst'], 'Did you mean list?'],
    [['group', 'add'], "missing required argument 'name'"],
    [['bind', '1', 'home', '--engage', 'never'], 'Allowed choices are mention, always, pattern, sticky'],
    [['roles', 'grant', 'telegram:1', 'king'], 'Allowed choices are owner, admin, member, denied'],
    [['status', 'extra'], 'too many arguments'],
  ])('%j is refused with a hint', async (args, hint) => {
    const { code, err } = await cli.run(...args)
    expect(code).not.toBe(0)
    expect(err).toContain(hint)
    expect(err).toContain('--help')
  })

  it('nothing at all shows what there is', async () => {
    const { code, err, out } = await cli.run()
    expect(code).not.toBe(0)
    expect(err + out).toContain('Begin with "creel up"')
  })
})
