import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isRunning } from '../../../test/rig/scribe-marks.ts'
import { childFlags } from '../../child-flags.ts'
import { CommandTranscriber } from './command-transcriber.ts'

const SCRIBE = join(import.meta.dirname, '../../../test/rig/scribe.mjs')
const never = new AbortController().signal

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-voice-'))
  writeFileSync(join(folder, 'marks'), '')
})
afterEach(() => rmSync(folder, { recursive: true }))

const command = (...args: string[]): [string, ...string[]] => [
  process.execPath,
  SCRIBE,
  join(folder, 'marks'),
  ...args,
]
const running = () => readFileSync(join(folder, 'marks'), 'utf8').split('\n').filter(isRunning)
const work = () => join(folder, 'work')

function recording(text: string, mime = 'audio/ogg') {
  const path = join(folder, 'recording')
  writeFileSync(path, text)
  return { path, mime }
}

const heard = (text: string, program = command('{file}'), mime = 'audio/ogg') =>
  new CommandTranscriber({ command: program, folder: work() }).transcribe(recording(text, mime), never)

it('gives the program a copy of the recording and nothing of ours', async () => {
  const { env, cwd, file } = JSON.parse(await heard('env:', command('{file}'), 'audio/mpeg; x=y'))
  expect(file).toBe(join(cwd, 'audio.mp3'))
  expect(Object.keys(env).sort()).toEqual(['HOME', 'LANG', 'PATH', 'TMPDIR'])
  expect(env.HOME).toBe(cwd)
  expect(readdirSync(work())).toEqual([])
  expect(readFileSync(join(folder, 'recording'), 'utf8')).toBe('env:')
})

it('runs no shell and names no file by what a sender says', async () => {
  const text = await heard('env:', command('{file}', '; touch hacked', '$(id)'), '../../x; rm -rf /')
  expect(JSON.parse(text).file).toMatch(/run-\w+\/audio\.ogg$/)
})

it('says why a program did not do it, with the end of its complaint for the owner alone', async () => {
  await expect(heard('die:because of x')).rejects.toMatchObject({
    message: 'the transcription program failed (code 3)',
    detail: 'because of x',
  })
  await expect(heard('say:x', ['/no/such/program'])).rejects.toMatchObject({
    message: 'the transcription program cannot be started',
    detail: '/no/such/program: ENOENT',
  })
})

it('ends a program that prints without end', async () => {
  await expect(heard('flood:')).rejects.toThrow('printed more than 1000000 bytes')
  expect(running()).toEqual([])
})

it('does not wait for what a program leaves running, and ends it', async () => {
  expect(await heard('leave:done')).toBe('done')
  await expect.poll(running).toEqual([])
})

it('takes a program that does not read its input', async () => {
  const big = `say:${'x'.repeat(500_000)}`
  const program: [string, ...string[]] = [process.execPath, '-e', 'console.log("no need")']
  expect(await heard(big, program)).toBe('no need\n')
})

it('empties its folder of what an earlier process left', async () => {
  mkdirSync(join(work(), 'run-old'), { recursive: true })
  await heard('say:x')
  expect(readdirSync(work())).toEqual([])
})

it('leaves no program running when the host is killed', async () => {
  recording('hang:')
  const host = join(folder, 'host.mts')
  writeFileSync(
    host,
    `import { CommandTranscriber } from ${JSON.stringify(join(import.meta.dirname, 'command-transcriber.ts'))}
     const options = ${JSON.stringify({ command: command('{file}'), folder: work() })}
     await new CommandTranscriber(options).transcribe(
       { path: ${JSON.stringify(join(folder, 'recording'))}, mime: '' }, new AbortController().signal)`,
  )
  const child = spawn(process.execPath, [...childFlags(128), host], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  await expect.poll(() => running().length, { timeout: 20_000 }).toBe(2)
  child.kill('SIGKILL')
  await ended
  await expect.poll(running, { timeout: 10_000 }).toEqual([])
})
