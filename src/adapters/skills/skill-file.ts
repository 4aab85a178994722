import { z } from 'zod'
import { IMAGE_PARTS, type ImagePart, isSkillName } from '../../domain/skill.ts'

/** Longest SKILL.md in bytes: the model reads it whole. */
export const MAX_SKILL_FILE = 128 * 1024
const MAX_FRONTMATTER = 8 * 1024

/** Three dashes, YAML, three dashes; a byte order mark and Windows line ends are taken as well. */
const FRONTMATTER = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/

/** The keys that we read, with the limits of the Agent Skills standard; it has more, and so may a file. */
const Head = z.object({
  name: z.string().refine(isSkillName, 'expected a-z, 0-9 and single -, at most 64 characters'),
  description: z
    .string()
    .refine((text) => text.trim() !== '', 'must not be empty')
    .max(1024, 'expected at most 1024 characters'),
  metadata: z.unknown().optional(),
})

/** What of `metadata` is ours; the rest is whatever its author liked. */
const Metadata = z.object({
  'creel-image': z.enum(IMAGE_PARTS, `expected ${IMAGE_PARTS.join(' or ')}`).optional(),
})

export interface SkillHead {
  readonly name: string
  readonly description: string
  /** What it needs of the image. */
  readonly image?: ImagePart
}

/** The name and description of a SKILL.md, or in words for a person why it has none. Pure. */
export async function readSkillHead(text: string): Promise<SkillHead | { readonly problem: string }> {
  const yaml = FRONTMATTER.exec(text)?.[1]
  if (yaml === undefined)
    return { problem: 'SKILL.md: expected to begin with --- and lines "name:" and "description:"' }
  if (Buffer.byteLength(yaml) > MAX_FRONTMATTER)
    return { problem: `SKILL.md: expected at most ${MAX_FRONTMATTER} bytes between the --- lines` }
  const head = Head.safeParse(await parsedYaml(yaml))
  if (head.success) return withNeeds(head.data)
  const issue = head.error.issues[0]
  const key = issue?.path.join('.') ?? ''
  return { problem: `SKILL.md: ${key === '' ? 'not valid YAML with keys' : `${key}: ${issue?.message}`}` }
}

function withNeeds({ name, description, metadata }: z.infer<typeof Head>): SkillHead | { problem: string } {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    return { name, description }
  const ours = Metadata.safeParse(metadata)
  if (!ours.success)
    return { problem: `SKILL.md: metadata: creel-image: ${ours.error.issues[0]?.message ?? 'not known'}` }
  const image = ours.data['creel-image']
  return { name, description, ...(image === undefined ? {} : { image }) }
}

/** Undefined for what is no YAML, and for what would unfold to more than it is. */
async function parsedYaml(yaml: string): Promise<unknown> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(yaml, { schema: 'core', merge: false, logLevel: 'silent' })
  if (document.errors.length > 0) return undefined
  try {
    return document.toJS({ maxAliasCount: 10 })
  } catch (error) {
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}
