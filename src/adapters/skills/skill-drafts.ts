import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { askChild } from '../../ask-child.ts'
import { CreelError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import type { SkillDraft, SkillDrafts } from '../../domain/ports/skill-drafts.ts'
import { isSkillName } from '../../domain/skill.ts'
import type { Paths } from '../../paths.ts'
import { replaceFile } from '../../replace-file.ts'
import { DraftAnswer, type DraftJob } from './draft-wire.ts'
import { addSkill, lookAtSkill } from './skill-store.ts'

/** With the start of a process on a busy machine. */
const DEADLINE_MS = 12_000
/** Drafts that nobody waits for: an ask comes right after its copy. */
const SPARE = 3
const ABOUT = 'draft.json'
const HASH = /^[0-9a-f]{64}$/

const About = z.object({
  name: z.string().refine(isSkillName),
  description: z.string(),
  sha256: z.string().regex(HASH),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), executable: z.boolean() })),
  review: z.object({ sha256: z.string().regex(HASH), bytes: z.number() }),
})
const Pins = z.record(z.string(), z.string())

/** Drafts as folders below the data directory, by the hash of what is in them. */
export class DiskSkillDrafts implements SkillDrafts {
  readonly #paths: Paths
  readonly #deadlineMs: number

  constructor(paths: Paths, options: { deadlineMs?: number } = {}) {
    this.#paths = paths
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
  }

  async stage(
    group: GroupName,
    path: string,
    keep: ReadonlySet<string>,
    attach: (text: string) => Promise<{ sha256: string; bytes: number }>,
  ): Promise<SkillDraft> {
    const folder = this.#paths.skillDrafts(group)
    const incoming = join(folder, `.${randomUUID()}`)
    mkdirSync(incoming, { recursive: true, mode: 0o700 })
    try {
      const copy = join(incoming, basename(path))
      await this.#copy({ root: this.#paths.workspace(group), path, to: copy })
      const report = await looked(copy, basename(path))
      const { name, sha256 } = report
      const known = this.find(group, sha256)
      if (known) return known
      const review = await attach(await reviewText(copy, report))
      replaceFile(join(incoming, ABOUT), JSON.stringify({ ...report, review }), 0o600)
      const target = join(folder, sha256)
      // A rest without its description is no draft.
      await rm(target, { recursive: true, force: true })
      await rename(incoming, target)
      await this.#prune(folder, new Set([...keep, sha256]))
      const text = await readFile(join(target, name, 'SKILL.md'), 'utf8')
      return { ...report, review, text }
    } finally {
      await rm(incoming, { recursive: true, force: true })
    }
  }

  find(group: GroupName, sha256: string): SkillDraft | null {
    const folder = join(this.#paths.skillDrafts(group), sha256)
    if (!HASH.test(sha256) || !existsSync(join(folder, ABOUT))) return null
    const about = About.parse(JSON.parse(readFileSync(join(folder, ABOUT), 'utf8')))
    return { ...about, text: readFileSync(join(folder, about.name, 'SKILL.md'), 'utf8') }
  }

  standing(group: GroupName, name: string): string {
    const parent = this.#paths.groupSkills(group)
    if (!existsSync(join(parent, name))) return 'none'
    const pins = join(parent, '.pins.json')
    const known = existsSync(pins) ? Pins.safeParse(parsed(readFileSync(pins, 'utf8'))).data : undefined
    const pin = known && Object.hasOwn(known, name) ? known[name] : undefined
    return pin ?? 'unpinned'
  }

  async place(group: GroupName, { name, sha256 }: Pick<SkillDraft, 'name' | 'sha256'>): Promise<void> {
    const folder = join(this.#paths.skillDrafts(group), sha256, name)
    if (this.find(group, sha256)?.name !== name)
      throw new CreelError('not_found', 'what was shown is not kept any more; ask again')
    const { sha256: now } = await lookAtSkill(folder)
    if (now !== sha256) throw new CreelError('conflict', 'it is not what was shown any more')
    await addSkill(folder, this.#paths.groupSkills(group), true)
  }

  async #copy(job: DraftJob): Promise<void> {
    const answer = await askChild(job, {
      program: new URL('./draft-child-main.ts', import.meta.url),
      maxHeapMb: 128,
      deadlineMs: this.#deadlineMs,
      answer: DraftAnswer,
      lost,
    })
    if (answer.kind === 'refused') throw new CreelError('invalid', `Not asked: ${answer.reason}.`)
  }

  async #prune(folder: string, keep: ReadonlySet<string>): Promise<void> {
    const spare = readdirSync(folder)
      .filter((name) => HASH.test(name) && !keep.has(name))
      .map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs }))
      .sort((a, b) => b.at - a.at)
    for (const { name } of spare.slice(SPARE)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

type Report = Awaited<ReturnType<typeof lookAtSkill>>

/** Words for the agent: of its own folder, not of our copy. */
async function looked(copy: string, name: string): Promise<Report> {
  if (!isSkillName(name))
    throw new CreelError(
      'invalid',
      'Not asked: the folder is to have the name of the skill: a-z, 0-9 and single -, at most 64.',
    )
  try {
    return await lookAtSkill(copy)
  } catch (error) {
    if (!(error instanceof CreelError)) throw error
    throw new CreelError('invalid', `Not asked: ${error.message.replace(`${copy}: `, '')}.`)
  }
}

/** All files as one text. Each line of a file begins with a bar, so that no file can pretend to be two. */
async function reviewText(folder: string, { name, sha256, files }: Report): Promise<string> {
  const parts = [`The skill ${name}, whole, as it would be let in. sha256 ${sha256}\n`]
  for (const { path, bytes, executable } of files) {
    const content = await readFile(join(folder, path))
    const text = content.toString('utf8')
    const isText = Buffer.from(text, 'utf8').equals(content) && !text.includes('\0')
    parts.push(`\n=== ${path} (${bytes} bytes${executable ? ', can be run' : ''})\n`)
    parts.push(isText ? `${text.replace(/^/gm, '| ')}\n` : '(not text)\n')
  }
  return parts.join('')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function lost(reason: string): CreelError {
  return new CreelError('unavailable', `Not asked: your folder cannot be read: ${reason}.`, {
    hint: 'Try it once more; if it fails again, tell the person.',
  })
}
