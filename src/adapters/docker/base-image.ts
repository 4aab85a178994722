import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { CreelError } from '../../domain/errors.ts'

/** Tag that setup/base-image.sh makes: a hash of what goes into it. Needs no engine and takes milliseconds. */
export async function baseImageTag(script: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', [script, '--tag'], { timeout: 30_000 })
  return stdout.trim()
}

/**
 * Runs setup/base-image.sh, which makes the base image when it is missing: about a minute, as root. Throws
 * `unavailable` with what the script said last.
 */
export async function makeBaseImage(request: {
  readonly script: string
  readonly socketPath: string
  /** The process's own environment: proxies and mirrors of this machine are set there. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onProgress?: (line: string) => void
}): Promise<void> {
  const said: string[] = []
  const child = spawn('bash', [request.script], {
    env: { ...request.env, DOCKER_HOST: `unix://${request.socketPath}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line)
    if (said.length > 25) said.shift()
    request.onProgress?.(line)
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return
  throw new CreelError('unavailable', `could not make the base image:\n${said.join('\n')}`, {
    hint: 'or set engine.base_image in creel.toml to an image with Node >= 22.12, e.g. node:24-bookworm',
  })
}
