// Entry of the child process that copies one folder of a sandbox; it ends with its answer, or with its parent.
import { copyDraft } from './copy-draft.ts'
import { DraftJob } from './draft-wire.ts'

// A Ctrl-C in a terminal reaches the whole process group; when to end is the parent's decision.
const carryOn = (): void => undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, carryOn)

process.on('disconnect', () => process.exit(1))

process.once('message', (message) => {
  process.send?.(copyDraft(DraftJob.parse(message)))
})
