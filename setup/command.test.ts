import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lastWords, runCommand } from './command.ts'
import { pingEngine } from './engine-ping.ts'

describe('runCommand', () => {
  it('gives back code and output, and every line as it comes', async () => {
    const lines: string[] = []
    const result = await runCommand('sh', ['-c', 'echo a; echo b >&2; exit 3'], {
      onLine: (line) => lines.push(line),
    })
    expect(result).toEqual({ code: 3, stdout: 'a', stderr: 'b' })
    expect(lines.sort()).toEqual(['a', 'b'])
  })

  it('keeps only the end of a long output', async () => {
    const result = await runCommand('seq', ['1000'])
    expect(result.stdout.split('\n')).toHaveLength(200)
    expect(lastWords(result, 1)).toBe('1000')
  })

  it('says that a command is missing instead of throwing', async () => {
    const result = await runCommand('no-such-command-of-creel', [])
    expect(result.code).toBe(127)
    expect(result.stderr).toContain('no-such-command-of-creel')
  })

  it('ends children of the command too at its time limit', async () => {
    const result = await runCommand('sh', ['-c', 'sleep 100 & echo $!; wait'], { timeoutMs: 200 })
    expect(result.code).toBe(124)
    await expect.poll(() => isAlive(result.stdout)).toBe(false)
  })

  it('says which signal ended the command', async () => {
    expect((await runCommand('sh', ['-c', 'kill -9 $$'])).code).toBe(137)
  })
})

describe('pingEngine', () => {
  it('tells an engine, something else, and nothing apart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'creel-ping-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const socket = join(folder, 'e.sock')
    expect(await pingEngine(socket)).toEqual({ state: 'absent' })
    const headers: Record<string, string> = { 'Api-Version': '1.44' }
    const server = createServer((_request, response) => response.writeHead(200, headers).end('OK'))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    expect(await pingEngine(socket)).toEqual({ state: 'answers', apiVersion: '1.44' })
    delete headers['Api-Version']
    expect(await pingEngine(socket)).toMatchObject({ state: 'broken' })
  })
})

/** A zombie that nobody has reaped yet has ended. */
async function isAlive(pid: string): Promise<boolean> {
  const { stdout } = await runCommand('ps', ['-o', 'stat=', '-p', pid])
  return /^[^Z]/.test(stdout)
}
