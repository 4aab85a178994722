import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closePlantedSkills } from './planted-skills.ts'

let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'codex-skills-')))
})
afterEach(() => rmSync(root, { recursive: true }))

/** App-server that found skills at these places. */
function found(skills: readonly { path: string; enabled?: boolean }[]) {
  const closed: string[] = []
  const request = async (method: string, params: unknown) => {
    if (method === 'skills/list')
      return { data: [{ cwd: '/workspace', skills: skills.map((skill) => ({ enabled: true, ...skill })) }] }
    if (method === 'skills/config/write') closed.push((params as { path: string }).path)
    return {}
  }
  return { request, closed }
}

describe('skills that are not ours', () => {
  it('are switched off; ours, seen through a link, and those that are off already are left alone', async () => {
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'real'), join(root, 'skills'))
    const { request, closed } = found([
      { path: join(root, 'real/lists/SKILL.md') },
      { path: '/workspace/.agents/skills/lists/SKILL.md' },
      { path: '/home/agent/.agents/skills/off/SKILL.md', enabled: false },
      { path: join(root, 'real-evil/x/SKILL.md') },
    ])
    expect(await closePlantedSkills(request, '/workspace', join(root, 'skills'))).toBe(2)
    expect(closed).toEqual(['/workspace/.agents/skills/lists/SKILL.md', join(root, 'real-evil/x/SKILL.md')])
  })

  it('are all of them where there are none of ours, and their number cannot hold up the start', async () => {
    const { request, closed } = found(Array.from({ length: 5_000 }, (_, n) => ({ path: `/workspace/${n}` })))
    expect(await closePlantedSkills(request, '/workspace', join(root, 'none'))).toBe(200)
    expect(closed).toHaveLength(200)
  })
})
