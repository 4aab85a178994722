// The steps of `creel up` before the host starts. Each can be run again.
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureBaseImage } from '../../setup/base-image.ts'
import { type Consent, terminalConsent } from '../../setup/consent.ts'
import { ensureEngine } from '../../setup/engine.ts'
import { type Machine, thisMachine } from '../../setup/machine.ts'
import { Steps } from '../../setup/step.ts'
import { ensureDataDir } from '../adapters/folders/data-dir.ts'
import type { Install } from '../config/load.ts'
import { agentImage, installSocket } from '../host-parts.ts'
import { imagesInUse } from './images-in-use.ts'
import { runCommand } from './session.ts'

/** Who takes part in making the machine ready. */
export interface SetUpParts {
  readonly machine: Machine
  readonly consent: Consent
  readonly steps: Steps
}

/** Makes the machine ready. Throws CreelError with what to do; what was done stays done. */
export async function setUp(install: Install, yes: boolean): Promise<void> {
  const steps = new Steps({ out: process.stderr })
  const parts: SetUpParts = { machine: thisMachine(), consent: terminalConsent(yes), steps }
  ensureDataDir(install.paths.dataDir)
  await prepareEngine(install, parts)
  await prepareImages(install, parts)
  await steps.run('first agent', async (note) => {
    const groups = (await runCommand(install, 'group-list')) as unknown[]
    if (groups.length > 0) return
    note('making the agent main')
    await runCommand(install, 'group-add', { name: 'main', provider: 'demo' })
  })
}

/** Finds an engine that answers, else starts the installed one, else installs one with consent. Safe to run again. */
export async function prepareEngine(install: Install, parts: SetUpParts): Promise<void> {
  const socket = installSocket(install)
  const { dataDir } = install.paths
  await parts.steps.run('container engine', (log) => ensureEngine({ ...parts, socket, dataDir, log }))
}

/** Builds what the agents of this install run on, unless it is there. Safe to run again. */
export async function prepareImages(install: Install, parts: SetUpParts): Promise<void> {
  const { paths, projectDir } = install
  const buildLog = join(dirname(paths.logFile), 'build.log')
  mkdirSync(dirname(buildLog), { recursive: true })
  const socket = installSocket(install)
  await parts.steps.run('agent image (a minute or two the first time)', async (note) => {
    const file = createWriteStream(buildLog)
    const log = (line: string) => {
      file.write(`${line}\n`)
      note(line)
    }
    try {
      if (install.config.engine.base_image === '')
        await ensureBaseImage({ ...parts, projectDir, socket, log })
      for (const wanted of imagesInUse(install)) await agentImage(install, wanted, log)
    } finally {
      file.end()
    }
  })
}
