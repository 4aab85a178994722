// The host as a process of its own: begun and ended by other processes of this user.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../adapters/clock/system-clock.ts'
import { callHost, NoHostError } from '../adapters/control/client.ts'
import type { Install } from '../config/load.ts'
import { CreelError } from '../domain/errors.ts'
import type { CliContext } from './context.ts'
import { moveAside, outFileOf } from './host-log.ts'
import { runCommand } from './session.ts'

const READY_MS = 30_000
/**
 * Stays beside the host, in less than a megabyte, and starts it again when it was killed: by the watchdog of its event
 * loop, for want of memory. An end of its own, in order or with an error, and Ctrl-C or SIGTERM are the end.
 */
export const KEEPER = `wait=0
while :; do
  "$@"
  code=$?
  if [ $code -le 128 ] || [ $code -eq 130 ] || [ $code -eq 143 ]; then exit $code; fi
  [ $wait -ge 30 ] || wait=$((wait + 1))
  echo "the host was killed (exit code $code), starting it again in $wait s"
  sleep $wait
done`

/** Whether a host runs on this data directory. */
export async function hostRuns(install: Install): Promise<boolean> {
  try {
    await callHost(install.paths.controlSocket, 'status', {})
    return true
  } catch (error) {
    if (error instanceof NoHostError) return false
    throw error
  }
}

/** Starts it and waits until it takes messages; returns a login link, or null without a web chat. */
export async function startDetached(install: Install, context: CliContext): Promise<string | null> {
  context.output.err('starting the host in the background')
  const outFile = outFileOf(install.paths)
  mkdirSync(dirname(outFile), { recursive: true })
  // What the last host said before it died may be what somebody looks for.
  moveAside(outFile, 1)
  const out = openSync(outFile, 'a')
  const main = join(install.projectDir, 'src', 'main.ts')
  const host = [process.execPath, ...process.execArgv, main, 'serve']
  const child = spawn('/bin/sh', ['-c', KEEPER, 'creel-host', ...host], {
    cwd: install.projectDir,
    detached: true,
    stdio: ['ignore', out, out],
    env: context.env,
  })
  closeSync(out)
  let died: number | null = null
  child.on('exit', (code) => {
    died = code ?? 1
  })
  child.unref()
  const deadline = systemClock.now() + READY_MS
  for (;;) {
    try {
      const { url } = (await callHost(install.paths.controlSocket, 'link', {})) as { url: string }
      return install.config.web.enabled ? url : null
    } catch (error) {
      if (!(error instanceof NoHostError)) throw error
    }
    if (died !== null)
      throw new CreelError('unavailable', `the host ended at once (exit code ${died})`, {
        hint: `see ${outFile}`,
      })
    if (systemClock.now() > deadline)
      throw new CreelError('timeout', 'the host did not start in time', { hint: `see ${outFile}` })
    await systemClock.sleep(50, context.signal)
  }
}

/** Has it end in order, with its sandboxes, and waits for that. False when none ran. */
export async function stopHost(install: Install, context: CliContext): Promise<boolean> {
  try {
    await callHost(install.paths.controlSocket, 'down', {})
  } catch (error) {
    if (!(error instanceof NoHostError)) throw error
    return false
  }
  context.output.err('stopping: running turns get ten seconds to end')
  for (;;) {
    try {
      await callHost(install.paths.controlSocket, 'status', {})
    } catch (error) {
      if (error instanceof NoHostError && (await released(install))) break
      if (!(error instanceof NoHostError) && !isHangUp(error)) throw error
    }
    await systemClock.sleep(50, context.signal)
  }
  return true
}

/** The control socket goes first, the lock last. */
async function released(install: Install): Promise<boolean> {
  try {
    await runCommand(install, 'integrity')
    return true
  } catch (error) {
    if (error instanceof CreelError && error.code === 'conflict') return false
    throw error
  }
}

function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}
