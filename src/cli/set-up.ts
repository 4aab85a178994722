// The steps of `creel up` before the host starts. Each can be run again.
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureBaseImage } from '../../setup/base-image.ts'
import { terminalConsent } from '../../setup/consent.ts'
import { ensureEngine } from '../../setup/engine.ts'
import { thisMachine } from '../../setup/machine.ts'
import { Steps } from '../../setup/step.ts'
import { ensureDataDir } from '../adapters/folders/data-dir.ts'
import type { Install } from '../config/load.ts'
import { agentImage, installSocket } from '../host-parts.ts'
import { providersInUse } from './providers-in-use.ts'
import { runCommand } from './session.ts'

/** Makes the machine ready. Throws CreelError with what to do; what was done stays done. */
export async function setUp(install: Install, yes: boolean): Promise<void> {
  const machine = thisMachine()
  const consent = terminalConsent(yes)
  const steps = new Steps({ out: process.stderr })
  const { paths } = install
  ensureDataDir(paths.dataDir)
  const buildLog = join(dirname(paths.logFile), 'build.log')
  mkdirSync(dirname(buildLog), { recursive: true })
  const socket = installSocket(install)
  await steps.run('container engine', (log) =>
    ensureEngine({ machine, socket, dataDir: paths.dataDir, consent, log }),
  )
  await steps.run('agent image (a minute or two the first time)', async (note) => {
    const log = createWriteStream(buildLog)
    const onLine = (line: string) => {
      log.write(`${line}\n`)
      note(line)
    }
    try {
      if (install.config.engine.base_image === '') {
        await ensureBaseImage({ machine, projectDir: install.projectDir, socket, consent, log: onLine })
      }
      for (const provider of await providersInUse(install)) await agentImage(install, provider, onLine)
    } finally {
      log.end()
    }
  })
  await steps.run('first agent', async (note) => {
    const groups = (await runCommand(install, 'group-list')) as unknown[]
    if (groups.length > 0) return
    note('making the agent main')
    await runCommand(install, 'group-add', { name: 'main', provider: 'demo' })
  })
}
