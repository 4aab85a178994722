import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** What the runtime itself must find again: the transcripts of its sessions. */
const KEPT: ReadonlySet<string> = new Set(['projects'])

/**
 * Removes everything but the transcripts from the runtime's folder, which the agent can write: settings, hooks,
 * tool servers and commands that it may have planted there (T9). Idempotent; a folder that is not there is clean.
 */
export function removePlanted(configDir: string): void {
  for (const name of namesIn(configDir)) {
    if (!KEPT.has(name)) rmSync(join(configDir, name), { recursive: true, force: true })
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (missing) return []
    throw error
  }
}
