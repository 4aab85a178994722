import type { ProviderParts } from '../../provider.ts'

const TIMEOUT_MS = 60_000
const MAX_OUTPUT = 100_000

/**
 * Runs a command with /bin/sh, in a process group of its own, and returns `exit <code>` and what it wrote, stdout and
 * stderr together, bounded. Kills the group after 60 s or when `signal` aborts. Never rejects.
 */
export function runShell(
  command: string,
  { workspaceDir, toolEnvironment }: Pick<ProviderParts, 'workspaceDir' | 'toolEnvironment'>,
  signal: AbortSignal,
): Promise<string> {
  // Loaded on first use, not at the start of every runner.
  const { spawn } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve) => {
    const variables = Object.entries(toolEnvironment).map(([name, value]) => `${name}=${value}`)
    // env(1) adds to our variables and then becomes the shell: the same process.
    const child = spawn('/usr/bin/env', [...variables, '/bin/sh', '-c', command], {
      cwd: workspaceDir,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const take = (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT) output += chunk.toString('utf8')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    const kill = () => {
      killGroup(child.pid)
      // A process that left the group may hold the pipes open for ever.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const timer = setTimeout(kill, TIMEOUT_MS)
    signal.addEventListener('abort', kill, { once: true })
    const end = (how: string) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
      resolve(`exit ${how}\n${output.slice(0, MAX_OUTPUT)}`)
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, by) => end(String(code ?? by)))
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ESRCH'
    if (!gone) throw error
  }
}
