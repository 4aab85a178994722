import { join } from 'node:path'
import { CreelError } from '../src/domain/errors.ts'
import { installPackages, rootPrefix } from './apt.ts'
import { lastWords } from './command.ts'
import type { Consent } from './consent.ts'
import type { Machine } from './machine.ts'

const LIMIT_MS = 15 * 60_000

export interface BaseImageRequest {
  readonly machine: Machine
  readonly projectDir: string
  readonly socket: string
  readonly consent: Consent
  readonly log: (line: string) => void
}

/** Programs that making the image needs, with the Debian package of each. */
const TOOLS = [
  ['docker', 'docker.io'],
  ['debootstrap', 'debootstrap'],
  ['npm', 'npm'],
] as const
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Makes the image that agents are built on, unless the engine has it; returns its tag. A minute or two the first
 * time, milliseconds later. Safe to run again after any failure; two at once only waste work.
 */
export async function ensureBaseImage(request: BaseImageRequest): Promise<string> {
  const { machine, log } = request
  const script = join(request.projectDir, 'setup', 'base-image.sh')
  const engine = `DOCKER_HOST=unix://${request.socket}`
  const asked = await machine.run('bash', [script, '--tag'])
  const tag = asked.stdout.trim()
  if (asked.code !== 0 || tag === '')
    throw new CreelError('unavailable', `the base image has no recipe here: ${lastWords(asked, 3)}`, {
      hint: 'set engine.base_image in creel.toml to an image with Node 22.12 or newer',
    })
  const found = await machine.run('env', [engine, 'docker', 'image', 'inspect', '--format', '{{.Id}}', tag])
  if (found.code === 0) return tag

  const packages = TOOLS.filter(([tool]) => !machine.has(tool)).map(([, name]) => name as string)
  if (!machine.exists(KEYRING)) packages.push('debian-archive-keyring')
  if (packages.length > 0) {
    const what = `what the base image is made with (${packages.join(', ')})`
    const elsewhere = 'set engine.base_image in creel.toml to an image with Node 22.12 or newer'
    await installPackages(machine, { packages, what, elsewhere }, request.consent, log)
  }
  const root = await rootPrefix(machine)
  if (root === null)
    throw new CreelError('unavailable', 'the base image can only be made by root (chroot)', {
      hint: `type: sudo ${script}, and run this again; or set engine.base_image in creel.toml`,
    })
  const [program = '', ...args] = [...root, 'env', engine, 'bash', script]
  const made = await machine.run(program, args, { timeoutMs: LIMIT_MS, onLine: log })
  const last = made.stdout.trim().split('\n').at(-1) ?? ''
  if (made.code !== 0 || last === '')
    throw new CreelError('unavailable', `the base image could not be made:\n${lastWords(made)}`, {
      hint: 'when what it says is put right, run this again; it begins anew',
    })
  return last
}
