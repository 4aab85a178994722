import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { ChatStatus } from './chat-status.ts'

const input = new PassThrough()
const output = new PassThrough()
const reader = createInterface({ input, output, terminal: true })
let now = 100_000
const status = new ChatStatus(reader, 'home', () => now)
afterEach(() => status.idle())

test('the prompt says how long and with what the agent works, and keeps what is typed', () => {
  reader.write('half a sen')
  status.progress({ type: 'progress', text: '' })
  expect(status.text).toBe('home> ')
  now += 12_000
  expect(status.text).toBe('home (working 12 s)> ')
  status.progress({ type: 'progress', text: '', activity: 'Bash\u001b[2J\nx', elapsedMs: 75_000 })
  expect(status.text).toBe('home (working 1 min 15 s · Bash x)> ')
  expect(reader.getPrompt()).toBe(status.text)
  expect(reader.line).toBe('half a sen')
  status.idle()
  expect(reader.getPrompt()).toBe('home> ')
  expect(reader.line).toBe('half a sen')
  expect(String(output.read())).not.toContain('\u001b[2J')
})
