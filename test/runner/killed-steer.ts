// A runner that kills itself around a steered message: `killed-steer.ts <root> <before|after> <accepted|steer|settled>`.
import { join } from 'node:path'
import { OutboxWriter, SANDBOX_PATHS } from '@creel/protocol'
import {
  createRunner,
  jsonLog,
  type Outbox,
  startToolServer,
  systemClock,
} from '../../container/runner/src/index.ts'
import { FakeProvider } from '../fakes/fake-provider.ts'

const [, , root = '', moment, point] = process.argv
const crash = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('killed')
}

/** The turn waits for the steered message, then answers both and ends. */
const provider = new FakeProvider((turn) => {
  turn.say({ type: 'started' })
  const steer = turn.steer.bind(turn)
  turn.steer = async (text) => {
    if (point === 'steer' && moment === 'before') crash()
    const answer = await steer(text)
    if (point === 'steer') crash()
    turn.say({ type: 'message', text: 'both' }, { type: 'completed' })
    return answer
  }
})

function openOutbox(path: string): Outbox & Disposable {
  const outbox = new OutboxWriter(path)
  let accepted = 0
  return {
    append: (entries, at) => {
      accepted += entries.filter(({ type }) => type === 'accepted').length
      // The second acceptance is the steered message's.
      const here = entries.some(({ type }) => type === point) && accepted > 1
      if (here && moment === 'before') crash()
      const seq = outbox.append(entries, at)
      if (here) crash()
      return seq
    },
    attempts: (seq) => outbox.attempts(seq),
    settled: () => outbox.settled(),
    sent: (seq) => outbox.sent(seq),
    prune: (seq, oldest) => outbox.prune(seq, oldest),
    namedFiles: () => outbox.namedFiles(),
    [Symbol.dispose]: () => outbox[Symbol.dispose](),
  }
}

await createRunner({
  inDir: join(root, SANDBOX_PATHS.in),
  outDir: join(root, SANDBOX_PATHS.out),
  runDir: join(root, SANDBOX_PATHS.run),
  homeDir: join(root, SANDBOX_PATHS.home),
  memoryDir: join(root, SANDBOX_PATHS.memory),
  workspaceDir: join(root, SANDBOX_PATHS.workspace),
  skillsDir: join(root, SANDBOX_PATHS.skills),
  clock: systemClock,
  providers: provider.table,
  startToolServer,
  log: jsonLog((line) => process.stderr.write(line), systemClock),
  ending: { crash, exit: crash },
  gatewayPort: null,
  openOutbox,
}).run(new AbortController().signal)
