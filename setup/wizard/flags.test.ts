import { describe, expect, it } from 'vitest'
import { answersOf } from './flags.ts'

describe('what is said beforehand', () => {
  it('comes in flags, with the key on standard input', () => {
    const flags = {
      provider: 'codex',
      keyStdin: true,
      model: 'm',
      group: 'home',
      persona: 'p',
      trip: false,
      check: false,
    }
    expect(answersOf(flags, 'sk-1\n')).toEqual({
      provider: { name: 'codex', key: 'sk-1', model: 'm', check: false },
      group: { name: 'home', persona: 'p' },
      trip: false,
    })
    expect(answersOf({}, '')).toEqual({ trip: true })
  })

  it('or as one JSON object', () => {
    const json = { provider: { name: 'claude', key: 'sk-2' }, data_dir: '/d' }
    expect(answersOf({ answers: true }, JSON.stringify(json))).toMatchObject(json)
  })

  it.each([
    [{ answers: true, provider: 'demo' }, '{}', 'stands in the JSON'],
    [{ answers: true }, '{"provider":{"name":"claude","key":"top secret"}}', 'provider.key'],
    [{ answers: true }, '{"key":"top-secret"}', 'setup:'],
    [{ answers: true }, 'top-secret', 'not one JSON object'],
    [{ provider: 'claude', keyStdin: true }, '', 'nothing came'],
    [{ keyStdin: true }, 'top-secret', 'belong to a provider'],
    [{ provider: 'claude', keyStdin: true }, 'top secret\n', 'provider.key'],
    [{ persona: 'p' }, '', 'belongs to an agent'],
    [{ group: 'Not A Name' }, '', 'group.name'],
  ])('is refused when it is wrong, and never shown: %j', (flags, input, complaint) => {
    const refused = expect.objectContaining({ message: expect.stringContaining(complaint) })
    expect(() => answersOf(flags, input)).toThrow(refused)
    expect(() => answersOf(flags, input)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/top.secret/) }),
    )
  })
})
