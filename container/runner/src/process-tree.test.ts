import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { descendants, killTree } from './process-tree.ts'

const NAME = 'CREEL_TREE_TEST'
const noProc = !existsSync('/proc/self/environ')
if (noProc) console.log('skipped: the process tree is read from /proc, which this system lacks')

it.skipIf(noProc)('kills what hid in a session of its own and was orphaned, and nothing else', async () => {
  const mark = { name: NAME, value: randomUUID() }
  // The shell in the middle ends at once: its child is handed to init, in a session of its own.
  const root = spawn('/bin/sh', ['-c', `setsid sh -c 'setsid sleep 60 & exit 0'; sleep 60`], {
    env: { PATH: '/usr/bin:/bin', [NAME]: mark.value },
    detached: true,
    stdio: 'ignore',
  })
  const other = spawn('/bin/sleep', ['60'], { env: { [NAME]: randomUUID() }, stdio: 'ignore' })
  try {
    await vi.waitFor(() => expect(descendants(root.pid, mark)).toHaveLength(2), { timeout: 5_000 })
    killTree(root.pid, mark)
    await vi.waitFor(() => expect(descendants(root.pid, mark)).toEqual([]), { timeout: 5_000 })
    await vi.waitFor(() => expect(root.signalCode).toBe('SIGKILL'))
    expect(other.exitCode).toBeNull()
    killTree(root.pid, mark)
  } finally {
    other.kill('SIGKILL')
  }
})
