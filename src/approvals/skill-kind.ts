import { z } from 'zod'
import type { Groups } from '../config/groups.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ChatFile } from '../domain/message.ts'
import type { SkillDraft, SkillDrafts } from '../domain/ports/skill-drafts.ts'
import { cleanText, hasVisible } from '../markdown/clean-text.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const OPEN_MS = 24 * 3_600_000
const MAX_REASON = 300
/** Of SKILL.md on the card; all of it is in the file that comes with it. */
const MAX_SHOWN = 2_500
const MAX_LINE = 400
const MAX_LISTED = 30
/** What a line holds that a card leaves out, or shows as nothing. A carriage return inside of a line is one of them. */
const UNSHOWN = /[^\P{Cc}\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

const Payload = z.strictObject({
  name: z.string(),
  sha256: z.string(),
  description: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.number(), executable: z.boolean() })),
  /** What stood there when it was asked: only that is replaced. */
  standing: z.string(),
  review: z.object({ sha256: z.string(), bytes: z.number() }),
})
type Payload = z.infer<typeof Payload>
/** What of it is there even when nobody was asked. */
const Named = z.object({ name: z.string().optional() })

export interface SkillKindPorts {
  readonly drafts: Pick<SkillDrafts, 'find' | 'standing' | 'place'>
  readonly groups: Pick<Groups, 'exists' | 'load'>
}

/** A skill that an agent wrote and wants to have as its own. */
export function skillKind(ports: SkillKindPorts): ApprovalKind {
  const { drafts, groups } = ports
  return {
    name: 'skill',
    decides: 'admin',
    renews: true,
    read(group, ask) {
      if (ask.kind !== 'skill') throw new Error(`an ask of kind ${ask.kind}`)
      return readAsk(group, ask.sha256, ask.reason, ports)
    },
    attached: ({ payload }) => reviewOf(Payload.parse(JSON.parse(payload))),
    async carryOut(approval) {
      const { group } = approval
      const payload = Payload.parse(JSON.parse(approval.payload))
      if (!groups.exists(group)) throw new CreelError('not_found', `there is no agent ${group} any more`)
      const now = drafts.standing(group, payload.name)
      if (now !== payload.standing && now !== payload.sha256)
        throw new CreelError('conflict', `there is another skill ${payload.name} by now`)
      await drafts.place(group, payload)
      return `The skill ${payload.name} is yours, as it was when you asked; what you change in your workspace does not change it.`
    },
    about: ({ payload }) =>
      `your request for the skill ${quoted(Named.parse(JSON.parse(payload)).name ?? 'that you wrote', 64)}`,
    expired: () => 'Nobody decided in time, which counts as a no. Go on without it.',
  }
}

function readAsk(group: GroupName, sha256: string, reason: string, ports: SkillKindPorts): AskedFor {
  const draft = ports.drafts.find(group, sha256)
  if (draft === null)
    return no('What you ask for was never looked at, or not lately. Call propose_skill again.')
  const { name } = draft
  const wanted = wantedSkills(group, ports)
  if (wanted === 'unreadable')
    return no('Your container.json cannot be read; tell the person that its owner has to mend it.')
  if (wanted !== undefined && !wanted.includes(name))
    return no(
      `Your container.json names the skills that you have ("skills"); its owner has to add "${name}" there first.`,
    )
  const standing = ports.drafts.standing(group, name)
  if (standing === sha256) return { settled: 'done', outcome: `You have exactly this skill ${name} already.` }
  const problem = unshown(draft.text)
  if (problem !== null) return no(problem)
  const { description, files, review } = draft
  const payload: Payload = { name, sha256, description, files: [...files], standing, review }
  return {
    payload,
    what: cardLines(draft, standing, reason).join('\n'),
    choices: [
      { id: 'add', label: 'Let it in', allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    openMs: OPEN_MS,
  }
}

function wantedSkills(
  group: GroupName,
  { groups }: SkillKindPorts,
): readonly string[] | undefined | 'unreadable' {
  try {
    return groups.load(group).skills
  } catch (error) {
    if (error instanceof CreelError) return 'unreadable'
    throw error
  }
}

function cardLines(draft: SkillDraft, standing: string, reason: string): string[] {
  const { name, description, files, sha256, text } = draft
  const lines = cleanText(text).trimEnd().split('\n')
  const shown = shownLines(lines)
  const isWhole = shown.length === lines.length
  return [
    `wants a skill of its own, ${quoted(name, 64)}: instructions that it follows from then on, and programs that it may run in its sandbox.`,
    ...(standing === 'none' ? [] : [`**It takes the place of the skill of this name that it has.**`]),
    `What it says it is for: ${quoted(description, MAX_LINE)}`,
    `Its words: ${quoted(reason, MAX_REASON)}`,
    '',
    `Its files (sha256 ${quoted(sha256, 64)}), all of them in the file above:`,
    '',
    ...files.slice(0, MAX_LISTED).map(fileLine),
    ...(files.length > MAX_LISTED ? [`and ${files.length - MAX_LISTED} more`] : []),
    '',
    isWhole ? 'Its SKILL.md, whole:' : 'The beginning of its SKILL.md; the rest is in the file above:',
    '',
    ...shown,
  ]
}

function fileLine({ path, bytes, executable }: SkillDraft['files'][number]): string {
  return `${quoted(path, 300)} ${bytes} bytes${executable ? ', can be run' : ''}`
}

/**
 * What of a SKILL.md its card could not show, for the agent; null when there is nothing: people decide about what they
 * see. Windows line ends, and a byte order mark at the beginning, say nothing and may be there.
 */
function unshown(text: string): string | null {
  const lines = text
    .replace(/^\uFEFF/, '')
    // That an emoji is one, and no letter.
    .replace(/(\p{Extended_Pictographic})\uFE0F/gu, '$1')
    .split(/\r?\n/)
  for (const [index, line] of lines.entries()) {
    const found = UNSHOWN.exec(line)?.[0]
    if (found === undefined && (line.trim() === '' || hasVisible(line))) continue
    const what = found === undefined ? 'only characters that nobody sees' : codePoint(found)
    return `Line ${index + 1} of its SKILL.md has ${what}, which cannot be shown to the owner as it is: expected visible characters, spaces and tabs, and lines that end with \\n. Take everything else out of all of it, then call propose_skill again.`
  }
  return null
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** As many lines as fit; each harmless. */
function shownLines(lines: readonly string[]): string[] {
  const shown: string[] = []
  let room = MAX_SHOWN
  for (const line of lines) {
    if (line.length > MAX_LINE || line.length > room) break
    room -= line.length + 1
    shown.push(line.trim() === '' ? '' : quoted(line, MAX_LINE))
  }
  return shown
}

function reviewOf({ name, review }: Payload): ChatFile {
  return { ...review, name: `skill-${name}.txt`, mime: 'text/plain', image: null }
}

function no(outcome: string): AskedFor {
  return { settled: 'denied', outcome }
}
