// Entry of the reader's child process: answers one request at a time and ends with its parent.
import { Worker } from 'node:worker_threads'
import { readOutbox } from './read-outbox.ts'
import { type ChildMessage, ReadRequest } from './wire.ts'

function tell(message: ChildMessage): void {
  process.send?.(message)
}

// A Ctrl-C in a terminal reaches the whole process group; when to end is the parent's decision.
const carryOn = (): void => undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, carryOn)

new Worker(new URL('./watch-parent.ts', import.meta.url), { workerData: process.ppid }).unref()

process.on('message', (message) => {
  const { id, path, after, limit } = ReadRequest.parse(message)
  const begun = performance.now()
  const batch = readOutbox(path, after, limit)
  tell({ type: 'answer', id, tookMs: performance.now() - begun, batch })
})
tell({ type: 'ready' })
