import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SANDBOX_PATHS, SHELL_DOOR_FILE } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RunnerRig } from '../../../../test/runner/runner-rig.ts'
import { shellCommand } from './command-line.ts'
import { runShellCommand } from './run-command.ts'

let rig: RunnerRig
let running: { stop: () => Promise<void> }
beforeEach(() => {
  rig = new RunnerRig({ concurrency: 4 })
  running = rig.start()
})
afterEach(async () => {
  await running.stop()
  rig[Symbol.dispose]()
})

const run = (...argv: string[]) =>
  runShellCommand(shellCommand(argv, undefined), join(rig.path(SANDBOX_PATHS.home), SHELL_DOOR_FILE))
const sends = () => rig.entries('send').map(({ inboxSeq, text }) => ({ inboxSeq, text }))

/** A turn that goes on until the test ends. */
async function atWork(session: string): Promise<number> {
  const seq = rig.say(`/demo tool send_message {"text":"at work in ${session}"}\nhang`, session)
  await vi.waitFor(() => expect(sends().map(({ inboxSeq }) => inboxSeq)).toContain(seq), { timeout: 20_000 })
  return seq
}

describe('the creel command', () => {
  it('does what the tool does, in the turn that runs, and says what came of it', async () => {
    const seq = await atWork('one')
    expect(await run('send', 'from a shell')).toMatchObject({
      ok: true,
      text: expect.stringMatching(/^Queued: /),
    })
    expect(sends()).toContainEqual({ inboxSeq: seq, text: 'from a shell' })
    expect((await run('status')).text).toContain('"session": "one"')
    expect((await run('tools')).text).toContain('send_message\n  Sends a message')
    expect(await run('call', 'no_such_tool')).toMatchObject({
      ok: false,
      text: expect.stringContaining('There are: '),
    })
    expect(await run('send', '')).toMatchObject({ ok: false, text: expect.stringContaining('Too small') })
  })

  it('asks which conversation when several are at work, and is for none that is not', async () => {
    await atWork('one')
    const two = await atWork('two/ü')
    const told = await run('send', 'whose?')
    expect(told).toMatchObject({ ok: false, text: expect.stringContaining('one, two/ü') })
    expect(await run('send', 'mine', '--session', 'two/ü')).toMatchObject({ ok: true })
    expect(sends()).toContainEqual({ inboxSeq: two, text: 'mine' })
    expect(await run('send', 'x', '--session', 'three')).toMatchObject({ ok: false })
    expect(sends().filter(({ text }) => ['x', 'whose?'].includes(text))).toEqual([])
  })

  it('says so where there is no tool server, or another address is asked', async () => {
    expect(await run('status')).toMatchObject({
      ok: false,
      text: expect.stringContaining('cannot be reached'),
    })
    await atWork('one')
    const { url } = JSON.parse(readFileSync(join(rig.path(SANDBOX_PATHS.home), SHELL_DOOR_FILE), 'utf8')) as {
      url: string
    }
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_status","arguments":{}}}'
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const guessed = url.replace(/shell-[0-9a-f]+/, `shell-${'0'.repeat(32)}`)
    const answer = await fetch(guessed, { method: 'POST', headers, body })
    expect(await answer.text()).toContain('No turn of this conversation is running')
  })
})
