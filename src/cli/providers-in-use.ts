import { z } from 'zod'
import type { Install } from '../config/load.ts'
import { runCommand } from './session.ts'

const Groups = z.array(z.object({ provider: z.string().nullable() }))

/**
 * Providers that groups of this install use, each once; what a broken group wants is not known. With no group yet, what
 * the first agent will get.
 */
export async function providersInUse(install: Install): Promise<readonly string[]> {
  const groups = Groups.parse(await runCommand(install, 'group-list'))
  const named = groups.map((group) => group.provider).filter((provider) => provider !== null)
  return groups.length === 0 ? ['demo'] : [...new Set(named)].sort()
}
