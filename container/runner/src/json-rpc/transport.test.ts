import { spawn } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { StreamTransport } from './transport.ts'

interface Heard {
  readonly lines: string[]
  readonly tooLong: number[]
  readonly closed: Promise<string>
}

function listenTo(transport: StreamTransport): Heard {
  const lines: string[] = []
  const tooLong: number[] = []
  const closed = new Promise<string>((resolve) => {
    transport.open({
      line: (text) => void lines.push(text),
      tooLong: (bytes) => void tooLong.push(bytes),
      closed: resolve,
    })
  })
  return { lines, tooLong, closed }
}

describe('StreamTransport', () => {
  it('talks in lines with a real process, and hears of its end', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] })
    const transport = new StreamTransport(child.stdin, child.stdout, 1_000)
    const heard = listenTo(transport)
    transport.send('{"one":1}')
    transport.send('x'.repeat(2_000))
    transport.send('{"zwei":"ü"}')
    child.stdin.end()
    expect(await heard.closed).toBe('it closed its output')
    expect(heard.lines).toEqual(['{"one":1}', '{"zwei":"ü"}'])
    expect(heard.tooLong).toEqual([2_000])
    transport.send('nobody hears this')
  })

  it('survives writing to a process that died', async () => {
    const child = spawn('sleep', ['60'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const transport = new StreamTransport(child.stdin, child.stdout)
    const heard = listenTo(transport)
    child.kill('SIGKILL')
    for (let i = 0; i < 100; i += 1) transport.send('x'.repeat(10_000))
    expect(await heard.closed).toMatch(/EPIPE|ECONNRESET|closed/)
  })

  it('gives up on a reader that reads nothing', async () => {
    const stuck = new PassThrough()
    const transport = new StreamTransport(stuck, new PassThrough())
    const heard = listenTo(transport)
    for (let i = 0; i < 34; i += 1) transport.send('x'.repeat(1024 * 1024))
    expect(await heard.closed).toBe('it does not read what it is sent')
    expect(stuck.destroyed).toBe(true)
  })
})
