// Entry of the child process that looks into one memory folder; it ends with its answer, or with its parent.
import { readMemory } from './read-memory.ts'
import { MemoryJob } from './wire.ts'

// A Ctrl-C in a terminal reaches the whole process group; when to end is the parent's decision.
const carryOn = (): void => undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, carryOn)

process.on('disconnect', () => process.exit(1))

process.once('message', (message) => {
  process.send?.(readMemory(MemoryJob.parse(message)))
})
