import { realpathSync } from 'node:fs'
import { sep } from 'node:path'
import * as z from 'zod'

const LIMIT_MS = 10_000
/** Each costs a millisecond at start; a hostile agent could leave any number. */
const MAX_CLOSED = 200

const Listed = z.object({
  data: z.array(z.object({ skills: z.array(z.object({ path: z.string(), enabled: z.boolean() })) })),
})

export type Request = (method: string, params: unknown, timeoutMs: number) => Promise<unknown>

/**
 * Switches off what app-server found of skills but did not get from us: it looks in folders that the agent can write
 * (`.agents/skills` of home and workspace), and knows no setting against that (T9). Returns how many.
 */
export async function closePlantedSkills(
  request: Request,
  workspaceDir: string,
  skillsDir: string,
): Promise<number> {
  const answer = await request('skills/list', { cwds: [workspaceDir], forceReload: true }, LIMIT_MS)
  const ours = `${realPath(skillsDir)}${sep}`
  const planted = Listed.parse(answer)
    .data.flatMap(({ skills }) => skills)
    .filter(({ path, enabled }) => enabled && !path.startsWith(ours))
    .slice(0, MAX_CLOSED)
  for (const { path } of planted) await request('skills/config/write', { path, enabled: false }, LIMIT_MS)
  return planted.length
}

/** App-server names a skill by the place that links lead to. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder)
  } catch (error) {
    // Where there are no skills of ours, all others are planted.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return folder
    throw error
  }
}
