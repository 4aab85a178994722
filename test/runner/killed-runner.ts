// A runner that kills itself at a named point: `killed-runner.ts <root> <before|after> <type of outbox entry>`.
import { join } from 'node:path'
import { OutboxWriter, SANDBOX_PATHS } from '@creel/protocol'
import {
  createRunner,
  jsonLog,
  type Outbox,
  PROVIDERS,
  startToolServer,
  systemClock,
} from '../../container/runner/src/index.ts'

const [, , root = '', moment, type] = process.argv
const crash = () => process.kill(process.pid, 'SIGKILL')

function openOutbox(path: string): Outbox & Disposable {
  const outbox = new OutboxWriter(path)
  return {
    append: (entries, at) => {
      const here = entries.some((entry) => entry.type === type)
      if (here && moment === 'before') crash()
      const seq = outbox.append(entries, at)
      if (here && moment === 'after') crash()
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
  workspaceDir: join(root, SANDBOX_PATHS.workspace),
  skillsDir: join(root, SANDBOX_PATHS.skills),
  memoryDir: join(root, SANDBOX_PATHS.memory),
  clock: systemClock,
  providers: PROVIDERS,
  startToolServer,
  log: jsonLog((line) => process.stderr.write(line), systemClock),
  ending: { crash, exit: crash },
  gatewayPort: null,
  openOutbox,
}).run(new AbortController().signal)
