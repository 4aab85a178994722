import type { ChildProcess } from 'node:child_process'
import { type Clock, rest } from './clock.ts'
import { killTree, signalProcess } from './process-tree.ts'

/** What of a script's output is kept: its end, where it says what comes of it. */
const MAX_OUTPUT = 16_000
const FLUSH_MS = 500

export interface TaskScript {
  readonly script: string
  readonly timeoutS: number
}

export interface ScriptPlace {
  readonly workspaceDir: string
  readonly toolEnvironment: Readonly<Record<string, string>>
  readonly clock: Clock
}

/** `asleep`: there is nothing for the agent to do this time. */
export type ScriptEnd =
  | { readonly kind: 'asleep' }
  | { readonly kind: 'awake'; readonly told: string }
  | { readonly kind: 'stopped' }

/**
 * Runs a task's script in the workspace and kills all that is left of it. One that fails or takes too long wakes the
 * agent and tells it so: a broken script must not be a task that silently never runs. Never rejects.
 */
export async function runTaskScript(
  { script, timeoutS }: TaskScript,
  { workspaceDir, toolEnvironment, clock }: ScriptPlace,
  signal: AbortSignal,
): Promise<ScriptEnd> {
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { randomUUID } = process.getBuiltinModule('node:crypto')
  const mark = { name: 'CREEL_TASK_SCRIPT', value: randomUUID() }
  const variables = Object.entries({ ...toolEnvironment, [mark.name]: mark.value })
  const child = spawn('env', [...variables.map(([name, value]) => `${name}=${value}`), 'sh', '-c', script], {
    cwd: workspaceDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const output = collect(child)
  const timer = new AbortController()
  const late = rest(clock, timeoutS * 1000, AbortSignal.any([signal, timer.signal])).then(
    () => 'late' as const,
  )
  const closed = new Promise((resolve) => child.once('close', resolve))
  const how = await Promise.race([ended(child), late])
  timer.abort()
  if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL')
  killTree(undefined, mark)
  // What it wrote last may still be in the pipe; nobody is left who could hold that open.
  const flushed = new AbortController()
  await Promise.race([closed, rest(clock, FLUSH_MS, flushed.signal)])
  flushed.abort()
  if (signal.aborted) return { kind: 'stopped' }
  const text = output()
  if (how === 0 && sleepsOn(text)) return { kind: 'asleep' }
  return { kind: 'awake', told: toldOf(how, text, timeoutS) }
}

function toldOf(how: Awaited<ReturnType<typeof ended>> | 'late', output: string, timeoutS: number): string {
  const printed = output.trim() === '' ? 'It printed nothing.' : `It printed:\n\n${output.trim()}`
  if (how === 0) return `The task's script ran. ${printed}`
  const why = how === 'late' ? `was ended after ${timeoutS} seconds` : `failed (${how})`
  return `The task's script ${why}; say so, and mend it with update_task when you can. ${printed}`
}

/** Whether the last line is JSON that says so. */
function sleepsOn(output: string): boolean {
  const last = output.trim().split('\n').at(-1) ?? ''
  try {
    const said: unknown = JSON.parse(last)
    return typeof said === 'object' && said !== null && 'wakeAgent' in said && said.wakeAgent === false
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Both streams as they come; only the end is kept. */
function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      text = (text + chunk).slice(-MAX_OUTPUT)
    })
  }
  return () => text
}

function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    // Not 'close': a process that it left behind may hold the streams open.
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
}
