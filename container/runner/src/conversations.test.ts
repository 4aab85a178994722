import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SANDBOX_PATHS, type TurnEvent } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeRuntime, runtimeTable } from '../../../test/fakes/fake-runtime.ts'
import { ended, RunnerRig } from '../../../test/runner/runner-rig.ts'
import { FRESH_START, failureReply, PRIMED_START, TOO_LONG_START } from './reply-text.ts'

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

const TOO_LONG: TurnEvent = { type: 'failed', reason: 'context-overflow', message: 'too long' }
const REFUSED: TurnEvent = { type: 'failed', reason: 'refused', message: 'no' }

/** Says it and waits for its settlement; returns the replies. */
async function ask(text: string, session = 'one'): Promise<string[]> {
  const seq = rig.say(text, session)
  await rig.settled(seq)
  return rig.replies(seq)
}

async function start(provider: string, runtimes: readonly FakeRuntime[], more: object = {}): Promise<void> {
  await running?.stop()
  rig.settings({ provider, ...more })
  running = rig.start({ providers: runtimeTable(...runtimes) })
}

describe('a provider that is changed', () => {
  it('goes on from the transcript, in each session, without a word to the person; also back', async () => {
    const [a, b] = [new FakeRuntime('a'), new FakeRuntime('b')]
    await start('a', [a, b])
    await ask('tea')
    await ask('other', 'two')
    await start('b', [a, b])
    expect(await ask('milk')).toEqual(['b heard milk'])
    expect(b.asked[0]?.resumeToken).toBeUndefined()
    expect(b.asked[0]?.prompt).toMatch(
      /<transcript>[\s\S]*> tea[\s\S]*> a heard tea[\s\S]*<\/transcript>[\s\S]*milk$/,
    )
    expect(b.asked[0]?.prompt).not.toContain('other')
    expect(b.asked[0]?.text).toBe('milk')
    expect(await ask('sugar')).toEqual(['b heard sugar'])
    expect(b.asked[1]).toMatchObject({
      resumeToken: 'b-1',
      prompt: expect.not.stringContaining('<transcript>'),
    })
    await start('a', [a, b])
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.resumeToken).toBeUndefined()
    for (const part of ['> tea', '> milk', '> b heard sugar']) expect(a.asked.at(-1)?.prompt).toContain(part)
    // This session said nothing meanwhile: its own memory is whole.
    await ask('more', 'two')
    expect(a.asked.at(-1)).toMatchObject({ session: 'two', resumeToken: 'a-2' })
  })

  it.each([
    ['during its turn', 'ends'],
    ['before it began', 'refusals'],
  ] as const)(
    'goes back to nothing that has missed an exchange, even one that failed %s',
    async (_, where) => {
      const [a, b] = [new FakeRuntime('a'), new FakeRuntime('b')]
      await start('a', [a, b])
      await ask('tea')
      b[where].push([REFUSED])
      await start('b', [a, b])
      expect(await ask('milk')).toEqual([failureReply('refused')])
      await start('a', [a, b])
      await ask('cake')
      expect(a.asked.at(-1)?.resumeToken).toBeUndefined()
      expect(a.asked.at(-1)?.prompt).toMatch(/> milk[\s\S]*\(The agent failed here: refused: no\)/)
    },
  )

  it('keeps its session when nothing was said meanwhile', async () => {
    const [a, b] = [new FakeRuntime('a'), new FakeRuntime('b')]
    await start('a', [a, b])
    await ask('tea')
    await start('b', [a, b])
    await start('a', [a, b])
    await ask('cake')
    expect(a.asked.at(-1)).toMatchObject({ resumeToken: 'a-1', prompt: expect.not.stringContaining('> tea') })
  })
})

describe('a session of an older Creel, whose provider is not known', () => {
  const remember = (text: string) => {
    mkdirSync(join(rig.path(SANDBOX_PATHS.home), '.creel'))
    writeFileSync(join(rig.path(SANDBOX_PATHS.home), '.creel', 'sessions.json'), text)
  }

  it('is resumed, and one that the runtime does not know begins anew', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    await running?.stop()
    rmSync(join(rig.path(SANDBOX_PATHS.home), '.creel'), { recursive: true })
    remember('[["one","a-1"],["two","of another provider"]]')
    await start('a', [a])
    expect(await ask('milk')).toEqual(['a heard milk'])
    expect(a.asked.at(-1)?.resumeToken).toBe('a-1')
    expect(await ask('hello', 'two')).toEqual([FRESH_START, 'a heard hello'])
    expect(await ask('again', 'two')).toEqual(['a heard again'])
  })
})

describe('a model that is changed', () => {
  const models = (runtime: FakeRuntime) => runtime.asked.map(({ model, resumeToken }) => [model, resumeToken])

  it('begins a fresh session where a session stays with its model, also for one message', async () => {
    const a = new FakeRuntime('a', { oneModel: true })
    await start('a', [a], { model: 'big' })
    await ask('tea')
    await ask('milk')
    await start('a', [a], { model: 'small' })
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.prompt).toContain('> a heard milk')
    await start('a', [a])
    await ask('end')
    expect(models(a)).toEqual([
      ['big', undefined],
      ['big', 'a-1'],
      ['small', undefined],
      [undefined, undefined],
    ])
  })

  it('keeps the session elsewhere', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a], { model: 'big' })
    await ask('tea')
    await start('a', [a], { model: 'small' })
    await ask('milk')
    expect(models(a)).toEqual([
      ['big', undefined],
      ['small', 'a-1'],
    ])
  })
})

describe('a session that the runtime has lost', () => {
  it('goes on from the transcript, says so once, and is remembered again', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    a.lose()
    expect(await ask('milk')).toEqual([PRIMED_START, 'a heard milk'])
    expect(a.asked.at(-1)?.prompt).toContain('> a heard tea')
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.resumeToken).toBe('a-1')
  })

  it('is not asked for again when the fresh one failed at once', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    a.lose()
    a.refusals.push([REFUSED])
    expect(await ask('milk')).toEqual([PRIMED_START, failureReply('refused')])
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.prompt).toContain('> milk')
  })

  it('begins a new conversation when there is no transcript either', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    a.lose()
    rmSync(join(rig.path(SANDBOX_PATHS.memory), 'conversations'), { recursive: true })
    expect(await ask('milk')).toEqual([FRESH_START, 'a heard milk'])
    expect(a.asked.at(-1)?.prompt).not.toContain('transcript')
  })

  it('goes on from the transcript in silence when only our word on it is gone', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    await running?.stop()
    rmSync(join(rig.path(SANDBOX_PATHS.home), '.creel'), { recursive: true })
    await start('a', [a])
    expect(await ask('milk')).toEqual(['a heard milk'])
    expect(a.asked.at(-1)?.prompt).toContain('> a heard tea')
  })
})

describe('a conversation that is too long for its model', () => {
  it('is answered in the same turn, from its newest part', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    a.ends.push([TOO_LONG])
    expect(await ask('milk')).toEqual([TOO_LONG_START, 'a heard milk'])
    expect(a.asked.at(-1)).toMatchObject({ prompt: expect.stringContaining('> a heard tea') })
    expect(a.asked.at(-1)?.resumeToken).toBeUndefined()
    expect(rig.entries('settled').map(({ outcome }) => outcome)).toEqual(['done', 'done'])
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.resumeToken).toBe('a-2')
  })

  it('is given less and less, then fails honestly, and the next message is answered', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    for (let n = 0; n < 6; n++) await ask(`tea ${n} ${'x'.repeat(3_000)}`)
    a.ends.push([TOO_LONG], [TOO_LONG], [TOO_LONG], [TOO_LONG])
    expect(await ask('milk')).toEqual([TOO_LONG_START, failureReply('context-overflow')])
    const [resumed = 0, full = 0, small = 0, none = 0, ...more] = a.asked
      .slice(6)
      .map(({ prompt }) => prompt.length)
    expect(more).toEqual([])
    expect(resumed).toBe(none)
    expect(full).toBeGreaterThan(15_000)
    expect(small).toBeLessThan(6_000)
    expect(small).toBeGreaterThan(none)
    expect(await ask('cake')).toEqual(['a heard cake'])
    expect(a.asked.at(-1)?.resumeToken).toBeUndefined()
    expect(a.asked.at(-1)?.prompt).toContain('> milk')
  })

  it('is not tried again when the message alone is too long', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    a.ends.push([TOO_LONG])
    expect(await ask('x'.repeat(1_000))).toEqual([failureReply('context-overflow')])
    expect(a.asked).toHaveLength(1)
  })

  it('tells the fresh session what the try that was cut off had said and done, and says nothing twice', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    const worked: TurnEvent[] = [
      { type: 'message', text: 'I look for it.' },
      { type: 'tool', phase: 'started', name: 'rm -rf old' },
      { type: 'tool', phase: 'ended', name: 'rm -rf old' },
      TOO_LONG,
    ]
    a.ends.push(worked)
    expect(await ask('clean up')).toEqual(['I look for it.', TOO_LONG_START, 'a heard clean up'])
    const [, again] = a.asked
    expect(again?.prompt).toMatch(
      /were cut off[\s\S]*Tools you had used: rm -rf old\.[\s\S]*> I look for it\./,
    )
    expect(again?.prompt).not.toContain(TOO_LONG_START)
    a.ends.push(worked, worked, worked)
    const told = (await ask('and more')).filter((text) => text === TOO_LONG_START)
    expect(told).toHaveLength(1)
    expect(a.asked.length).toBeLessThanOrEqual(6)
  })
})

describe('the transcript of a turn', () => {
  const file = (session = 'one') => {
    const names = rig.transcripts(session)
    return names.map((name) => readFileSync(name, 'utf8')).join('\n')
  }

  it('holds what the person saw, once, and what had failed', async () => {
    const a = new FakeRuntime('a')
    await start('a', [a])
    await ask('tea')
    a.ends.push([{ type: 'message', text: 'half' }, REFUSED])
    await ask('milk')
    expect(file()).toMatch(
      /> tea[\s\S]*> a heard tea[\s\S]*> milk[\s\S]*> half[\s\S]*failed here: refused: no/,
    )
    expect(file().match(/creel:begin/g)).toHaveLength(2)
  })

  it('is not written for a turn that is handed back', async () => {
    rig.say('/demo hang')
    const first = rig.start()
    await rig.seen(() => expect(rig.entries('accepted')).toHaveLength(1))
    await first.stop()
    expect(rig.entries('returned')).toHaveLength(1)
    expect(rig.transcripts('one')).toEqual([])
  })

  it.each([
    ['before', 'accepted', 0],
    ['after', 'accepted', 0],
    ['before', 'settled', 1],
    ['after', 'settled', 1],
  ] as const)('holds each exchange once when the runner is killed %s %s', async (moment, type, written) => {
    const seqs = [rig.say('first')]
    const killed = rig.spawn(join(import.meta.dirname, '../../../test/runner/killed-runner.ts'), [
      moment,
      type,
    ])
    expect((await ended(killed)).how).toBe('SIGKILL')
    const marks = () => (file().match(/creel:begin \d+/g) ?? []).map((mark) => Number(mark.slice(12)))
    expect(marks()).toHaveLength(written)
    seqs.push(rig.say('second'))
    running = rig.start()
    await rig.settled(...seqs)
    expect(marks()).toEqual(seqs)
  })

  it('does not hold up a turn when it cannot be written', async () => {
    writeFileSync(join(rig.path(SANDBOX_PATHS.memory), 'conversations'), 'in the way')
    const a = new FakeRuntime('a')
    await start('a', [a])
    expect(await ask('tea')).toEqual(['a heard tea'])
    expect(await ask('milk')).toEqual(['a heard milk'])
    expect(rig.events.filter((event) => event === 'transcript_not_written')).toHaveLength(1)
  })
})
