// Entry of the child process that reads one hostile file; it ends with its answer, or with its parent.
import { readHostileFile } from './read-hostile-file.ts'
import { FileJob } from './wire.ts'

// A Ctrl-C in a terminal reaches the whole process group; when to end is the parent's decision.
const carryOn = (): void => undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, carryOn)

process.on('disconnect', () => process.exit(1))

process.once('message', async (message) => {
  const answer = await readHostileFile(FileJob.parse(message))
  process.send?.(answer)
})
