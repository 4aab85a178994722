import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MAX_FILES, SANDBOX_PATHS } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RunnerRig, scripted } from '../../../test/runner/runner-rig.ts'

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

describe('a turn', () => {
  it('is told which files came with its message, and where they lie', async () => {
    const file = `${'a'.repeat(64)}.png`
    const photo = { file, kind: 'image' as const, name: 'photo.png', mime: 'image/png', bytes: 12_345 }
    const seq = rig.say('look', 'one', { attachments: [photo] })
    const prompt = rig.say('/demo prompt', 'two', { attachments: [photo] })
    running = rig.start()
    await rig.settled(seq, prompt)
    expect(rig.replies(seq)[0]).toMatch(/^demo: look \[image photo.png 12 kB\]/)
    expect(rig.replies(prompt)[0]).toContain(join(rig.path(SANDBOX_PATHS.in), 'files', file))
  })

  it('sends files in the order of its words, and says which could not be sent', async () => {
    const workspace = rig.path(SANDBOX_PATHS.workspace)
    writeFileSync(join(workspace, 'a.txt'), 'hello')
    running = rig.start({
      providers: scripted(() => ({
        async *[Symbol.asyncIterator]() {
          yield { type: 'message', text: 'first' }
          yield { type: 'file', path: 'a.txt', caption: 'the file' }
          yield { type: 'file', path: 'absent.txt' }
          yield { type: 'message', text: 'last' }
          yield { type: 'completed' }
        },
        steer: async () => 'unsupported',
      })),
    })
    const seq = rig.say('go')
    await rig.settled(seq)
    const said = rig.rows().map(({ entry }) => entry)
    expect(said.map(({ type }) => type)).toEqual(['accepted', 'reply', 'file', 'reply', 'reply', 'settled'])
    expect(said[2]).toMatchObject({ name: 'a.txt', bytes: 5, caption: 'the file' })
    expect(rig.replies(seq)[1]).toMatch(/A file could not be sent: absent.txt cannot be read: ENOENT/)
    const [entry] = rig.entries('file')
    const kept = join(rig.path(SANDBOX_PATHS.out), 'files', entry?.file ?? '')
    expect(readFileSync(kept, 'utf8')).toBe('hello')
    rig.put({ type: 'acked', outboxSeq: rig.rows().at(-1)?.seq ?? 0 })
    await rig.seen(() => expect(existsSync(kept)).toBe(false))
  })

  it('that sends more files than a message may have says so', async () => {
    writeFileSync(join(rig.path(SANDBOX_PATHS.workspace), 'a.txt'), 'hello')
    running = rig.start({
      providers: scripted(() => ({
        async *[Symbol.asyncIterator]() {
          for (let n = 0; n <= MAX_FILES; n++) yield { type: 'file', path: 'a.txt' }
          yield { type: 'completed' }
        },
        steer: async () => 'unsupported',
      })),
    })
    const seq = rig.say('go')
    await rig.settled(seq)
    expect(rig.entries('file')).toHaveLength(MAX_FILES)
    expect(rig.replies(seq)).toEqual(['(A file was left out: the answer has too many.)'])
  })
})
