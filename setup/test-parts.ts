import { join } from 'node:path'
import { ensureAgentImage } from '../src/adapters/docker/agent-image.ts'
import { readNpmConfig } from '../src/adapters/docker/npm-config.ts'
import { installPackages, type Wanted } from './apt.ts'
import { ensureBaseImage } from './base-image.ts'
import type { Consent } from './consent.ts'
import type { Machine } from './machine.ts'
import type { Steps } from './step.ts'
import { openTestEngine, type TestEngine } from './test-engine.ts'
import type { Part } from './test-suites.ts'

export interface PartsRequest {
  readonly machine: Machine
  readonly projectDir: string
  /** Where an engine may already be running. */
  readonly socket: string
  readonly consent: Consent
  readonly steps: Steps
}

/** What was made ready, as environment variables that tests read. */
export interface Parts {
  readonly env: Readonly<Record<string, string>>
  /** Null when no suite needs an engine. */
  readonly socket: string | null
  /** Ends what was started for the tests. */
  close(): Promise<void>
}

const PROGRAMS: Readonly<
  Record<'browser' | 'compose' | 'terminal', Wanted & { commands: readonly string[] }>
> = {
  browser: {
    commands: ['chromium'],
    packages: ['chromium'],
    what: 'a browser (Chromium)',
    elsewhere: 'install Chromium so that `chromium` can be run',
  },
  compose: {
    commands: ['docker-compose'],
    packages: ['docker-compose'],
    what: 'docker-compose',
    elsewhere: 'install docker-compose so that `docker-compose` can be run',
  },
  terminal: {
    commands: ['tmux'],
    packages: ['tmux'],
    what: 'a terminal (tmux)',
    elsewhere: 'install tmux 3.2 or newer',
  },
}

/** Makes ready what the chosen suites need, each part once. Dispose of the result when they have run. */
export async function prepareParts(request: PartsRequest, needed: ReadonlySet<Part>): Promise<Parts> {
  const { machine, steps, consent } = request
  for (const part of ['browser', 'compose', 'terminal'] as const) {
    const program = PROGRAMS[part]
    if (needed.has(part) && !program.commands.some((command) => machine.has(command)))
      await steps.run(`install ${program.what}`, (note) => installPackages(machine, program, consent, note))
  }
  if (!needed.has('engine')) return { env: {}, socket: null, close: async () => undefined }
  const engine = await steps.run('container engine', (note) => openTestEngine({ ...request, log: note }))
  try {
    if (needed.has('images')) await prepareImages(request, engine)
  } catch (error) {
    await engine.close()
    throw error
  }
  return { env: { DOCKER_HOST: `unix://${engine.socket}` }, socket: engine.socket, close: engine.close }
}

async function prepareImages(request: PartsRequest, { socket }: TestEngine): Promise<void> {
  const base = await request.steps.run('base image', (note) =>
    ensureBaseImage({ ...request, socket, log: note }),
  )
  await request.steps.run('agent image', (note) =>
    ensureAgentImage({
      socketPath: socket,
      containerDir: join(request.projectDir, 'container'),
      base,
      npm: () => readNpmConfig(process.env.NODE_EXTRA_CA_CERTS),
      onProgress: note,
    }),
  )
}
