import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ended, RunnerRig, scripted } from '../../../../test/runner/runner-rig.ts'

const KILLED_RUNNER = join(import.meta.dirname, '../../../../test/runner/killed-runner.ts')

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig({ maxAttempts: 10 })
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

/** The host answers each call that comes from now on, until `count` have come. */
async function answer(count: number, text: string, ok = true): Promise<void> {
  for (let n = 0; n < count; n++) {
    await rig.seen(() => expect(rig.entries('call').length).toBeGreaterThan(n))
    const call = rig.entries('call')[n]
    if (call) rig.put({ type: 'result', inboxSeq: call.inboxSeq, callId: call.id, ok, text })
  }
}

describe('a tool that the host carries out', () => {
  it('gets its answer in the same turn, with what the schema made of its arguments', async () => {
    const seq = rig.say('/demo tool list_tasks {"id":3}\nlist_tasks {"id":3}')
    running = rig.start()
    await answer(2, 'task 3: water them')
    await rig.settled(seq)
    const calls = rig.entries('call')
    expect(calls).toMatchObject([
      { inboxSeq: seq, name: 'list_tasks', args: '{"id":3,"ended":false}' },
      { inboxSeq: seq, name: 'list_tasks' },
    ])
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    expect(rig.replies(seq).join('\n')).toContain('task 3: water them')
  })

  it('tells the model why the host refused it', async () => {
    const seq = rig.say('/demo tool cancel_task {"id":3}')
    running = rig.start()
    await answer(1, 'There is no task 3 here.', false)
    await rig.settled(seq)
    expect(rig.replies(seq).join('\n')).toContain('error: There is no task 3 here.')
  })

  it('is not asked at all with wrong arguments', async () => {
    const seq = rig.say('/demo tool cancel_task {"id":"all"}')
    running = rig.start()
    await rig.settled(seq)
    expect(rig.replies(seq).join('\n')).toMatch(/"id": .*A right call: \{"id": 3\}/)
    expect(rig.entries('call')).toEqual([])
  })

  it.each(['before', 'after'])(
    'killed %s it was written: asked again under the same name',
    async (moment) => {
      const seq = rig.say('/demo tool schedule_task {"name":"x","prompt":"y","in_minutes":5}')
      expect((await ended(rig.spawn(KILLED_RUNNER, [moment, 'call']))).how).toBe('SIGKILL')
      expect(rig.entries('call')).toHaveLength(moment === 'after' ? 1 : 0)
      running = rig.start()
      await answer(1, 'made')
      await rig.seen(() => expect(rig.entries('call').length).toBeGreaterThanOrEqual(1))
      await rig.settled(seq)
      expect(new Set(rig.entries('call').map(({ id }) => id)).size).toBe(1)
      expect(rig.replies(seq).join('\n')).toContain('made')
    },
  )

  it('answered while its runner was dead is not asked again', async () => {
    const seq = rig.say('/demo tool list_tasks')
    expect((await ended(rig.spawn(KILLED_RUNNER, ['after', 'call']))).how).toBe('SIGKILL')
    await answer(1, 'three tasks')
    running = rig.start()
    await rig.settled(seq)
    expect(rig.entries('call')).toHaveLength(1)
    expect(rig.replies(seq).join('\n')).toContain('three tasks')
  })
})

describe('a task that is due', () => {
  const due = (script: string, text = 'look at it', timeoutS = 10) =>
    rig.say(text, 'one', { from: { id: 'creel:host', name: 'Creel' }, task: { id: 3, script, timeoutS } })

  it('whose script leaves the agent asleep is settled without a turn', async () => {
    const seq = due('echo looking; echo \'{"wakeAgent": false}\'')
    running = rig.start()
    await rig.settled(seq)
    expect(rig.entries('settled', seq)).toMatchObject([
      { outcome: 'done', reason: 'its script left the agent asleep' },
    ])
    expect([rig.replies(seq), rig.transcripts('one')]).toEqual([[], []])
  })

  it.each([
    ['printed something', 'echo the door is open', /ran\. It printed:[\s\S]*the door is open/],
    ['printed nothing', 'true', /It printed nothing/],
    ['was not clear', 'echo \'{"wakeAgent": "false"}\'', /wakeAgent/],
    ['failed', 'echo oh; exit 3', /failed \(3\)[\s\S]*oh/],
    ['said asleep and failed', 'echo \'{"wakeAgent": false}\'; exit 1', /failed \(1\)/],
    ['is no shell script', '(', /failed \(2\)/],
    ['floods', 'yes | head -c 3000000; echo; echo end', /end/],
  ])('whose script %s is given what it printed', async (_, script, told) => {
    const seq = due(script)
    running = rig.start()
    await rig.settled(seq)
    expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'done' }])
    const [transcript = ''] = rig.transcripts('one')
    expect(readFileSync(transcript, 'utf8')).toMatch(told)
  })

  it('whose script never ends is ended with all that it started, and wakes the agent', async () => {
    const pids = join(rig.root, 'pids')
    const seq = due(`setsid sleep 600 & echo $! > ${pids}; sleep 600`, 'look', 1)
    running = rig.start()
    await rig.settled(seq)
    const [transcript = ''] = rig.transcripts('one')
    expect(readFileSync(transcript, 'utf8')).toMatch(/was ended after 1 seconds/)
    const pid = Number(readFileSync(pids, 'utf8'))
    await rig.seen(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
  })

  it('that is stopped while its script runs is cancelled', async () => {
    const seq = due('touch begun; sleep 600')
    running = rig.start()
    await rig.seen(() => expect(rig.entries('accepted', seq)).toHaveLength(1))
    rig.put({ type: 'cancel', inboxSeq: seq })
    await rig.settled(seq)
    expect(rig.entries('settled', seq)).toMatchObject([{ outcome: 'cancelled' }])
  })

  it('may be answered with nothing, in a private chat too', async () => {
    const answersNothing = scripted(() => ({
      async *[Symbol.asyncIterator]() {
        yield { type: 'message', text: 'NO_REPLY' } as const
        yield { type: 'completed' } as const
      },
      steer: async () => 'unsupported' as const,
    }))
    const [task, question] = [rig.say('look', 'one', { task: { id: 3 } }), rig.say('well?', 'two')]
    running = rig.start({ providers: answersNothing })
    await rig.settled(task, question)
    expect([rig.replies(task), rig.replies(question)]).toEqual([[], ['NO_REPLY']])
  })
})
