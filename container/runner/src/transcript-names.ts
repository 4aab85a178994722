import { createHash } from 'node:crypto'

/** Where a session is written down: the folder of its chat, and what tells its files from those of other sessions there. */
export interface SessionPlace {
  readonly folder: string
  /** 1 for the first conversation of a chat, one more after each `/new`. */
  readonly conversation: number
}

/** One file of a conversation: its day in UTC, and its part when a day does not fit into one. */
export interface FileName {
  readonly day: string
  readonly part: number
}

const MAX_SLUG = 60
const NAME = /^(\d{4}-\d\d-\d\d)(?:\.conversation-([2-9]|[1-9]\d{1,9}))?(?:\.part-([2-9]|[1-9]\d{1,3}))?\.md$/

/**
 * The place of a session, whatever its id is made of: two ids never share one. Ids that differ in a last `~2` alone, as
 * the host numbers them after a `/new`, are conversations of one chat and lie in one folder.
 */
export function placeOf(session: string): SessionPlace {
  const numbered = /^(.*)~([1-9]\d{0,8})$/su.exec(session)
  const chat = numbered?.[1] ?? session
  const slug = chat
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, MAX_SLUG)
  const print = createHash('sha256').update(chat).digest('hex').slice(0, 12)
  return {
    folder: slug === '' ? print : `${slug.toLowerCase()}-${print}`,
    conversation: Number(numbered?.[2] ?? 0) + 1,
  }
}

export function fileName({ conversation }: SessionPlace, { day, part }: FileName): string {
  return [day, conversation > 1 && `.conversation-${conversation}`, part > 1 && `.part-${part}`, '.md']
    .filter((piece) => piece !== false)
    .join('')
}

/** What a name says, when it is a file of this conversation. */
export function parsedName(place: SessionPlace, name: string): FileName | undefined {
  const [, day, conversation, part] = NAME.exec(name) ?? []
  if (day === undefined || Number(conversation ?? 1) !== place.conversation) return undefined
  return { day, part: Number(part ?? 1) }
}

/** Newest first. */
export function newestFirst(a: FileName, b: FileName): number {
  return a.day === b.day ? b.part - a.part : a.day < b.day ? 1 : -1
}
