// Entry of the process that runs the owner's transcription program over one recording. It ends with its answer, or with
// its parent: a host that was killed leaves no program behind.
import { ProgramRun } from './run-program.ts'
import { CommandJob } from './wire.ts'

// A Ctrl-C in a terminal reaches the whole process group; when to end is the parent's decision.
const carryOn = (): void => undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, carryOn)

const given = Promise.withResolvers<ProgramRun>()
process.once('message', (message) => given.resolve(new ProgramRun(CommandJob.parse(message))))
process.once('disconnect', () => {
  void given.promise.then((run) => run.kill())
  // After the kill, which needs no turn of the event loop; without a program to kill there is nothing to wait for.
  setImmediate(() => process.exit(1))
})

const run = await given.promise
process.send?.(await run.answer())
