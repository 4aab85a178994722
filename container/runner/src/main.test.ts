import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ended, type OutboxRow, RunnerRig } from '../../../test/runner/runner-rig.ts'

const KILLED_RUNNER = join(import.meta.dirname, '../../../test/runner/killed-runner.ts')

let rig: RunnerRig
beforeEach(() => {
  rig = new RunnerRig({ maxAttempts: 10_000 })
})
afterEach(() => rig[Symbol.dispose]())

/** Each message settled once, and answered once with its own text. */
function expectEachAnsweredOnce(said: ReadonlyMap<number, string>): void {
  expect(
    rig
      .entries('settled')
      .map((entry) => entry.inboxSeq)
      .sort((a, b) => a - b),
  ).toEqual([...said.keys()])
  for (const [seq, text] of said) {
    expect(rig.replies(seq)).toEqual([expect.stringMatching(`^demo: ${text}(\n|,|$)`)])
  }
}

/** The outbox; nothing when the kill left a half-done commit, which only the next runner may roll back. */
function rowsUnlessTorn(): OutboxRow[] {
  try {
    return rig.rows()
  } catch (error) {
    expect(error).toMatchObject({ code: 'SQLITE_READONLY_ROLLBACK' })
    return []
  }
}

describe('the program', () => {
  it('answers, and after SIGTERM hands the running turn back and exits 0 soon', async () => {
    const done = rig.say('hello')
    const hanging = rig.say('/demo hang', 'two')
    const child = rig.spawn()
    const end = ended(child)
    await rig.settled(done)
    await rig.seen(() => expect(rig.entries('accepted', hanging)).toHaveLength(1))
    const from = performance.now()
    child.kill('SIGTERM')
    expect((await end).how).toBe(0)
    expect(performance.now() - from).toBeLessThan(10_000)
    expect(rig.entries('returned')).toMatchObject([{ inboxSeq: hanging }])
    expect(rig.entries('settled')).toMatchObject([{ inboxSeq: done }])
  })

  it('logs one JSON line per event and never what was said', async () => {
    const seq = rig.say('the secret word')
    const child = rig.spawn()
    const end = ended(child)
    await rig.settled(seq)
    child.kill('SIGTERM')
    const { stderr } = await end
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    expect(events).toEqual(
      expect.arrayContaining(['runner_started', 'turn_begun', 'turn_ended', 'runner_stopped']),
    )
    expect(stderr).not.toContain('secret')
  })

  it('exits 78 with a clear line for an unknown provider', async () => {
    rig.settings({ provider: 'nobody' })
    rig.say('hello')
    const { how, stderr } = await ended(rig.spawn())
    expect(how).toBe(78)
    expect(stderr).toContain('nobody')
    expect(rig.rows()).toEqual([])
  })

  it('/demo crash and /demo exit end it as they say', async () => {
    rig.say('/demo crash-until 2')
    expect((await ended(rig.spawn())).how).toBe('SIGKILL')
    const exit = rig.say('/demo exit 7', 'two')
    expect((await ended(rig.spawn())).how).toBe(7)
    expect(rig.entries('accepted', exit)).toHaveLength(1)
    expect(rig.entries('settled', exit)).toEqual([])
  })
})

describe('killed', () => {
  it.each([
    ['before', 'accepted', 1],
    ['after', 'accepted', 2],
    ['before', 'settled', 2],
    ['after', 'settled', 1],
  ])(
    '%s its commit of "%s", the message is settled and answered once, at attempt %i',
    async (moment, type, attempt) => {
      const said = new Map([[rig.say('hello'), 'hello']])
      expect((await ended(rig.spawn(KILLED_RUNNER, [moment, type]))).how).toBe('SIGKILL')
      said.set(rig.say('again'), 'again')
      const child = rig.spawn()
      const end = ended(child)
      await rig.settled(...said.keys())
      child.kill('SIGTERM')
      await end
      expectEachAnsweredOnce(said)
      expect(rig.entries('accepted', 1).at(-1)?.attempt).toBe(attempt)
    },
  )

  it('at random moments, every message is settled and answered exactly once', async () => {
    const said = new Map<number, string>()
    for (let n = 1; n <= 15; n++) {
      const ms = 80 + n
      said.set(rig.say(`/demo slow ${ms}`, `session ${n % 3}`), `slow answer after ${ms} ms`)
    }
    let kills = 0
    let written = 0
    for (let open = true; open; kills++) {
      const child = rig.spawn()
      const end = ended(child)
      // As soon as it has written a little more: in the middle of its work, wherever that is.
      const enough = written + 1 + Math.floor(Math.random() * 12)
      await rig.seen(() => {
        if (rig.entries('settled').length < said.size)
          expect(rig.rows().length).toBeGreaterThanOrEqual(enough)
      })
      child.kill('SIGKILL')
      await end
      const rows = rowsUnlessTorn()
      written = rows.length > 0 ? rows.length : written
      open = rows.filter((row) => row.entry.type === 'settled').length < said.size
    }
    expect(kills).toBeGreaterThan(1)
    expectEachAnsweredOnce(said)
    const transcripts = [0, 1, 2].flatMap((n) => rig.transcripts(`session ${n}`))
    const kept = transcripts.flatMap((path) => readFileSync(path, 'utf8').match(/(?<=creel:end )\d+/g) ?? [])
    expect(kept.map(Number).sort((a, b) => a - b)).toEqual([...said.keys()])
  }, 120_000)
})
