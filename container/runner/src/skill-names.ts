import { readdirSync } from 'node:fs'

/** Names of the agent's skills: folders that the host has checked and nothing in the sandbox can change. */
export function skillNames(skillsDir: string): string[] {
  try {
    return readdirSync(skillsDir).sort()
  } catch (error) {
    // A runner outside a sandbox may have none.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
